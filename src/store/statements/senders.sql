/* Which addresses a site may send as. */

-- name: senders_any
SELECT any_address FROM site WHERE id = $1;

-- name: senders_set_any
UPDATE site SET any_address = $2 WHERE id = $1;
