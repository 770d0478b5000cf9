/* What sites may send, what they have sent, and how it was received. Times are microseconds since
 * 1970, UTC; hours are whole ones since then. */

-- 0: no limit. A site without a row has none.
CREATE TABLE quota (
    site_id INTEGER NOT NULL PRIMARY KEY REFERENCES site (id),
    messages_per_second INTEGER NOT NULL,
    recipients_per_day INTEGER NOT NULL
) STRICT;

-- Recipients, by the hour in which it happened. `bounced` are those whose addresses are not there
-- or refuse all mail (the recipient's fault, for good); `failed` all others that did not get it.
CREATE TABLE volume (
    site_id INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    bounced INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    complained INTEGER NOT NULL,
    PRIMARY KEY (site_id, hour)
) STRICT;
