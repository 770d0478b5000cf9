/* Keeps the gateway's directory (site/directory.h) like the control database: the whole of it
 * when the gateway has started, and each site that changes.
 *
 * One task pushes, in the order of the changes, and reads each site from the database just
 * before it is sent; so an old state never overtakes a new one. It waits for the gateway without
 * a deadline of its own: a request outlives the gateway's restart (runtime/peer.h), and nothing
 * is to be sent before it is answered. */
#ifndef LETTERHEAD_SITE_PUSHER_H
#define LETTERHEAD_SITE_PUSHER_H

#include "runtime/task.h"
#include "site/directory.h"
#include "store/store.h"

struct peer;
struct site_pusher;

enum { SITE_PUSH_WAIT_S = 1 };

/* Pushes in a task of `scope`, beginning with everything. -EAGAIN: too many tasks. */
MUST_CHECK int site_pusher_new(struct scope *scope, struct store *store, struct peer *gateway,
                               struct site_pusher **ret);
/* After the scope is closed. Accepts NULL. */
void site_pusher_free(struct site_pusher *p);

/* The gateway has started: all of it, again. */
void site_pusher_push_all(struct site_pusher *p);
/* This site has changed. 0: the gateway works by the new state. -ETIMEDOUT: it has not confirmed
 * that within SITE_PUSH_WAIT_S, and will be told when it is back. -EIO: it could not be told;
 * the log says why. */
MUST_CHECK int site_pusher_push(struct task *t, struct site_pusher *p, int64_t site_id);

/* A site as the gateway sees it, in the arena; only keys and credentials in use. -ENOENT: no
 * such site, or a removed one. */
MUST_CHECK int site_directory_read(struct store *s, struct arena *arena, int64_t site_id,
                                   struct directory_site *ret);

#endif
