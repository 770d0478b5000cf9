/* The operation that tests an account now: a site's, or one that was just typed in. */
#ifndef LETTERHEAD_ONBOARD_PROBE_OPERATIONS_H
#define LETTERHEAD_ONBOARD_PROBE_OPERATIONS_H

#include "control/operation.h"
#include "onboard/probe.h"
#include "onboard/relay_watch.h"

struct probe_operations_service {
    struct store *store;
    struct probe_service probe;
    struct relay_watch *watch; /* draws the consequences of a test of a site's account */
};

/* probe.run; `service` may be NULL where it is only looked at. */
struct control_set probe_operations(struct probe_operations_service *service);

#endif
