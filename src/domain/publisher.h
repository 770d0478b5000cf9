/* Makes the platform's zone say what the control database wants of it (site/publication.h): one
 * record after the other, each asked for first, changed by one update, and asked for again before
 * it counts as published. What is published is looked at again from time to time.
 *
 * Nothing that happens in between is lost: what an update is about to put there is written down
 * before it is sent, and the server is asked anew after a crash. */
#ifndef LETTERHEAD_DOMAIN_PUBLISHER_H
#define LETTERHEAD_DOMAIN_PUBLISHER_H

#include "control/operation.h"
#include "domain/zone_server.h"
#include "store/store.h"

struct publisher;

/* `server` NULL: no zone is configured, and nothing is published. Both are borrowed. */
struct publisher *publisher_new(struct store *store, const struct zone_server *server);
void publisher_free(struct publisher *p); /* accepts NULL */

/* Runs until cancelled. */
MUST_CHECK int publisher_run(struct task *t, struct publisher *p);
/* Looks for work now: rows were added, or are to be tried again. */
void publisher_wake(struct publisher *p);

/* publication.list, publication.retry; `p` may be NULL where they are only looked at. */
struct control_set publisher_operations(struct publisher *p);

#endif
