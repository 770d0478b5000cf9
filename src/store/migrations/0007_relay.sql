/* Clients' own SMTP accounts, which the mail of sites of method smtp goes through. Times are
 * microseconds since 1970, UTC. */

-- One a site. `version` is never used again and changes with the account: a connection made for an
-- old one is of no use to the new one. Limits that are NULL are those of the host's provider.
-- `next_probe_us` is when the account is tested next.
CREATE TABLE relay (
    id INTEGER NOT NULL PRIMARY KEY,
    site_id INTEGER NOT NULL UNIQUE REFERENCES site (id),
    version INTEGER NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    tls TEXT NOT NULL CHECK (tls IN ('starttls', 'tls')),
    user_name TEXT NOT NULL,
    sealed BLOB NOT NULL,
    outgoing_address TEXT NOT NULL,
    return_path TEXT NOT NULL CHECK (return_path IN ('account', 'ours')),
    connections_max INTEGER,
    messages_per_connection_max INTEGER,
    messages_per_minute_max INTEGER,
    recipients_per_day_max INTEGER,
    state TEXT NOT NULL CHECK (state IN ('UNTESTED', 'READY', 'DEGRADED', 'REFUSED')),
    since_us INTEGER NOT NULL,
    why TEXT NOT NULL,
    next_step TEXT NOT NULL,
    failures INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,
    probed_us INTEGER,
    next_probe_us INTEGER NOT NULL
) STRICT;

CREATE INDEX relay_due ON relay (next_probe_us);

-- What each test found, the newest RELAY_PROBES_KEPT of each account. `occasion` is what it was
-- made for, `report` is JSON.
CREATE TABLE relay_probe (
    id INTEGER NOT NULL PRIMARY KEY,
    relay_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    begun_us INTEGER NOT NULL,
    occasion TEXT NOT NULL,
    finding TEXT NOT NULL CHECK (
        finding IN ('good', 'warning', 'trouble', 'temporary', 'open')),
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    report TEXT NOT NULL
) STRICT;

CREATE INDEX relay_probe_relay ON relay_probe (relay_id, id);

-- How much of the account's day each gateway has used, and what it last met: nothing ('') or
-- trouble with the account. The day of an account begins with its first message.
CREATE TABLE relay_use (
    relay_id INTEGER NOT NULL,
    gateway INTEGER NOT NULL,
    version INTEGER NOT NULL,
    day_us INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    closed_until_us INTEGER NOT NULL,
    closed_why TEXT NOT NULL,
    trouble TEXT NOT NULL,
    trouble_since_us INTEGER NOT NULL,
    PRIMARY KEY (relay_id, gateway)
) STRICT;
