/* What follows from events. */

-- name: outcome_position
SELECT sequence FROM outcome_position WHERE spool_id = $1;

-- name: outcome_position_set
INSERT INTO outcome_position (spool_id, sequence) VALUES ($1, $2)
ON CONFLICT (spool_id) DO UPDATE SET sequence = excluded.sequence;
