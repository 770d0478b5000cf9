/* Keys of DKIM whose records are published in the platform's own zone, and that take turns.
 * Times are microseconds since 1970, UTC. */

-- `dkim_zone` is where the client's CNAME records lead to; '' when the client has the keys
-- themselves, as TXT records. `rotate_us`: when the next rotation is due; NULL: not by the clock.
ALTER TABLE identity ADD COLUMN dkim_zone TEXT NOT NULL DEFAULT '';
ALTER TABLE identity ADD COLUMN rotated_us INTEGER;
ALTER TABLE identity ADD COLUMN rotate_us INTEGER;

-- Made anew: a slot may hold more than one key while they take turns. `seen_us`: since when the key
-- as it is now is known to be in the DNS of the world; NULL: not yet, so nothing may be signed with
-- it. `withdrawn_us`: it was compromised; its record says so, and nothing is signed with it.
CREATE TABLE identity_key_of_slots (
    id INTEGER NOT NULL PRIMARY KEY,
    identity_id INTEGER NOT NULL REFERENCES identity (id),
    slot TEXT NOT NULL CHECK (slot IN ('active', 'next', 'retiring', 'second')),
    slot_since_us INTEGER NOT NULL,
    selector TEXT NOT NULL,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('rsa-sha256', 'ed25519-sha256')),
    origin TEXT NOT NULL CHECK (origin IN ('made', 'imported')),
    sealed BLOB NOT NULL,
    public_key BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    seen_us INTEGER,
    withdrawn_us INTEGER,
    record_state TEXT NOT NULL CHECK (record_state IN ('unknown', 'right', 'absent', 'wrong')),
    record_since_us INTEGER NOT NULL,
    record_checked_us INTEGER,
    record_seen TEXT NOT NULL,
    record_advice TEXT NOT NULL,
    record_trouble TEXT NOT NULL,
    record_cause TEXT NOT NULL DEFAULT '',
    record_server TEXT NOT NULL DEFAULT '',
    UNIQUE (identity_id, selector)
) STRICT;

INSERT INTO identity_key_of_slots
SELECT id, identity_id, slot, created_us, selector, algorithm, 'made', sealed, public_key, created_us,
       CASE WHEN record_state = 'right' THEN record_checked_us END, NULL, record_state,
       record_since_us, record_checked_us, record_seen, record_advice, record_trouble, record_cause,
       record_server
FROM identity_key;

DROP TABLE identity_key;
ALTER TABLE identity_key_of_slots RENAME TO identity_key;

-- What the platform's zone shall hold: one TXT record a row. `published` is what the server was last
-- found to have of ours, `offered` what an update may have put there whose end nobody knows; '' is
-- no record. A row whose record is gone, as wanted, goes too.
CREATE TABLE publication (
    name TEXT NOT NULL PRIMARY KEY,
    identity_id INTEGER NOT NULL,
    wanted TEXT NOT NULL,
    wanted_us INTEGER NOT NULL,
    offered TEXT NOT NULL,
    published TEXT NOT NULL,
    published_us INTEGER,
    checked_us INTEGER,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'published', 'clash', 'trouble')),
    since_us INTEGER NOT NULL,
    trouble TEXT NOT NULL,
    failures INTEGER NOT NULL,
    next_us INTEGER NOT NULL
) STRICT;

CREATE INDEX publication_next ON publication (next_us);
CREATE INDEX publication_identity ON publication (identity_id);
