/* One day of events, by the steward's clock (UTC); the file is dropped whole when its time is over.
 * Ids of messages begin with the time, so the trees grow at their ends. */

-- `data` is the event as queue/event.h writes it. Events of a whole site have the site's and the
-- spool's id in place of a message's.
CREATE TABLE event (
    message BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (message, sequence)
) STRICT, WITHOUT ROWID;

-- The messages whose acceptance is told in this file, by site.
CREATE TABLE message (
    site_id INTEGER NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (site_id, message)
) STRICT, WITHOUT ROWID;

-- The last event of each spool that is in this file or in one of a day before.
CREATE TABLE position (
    spool_id INTEGER NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT;
