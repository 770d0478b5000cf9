/* Which of the sites that claim a domain holds it. */

-- name: claim_holder
SELECT id, site_id, state FROM identity
WHERE domain = $1 AND id <> $2 AND state IN ('SUCCESS', 'TEMPORARY_FAILURE');

-- name: claim_oust
UPDATE identity SET state = 'FAILED', since_us = $2, why = $3, next_step = $4, next_check_us = $5
WHERE id = $1;

-- name: claim_hurry
UPDATE identity SET next_check_us = $2
WHERE id = $1 AND next_check_us > $2 AND coalesce(checked_us, 0) < $3;
