/* Keeps the gateways' directories (site/directory.h) like the control database: the whole of it
 * when a gateway has started, and each site that changes.
 *
 * For each gateway one task pushes, in the order of the changes, and reads each site from the
 * database just before it is sent; so an old state never overtakes a new one. It waits for its
 * gateway without a deadline of its own: a request outlives the gateway's restart (runtime/peer.h),
 * and nothing is to be sent before it is answered. */
#ifndef LETTERHEAD_SITE_PUSHER_H
#define LETTERHEAD_SITE_PUSHER_H

#include "runtime/peer_group.h"
#include "site/directory.h"
#include "store/store.h"

struct site_pusher;

enum { SITE_PUSH_WAIT_S = 1 };

/* Pushes in tasks of `scope`, beginning with everything. The gateways are borrowed. -EAGAIN: too
 * many tasks; *ret is there to be freed all the same. */
MUST_CHECK int site_pusher_new(struct scope *scope, struct store *store,
                               const struct peer_group *gateways, struct site_pusher **ret);
/* After the scope is closed. Accepts NULL. */
void site_pusher_free(struct site_pusher *p);

/* The gateway at this place of the group has started: all of it, again. */
void site_pusher_push_all(struct site_pusher *p, size_t gateway);
/* This site has changed. 0: all gateways work by the new state. -ETIMEDOUT: one has not confirmed
 * that within SITE_PUSH_WAIT_S, and will be told when it is back. -EIO: one could not be told; the
 * log says why. */
MUST_CHECK int site_pusher_push(struct task *t, struct site_pusher *p, int64_t site_id);

/* The same for one of a site's suppressions that has come, gone or changed its state; with an empty
 * address, for all of the site's. */
MUST_CHECK int site_pusher_push_suppression(struct task *t, struct site_pusher *p, int64_t site_id,
                                            struct slice address);
/* The same, and nobody waits for it. */
void site_pusher_note_suppression(struct site_pusher *p, int64_t site_id, struct slice address);

/* A site as the gateway of this number sees it, in the arena; only keys and credentials in use.
 * -ENOENT: no such site, or a removed one. */
MUST_CHECK int site_directory_read(struct store *s, struct arena *arena, unsigned gateway,
                                   int64_t site_id, struct directory_site *ret);

#endif
