/* Identities, their three keys, and what was found of their DNS records. */

-- name: identity_add
INSERT INTO identity (id, site_id, domain, covers_subdomains, state, since_us, why, next_step,
                      created_us, next_check_us, dkim_zone)
VALUES ($1, $2, $3, $4, 'NOT_STARTED', $5, $6, $7, $5, $5, $8);

-- name: identity_list
SELECT id, site_id, domain, covers_subdomains, state, since_us, why, next_step, created_us,
       checked_us, succeeded_us, next_check_us, gone_since_us, must_ask, zone_servers,
       zone_primary, dkim_zone, rotated_us, rotate_us
FROM identity WHERE site_id = $1 ORDER BY domain;

-- name: identity_by_id
SELECT id, site_id, domain, covers_subdomains, state, since_us, why, next_step, created_us,
       checked_us, succeeded_us, next_check_us, gone_since_us, must_ask, zone_servers,
       zone_primary, dkim_zone, rotated_us, rotate_us
FROM identity WHERE id = $1;

-- name: identity_page
SELECT i.id, s.name, i.domain, i.state, i.since_us, i.why, i.checked_us, i.next_check_us,
       coalesce((SELECT a.state FROM alignment a WHERE a.identity_id = i.id AND a.place = 0),
                'NOT_STARTED'),
       (SELECT count(*) FROM identity_key k
        WHERE k.identity_id = i.id AND k.record_state = 'right' AND k.slot <> 'second')
FROM identity i JOIN site s ON s.id = i.site_id
WHERE i.id > $1 AND ($2 = '' OR i.state = $2) ORDER BY i.id LIMIT $3;

-- name: identity_due
SELECT id FROM identity WHERE next_check_us IS NOT NULL AND next_check_us <= $1
ORDER BY next_check_us LIMIT $2;

-- name: identity_judged
UPDATE identity
SET state = $2, since_us = $3, why = $4, next_step = $5, checked_us = $6,
    succeeded_us = CASE WHEN $2 = 'SUCCESS' THEN $6 ELSE succeeded_us END,
    next_check_us = $7, gone_since_us = $8, must_ask = $9, zone_servers = $10,
    zone_primary = $11
WHERE id = $1;

-- name: identity_remove_all
DELETE FROM identity WHERE site_id = $1;

-- name: identity_key_add
INSERT INTO identity_key (id, identity_id, slot, slot_since_us, selector, algorithm, origin, sealed,
                          public_key, created_us, record_state, record_since_us, record_seen,
                          record_advice, record_trouble)
VALUES ($1, $2, $3, $8, $4, $5, $9, $6, $7, $8, 'unknown', $8, '', '', '');

-- name: identity_key_list
SELECT id, slot, selector, algorithm, sealed, public_key, record_state, record_since_us,
       record_checked_us, record_seen, record_advice, record_trouble, record_cause, record_server,
       slot_since_us, origin, created_us, seen_us, withdrawn_us
FROM identity_key WHERE identity_id = $1
ORDER BY CASE slot WHEN 'active' THEN 1 WHEN 'next' THEN 2 WHEN 'retiring' THEN 3 ELSE 4 END, id;

-- name: identity_key_judged
UPDATE identity_key
SET record_state = $2, record_since_us = $3, record_checked_us = $4, record_seen = $5,
    record_advice = $6, record_trouble = $7, record_cause = $8, record_server = $9, seen_us = $10
WHERE id = $1;

-- name: identity_key_remove_all
DELETE FROM identity_key
WHERE identity_id IN (SELECT id FROM identity WHERE site_id = $1);

-- name: identity_key_move
UPDATE identity_key SET slot = $2, slot_since_us = $3 WHERE id = $1;

-- name: identity_key_withdraw
UPDATE identity_key
SET withdrawn_us = $2, sealed = x'', slot = 'retiring', slot_since_us = $2 WHERE id = $1;

-- name: identity_key_remake
UPDATE identity_key
SET slot = 'next', slot_since_us = $4, sealed = $2, public_key = $3, created_us = $4, seen_us = NULL,
    withdrawn_us = NULL, origin = 'made', algorithm = 'rsa-sha256'
WHERE id = $1;

-- name: identity_key_remove
DELETE FROM identity_key WHERE id = $1;

-- name: identity_rotated
UPDATE identity SET rotated_us = $2, rotate_us = NULL, next_check_us = $3 WHERE id = $1;

-- name: identity_rotate_later
UPDATE identity SET rotate_us = $2 WHERE id = $1;

-- name: identity_check_soon
UPDATE identity SET next_check_us = $2 WHERE id = $1 AND coalesce(next_check_us, $2) >= $2;

-- name: identity_rotation_due
SELECT id FROM identity
WHERE state = 'SUCCESS' AND coalesce(rotate_us, 0) <= $1
  AND coalesce(rotated_us, created_us) + $2 + (id * 7919 % 1000) * ($2 / 10000) <= $1
ORDER BY coalesce(rotated_us, created_us) LIMIT $3;

-- name: identity_refill_due
SELECT identity.id FROM identity
WHERE NOT EXISTS (SELECT 1 FROM identity_key AS next
                  WHERE next.identity_id = identity.id AND next.slot = 'next')
  AND EXISTS (SELECT 1 FROM identity_key AS retiring
              WHERE retiring.identity_id = identity.id AND retiring.slot = 'retiring'
                AND (retiring.slot_since_us = retiring.created_us
                     OR (retiring.withdrawn_us IS NULL AND retiring.slot_since_us <= $1)
                     OR (retiring.withdrawn_us IS NOT NULL AND retiring.withdrawn_us <= $2)))
LIMIT $3;
