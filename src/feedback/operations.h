/* The operations on messages, list and show, and the one on the whole: status. */
#ifndef LETTERHEAD_FEEDBACK_OPERATIONS_H
#define LETTERHEAD_FEEDBACK_OPERATIONS_H

#include "control/operation.h"
#include "feedback/history.h"
#include "store/store.h"

struct peer_group;

struct feedback_service {
    struct store *store; /* the control database: names of sites */
    struct history *history;
    const struct peer_group *gateways; /* asked how a message stands at this moment */
};

/* `service` may be NULL where they are only looked at. */
struct control_set feedback_operations(struct feedback_service *service);
struct control_set status_operations(struct feedback_service *service);

#endif
