/* The gateway put together: directory, queue, submission and delivery, and its two neighbours, in
 * the order in which they begin and end. Used by the role, and by the simulator with a world of its
 * own: nothing here knows files, users or configuration. */
#ifndef LETTERHEAD_APP_GATEWAY_H
#define LETTERHEAD_APP_GATEWAY_H

#include "deliver/deliver.h"
#include "deliver/transport.h"
#include "queue/queue.h"
#include "submit/inbound.h"
#include "submit/listener.h"

struct gateway_options {
    /* What gateway_run makes itself (directory, vault, queue, destination …) is filled in by it. */
    struct submit_options submit;
    struct queue_options queue;
    struct deliver_options deliver;
    struct transport_options transport;
    const struct submit_listener *listeners;
    size_t listener_count;
    struct inbound_options inbound;
    const struct inbound_listener *inbound_listeners;
    size_t inbound_listener_count;    /* 0: nothing comes back here */
    int vault_socket, steward_socket; /* taken over */
    /* Takes no mail; delivers what its spool has, and ends when nothing is left of it. */
    bool draining;
    /* Suspends until the gateway is to stop. An error counts as such a wish. */
    int (*wait_for_stop)(struct task *t, void *context);
    void *context;
};

enum { GATEWAY_DRAINED = 1 };

/* Runs until it is told to stop, then: no more connections; messages in reception and on their way
 * get a moment to finish; what is pending is committed. 0; GATEWAY_DRAINED: it was draining, and
 * has nothing left, not even an event that the steward does not have; or why it could not start or
 * go on. */
MUST_CHECK int gateway_run(struct task *t, const struct gateway_options *options);

#endif
