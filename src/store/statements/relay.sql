/* Clients' own SMTP accounts, their tests, and how much of their day is used. */

-- name: relay_add
INSERT INTO relay (id, site_id, version, host, port, tls, user_name, sealed, outgoing_address,
    return_path, connections_max, messages_per_connection_max, messages_per_minute_max,
    recipients_per_day_max, state, since_us, why, next_step, failures, created_us, changed_us,
    next_probe_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'UNTESTED', $15, $16, $17, 0,
    $15, $15, $15);

-- name: relay_change
UPDATE relay SET version = $3, host = $4, port = $5, tls = $6, user_name = $7, sealed = $8,
    outgoing_address = $9, return_path = $10, connections_max = $11,
    messages_per_connection_max = $12, messages_per_minute_max = $13,
    recipients_per_day_max = $14, changed_us = $15
WHERE id = $1 AND site_id = $2;

-- name: relay_of_site
SELECT id, site_id, version, host, port, tls, user_name, sealed, outgoing_address, return_path,
    connections_max, messages_per_connection_max, messages_per_minute_max, recipients_per_day_max,
    state, since_us, why, next_step, failures, created_us, changed_us, probed_us, next_probe_us
FROM relay WHERE site_id = $1;

-- name: relay_by_id
SELECT id, site_id, version, host, port, tls, user_name, sealed, outgoing_address, return_path,
    connections_max, messages_per_connection_max, messages_per_minute_max, recipients_per_day_max,
    state, since_us, why, next_step, failures, created_us, changed_us, probed_us, next_probe_us
FROM relay WHERE id = $1;

-- name: relay_list
SELECT r.id, r.site_id, r.version, r.host, r.port, r.tls, r.user_name, r.sealed, r.outgoing_address,
    r.return_path, r.connections_max, r.messages_per_connection_max, r.messages_per_minute_max,
    r.recipients_per_day_max, r.state, r.since_us, r.why, r.next_step, r.failures, r.created_us,
    r.changed_us, r.probed_us, r.next_probe_us, s.name
FROM relay AS r JOIN site AS s ON s.id = r.site_id ORDER BY s.name;

-- name: relay_set_state
UPDATE relay SET state = $2, since_us = $3, why = $4, next_step = $5, failures = $6
WHERE id = $1;

-- name: relay_set_probed
UPDATE relay SET probed_us = coalesce($2, probed_us), next_probe_us = $3 WHERE id = $1;

-- name: relay_probe_others_of_host
UPDATE relay SET next_probe_us = $4
WHERE host = $1 AND port = $2 AND id <> $3 AND next_probe_us > $4;

-- name: relay_due
SELECT id FROM relay WHERE next_probe_us <= $1 ORDER BY next_probe_us LIMIT $2;

-- name: relay_remove
DELETE FROM relay WHERE site_id = $1;

-- name: relay_probe_remove_of_site
DELETE FROM relay_probe WHERE relay_id IN (SELECT id FROM relay WHERE site_id = $1);

-- name: relay_use_remove_of_site
DELETE FROM relay_use WHERE relay_id IN (SELECT id FROM relay WHERE site_id = $1);

-- name: relay_probe_add
INSERT INTO relay_probe (id, relay_id, version, begun_us, occasion, finding, state, why, report)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: relay_probe_list
SELECT begun_us, occasion, finding, state, why, report
FROM relay_probe WHERE relay_id = $1 ORDER BY id DESC LIMIT $2;

-- name: relay_probe_forget
DELETE FROM relay_probe WHERE relay_id = $1 AND id NOT IN (
    SELECT id FROM relay_probe WHERE relay_id = $1 ORDER BY id DESC LIMIT $2);

-- name: relay_use_note
INSERT INTO relay_use (relay_id, gateway, version, day_us, recipients, closed_until_us,
    closed_why, trouble, trouble_since_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (relay_id, gateway) DO UPDATE SET version = excluded.version, day_us = excluded.day_us,
    recipients = excluded.recipients, closed_until_us = excluded.closed_until_us,
    closed_why = excluded.closed_why, trouble = excluded.trouble,
    trouble_since_us = excluded.trouble_since_us;

-- name: relay_use_list
SELECT gateway, version, day_us, recipients, closed_until_us, closed_why, trouble, trouble_since_us
FROM relay_use WHERE relay_id = $1 ORDER BY gateway;

-- name: probe_refusal_count
SELECT count(*), coalesce(sum(user_digest = $2), 0),
    coalesce(sum(user_digest = $2 AND sealed_digest = $3), 0)
FROM probe_refusal WHERE host_digest = $1 AND time_us > $4 AND time_us < $5;

-- name: probe_refusal_note
INSERT INTO probe_refusal (host_digest, user_digest, sealed_digest, time_us)
VALUES ($1, $2, $3, $4)
ON CONFLICT (host_digest, user_digest, sealed_digest) DO UPDATE SET time_us = excluded.time_us;

-- name: probe_refusal_clear
DELETE FROM probe_refusal WHERE host_digest = $1 AND user_digest = $2 AND sealed_digest = $3;

-- name: probe_refusal_forget
DELETE FROM probe_refusal WHERE time_us <= $1 OR time_us >= $2 OR time_us < (
    SELECT time_us FROM probe_refusal ORDER BY time_us DESC LIMIT 1 OFFSET $3 - 1);
