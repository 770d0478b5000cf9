/* What sites may send, and what they have sent. */

-- name: quota_of_site
SELECT messages_per_second, recipients_per_day FROM quota WHERE site_id = $1;

-- name: quota_set
INSERT INTO quota (site_id, messages_per_second, recipients_per_day) VALUES ($1, $2, $3)
ON CONFLICT (site_id) DO UPDATE
SET messages_per_second = excluded.messages_per_second,
    recipients_per_day = excluded.recipients_per_day;

-- name: quota_remove_all
DELETE FROM quota WHERE site_id = $1;

-- name: volume_note
INSERT INTO volume (site_id, hour, accepted, delivered, bounced, failed, complained)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (site_id, hour) DO UPDATE
SET accepted = accepted + excluded.accepted, delivered = delivered + excluded.delivered,
    bounced = bounced + excluded.bounced, failed = failed + excluded.failed,
    complained = complained + excluded.complained;

-- name: volume_list
SELECT hour, accepted, delivered, bounced, failed, complained FROM volume
WHERE site_id = $1 AND hour >= $2 ORDER BY hour DESC;

-- name: volume_newest
SELECT hour, accepted FROM volume WHERE site_id = $1 ORDER BY hour DESC LIMIT $2;

-- name: volume_sites
SELECT DISTINCT site_id FROM volume WHERE hour >= $1 ORDER BY site_id;

-- name: volume_forget
DELETE FROM volume WHERE hour < $1;

-- name: volume_remove_all
DELETE FROM volume WHERE site_id = $1;
