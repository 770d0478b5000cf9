/* The MAIL FROM domains of sites. */

-- name: mail_from_find
SELECT site_id, domain, on_failure, state, since_us, why, next_step, trouble, checked_us,
       next_check_us
FROM mail_from WHERE site_id = $1;

-- name: mail_from_save
INSERT INTO mail_from (site_id, domain, on_failure, state, since_us, why, next_step, trouble,
                       checked_us, next_check_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (site_id) DO UPDATE
SET domain = excluded.domain, on_failure = excluded.on_failure, state = excluded.state,
    since_us = excluded.since_us, why = excluded.why, next_step = excluded.next_step,
    trouble = excluded.trouble, checked_us = excluded.checked_us,
    next_check_us = excluded.next_check_us;

-- name: mail_from_remove
DELETE FROM mail_from WHERE site_id = $1;

-- name: mail_from_due
SELECT site_id FROM mail_from WHERE next_check_us <= $1 ORDER BY next_check_us LIMIT $2;
