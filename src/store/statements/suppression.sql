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

-- name: suppression_breaker_find
SELECT domain, state, since_us, until_us, sent, unknown FROM suppression_breaker WHERE domain = $1;

-- name: suppression_breaker_list
SELECT domain, state, since_us, until_us, sent, unknown FROM suppression_breaker ORDER BY domain;

-- name: suppression_breaker_set
INSERT INTO suppression_breaker (domain, state, since_us, until_us, sent, unknown)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (domain) DO UPDATE SET state = excluded.state, since_us = excluded.since_us,
    until_us = excluded.until_us, sent = excluded.sent, unknown = excluded.unknown;

-- name: suppression_breaker_remove
DELETE FROM suppression_breaker WHERE domain = $1;

-- name: domain_record_set
INSERT INTO domain_record (domain, sent, unknown, noted_us) VALUES ($1, $2, $3, $4)
ON CONFLICT (domain) DO UPDATE SET sent = excluded.sent, unknown = excluded.unknown,
    noted_us = excluded.noted_us;

-- name: domain_record_list
SELECT domain, sent, unknown FROM domain_record ORDER BY noted_us DESC LIMIT $1;

-- name: domain_record_forget
DELETE FROM domain_record WHERE noted_us < $1;
