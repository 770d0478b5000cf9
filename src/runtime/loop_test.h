/* What the tests of this folder share: a world, pairs of connected streams, a listening socket. */
#ifndef LETTERHEAD_RUNTIME_LOOP_TEST_H
#define LETTERHEAD_RUNTIME_LOOP_TEST_H

#include "runtime/listener.h"
#include "runtime/world_linux.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static inline int run_tasks(const struct resolver_options *resolver, task_function *function,
                            void *argument)
{
    const struct world_linux_options options = {.resolver = resolver};
    char *problem = NULL;
    struct world *w;
    int r = world_linux_new(&options, &w, &problem);

    if (r < 0)
        fail_msg("%s", problem ? problem : "no world");
    r = loop_run(w, function, argument);
    world_free(w);
    return r;
}

static inline void make_pair(int type, int ret[static 2])
{
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ret), 0);
}

/* A listening socket on a port of the system's choice. */
static inline int listen_loopback(struct endpoint *ret)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s, 100), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&address, &(socklen_t){sizeof address}), 0);
    *ret = (struct endpoint){.family = 4, .address = {127, 0, 0, 1}};
    ret->port = ntohs(address.sin_port);
    return s;
}

#endif
