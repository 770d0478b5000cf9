/* What the TLS sessions with mail hosts came to, for the daily reports of RFC 8460. */

-- `day` is that of the event (2026-11-23, UTC), which may be the day before the file's. `policy` and
-- `result` are those of wire/tls_session.h.
CREATE TABLE tls_session (
    day TEXT NOT NULL,
    domain TEXT NOT NULL,
    policy INTEGER NOT NULL,
    result INTEGER NOT NULL,
    mx_host TEXT NOT NULL,
    sending_ip TEXT NOT NULL,
    receiving_ip TEXT NOT NULL,
    reason TEXT NOT NULL,
    sessions INTEGER NOT NULL,
    PRIMARY KEY (day, domain, policy, result, mx_host, sending_ip, receiving_ip, reason)
) STRICT, WITHOUT ROWID;
