/* Policies of MTA-STS. */

-- name: sts_find
SELECT domain, record_id, mode, policy, fetched_us, expires_us, asked_us, tried_us, trouble,
       trouble_kind, trouble_since_us, failures, next_us
FROM sts_policy WHERE domain = $1;

-- name: sts_list
SELECT domain, record_id, mode, policy, fetched_us, expires_us, asked_us, tried_us, trouble,
       trouble_kind, trouble_since_us, failures, next_us
FROM sts_policy WHERE domain > $1 ORDER BY domain LIMIT $2;

-- name: sts_save
INSERT INTO sts_policy (domain, record_id, mode, policy, fetched_us, expires_us, asked_us, tried_us,
                        trouble, trouble_kind, trouble_since_us, failures, next_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (domain) DO UPDATE
SET record_id = excluded.record_id, mode = excluded.mode, policy = excluded.policy,
    fetched_us = excluded.fetched_us, expires_us = excluded.expires_us,
    asked_us = excluded.asked_us, tried_us = excluded.tried_us, trouble = excluded.trouble,
    trouble_kind = excluded.trouble_kind, trouble_since_us = excluded.trouble_since_us,
    failures = excluded.failures, next_us = excluded.next_us;

-- name: sts_asked
UPDATE sts_policy SET asked_us = $2 WHERE domain = $1;

-- name: sts_due
SELECT domain FROM sts_policy WHERE next_us <= $1 ORDER BY next_us LIMIT $2;

-- name: sts_count
SELECT count(*) FROM sts_policy;

-- name: sts_remove
DELETE FROM sts_policy WHERE domain = $1;

-- name: sts_evict
DELETE FROM sts_policy
WHERE domain = (SELECT domain FROM sts_policy ORDER BY asked_us, domain LIMIT 1);
