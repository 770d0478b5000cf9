#include "app/notify.h"

#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A name that begins with @ is abstract: the @ stands for a NUL. */
static int address_of(const char *path, struct sockaddr_un *ret, socklen_t *ret_size)
{
    size_t length = strlen(path);

    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((path[0] != '/' && path[0] != '@') || length >= sizeof ret->sun_path)
        return -EINVAL;
    memcpy(ret->sun_path, path, length);
    if (path[0] == '@')
        ret->sun_path[0] = 0;
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return 0;
}

void notify_send(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    CLEANUP(base_close_descriptor) int datagrams = -1;
    struct sockaddr_un address;
    socklen_t size;

    if (!path || address_of(path, &address, &size) < 0)
        return;
    datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (datagrams < 0)
        return;
    (void)sendto(datagrams, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
}
