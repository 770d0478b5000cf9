/* What became of a site's mail in the last days, in plain words for people who are not technicians,
 * and as a table (CSV, RFC 4180). Counted in recipients, out of what reputation counts. */
#ifndef LETTERHEAD_FEEDBACK_DIGEST_H
#define LETTERHEAD_FEEDBACK_DIGEST_H

#include "base/buffer.h"
#include "site/site.h"

enum { DIGEST_DAYS_MAX = 90 };

/* Adds both; either may be NULL. */
MUST_CHECK int digest_write(struct store *s, const struct site *site, unsigned days, int64_t now_us,
                            struct buffer *text, struct buffer *csv);

/* Counts a recipient that did not get its mail, in the transaction of its outcome. */
MUST_CHECK int digest_note_failure(struct store *s, uint64_t site_id, int64_t time_us,
                                   struct slice fault);

/* Removes what was counted before. */
MUST_CHECK int digest_forget(struct store *s, int64_t before_us);

/* By mail to the site's contacts, every so many days from now; 0: never. Within a transaction. */
MUST_CHECK int digest_set(struct store *s, int64_t site_id, unsigned days, int64_t now_us);
/* Writes the mail of the next site whose time has come, and when its next one comes, in one
 * transaction. 1: there may be more; 0: none was due. */
MUST_CHECK int digest_mail_next(struct store *s, int64_t now_us);

#endif
