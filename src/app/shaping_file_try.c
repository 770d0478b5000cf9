/* Whether this machine has the addresses that mail is to go out from: each is bound once. */
#include "app/shaping_file.h"
#include "runtime/endpoint.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static int try_to_bind(const struct endpoint *e)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const struct sockaddr *address = e->family == 4 ? (void *)&v4 : (void *)&v6;
    CLEANUP(base_close_descriptor)
    int socket_new = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(&v4.sin_addr, e->address, sizeof v4.sin_addr);
    memcpy(&v6.sin6_addr, e->address, sizeof v6.sin6_addr);
    if (socket_new < 0)
        return -errno;
    return bind(socket_new, address, e->family == 4 ? sizeof v4 : sizeof v6) < 0 ? -errno : 0;
}

int shaping_file_try_sources(const char *path, const struct shaping *s, struct buffer *problems)
{
    size_t before = problems->size;

    for (size_t i = 0; i < s->source_count; i++) {
        struct endpoint address;
        int r = endpoint_parse_address(s->sources[i].address, &address);

        if (r == 0)
            r = try_to_bind(&address);
        if (r < 0)
            buffer_printf(problems,
                          "%s: sources[%zu]: mail cannot go out from %.*s: %s; add the address to "
                          "an interface of this machine, or take it out\n",
                          path, i, SLICE_ARG(s->sources[i].address),
                          r == -EADDRNOTAVAIL ? "this machine does not have it" : strerror(-r));
    }
    return problems->size > before ? -EADDRNOTAVAIL : 0;
}
