/* When receivers refuse a site's mail because of how the site is set up (no valid signature, a
 * DMARC policy, a wrong account), its people are told: once, and once more when a day has gone by
 * without such a refusal. */
#ifndef LETTERHEAD_SITE_REFUSED_SETUP_H
#define LETTERHEAD_SITE_REFUSED_SETUP_H

#include "store/store.h"

enum { REFUSED_SETUP_QUIET_S = 86400 };

/* Such a refusal, by the receiving domain, in the words of `text`. In the caller's transaction. */
MUST_CHECK int refused_setup_note(struct store *s, uint64_t site_id, struct slice domain,
                                  struct slice text, int64_t time_us);
/* Tells the sites that have had none for long enough. In the caller's transaction. */
MUST_CHECK int refused_setup_mend(struct store *s, int64_t now_us);

#endif
