/* Sends a site's suppressions to one gateway, read from the database just before; for
 * site/pusher.h. */
#ifndef LETTERHEAD_SITE_SUPPRESSION_PUSH_H
#define LETTERHEAD_SITE_SUPPRESSION_PUSH_H

#include "runtime/peer.h"
#include "site/suppressed.h"
#include "store/store.h"

struct suppression_push {
    struct store *store;
    struct peer *gateway;
    const unsigned char *key; /* SUPPRESSED_KEY_BYTES */
    int64_t site_id;
    bool skip_empty; /* nothing is sent of a site that has none */
};

/* All of the site's that are not held, in place of what the gateway has. */
MUST_CHECK int suppression_push_all(struct task *t, const struct suppression_push *push);
/* One address, as it stands now. */
MUST_CHECK int suppression_push_one(struct task *t, const struct suppression_push *push,
                                    struct slice address);

#endif
