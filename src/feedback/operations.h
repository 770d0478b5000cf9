/* The operations on messages, list and show, and the one on the whole: status. */
#ifndef LETTERHEAD_FEEDBACK_OPERATIONS_H
#define LETTERHEAD_FEEDBACK_OPERATIONS_H

#include "control/operation.h"
#include "feedback/history.h"
#include "feedback/report_rules.h"
#include "store/store.h"

struct peer_group;
struct outcomes;

struct feedback_service {
    struct store *store; /* the control database: names of sites */
    struct history *history;
    const struct peer_group *gateways; /* asked how a message stands at this moment */
    struct outcomes *outcomes;         /* by whose rules what came back is judged */
    /* Reads the rules file, or what is built in. -EINVAL: *ret_problem (from malloc) says why
     * not. */
    int (*load_rules)(void *context, struct feedback_rules **ret, char **ret_problem);
    void *context;
};

/* `service` may be NULL where they are only looked at. */
struct control_set feedback_operations(struct feedback_service *service);
struct control_set came_back_operations(struct feedback_service *service);
struct control_set status_operations(struct feedback_service *service);

#endif
