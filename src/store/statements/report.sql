/* Reports that came back, and their events on the way into history. */

-- name: report_find
SELECT 1 FROM report WHERE name = $1;

-- name: report_last
SELECT sequence FROM report ORDER BY sequence DESC LIMIT 1;

-- name: report_add
INSERT INTO report (sequence, name, received, event) VALUES ($1, $2, $3, $4);

-- name: report_events
SELECT event FROM report WHERE event IS NOT NULL ORDER BY sequence LIMIT $1;

-- name: report_acknowledge
UPDATE report SET event = NULL WHERE event IS NOT NULL AND sequence <= $1;

-- name: report_forget
DELETE FROM report WHERE event IS NULL AND received < $1;
