/* The operations on the queue: list, retry, hold, release, cancel. The steward's side: they ask
 * the gateway (queue/remote.h). */
#ifndef LETTERHEAD_QUEUE_OPERATIONS_H
#define LETTERHEAD_QUEUE_OPERATIONS_H

#include "control/operation.h"
#include "store/store.h"

struct peer;

struct queue_service {
    struct store *store; /* names of sites */
    struct peer *gateway;
};

/* `service` may be NULL where they are only looked at. */
struct control_set queue_operations(struct queue_service *service);

#endif
