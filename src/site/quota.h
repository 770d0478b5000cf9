/* How much a site may send: messages a second, and recipients in any 24 hours; 0: no limit. The
 * gateways keep to it (submit/quota.h). */
#ifndef LETTERHEAD_SITE_QUOTA_H
#define LETTERHEAD_SITE_QUOTA_H

#include "store/store.h"

enum { QUOTA_RATE_MAX = 10000, QUOTA_RECIPIENTS_MAX = 100000000 };

struct quota {
    uint32_t messages_per_second;
    uint32_t recipients_per_day;
};

MUST_CHECK int quota_of_site(struct store *s, int64_t site_id, struct quota *ret);
MUST_CHECK int quota_set(struct store *s, int64_t site_id, const struct quota *quota);

#endif
