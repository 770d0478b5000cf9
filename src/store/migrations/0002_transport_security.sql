/* Policies of MTA-STS (RFC 8461) that were fetched, and reports on TLS (RFC 8460) that were sent.
 * Times are microseconds since 1970, UTC. */

-- One row a domain. `mode` is '' when no policy is kept; `policy` is then '' too. The policy goes on
-- until `expires_us`, whatever comes of later fetches; of the last one that failed `trouble` says
-- why, since when, and for the sake of which record's id.
CREATE TABLE sts_policy (
    domain TEXT NOT NULL PRIMARY KEY,
    record_id TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('', 'none', 'testing', 'enforce')),
    policy TEXT NOT NULL,
    fetched_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    asked_us INTEGER NOT NULL,
    tried_us INTEGER NOT NULL,
    trouble TEXT NOT NULL,
    trouble_kind INTEGER NOT NULL,
    trouble_since_us INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    next_us INTEGER NOT NULL
) STRICT;

CREATE INDEX sts_policy_next ON sts_policy (next_us);
CREATE INDEX sts_policy_asked ON sts_policy (asked_us);

-- How far the domains of a day have been gone through; `day` is 2026-11-23.
CREATE TABLE tls_report_day (
    day TEXT NOT NULL PRIMARY KEY,
    begins_us INTEGER NOT NULL,
    last_domain TEXT NOT NULL,
    done INTEGER NOT NULL CHECK (done IN (0, 1))
) STRICT;

-- One row for each place that a domain wants its report sent to; `uri` is '' while its record could
-- not be looked up.
CREATE TABLE tls_report (
    day TEXT NOT NULL,
    domain TEXT NOT NULL,
    place INTEGER NOT NULL,
    uri TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'dropped')),
    attempts INTEGER NOT NULL,
    next_us INTEGER NOT NULL,
    since_us INTEGER NOT NULL,
    why TEXT NOT NULL,
    message_id TEXT NOT NULL,
    PRIMARY KEY (day, domain, place)
) STRICT;

CREATE INDEX tls_report_due ON tls_report (next_us) WHERE state = 'waiting';
