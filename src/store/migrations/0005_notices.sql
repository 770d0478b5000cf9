/* Whom Letterhead tells of what it has found, and its own mail on the way to them. Times are
 * microseconds since 1970, UTC. */

-- Addresses of the client's people: who is told of what happens to the site's mail.
CREATE TABLE site_contact (
    site_id INTEGER NOT NULL REFERENCES site (id),
    address TEXT NOT NULL,
    PRIMARY KEY (site_id, address)
) STRICT;

-- One row a trouble, from when it was found until after it was mended; site_id 0: of the whole
-- platform. `untold`: there is something to be told of it. `told_us` is when it was told first.
CREATE TABLE notice (
    id INTEGER NOT NULL PRIMARY KEY,
    site_id INTEGER NOT NULL,
    topic TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    told_us INTEGER,
    mended_us INTEGER,
    untold INTEGER NOT NULL CHECK (untold IN (0, 1)),
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    mended_subject TEXT NOT NULL,
    mended_text TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX notice_standing ON notice (site_id, topic) WHERE mended_us IS NULL;
CREATE INDEX notice_untold ON notice (id) WHERE untold = 1;

-- Mail that Letterhead itself sends. A message's id and the gateway that gets it are written down
-- before it is handed over, so that it is handed over once whatever crashes (submit/remote.h).
CREATE TABLE own_mail (
    id INTEGER NOT NULL PRIMARY KEY,
    notice_id INTEGER NOT NULL,
    recipients TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    attachment_name TEXT NOT NULL,
    attachment TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'dropped')),
    message_id TEXT NOT NULL,
    gateway INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    since_us INTEGER NOT NULL,
    next_us INTEGER NOT NULL,
    why TEXT NOT NULL
) STRICT;

CREATE INDEX own_mail_due ON own_mail (next_us) WHERE state = 'waiting';
CREATE INDEX own_mail_notice ON own_mail (notice_id);
