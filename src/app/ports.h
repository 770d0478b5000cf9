/* The sockets that strangers and operators connect to, opened by the supervisor: ports for
 * submission, and the control socket. */
#ifndef LETTERHEAD_APP_PORTS_H
#define LETTERHEAD_APP_PORTS_H

#include "app/privileges.h"
#include "runtime/endpoint.h"

/* A listening TCP socket, not blocking. `name` is for the log, which says where it listens (port 0:
 * the system chooses) or why it cannot, and what to do. */
MUST_CHECK int ports_listen(const char *name, const struct endpoint *endpoint, int *ret_socket);

/* A listening Unix socket, not blocking. One that a dead supervisor left behind is replaced;
 * -EADDRINUSE when one that lives is there. `group` NULL: that of this process. What is wrong was
 * logged. */
MUST_CHECK int ports_listen_control(const char *path, mode_t mode,
                                    const struct privileges_user *group, int *ret_socket);

#endif
