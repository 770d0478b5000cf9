/* What a site's people are told of its mail now and then. Times are microseconds since 1970, UTC. */

-- Recipients that did not get their mail, by whose fault it is (feedback_fault_name), by days.
CREATE TABLE failure (
    site_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    fault TEXT NOT NULL,
    recipients INTEGER NOT NULL,
    PRIMARY KEY (site_id, day, fault)
) STRICT;

-- A site without a row gets no digest by mail.
CREATE TABLE digest (
    site_id INTEGER NOT NULL PRIMARY KEY REFERENCES site (id),
    days INTEGER NOT NULL,
    next_us INTEGER NOT NULL
) STRICT;
