/* The steward put together: the operations and their door, the gateway's directory, the checks
 * of identities, the history of events, and its two neighbours. Nothing here knows files, users
 * or configuration. */
#ifndef LETTERHEAD_APP_STEWARD_H
#define LETTERHEAD_APP_STEWARD_H

#include "feedback/history.h"
#include "onboard/check.h"
#include "site/service.h"

struct steward_options {
    struct store *store;                              /* the control database; borrowed */
    struct history *history;                          /* borrowed */
    int vault_socket, gateway_socket, control_socket; /* taken over */
    struct site_service site;                         /* store, vault and pusher are filled in */
    struct identity_times times;
    /* Suspends until the steward is to stop. An error counts as such a wish. */
    int (*wait_for_stop)(struct task *t, void *context);
    void *context;
};

/* Runs until it is told to stop. 0, or why it could not start or go on. */
MUST_CHECK int steward_run(struct task *t, const struct steward_options *options);

#endif
