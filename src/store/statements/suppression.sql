/* Suppressed addresses. */

-- name: suppression_add
INSERT INTO suppression
    (site_id, address, domain, state, reason, class, message, text, since_us, expires_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: suppression_change
UPDATE suppression SET state = $3, reason = $4, class = $5, message = $6, text = $7, expires_us = $8
WHERE site_id = $1 AND address = $2;

-- name: suppression_find
SELECT site_id, address, state, reason, class, message, text, since_us, expires_us
FROM suppression WHERE site_id = $1 AND address = $2;

-- name: suppression_list
SELECT site_id, address, state, reason, class, message, text, since_us, expires_us
FROM suppression WHERE site_id = $1 AND address > $2 AND state = $3 ORDER BY address LIMIT $4;

-- name: suppression_list_of_domain
SELECT site_id, address, state, reason, class, message, text, since_us, expires_us
FROM suppression
WHERE domain = $1 AND state = $2 AND since_us >= $3
ORDER BY site_id, address LIMIT $4;

-- name: suppression_list_held
SELECT site_id, address, state, reason, class, message, text, since_us, expires_us
FROM suppression WHERE state = 'held' ORDER BY domain, site_id, address LIMIT $1;

-- name: suppression_list_expired
SELECT site_id, address, state, reason, class, message, text, since_us, expires_us
FROM suppression WHERE expires_us <= $1 ORDER BY expires_us LIMIT $2;

-- name: suppression_set_state
UPDATE suppression SET state = $3 WHERE site_id = $1 AND address = $2;

-- name: suppression_remove
DELETE FROM suppression WHERE site_id = $1 AND address = $2;

-- name: suppression_count
SELECT suppressions FROM suppression_count WHERE site_id = $1;

-- name: suppression_count_change
INSERT INTO suppression_count (site_id, suppressions) VALUES ($1, $2)
ON CONFLICT (site_id) DO UPDATE SET suppressions = suppressions + excluded.suppressions;

-- name: suppression_remove_site
DELETE FROM suppression WHERE site_id = $1;

-- name: suppression_count_remove
DELETE FROM suppression_count WHERE site_id = $1;
