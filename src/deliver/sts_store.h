/* The policies of MTA-STS that the steward keeps, in the control database: one row a domain, at
 * most LIMIT_STS_DOMAINS; beyond that the one goes that was not asked for the longest. */
#ifndef LETTERHEAD_DELIVER_STS_STORE_H
#define LETTERHEAD_DELIVER_STS_STORE_H

#include "deliver/sts_row.h"
#include "store/store.h"

/* Errors as store.h, and -ENOENT; slices are from the arena. */
MUST_CHECK int sts_store_find(struct store *s, struct arena *arena, struct slice domain,
                              struct sts_row *ret);
/* Up to `max` rows behind the domain `after`, in order. */
MUST_CHECK int sts_store_list(struct store *s, struct arena *arena, struct slice after, size_t max,
                              struct sts_row **ret, size_t *ret_count);
/* Adds or replaces; *ret_evicted: another had to go for it. */
MUST_CHECK int sts_store_save(struct store *s, const struct sts_row *row, bool *ret_evicted);
MUST_CHECK int sts_store_asked(struct store *s, struct slice domain, int64_t now_us);
MUST_CHECK int sts_store_remove(struct store *s, struct slice domain);
/* The domains whose time has come, longest overdue first. */
MUST_CHECK int sts_store_due(struct store *s, struct arena *arena, int64_t now_us, size_t max,
                             struct slice *ret, size_t *ret_count);

#endif
