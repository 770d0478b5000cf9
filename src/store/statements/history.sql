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
