/* How mail from each domain of an identity fares under DMARC. */

-- name: alignment_list
SELECT domain, state, since_us, why, next_step, trouble, checked_us, dkim, spf,
       policy, found_at, record, dkim_mode, spf_mode, organization,
       list_policy, list_found_at, list_record, list_dkim_mode, list_spf_mode, list_organization
FROM alignment WHERE identity_id = $1 ORDER BY place;

-- name: alignment_add
INSERT INTO alignment (identity_id, place, domain, state, since_us, why, next_step, trouble,
                       checked_us, dkim, spf, policy, found_at, record, dkim_mode, spf_mode,
                       organization, list_policy, list_found_at, list_record, list_dkim_mode,
                       list_spf_mode, list_organization)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21, $22, $23);

-- name: alignment_remove
DELETE FROM alignment WHERE identity_id = $1;

-- name: alignment_remove_all
DELETE FROM alignment WHERE identity_id IN (SELECT id FROM identity WHERE site_id = $1);
