-- To send as any address of a domain is something that the operator says. Sites that were added
-- for a whole domain, before that, go on as they did; from now on it is written down.
UPDATE site SET any_address = 1
WHERE method = 'dkim' AND NOT EXISTS (SELECT 1 FROM outgoing_address WHERE site_id = site.id);
