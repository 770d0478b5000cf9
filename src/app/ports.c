#include "app/ports.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that wait to be accepted: those of a second or two while the gateway is started
 * again. */
enum { BACKLOG = 1024 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t to_system(const struct endpoint *endpoint, union address *ret)
{
    *ret = (union address){0};
    if (endpoint->family == 6) {
        ret->v6 =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
        memcpy(&ret->v6.sin6_addr, endpoint->address, sizeof ret->v6.sin6_addr);
        return sizeof ret->v6;
    }
    ret->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
    memcpy(&ret->v4.sin_addr, endpoint->address, sizeof ret->v4.sin_addr);
    return sizeof ret->v4;
}

static struct endpoint with_chosen_port(int socket, const struct endpoint *endpoint)
{
    struct endpoint chosen = *endpoint;
    union address address;
    socklen_t size = sizeof address;

    if (getsockname(socket, &address.any, &size) == 0)
        chosen.port = ntohs(endpoint->family == 6 ? address.v6.sin6_port : address.v4.sin_port);
    return chosen;
}

/* IPv6 sockets take IPv6 alone: both families on one port are two listeners, in the configuration
 * and here. */
static int listen_at(const struct endpoint *endpoint, int *ret_socket)
{
    CLEANUP(base_close_descriptor) int listener = -1;
    union address address;
    socklen_t size = to_system(endpoint, &address);
    static const int on = 1;

    listener = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return -errno;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (endpoint->family == 6)
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(listener, &address.any, size) < 0 || listen(listener, BACKLOG) < 0)
        return -errno;
    *ret_socket = listener;
    listener = -1;
    return 0;
}

static const char *what_to_do(int r)
{
    switch (r) {
    case -EADDRINUSE:
        return ": another program listens there. `ss -ltnp` shows which; or use another port";
    case -EACCES:
        return ": ports below 1024 are for root. Start as root, or configure a higher port";
    case -EADDRNOTAVAIL:
        return ": this machine does not have that address";
    default:
        return "";
    }
}

int ports_listen(const char *name, const struct endpoint *endpoint, int *ret_socket)
{
    char text[ENDPOINT_TEXT_BYTES];
    struct endpoint chosen;
    int r = listen_at(endpoint, ret_socket);

    if (r < 0) {
        log_error("cannot listen on %s (listener %s): %s%s", endpoint_format(endpoint, text), name,
                  strerror(-r), what_to_do(r));
        return r;
    }
    chosen = with_chosen_port(*ret_socket, endpoint);
    log_info("listening on %s (listener %s)", endpoint_format(&chosen, text), name);
    return 0;
}

static int unix_address(const char *path, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof ret->sun_path)
        return -ENAMETOOLONG;
    memcpy(ret->sun_path, path, strlen(path));
    return 0;
}

/* A socket file that nobody listens on any more refuses connections. */
static int remove_stale(const char *path, const struct sockaddr_un *address)
{
    CLEANUP(base_close_descriptor) int probe = -1;
    struct stat status;

    if (lstat(path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return -errno;
    if (connect(probe, (const struct sockaddr *)address, sizeof *address) == 0)
        return -EADDRINUSE;
    if (errno != ECONNREFUSED)
        return -errno;
    return unlink(path) < 0 ? -errno : 0;
}

/* Made with its mode, never changed afterwards by its path: the directory may belong to the roles'
 * user, who could put another file in its place. */
static int bind_with_mode(int listener, const struct sockaddr_un *address, mode_t mode)
{
    mode_t previous = umask(~mode & 0777);
    int r = bind(listener, (const struct sockaddr *)address, sizeof *address) < 0 ? -errno : 0;

    umask(previous);
    return r;
}

static int listen_at_path(const char *path, mode_t mode, const struct privileges_user *group,
                          int *ret_socket)
{
    CLEANUP(base_close_descriptor) int listener = -1;
    struct sockaddr_un address;
    int r = unix_address(path, &address);

    if (r == 0)
        r = remove_stale(path, &address);
    if (r < 0)
        return r;
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return -errno;
    r = bind_with_mode(listener, &address, mode);
    if (r < 0)
        return r;
    if (group && lchown(path, (uid_t)-1, group->gid) < 0)
        return -errno;
    if (listen(listener, BACKLOG) < 0)
        return -errno;
    *ret_socket = listener;
    listener = -1;
    return 0;
}

int ports_listen_control(const char *path, mode_t mode, const struct privileges_user *group,
                         int *ret_socket)
{
    int r = listen_at_path(path, mode, group, ret_socket);

    if (r == -EADDRINUSE)
        log_error("control socket %s: another Letterhead is running there", path);
    else if (r == -EEXIST)
        log_error("control socket %s: there is a file of that name, and it is no socket", path);
    else if (r < 0)
        log_error("control socket %s: %s", path, strerror(-r));
    return r;
}
