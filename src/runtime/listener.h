/* A listening socket, and the streams that come in on it. The supervisor binds; whoever serves
 * accepts. */
#ifndef LETTERHEAD_RUNTIME_LISTENER_H
#define LETTERHEAD_RUNTIME_LISTENER_H

#include "runtime/stream.h"

struct listener;

/* Takes over a listening socket of the task's world. -EINVAL and the like when it cannot be
 * watched. */
MUST_CHECK int listener_new(struct task *t, int socket, struct listener **ret);
/* Accepts NULL. */
void listener_free(struct listener *l);
void listener_free_pointer(struct listener **l); /* for CLEANUP */

/* Waits for a connection. Those that died while they queued are passed over; when descriptors have
 * run out it waits a little and tries again. */
MUST_CHECK int listener_accept(struct task *t, struct listener *l, struct stream **ret);

/* The same in two steps, for a socket that several processes accept from. Waits until there may be
 * a connection. */
MUST_CHECK int listener_wait(struct task *t, struct listener *l);
/* -EAGAIN: another process has taken it; wait again. */
MUST_CHECK int listener_accept_now(struct task *t, struct listener *l, struct stream **ret);

#endif
