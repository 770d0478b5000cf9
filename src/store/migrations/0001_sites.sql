/* Sites, the identities they may send as, those identities' keys, and credentials.
 * Times are microseconds since 1970, UTC. Ids come from `counter` and are never used again: sealed
 * blobs are bound to the id of their site. */

CREATE TABLE counter (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

INSERT INTO counter (name, value) VALUES ('id', 0);

-- A removed site keeps its row, so that history can say whose mail it was; its name is free again.
CREATE TABLE site (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    method TEXT NOT NULL CHECK (method IN ('dkim', 'smtp', 'domain')),
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'removed')),
    state_since_us INTEGER NOT NULL,
    state_why TEXT NOT NULL,
    created_us INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX site_name ON site (name) WHERE state <> 'removed';

CREATE TABLE outgoing_address (
    site_id INTEGER NOT NULL REFERENCES site (id),
    address TEXT NOT NULL,
    PRIMARY KEY (site_id, address)
) STRICT;

CREATE TABLE identity (
    id INTEGER NOT NULL PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id),
    domain TEXT NOT NULL,
    covers_subdomains INTEGER NOT NULL CHECK (covers_subdomains IN (0, 1)),
    state TEXT NOT NULL CHECK (
        state IN ('NOT_STARTED', 'PENDING', 'SUCCESS', 'FAILED', 'TEMPORARY_FAILURE')),
    since_us INTEGER NOT NULL,
    why TEXT NOT NULL,
    next_step TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    checked_us INTEGER,
    succeeded_us INTEGER,
    next_check_us INTEGER,
    dmarc_state TEXT NOT NULL,
    dmarc_record TEXT NOT NULL,
    UNIQUE (site_id, domain)
) STRICT;

-- One site at a time may send as a domain.
CREATE UNIQUE INDEX identity_verified ON identity (domain)
    WHERE state IN ('SUCCESS', 'TEMPORARY_FAILURE');

CREATE INDEX identity_due ON identity (next_check_us) WHERE next_check_us IS NOT NULL;

-- The three DNS records of an identity. `record_state` is what was last proven; an answer that proves
-- nothing only sets `record_trouble`.
CREATE TABLE identity_key (
    id INTEGER NOT NULL PRIMARY KEY,
    identity_id INTEGER NOT NULL REFERENCES identity (id),
    slot TEXT NOT NULL CHECK (slot IN ('active', 'next', 'retiring')),
    selector TEXT NOT NULL,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('rsa-sha256', 'ed25519-sha256')),
    sealed BLOB NOT NULL,
    public_key BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    record_state TEXT NOT NULL CHECK (record_state IN ('unknown', 'right', 'absent', 'wrong')),
    record_since_us INTEGER NOT NULL,
    record_checked_us INTEGER,
    record_seen TEXT NOT NULL,
    record_advice TEXT NOT NULL,
    record_trouble TEXT NOT NULL,
    UNIQUE (identity_id, slot)
) STRICT;

CREATE TABLE credential (
    id INTEGER NOT NULL PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id),
    access_key_id TEXT NOT NULL UNIQUE,
    sealed BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    used_us INTEGER,
    revoked_us INTEGER
) STRICT;

CREATE INDEX credential_site ON credential (site_id);
