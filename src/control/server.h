/* The door for operators: a Unix socket of the steward, one JSON request a line, one JSON reply
 * a line (control/perform.h), as many in turn as the client likes.
 *
 * Who may come in is asked of the kernel (SO_PEERCRED, SO_PEERGROUPS), not of the client: root,
 * the user that the service runs as, and the members of that user's group. The socket's own mode
 * keeps out the rest of them already; this is the second lock. */
#ifndef LETTERHEAD_CONTROL_SERVER_H
#define LETTERHEAD_CONTROL_SERVER_H

#include "control/operation.h"
#include "runtime/task.h"

enum {
    CONTROL_REQUEST_BYTES_MAX = 1 << 20,
    CONTROL_REPLY_BYTES_MAX = 16 << 20,
    CONTROL_CONNECTIONS_MAX = 32,
    CONTROL_IDLE_S = 60,       /* a connection that asks nothing */
    CONTROL_OPERATION_S = 300, /* an operation that does not come to an end */
};

struct control_server_options {
    int socket; /* listening; it is taken over */
    const struct control_set *sets;
    size_t set_count;
};

/* Serves until the task is cancelled; returns why. Everything in `options` outlives it. */
MUST_CHECK int control_serve(struct task *t, const struct control_server_options *options);

/* Who is at the other end of a connected Unix socket. -EPERM: nobody who may come in. */
MUST_CHECK int control_identify(int socket, struct control_caller *ret);

#endif
