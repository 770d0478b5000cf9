/* The operations on the queue: list, retry, hold, release, cancel. The steward's side: they ask
 * the gateway (queue/remote.h). */
#ifndef LETTERHEAD_QUEUE_OPERATIONS_H
#define LETTERHEAD_QUEUE_OPERATIONS_H

#include "control/operation.h"
#include "store/store.h"

struct peer;
struct task;

struct queue_service {
    struct store *store; /* names of sites */
    struct peer *gateway;
};

/* Cancels all that a removed site has in the queue. A gateway that does not answer is no error:
 * it cannot sign for the site any more. */
MUST_CHECK int queue_cancel_site(struct task *t, struct queue_service *service, uint64_t site_id);

/* `service` may be NULL where they are only looked at. */
struct control_set queue_operations(struct queue_service *service);

#endif
