/* TLS sessions, in the files of history; and the reports on them, in the control database. */

-- name: history_tls_count
UPDATE tls_session SET sessions = sessions + 1
WHERE day = $1 AND domain = $2 AND policy = $3 AND result = $4 AND mx_host = $5
  AND sending_ip = $6 AND receiving_ip = $7 AND reason = $8;

-- name: history_tls_add
INSERT INTO tls_session (day, domain, policy, result, mx_host, sending_ip, receiving_ip, reason,
                         sessions)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)
ON CONFLICT (day, domain, policy, result, mx_host, sending_ip, receiving_ip, reason)
DO UPDATE SET sessions = sessions + 1;

-- name: history_tls_kinds
SELECT count(*) FROM tls_session WHERE day = $1 AND domain = $2;

-- name: history_tls_list
SELECT policy, result, mx_host, sending_ip, receiving_ip, reason, sessions FROM tls_session
WHERE day = $1 AND domain = $2
ORDER BY policy, result, mx_host, sending_ip, receiving_ip, reason;

-- name: history_tls_domains
SELECT domain, sum(CASE WHEN result = 0 THEN sessions ELSE 0 END),
       sum(CASE WHEN result = 0 THEN 0 ELSE sessions END)
FROM tls_session WHERE day = $1 AND domain > $2 GROUP BY domain ORDER BY domain LIMIT $3;

-- name: tls_report_day_find
SELECT begins_us, last_domain, done FROM tls_report_day WHERE day = $1;

-- name: tls_report_day_save
INSERT INTO tls_report_day (day, begins_us, last_domain, done) VALUES ($1, $2, $3, $4)
ON CONFLICT (day) DO UPDATE SET last_domain = excluded.last_domain, done = excluded.done;

-- name: tls_report_day_forget
DELETE FROM tls_report_day WHERE day < $1;

-- name: tls_report_save
INSERT INTO tls_report (day, domain, place, uri, state, attempts, next_us, since_us, why, message_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (day, domain, place) DO UPDATE
SET uri = excluded.uri, state = excluded.state, attempts = excluded.attempts,
    next_us = excluded.next_us, since_us = excluded.since_us, why = excluded.why,
    message_id = excluded.message_id;

-- name: tls_report_due
SELECT day, domain, place, uri, state, attempts, next_us, since_us, why, message_id
FROM tls_report WHERE state = 'waiting' AND next_us <= $1 ORDER BY next_us LIMIT $2;

-- name: tls_report_of
SELECT day, domain, place, uri, state, attempts, next_us, since_us, why, message_id
FROM tls_report WHERE day = $1 AND domain = $2 ORDER BY place;

-- name: tls_report_count
SELECT count(*) FROM tls_report WHERE day = $1;

-- name: tls_report_remove
DELETE FROM tls_report WHERE day = $1 AND domain = $2;

-- name: tls_report_forget
DELETE FROM tls_report WHERE day < $1;
