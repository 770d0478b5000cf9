/* How much a site has sent and how it was received, by the hour: what quotas go on counting from
 * when the gateways were started anew, and what reputation is judged by. Recipients, everywhere. */
#ifndef LETTERHEAD_SITE_VOLUME_H
#define LETTERHEAD_SITE_VOLUME_H

#include "base/arena.h"
#include "store/store.h"

enum { VOLUME_KEEP_DAYS = 100 };

/* Whole hours since 1970, UTC. */
static inline int64_t volume_hour(int64_t time_us)
{
    return time_us / (3600 * (int64_t)1000000);
}

struct volume {
    int64_t hour;
    int64_t accepted, delivered;
    int64_t bounced; /* the recipient's fault, for good */
    int64_t failed;  /* all others that did not get it */
    int64_t complained;
};

/* Adds to what there is of the hour; a negative number takes away. */
MUST_CHECK int volume_note(struct store *s, uint64_t site_id, const struct volume *volume);
/* The hours since `from_hour` in which there was something, the newest first. */
MUST_CHECK int volume_list(struct store *s, struct arena *arena, int64_t site_id, int64_t from_hour,
                           struct volume **ret, size_t *ret_count);
/* The sites that have sent since. */
MUST_CHECK int volume_sites(struct store *s, struct arena *arena, int64_t from_hour, int64_t **ret,
                            size_t *ret_count);
MUST_CHECK int volume_forget(struct store *s, int64_t before_hour);

#endif
