/* The operations on the queue: list, retry, hold, release, cancel. The steward's side: they ask
 * the gateways (queue/remote.h), and put together what they say. */
#ifndef LETTERHEAD_QUEUE_OPERATIONS_H
#define LETTERHEAD_QUEUE_OPERATIONS_H

#include "control/operation.h"
#include "store/store.h"

struct peer_group;
struct task;

struct queue_service {
    struct store *store; /* names of sites */
    const struct peer_group *gateways;
};

/* Cancels all that a removed site has in the queue. A gateway that does not answer is no error:
 * it cannot sign for the site any more. */
MUST_CHECK int queue_cancel_site(struct task *t, struct queue_service *service, uint64_t site_id);

/* `service` may be NULL where they are only looked at. */
struct control_set queue_operations(struct queue_service *service);

#endif
