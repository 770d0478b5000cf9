/* What a site's people are told of its mail now and then. */

-- name: failure_note
INSERT INTO failure (site_id, day, fault, recipients) VALUES ($1, $2, $3, 1)
ON CONFLICT (site_id, day, fault) DO UPDATE SET recipients = recipients + 1;

-- name: failure_sums
SELECT fault, sum(recipients) FROM failure WHERE site_id = $1 AND day >= $2
GROUP BY fault ORDER BY 2 DESC, 1;

-- name: failure_forget
DELETE FROM failure WHERE day < $1;

-- name: failure_remove_all
DELETE FROM failure WHERE site_id = $1;

-- name: digest_set
INSERT INTO digest (site_id, days, next_us) VALUES ($1, $2, $3)
ON CONFLICT (site_id) DO UPDATE SET days = excluded.days, next_us = excluded.next_us;

-- name: digest_due
SELECT site_id, days FROM digest WHERE next_us <= $1 ORDER BY next_us LIMIT 1;

-- name: digest_remove_all
DELETE FROM digest WHERE site_id = $1;
