/* The operation that sends a message for an operator: message.send. It goes in by a gateway's
 * own gate (submit/remote.h), judged as any other. */
#ifndef LETTERHEAD_SUBMIT_OPERATIONS_H
#define LETTERHEAD_SUBMIT_OPERATIONS_H

#include "control/operation.h"
#include "store/store.h"

struct peer_group;

struct submit_operations_service {
    struct store *store; /* names of sites */
    struct peer_group *gateways;
};

/* `service` may be NULL where it is only looked at. */
struct control_set submit_operations(struct submit_operations_service *service);

#endif
