/* Contacts of sites, what they and the operator are told, and Letterhead's own mail. */

-- name: site_contact_add
INSERT INTO site_contact (site_id, address) VALUES ($1, $2);

-- name: site_contact_list
SELECT address FROM site_contact WHERE site_id = $1 ORDER BY address;

-- name: site_contact_remove_all
DELETE FROM site_contact WHERE site_id = $1;

-- name: notice_standing
SELECT id, subject, told_us FROM notice
WHERE site_id = $1 AND topic = $2 AND mended_us IS NULL;

-- name: notice_add
INSERT INTO notice (id, site_id, topic, since_us, untold, subject, text, mended_subject,
                    mended_text, tell_us)
VALUES ($1, $2, $3, $4, 1, $5, $6, '', '',
        (SELECT min(coalesce(max(told_us) + $7, $4), $4 + $7) FROM notice
         WHERE site_id = $2 AND topic = $3));

-- name: notice_change
UPDATE notice SET untold = max(untold, $2), subject = $3, text = $4 WHERE id = $1;

-- name: notice_mend
UPDATE notice
SET mended_us = $2, untold = CASE WHEN told_us IS NULL THEN 0 ELSE 1 END,
    mended_subject = $3, mended_text = $4
WHERE id = $1;

-- name: notice_untold
SELECT id, site_id, topic, since_us, told_us, mended_us, untold, subject, text, mended_subject,
       mended_text
FROM notice WHERE untold = 1 AND (tell_us <= $1 OR told_us IS NOT NULL) ORDER BY id LIMIT 1;

-- name: notice_told
UPDATE notice SET untold = 0, told_us = coalesce(told_us, $2) WHERE id = $1;

-- name: notice_list
SELECT id, site_id, topic, since_us, told_us, mended_us, untold, subject, text, mended_subject,
       mended_text
FROM notice
WHERE ($1 = 0 OR site_id = $1) AND (mended_us IS NULL OR $2 = 1)
ORDER BY mended_us IS NOT NULL, id DESC LIMIT $3;

-- name: notice_by_id
SELECT id, site_id, topic, since_us, told_us, mended_us, untold, subject, text, mended_subject,
       mended_text
FROM notice WHERE id = $1;

-- name: notice_remove_all
DELETE FROM notice WHERE site_id = $1;

-- name: notice_forget
DELETE FROM notice WHERE mended_us < $1 AND untold = 0;

-- name: own_mail_add
INSERT INTO own_mail (id, notice_id, recipients, subject, text, attachment_name, attachment, state,
                      message_id, gateway, attempts, created_us, since_us, next_us, why)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', '', 0, 0, $8, $8, $8, '');

-- name: own_mail_next
SELECT id, notice_id, recipients, subject, text, attachment_name, attachment, state, message_id,
       gateway, attempts, created_us, since_us, next_us, why
FROM own_mail WHERE state = 'waiting' AND next_us <= $1 ORDER BY next_us, id LIMIT 1;

-- name: own_mail_of_notice
SELECT id, notice_id, recipients, subject, text, attachment_name, attachment, state, message_id,
       gateway, attempts, created_us, since_us, next_us, why
FROM own_mail WHERE notice_id = $1 ORDER BY id LIMIT $2;

-- name: own_mail_entrust
UPDATE own_mail SET message_id = $2, gateway = $3, attempts = attempts + 1 WHERE id = $1;

-- name: own_mail_postpone
UPDATE own_mail SET message_id = $2, gateway = $3, next_us = $4, why = $5 WHERE id = $1;

-- name: own_mail_end
UPDATE own_mail SET state = $2, since_us = $3, why = $4 WHERE id = $1;

-- name: own_mail_forget
DELETE FROM own_mail WHERE state <> 'waiting' AND since_us < $1;
