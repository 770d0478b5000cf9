/* Addresses that a site's mail is not sent to (site/suppression.h). */

-- `address` is in lower case. A suppression that is held waits for an operator's review and keeps no
-- mail back. The evidence is an event: the message, as its id is written, and what the receiver said;
-- `class` is what that was taken for then. Without `expires_us` it stays until it is removed.
CREATE TABLE suppression (
    site_id INTEGER NOT NULL REFERENCES site (id),
    address TEXT NOT NULL,
    domain TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'held')),
    reason TEXT NOT NULL CHECK (reason IN ('bounce', 'complaint', 'manual')),
    class TEXT NOT NULL,
    message TEXT NOT NULL,
    text TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    expires_us INTEGER,
    PRIMARY KEY (site_id, address)
) STRICT, WITHOUT ROWID;

CREATE INDEX suppression_domain ON suppression (domain);
CREATE INDEX suppression_held ON suppression (domain, site_id, address) WHERE state = 'held';
CREATE INDEX suppression_expires ON suppression (expires_us) WHERE expires_us IS NOT NULL;

-- How many each site has, held ones too.
CREATE TABLE suppression_count (
    site_id INTEGER NOT NULL PRIMARY KEY REFERENCES site (id),
    suppressions INTEGER NOT NULL
) STRICT;
