/* A day of events (store/history). */

-- name: history_event_add
INSERT INTO event (message, sequence, data) VALUES ($1, $2, $3);

-- name: history_message_add
INSERT INTO message (site_id, message) VALUES ($1, $2);

-- name: history_position_set
INSERT INTO position (spool_id, sequence) VALUES ($1, $2)
ON CONFLICT (spool_id) DO UPDATE SET sequence = excluded.sequence;

-- name: history_position_list
SELECT spool_id, sequence FROM position;

-- name: history_events_of
SELECT data FROM event WHERE message = $1 ORDER BY sequence;

-- name: history_sites_after
SELECT min(site_id) FROM message WHERE site_id > $1;

-- name: history_messages_before
SELECT message FROM message WHERE site_id = $1 AND message < $2 ORDER BY message DESC LIMIT $3;

-- name: history_feedback_add
INSERT INTO feedback (site_id, message, sequence, type, class) VALUES ($1, $2, $3, $4, $5);

-- name: history_feedback_before
SELECT id, message, sequence, type, class FROM feedback WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: history_feedback_of_site_before
SELECT id, message, sequence, type, class FROM feedback WHERE site_id = $1 AND id < $2
ORDER BY id DESC LIMIT $3;
