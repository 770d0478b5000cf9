/* Suspensions of providers and domains; what was sent from source addresses. */

-- name: suspension_add
INSERT INTO suspension (kind, name, why, since_us) VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, name) DO UPDATE SET why = excluded.why;

-- name: suspension_remove
DELETE FROM suspension WHERE kind = $1 AND name = $2;

-- name: suspension_list
SELECT kind, name, why, since_us FROM suspension ORDER BY kind, name;

-- name: source_sent_note
INSERT INTO source_sent (address, day, gateway, messages) VALUES ($1, $2, $3, $4)
ON CONFLICT (address, day, gateway) DO UPDATE SET messages = max(messages, excluded.messages);

-- name: source_sent_of
SELECT address, day, messages FROM source_sent WHERE gateway = $1 AND day >= $2
ORDER BY day DESC, address;

-- name: source_sent_list
SELECT address, sum(messages) FROM source_sent WHERE day = $1 GROUP BY address ORDER BY address;

-- name: source_sent_forget
DELETE FROM source_sent WHERE day < $1;
