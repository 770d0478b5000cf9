-- How mail from each domain of an identity fares under DMARC (site/alignment.h): what receivers that go
-- by RFC 9989 find, and those that go by RFC 7489 (list_…). Times are microseconds since 1970, UTC.
CREATE TABLE alignment (
    identity_id INTEGER NOT NULL REFERENCES identity (id),
    place INTEGER NOT NULL,
    domain TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN ('NOT_STARTED', 'PENDING', 'SUCCESS', 'FAILED', 'TEMPORARY_FAILURE')),
    since_us INTEGER NOT NULL,
    why TEXT NOT NULL,
    next_step TEXT NOT NULL,
    trouble TEXT NOT NULL,
    checked_us INTEGER NOT NULL,
    dkim TEXT NOT NULL,
    spf TEXT NOT NULL,
    policy TEXT NOT NULL,
    found_at TEXT NOT NULL,
    record TEXT NOT NULL,
    dkim_mode TEXT NOT NULL,
    spf_mode TEXT NOT NULL,
    organization TEXT NOT NULL,
    list_policy TEXT NOT NULL,
    list_found_at TEXT NOT NULL,
    list_record TEXT NOT NULL,
    list_dkim_mode TEXT NOT NULL,
    list_spf_mode TEXT NOT NULL,
    list_organization TEXT NOT NULL,
    PRIMARY KEY (identity_id, domain)
) STRICT;
