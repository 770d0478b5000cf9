#include "runtime/world_linux.h"

#include "base/secret.h"
#include "runtime/lanes.h"
#include "runtime/resolver_unbound.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* One system call makes chance for many messages. */
enum { CHANCE_BYTES = 512 };

struct world_linux {
    struct world world;
    char chance[CHANCE_BYTES]; /* from the kernel; what was given out is wiped */
    size_t chance_left;
    int epoll;
    struct lanes *lanes;
    struct resolver_unbound *resolver; /* NULL: no DNS */
    struct list unanswered; /* queries that never had a resolver: answered at the next wait */
};

static struct world_linux *self(struct world *w)
{
    return CONTAINER_OF(w, struct world_linux, world);
}

static uint64_t clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * SECOND_US + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t linux_monotonic_us(struct world *w)
{
    (void)w;
    return clock_us(CLOCK_MONOTONIC);
}

static int64_t linux_wall_us(struct world *w)
{
    (void)w;
    return (int64_t)clock_us(CLOCK_REALTIME);
}

static void fill_with_chance(char *at, size_t size)
{
    while (size) {
        ssize_t n = getrandom(at, size, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            abort(); /* no chance, no secrets: nothing can go on */
        at += n;
        size -= (size_t)n;
    }
}

static void linux_random(struct world *w, void *memory, size_t size)
{
    struct world_linux *l = self(w);

    if (size > sizeof l->chance) {
        fill_with_chance(memory, size);
        return;
    }
    if (l->chance_left < size) {
        fill_with_chance(l->chance, sizeof l->chance);
        l->chance_left = sizeof l->chance;
    }
    l->chance_left -= size;
    memcpy(memory, l->chance + l->chance_left, size);
    secret_wipe(l->chance + l->chance_left, size);
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t to_system(const struct endpoint *e, union address *ret)
{
    memset(ret, 0, sizeof *ret);
    if (e->family == 4) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons(e->port);
        memcpy(&ret->v4.sin_addr, e->address, 4);
        return sizeof ret->v4;
    }
    ret->v6.sin6_family = AF_INET6;
    ret->v6.sin6_port = htons(e->port);
    memcpy(&ret->v6.sin6_addr, e->address, 16);
    return sizeof ret->v6;
}

/* An IPv4 client of an IPv6 socket is an IPv4 endpoint: policy and logs must not see two faces of
 * it. */
static void from_system_v6(const struct sockaddr_in6 *address, struct endpoint *ret)
{
    ret->port = ntohs(address->sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&address->sin6_addr)) {
        ret->family = 4;
        memcpy(ret->address, address->sin6_addr.s6_addr + 12, 4);
        return;
    }
    ret->family = 6;
    memcpy(ret->address, &address->sin6_addr, 16);
}

static void from_system(const union address *address, struct endpoint *ret)
{
    *ret = (struct endpoint){0};
    if (address->any.sa_family == AF_INET) {
        ret->family = 4;
        ret->port = ntohs(address->v4.sin_port);
        memcpy(ret->address, &address->v4.sin_addr, 4);
    }
    if (address->any.sa_family == AF_INET6)
        from_system_v6(&address->v6, ret);
}

static void set_no_delay(int socket)
{
    /* Fails on Unix sockets, where there is no delay. */
    (void)!setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static int linux_accept(struct world *w, int listener, struct endpoint *ret_remote, int *ret_socket)
{
    union address remote = {0};
    socklen_t size = sizeof remote;
    int socket;

    (void)w;
    do
        socket = accept4(listener, &remote.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (socket < 0 && errno == EINTR);
    if (socket < 0)
        return -errno;
    set_no_delay(socket);
    from_system(&remote, ret_remote);
    *ret_socket = socket;
    return 0;
}

static int bind_source(int socket, const struct endpoint *source)
{
    union address address;
    socklen_t size;

    if (!source || source->family == 0)
        return 0;
    /* The port is chosen at connect, by the pair of both ends: many more connections than ports. */
    (void)!setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    size = to_system(source, &address);
    return bind(socket, &address.any, size) == 0 ? 0 : -errno;
}

static int linux_connect(struct world *w, const struct endpoint *source,
                         const struct endpoint *target, int *ret_socket)
{
    CLEANUP(base_close_descriptor) int socket_new = -1;
    union address address;
    socklen_t size = to_system(target, &address);
    int r;

    (void)w;
    if (target->family == 0)
        return -EINVAL;
    socket_new = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_new < 0)
        return -errno;
    set_no_delay(socket_new);
    r = bind_source(socket_new, source);
    if (r < 0)
        return r;
    if (connect(socket_new, &address.any, size) < 0 && errno != EINPROGRESS)
        return -errno;
    *ret_socket = socket_new;
    socket_new = -1;
    return 0;
}

static int linux_connect_result(struct world *w, int socket)
{
    int error = 0;

    (void)w;
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error}) < 0)
        return -errno;
    return -error;
}

/* read, not recv: io may also watch a signalfd. */
static ssize_t linux_read(struct world *w, int socket, void *memory, size_t size)
{
    ssize_t n;

    (void)w;
    do
        n = read(socket, memory, size);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static ssize_t linux_write(struct world *w, int socket, const struct iovec *pieces, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    ssize_t n;

    (void)w;
    do
        n = count == 1 ? send(socket, pieces->iov_base, pieces->iov_len, flags)
                       : sendmsg(socket, &message, flags);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static void linux_close(struct world *w, int socket)
{
    (void)w;
    close(socket);
}

static void linux_remote(struct world *w, int socket, struct endpoint *ret)
{
    union address address = {0};

    (void)w;
    (void)!getpeername(socket, &address.any, &(socklen_t){sizeof address});
    from_system(&address, ret);
}

static void linux_local(struct world *w, int socket, struct endpoint *ret)
{
    union address address = {0};

    (void)w;
    (void)!getsockname(socket, &address.any, &(socklen_t){sizeof address});
    from_system(&address, ret);
}

/* Sockets that the supervisor made come as they are. */
static int set_non_blocking(int socket)
{
    int flags = fcntl(socket, F_GETFL);

    if (flags < 0)
        return -errno;
    if (flags & O_NONBLOCK)
        return 0;
    return fcntl(socket, F_SETFL, flags | O_NONBLOCK) == 0 ? 0 : -errno;
}

enum { EPOLL_READS = EPOLLIN | EPOLLRDHUP | EPOLLET };

static int linux_watch(struct world *w, int socket, void *watcher)
{
    struct epoll_event event = {.events = EPOLL_READS | EPOLLOUT, .data.ptr = watcher};
    int r = set_non_blocking(socket);

    if (r < 0)
        return r;
    if (epoll_ctl(self(w)->epoll, watcher ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, socket, &event) < 0)
        return -errno;
    return 0;
}

static int linux_watch_room(struct world *w, int socket, void *watcher, bool on)
{
    struct epoll_event event = {.events = EPOLL_READS | (on ? EPOLLOUT : 0), .data.ptr = watcher};

    return epoll_ctl(self(w)->epoll, EPOLL_CTL_MOD, socket, &event) == 0 ? 0 : -errno;
}

static void linux_offload(struct world *w, enum task_lane lane, struct world_job *job)
{
    lanes_submit(self(w)->lanes, lane, job);
}

static void linux_query_start(struct world *w, struct world_query *query)
{
    struct world_linux *l = self(w);

    if (l->resolver && resolver_unbound_start(l->resolver, query) == 0)
        return;
    query->answer = (struct dns_answer){.status = DNS_TEMPORARY,
                                        .why = SLICE("No resolver is running in this process.")};
    list_add_last(&l->unanswered, &query->link);
}

static void linux_query_cancel(struct world *w, struct world_query *query)
{
    struct world_linux *l = self(w);

    if (list_linked(&query->link))
        list_remove(&query->link);
    else if (l->resolver)
        resolver_unbound_cancel(l->resolver, query);
}

static unsigned what_happened(uint32_t events)
{
    unsigned what = 0;

    if (events & EPOLLIN)
        what |= WORLD_READABLE;
    if (events & EPOLLOUT)
        what |= WORLD_WRITABLE;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        what |= WORLD_HANGUP;
    return what;
}

/* The lanes and the resolver are watched under their own addresses. */
static void take_event(struct world_linux *l, const struct epoll_event *event,
                       struct world_news *news)
{
    if (event->data.ptr == l->lanes) {
        lanes_collect(l->lanes, &news->jobs);
        return;
    }
    if (event->data.ptr == l->resolver) {
        resolver_unbound_process(l->resolver, &news->queries);
        return;
    }
    news->ready[news->ready_count].watcher = event->data.ptr;
    news->ready[news->ready_count].what = what_happened(event->events);
    news->ready_count++;
}

static void take_unanswered(struct world_linux *l, struct list *queries)
{
    LIST_FOREACH_SAFE (link, &l->unanswered) {
        list_remove(link);
        list_add_last(queries, link);
    }
}

/* Rounds up to the next millisecond, so that a timer never finds that it came too early. */
static int timeout_ms(struct world_linux *l, uint64_t until_us)
{
    uint64_t now_us, left_ms;

    if (until_us == 0 || !list_empty(&l->unanswered))
        return 0;
    if (until_us == WORLD_NEVER)
        return -1;
    now_us = linux_monotonic_us(&l->world);
    left_ms = until_us > now_us ? (until_us - now_us + 999) / 1000 : 0;
    return left_ms > 3600000 ? 3600000 : (int)left_ms;
}

static void linux_wait(struct world *w, uint64_t until_us, struct world_news *ret_news)
{
    struct world_linux *l = self(w);
    struct epoll_event events[WORLD_READY_MAX];
    int count = epoll_wait(l->epoll, events, WORLD_READY_MAX, timeout_ms(l, until_us));

    for (int i = 0; i < count; i++)
        take_event(l, &events[i], ret_news);
    take_unanswered(l, &ret_news->queries);
}

static void linux_free(struct world *w)
{
    struct world_linux *l = self(w);

    resolver_unbound_free(l->resolver);
    lanes_free(l->lanes);
    if (l->epoll >= 0)
        close(l->epoll);
    free(l);
}

static const struct world_ops linux_ops = {
    .free = linux_free,
    .monotonic_us = linux_monotonic_us,
    .wall_us = linux_wall_us,
    .random = linux_random,
    .accept = linux_accept,
    .connect = linux_connect,
    .connect_result = linux_connect_result,
    .read = linux_read,
    .write = linux_write,
    .close = linux_close,
    .remote = linux_remote,
    .local = linux_local,
    .watch = linux_watch,
    .watch_room = linux_watch_room,
    .offload = linux_offload,
    .query_start = linux_query_start,
    .query_cancel = linux_query_cancel,
    .wait = linux_wait,
};

/* Level-triggered: what is left in these is asked for again. */
static int watch_own(struct world_linux *l, int descriptor, void *watcher)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watcher};

    return epoll_ctl(l->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : -errno;
}

static int start_resolver(struct world_linux *l, const struct resolver_options *options,
                          char **ret_problem)
{
    int r;

    if (!options)
        return 0;
    r = resolver_unbound_new(options, &l->resolver, ret_problem);
    if (r < 0)
        return r;
    return watch_own(l, resolver_unbound_descriptor(l->resolver), l->resolver);
}

static int start(struct world_linux *l, const struct world_linux_options *options,
                 char **ret_problem)
{
    int r;

    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll < 0)
        return -errno;
    r = lanes_new(&l->lanes);
    if (r == 0)
        r = watch_own(l, lanes_descriptor(l->lanes), l->lanes);
    if (r == 0)
        r = start_resolver(l, options->resolver, ret_problem);
    return r;
}

int world_linux_new(const struct world_linux_options *options, struct world **ret,
                    char **ret_problem)
{
    struct world_linux *l = base_allocate(sizeof *l);
    int r;

    *l = (struct world_linux){.world = {&linux_ops, options->disk}, .epoll = -1};
    list_init(&l->unanswered);
    *ret_problem = NULL;
    r = start(l, options, ret_problem);
    if (r < 0) {
        linux_free(&l->world);
        return r;
    }
    *ret = &l->world;
    return 0;
}
