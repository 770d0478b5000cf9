/* Sites, the addresses they send from, and their credentials. */

-- name: site_add
INSERT INTO site (id, name, method, state, state_since_us, state_why, created_us, verified_tls)
VALUES ($1, $2, $3, 'active', $4, '', $4, $5);

-- name: site_by_name
SELECT id, name, method, state, state_since_us, state_why, created_us, verified_tls
FROM site WHERE name = $1 AND state <> 'removed';

-- name: site_by_id
SELECT id, name, method, state, state_since_us, state_why, created_us, verified_tls
FROM site WHERE id = $1;

-- name: site_list
SELECT id, name, method, state, state_since_us, state_why, created_us, verified_tls
FROM site WHERE state <> 'removed' ORDER BY name;

-- name: site_set_state
UPDATE site SET state = $2, state_since_us = $3, state_why = $4 WHERE id = $1;

-- name: site_set_verified_tls
UPDATE site SET verified_tls = $2 WHERE id = $1;

-- name: outgoing_address_add
INSERT INTO outgoing_address (site_id, address) VALUES ($1, $2);

-- name: outgoing_address_list
SELECT address FROM outgoing_address WHERE site_id = $1 ORDER BY address;

-- name: outgoing_address_remove_all
DELETE FROM outgoing_address WHERE site_id = $1;

-- name: credential_add
INSERT INTO credential (id, site_id, access_key_id, sealed, created_us)
VALUES ($1, $2, $3, $4, $5);

-- name: credential_list
SELECT id, access_key_id, sealed, created_us, used_us, revoked_us
FROM (SELECT * FROM credential WHERE site_id = $1
      ORDER BY revoked_us IS NULL DESC, id DESC LIMIT $2) AS newest
ORDER BY id;

-- name: credential_revoke
UPDATE credential SET revoked_us = $3
WHERE site_id = $1 AND access_key_id = $2 AND revoked_us IS NULL;

-- name: credential_used
UPDATE credential SET used_us = $2 WHERE id = $1 AND coalesce(used_us, 0) < $2;

-- name: credential_remove_all
DELETE FROM credential WHERE site_id = $1;
