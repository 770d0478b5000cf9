/* The TXT records of the platform's own zone: what is wanted, and what is there. */

-- name: publication_want
INSERT INTO publication (name, identity_id, wanted, wanted_us, offered, published, state, since_us,
                         trouble, failures, next_us)
VALUES ($1, $2, $3, $4, '', '', 'waiting', $4, '', 0, $5)
ON CONFLICT (name) DO UPDATE
SET wanted = $3, wanted_us = $4, state = 'waiting', since_us = $4, trouble = '', failures = 0,
    next_us = $5;

-- name: publication_drop_site
UPDATE publication
SET wanted = '', wanted_us = $2, state = 'waiting', since_us = $2, trouble = '', failures = 0,
    next_us = $3
WHERE identity_id IN (SELECT id FROM identity WHERE site_id = $1);

-- name: publication_due
SELECT name, identity_id, wanted, wanted_us, offered, published, published_us, checked_us, state,
       since_us, trouble, failures, next_us
FROM publication WHERE next_us <= $1 ORDER BY next_us LIMIT 1;

-- name: publication_by_name
SELECT name, identity_id, wanted, wanted_us, offered, published, published_us, checked_us, state,
       since_us, trouble, failures, next_us
FROM publication WHERE name = $1;

-- name: publication_list
SELECT publication.name, identity_id, wanted, wanted_us, offered, published, published_us,
       publication.checked_us, publication.state, publication.since_us, trouble, failures, next_us,
       site.name, identity.domain
FROM publication LEFT JOIN identity ON identity.id = identity_id
                 LEFT JOIN site ON site.id = identity.site_id
WHERE publication.name > $1 AND ($2 = 0 OR publication.state <> 'published')
ORDER BY publication.name LIMIT $3;

-- name: publication_counts
SELECT state, count(*), min(since_us) FROM publication GROUP BY state;

-- name: publication_offer
UPDATE publication SET offered = $2 WHERE name = $1;

-- name: publication_settle
UPDATE publication
SET published = $2, offered = '', checked_us = $3, trouble = '', failures = 0,
    published_us = CASE WHEN published = $2 AND published_us IS NOT NULL THEN published_us ELSE $3 END,
    since_us = CASE WHEN state = 'published' THEN since_us ELSE $3 END,
    state = CASE WHEN wanted = $2 THEN 'published' ELSE 'waiting' END,
    next_us = CASE WHEN wanted = $2 THEN $4 ELSE $3 END
WHERE name = $1;

-- name: publication_hinder
UPDATE publication
SET since_us = CASE WHEN state = $2 THEN since_us ELSE $4 END,
    state = $2, trouble = $3, failures = failures + 1, next_us = $5
WHERE name = $1;

-- name: publication_remove_done
DELETE FROM publication WHERE name = $1 AND wanted = '';

-- name: publication_retry
UPDATE publication SET failures = 0, next_us = $1 WHERE failures > 0 AND next_us > $1;
