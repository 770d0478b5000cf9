/* What follows from events. */

-- name: outcome_position
SELECT sequence FROM outcome_position WHERE spool_id = $1;

-- name: outcome_position_set
INSERT INTO outcome_position (spool_id, sequence) VALUES ($1, $2)
ON CONFLICT (spool_id) DO UPDATE SET sequence = excluded.sequence;

-- name: refused_setup_note
INSERT INTO refused_setup (site_id, last_us) VALUES ($1, $2)
ON CONFLICT (site_id) DO UPDATE SET last_us = max(last_us, excluded.last_us);

-- name: refused_setup_quiet
SELECT site_id FROM refused_setup WHERE last_us <= $1 LIMIT 1;

-- name: refused_setup_forget
DELETE FROM refused_setup WHERE site_id = $1;
