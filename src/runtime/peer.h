/* The other process at the end of a Unix socket: requests, replies, notices, in frames.
 *
 * The socket is SOCK_SEQPACKET and made by the supervisor, which keeps both ends open: when a
 * process dies and is started anew it goes on with the very same socket. Whoever starts says hello
 * first; on a hello every request still waiting is sent again, so a restart costs time and loses
 * nothing. Requests may thus be handled twice: handlers must not mind (they look up, sign, or act
 * on ids). Frames are those of wire/ipc.h, at most LIMIT_FRAME_BYTES. */
#ifndef LETTERHEAD_RUNTIME_PEER_H
#define LETTERHEAD_RUNTIME_PEER_H

#include "base/buffer.h"
#include "runtime/task.h"

struct peer;

struct peer_handlers {
    /* Answers one request, in a task of its own: 0 with the reply's body added to `reply`, or a
     * negative errno that the caller gets. Notices come here too; their reply goes nowhere. */
    int (*request)(struct task *t, void *context, uint8_t type, struct slice body,
                   struct buffer *reply);
    /* The other side has started (again); may be NULL. Runs in a task of its own. */
    void (*hello)(struct task *t, void *context);
    void *context;
};

/* Serves the socket in tasks of `scope` until that is closed. Never NULL. */
struct peer *peer_new(struct scope *scope, const char *name, int socket,
                      const struct peer_handlers *handlers);
void peer_free(struct peer *p);

/* Sends a request and waits for its reply within the task's deadlines: what the handler returned;
 * -EMSGSIZE when the body is too large for a frame. */
MUST_CHECK int peer_call(struct task *t, struct peer *p, uint8_t type, struct slice body,
                         struct buffer *reply);
/* Sends without expecting a reply. */
MUST_CHECK int peer_notify(struct task *t, struct peer *p, uint8_t type, struct slice body);

#endif
