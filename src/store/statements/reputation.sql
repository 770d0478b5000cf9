/* How sites' mail is received, and what follows from it. */

-- name: reputation_mark
INSERT INTO reputation (site_id, state, since_us, due, effect, messages_per_hour,
                        override_until_us, override_why)
VALUES ($1, 'healthy', $2, 1, 'none', 0, 0, '')
ON CONFLICT (site_id) DO UPDATE SET due = 1;

-- name: reputation_of_site
SELECT state, since_us, due, effect, messages_per_hour, override_until_us, override_why
FROM reputation WHERE site_id = $1;

-- name: reputation_judged
UPDATE reputation
SET state = $2, since_us = $3, due = 0, effect = $4, messages_per_hour = $5
WHERE site_id = $1;

-- name: reputation_next
SELECT site_id FROM reputation WHERE (due = 1 OR state <> 'healthy') AND site_id > $1
ORDER BY site_id LIMIT 1;

-- name: reputation_override
UPDATE reputation SET override_until_us = $2, override_why = $3, due = 1 WHERE site_id = $1;

-- name: reputation_effect
SELECT effect, messages_per_hour FROM reputation WHERE site_id = $1;

-- name: reputation_remove_all
DELETE FROM reputation WHERE site_id = $1;
