/* What the store itself asks: its own version, and new ids. */

-- name: migration_last
SELECT coalesce(max(number), 0) FROM migration;

-- name: migration_add
INSERT INTO migration (number, name, applied_us) VALUES ($1, $2, $3);

-- name: id_next
UPDATE counter SET value = value + 1 WHERE name = 'id' RETURNING value;
