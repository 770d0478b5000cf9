/* Sockets in memory. Everything that goes from one end to the other is an event of its own, in
 * order for each direction, after a delay that chance chooses. Numbers are never used again within
 * a run. */
#include "base/buffer.h"
#include "world_inside.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW_BYTES = 65536, FRAMES_MAX = 64, EPHEMERAL_PORT_FIRST = 20000 };

enum socket_kind { SOCKET_LISTENER, SOCKET_STREAM, SOCKET_DATAGRAM };

/* One thing under way to a socket. */
enum parcel_kind { PARCEL_BYTES, PARCEL_END, PARCEL_RESET, PARCEL_CONNECT, PARCEL_CONNECTED };
struct parcel {
    struct sim_event event;
    struct list link; /* datagrams that have arrived */
    struct sim_socket *to;
    enum parcel_kind kind;
    int result; /* CONNECTED */
    size_t size;
    char bytes[];
};

struct sim_socket {
    int number;
    enum socket_kind kind;
    bool gateway; /* belongs to it, or makes what does */
    bool shared;  /* others hold it too: closing it only ends the watching */
    bool open;
    bool dead;  /* its process has crashed */
    bool lost;  /* what is written goes nowhere */
    bool quiet; /* half-open: nothing comes any more either */
    struct endpoint local, remote;
    struct sim_socket *other;
    void *watcher;
    bool room_unwatched;
    unsigned changes;
    struct list in_changed;

    struct buffer arrived; /* stream */
    struct list frames;    /* datagram: parcels */
    size_t under_way;      /* bytes or frames written and not yet read by the other */
    bool write_waits;
    bool ended; /* the other side sends no more */
    int error;  /* instead of the end */
    uint64_t last_arrival_us;

    int *waiting; /* listener: numbers of sockets to accept */
    size_t waiting_count;
    bool connecting;
    int connect_result;
};

static struct sim_world *world_of(struct world *base)
{
    return CONTAINER_OF(base, struct sim_world, world);
}

static struct sim_socket *find(struct world *base, int number)
{
    struct sim_world *w = world_of(base);

    assert(number >= 0 && (size_t)number < w->socket_count);
    return w->sockets[number];
}

static struct sim_socket *socket_new(struct sim_world *w, enum socket_kind kind, bool gateway)
{
    struct sim_socket *s = base_allocate(sizeof *s);

    w->sockets = base_resize(w->sockets, (w->socket_count + 1) * sizeof(struct sim_socket *));
    w->sockets[w->socket_count] = s;
    s->number = (int)w->socket_count++;
    s->kind = kind;
    s->gateway = gateway;
    s->open = true;
    list_init(&s->frames);
    return s;
}

static void tell(struct sim_world *w, struct sim_socket *s, unsigned what)
{
    if (s->room_unwatched)
        what &= ~(unsigned)WORLD_WRITABLE;
    if (!s->watcher || s->dead || !what)
        return;
    s->changes |= what;
    if (!list_linked(&s->in_changed))
        list_add_last(&w->changed, &s->in_changed);
}

static struct parcel *parcel_new(struct sim_socket *to, enum parcel_kind kind, size_t size)
{
    struct parcel *p = base_allocate(sizeof *p + size);

    p->to = to;
    p->kind = kind;
    p->size = size;
    return p;
}

static void parcel_arrives(struct sim_world *w, struct sim_event *event);

static void post(struct sim_world *w, struct parcel *p)
{
    uint64_t at_us = w->now_us + 10 + chance_skewed(&w->chance, w->faults.latency_most_us);

    if (at_us <= p->to->last_arrival_us)
        at_us = p->to->last_arrival_us + 1;
    p->to->last_arrival_us = at_us;
    sim_schedule(w, &p->event, at_us, parcel_arrives);
}

static void post_signal(struct sim_world *w, struct sim_socket *to, enum parcel_kind kind,
                        int result)
{
    struct parcel *p = parcel_new(to, kind, 0);

    p->result = result;
    post(w, p);
}

static void arrive_bytes(struct sim_world *w, struct parcel *p)
{
    struct sim_socket *s = p->to;

    if (s->quiet)
        return;
    if (!s->open || s->dead) { /* nobody is there: the sender is told so */
        if (!s->other->error)
            post_signal(w, s->other, PARCEL_RESET, 0);
        return;
    }
    buffer_add(&s->arrived, slice_of(p->bytes, p->size));
    tell(w, s, WORLD_READABLE);
}

static void arrive_end(struct sim_world *w, struct sim_socket *s, int error)
{
    if (s->quiet || s->error || (s->ended && !error))
        return;
    s->ended = true;
    s->error = error;
    if (error && chance_ppm(&w->chance, 500000))
        s->arrived.size = 0; /* a reset may overtake what was not read yet */
    tell(w, s, WORLD_READABLE | WORLD_HANGUP | (error ? WORLD_WRITABLE : 0));
}

static struct sim_socket *find_listener(struct sim_world *w, const struct endpoint *at)
{
    for (size_t i = 0; i < w->socket_count; i++) {
        struct sim_socket *s = w->sockets[i];

        if (s->kind == SOCKET_LISTENER && s->local.port == at->port &&
            endpoint_same_address(&s->local, at))
            return s;
    }
    return NULL;
}

static void queue_connection(struct sim_world *w, struct sim_socket *listener,
                             struct sim_socket *client)
{
    struct sim_socket *s = socket_new(w, SOCKET_STREAM, listener->gateway);

    s->local = client->remote;
    s->remote = client->local;
    s->other = client;
    client->other = s;
    listener->waiting = base_resize(listener->waiting, (listener->waiting_count + 1) * sizeof(int));
    listener->waiting[listener->waiting_count++] = s->number;
    tell(w, listener, WORLD_READABLE);
}

/* A connection attempt reaches its target. */
static void arrive_connect(struct sim_world *w, struct sim_socket *client)
{
    struct sim_socket *listener = find_listener(w, &client->remote);

    if (!client->open)
        return;
    if (listener)
        queue_connection(w, listener, client);
    post_signal(w, client, PARCEL_CONNECTED, listener ? 0 : -ECONNREFUSED);
}

static void arrive_connected(struct sim_world *w, struct sim_socket *s, int result)
{
    if (!s->open)
        return;
    s->connecting = false;
    s->connect_result = result;
    tell(w, s, result < 0 ? WORLD_WRITABLE | WORLD_HANGUP : WORLD_WRITABLE);
}

static void arrive_frame(struct sim_world *w, struct parcel *p)
{
    list_add_last(&p->to->frames, &p->link);
    tell(w, p->to, WORLD_READABLE);
}

static void parcel_arrives(struct sim_world *w, struct sim_event *event)
{
    struct parcel *p = CONTAINER_OF(event, struct parcel, event);

    if (p->to->kind == SOCKET_DATAGRAM) {
        arrive_frame(w, p);
        return;
    }
    switch (p->kind) {
    case PARCEL_BYTES:
        arrive_bytes(w, p);
        break;
    case PARCEL_END:
        arrive_end(w, p->to, 0);
        break;
    case PARCEL_RESET:
        arrive_end(w, p->to, -ECONNRESET);
        break;
    case PARCEL_CONNECT:
        arrive_connect(w, p->to);
        break;
    case PARCEL_CONNECTED:
        arrive_connected(w, p->to, p->result);
        break;
    }
    free(p);
}

static int network_accept(struct world *base, int listener, struct endpoint *ret_remote,
                          int *ret_socket)
{
    struct sim_world *w = world_of(base);
    struct sim_socket *l = find(base, listener), *s;

    if (l->waiting_count == 0 || (l->gateway && w->crashed))
        return -EAGAIN;
    s = w->sockets[l->waiting[0]];
    memmove(l->waiting, l->waiting + 1, --l->waiting_count * sizeof(int));
    *ret_remote = s->remote;
    *ret_socket = s->number;
    sim_trace(w, "accept: socket %d", s->number);
    return 0;
}

static int connect_fault(struct sim_world *w)
{
    if (chance_ppm(&w->chance, w->faults.refused))
        return -ECONNREFUSED;
    if (chance_ppm(&w->chance, w->faults.unreachable))
        return -EHOSTUNREACH;
    if (chance_ppm(&w->chance, w->faults.connect_silent))
        return -ETIMEDOUT;
    return 0;
}

/* Without a source it is the gateway that calls. */
static int network_connect(struct world *base, const struct endpoint *source,
                           const struct endpoint *target, int *ret_socket)
{
    struct sim_world *w = world_of(base);
    struct sim_socket *s;
    int fault;

    if (!source && w->crashed)
        return -ENETDOWN;
    fault = source ? 0 : connect_fault(w);
    s = socket_new(w, SOCKET_STREAM, !source);
    s->local = source ? *source : (struct endpoint){.family = 4, .address = {192, 0, 2, 1}};
    s->local.port = (uint16_t)(EPHEMERAL_PORT_FIRST + s->number % 40000);
    s->remote = *target;
    s->connecting = true;
    if (fault == 0)
        post_signal(w, s, PARCEL_CONNECT, 0);
    else if (fault != -ETIMEDOUT) /* of which nothing is ever heard */
        post_signal(w, s, PARCEL_CONNECTED, fault);
    sim_trace(w, "connect: socket %d to port %u, %d", s->number, target->port, fault);
    *ret_socket = s->number;
    return 0;
}

static int network_connect_result(struct world *base, int number)
{
    return find(base, number)->connect_result;
}

static ssize_t read_frame(struct sim_world *w, struct sim_socket *s, void *memory, size_t size)
{
    struct parcel *p;

    if (list_empty(&s->frames))
        return -EAGAIN;
    p = LIST_FIRST(&s->frames, struct parcel, link);
    list_remove(&p->link);
    size = p->size < size ? p->size : size;
    memcpy(memory, p->bytes, size);
    free(p);
    s->other->under_way--;
    if (s->other->write_waits) {
        s->other->write_waits = false;
        tell(w, s->other, WORLD_WRITABLE);
    }
    return (ssize_t)size;
}

static void make_room(struct sim_world *w, struct sim_socket *writer, size_t size)
{
    writer->under_way -= size < writer->under_way ? size : writer->under_way;
    if (!writer->write_waits)
        return;
    writer->write_waits = false;
    tell(w, writer, WORLD_WRITABLE);
}

static ssize_t read_bytes(struct sim_world *w, struct sim_socket *s, void *memory, size_t size)
{
    if (s->arrived.size == 0 && s->ended)
        return s->error;
    if (s->arrived.size == 0)
        return -EAGAIN;
    if (size > s->arrived.size)
        size = s->arrived.size;
    if (size > 1 && chance_ppm(&w->chance, w->faults.short_read)) {
        size = (size_t)chance_between(&w->chance, 1, size - 1);
        tell(w, s, WORLD_READABLE); /* as if the rest had come later */
    }
    memcpy(memory, s->arrived.data, size);
    buffer_consume(&s->arrived, size);
    make_room(w, s->other, size);
    return (ssize_t)size;
}

static ssize_t network_read(struct world *base, int number, void *memory, size_t size)
{
    struct sim_socket *s = find(base, number);

    if (s->dead)
        return -ECONNRESET;
    if (s->kind == SOCKET_DATAGRAM)
        return read_frame(world_of(base), s, memory, size);
    return read_bytes(world_of(base), s, memory, size);
}

static size_t total_of(const struct iovec *pieces, int count)
{
    size_t total = 0;

    for (int i = 0; i < count; i++)
        total += pieces[i].iov_len;
    return total;
}

/* Copies the first `size` bytes of the pieces. */
static void gather(char *out, const struct iovec *pieces, size_t size)
{
    while (size) {
        size_t part = pieces->iov_len < size ? pieces->iov_len : size;

        memcpy(out, pieces->iov_base, part);
        out += part;
        size -= part;
        pieces++;
    }
}

static ssize_t write_frame(struct sim_world *w, struct sim_socket *s, const struct iovec *pieces,
                           int count)
{
    size_t size = total_of(pieces, count);
    struct parcel *p;

    if (s->under_way >= FRAMES_MAX) {
        s->write_waits = true;
        return -EAGAIN;
    }
    p = parcel_new(s->other, PARCEL_BYTES, size);
    gather(p->bytes, pieces, size);
    s->under_way++;
    post(w, p);
    return (ssize_t)size;
}

/* The connection breaks: the other side hears of it, and this side a little later; what is written
 * meanwhile is lost. */
static void break_connection(struct sim_world *w, struct sim_socket *s)
{
    sim_trace(w, "reset: sockets %d and %d", s->number, s->other->number);
    s->lost = s->other->lost = true;
    post_signal(w, s->other, PARCEL_RESET, 0);
    post_signal(w, s, PARCEL_RESET, 0);
}

static void fall_silent(struct sim_world *w, struct sim_socket *s)
{
    sim_trace(w, "silence: sockets %d and %d", s->number, s->other->number);
    s->lost = s->other->lost = true;
    s->quiet = s->other->quiet = true;
}

static size_t how_much(struct sim_world *w, const struct sim_socket *s, size_t size)
{
    if (size > WINDOW_BYTES - s->under_way)
        size = WINDOW_BYTES - s->under_way;
    if (size > 1 && chance_ppm(&w->chance, w->faults.short_write))
        size = (size_t)chance_between(&w->chance, 1, size - 1);
    return size;
}

/* Sends, and perhaps no more than a part before the link fails. */
static void send_bytes(struct sim_world *w, struct sim_socket *s, const struct iovec *pieces,
                       size_t size)
{
    bool breaks = chance_ppm(&w->chance, w->faults.reset);
    bool silent = !breaks && chance_ppm(&w->chance, w->faults.half_open);
    size_t sent = breaks || silent ? (size_t)chance_below(&w->chance, size + 1) : size;
    struct parcel *p = parcel_new(s->other, PARCEL_BYTES, sent);

    gather(p->bytes, pieces, sent);
    s->under_way += sent;
    post(w, p);
    if (breaks)
        break_connection(w, s);
    if (silent)
        fall_silent(w, s);
}

static ssize_t write_bytes(struct sim_world *w, struct sim_socket *s, const struct iovec *pieces,
                           int count)
{
    size_t size = total_of(pieces, count);

    if (s->error)
        return s->error;
    if (!s->other)
        return -ENOTCONN;
    if (s->lost)
        return (ssize_t)size;
    size = how_much(w, s, size);
    if (size == 0) {
        s->write_waits = true;
        return -EAGAIN;
    }
    send_bytes(w, s, pieces, size);
    return (ssize_t)size;
}

static ssize_t network_write(struct world *base, int number, const struct iovec *pieces, int count)
{
    struct sim_socket *s = find(base, number);

    if (s->dead)
        return -ECONNRESET;
    if (s->kind == SOCKET_DATAGRAM)
        return write_frame(world_of(base), s, pieces, count);
    return write_bytes(world_of(base), s, pieces, count);
}

/* As a kernel does: the end, after all that was written; or a reset, if something was not read. */
static void hang_up(struct sim_world *w, struct sim_socket *s)
{
    bool unread = s->arrived.size > 0;

    s->open = false;
    s->watcher = NULL;
    list_remove(&s->in_changed);
    buffer_done(&s->arrived);
    if (s->other && !s->lost)
        post_signal(w, s->other, unread ? PARCEL_RESET : PARCEL_END, 0);
}

static void network_close(struct world *base, int number)
{
    struct sim_socket *s = find(base, number);

    if (s->shared) {
        s->watcher = NULL;
        list_remove(&s->in_changed);
        return;
    }
    if (s->open)
        hang_up(world_of(base), s);
}

static void network_remote(struct world *base, int number, struct endpoint *ret)
{
    *ret = find(base, number)->remote;
}

static void network_local(struct world *base, int number, struct endpoint *ret)
{
    *ret = find(base, number)->local;
}

static unsigned present_state(const struct sim_socket *s)
{
    unsigned what = 0;

    if (s->waiting_count || s->arrived.size || s->ended || !list_empty(&s->frames))
        what |= WORLD_READABLE;
    if (s->ended)
        what |= WORLD_HANGUP;
    if (!s->connecting && s->kind != SOCKET_LISTENER)
        what |= WORLD_WRITABLE;
    return what;
}

static int network_watch(struct world *base, int number, void *watcher)
{
    struct sim_world *w = world_of(base);
    struct sim_socket *s = find(base, number);

    s->watcher = watcher;
    s->room_unwatched = false;
    s->changes = 0;
    list_remove(&s->in_changed);
    if (watcher && present_state(s))
        tell(w, s, present_state(s));
    return 0;
}

static int network_watch_room(struct world *base, int number, void *watcher, bool on)
{
    struct sim_world *w = world_of(base);
    struct sim_socket *s = find(base, number);

    assert(s->watcher == watcher);
    s->room_unwatched = !on;
    if (on && present_state(s))
        tell(w, s, present_state(s));
    return 0;
}

const struct world_ops sim_network_ops = {
    .accept = network_accept,
    .connect = network_connect,
    .connect_result = network_connect_result,
    .read = network_read,
    .write = network_write,
    .close = network_close,
    .remote = network_remote,
    .local = network_local,
    .watch = network_watch,
    .watch_room = network_watch_room,
};

bool sim_network_has_news(const struct sim_world *w)
{
    return !list_empty(&w->changed);
}

void sim_network_take_news(struct sim_world *w, struct world_news *news)
{
    while (!list_empty(&w->changed) && news->ready_count < WORLD_READY_MAX) {
        struct sim_socket *s = LIST_FIRST(&w->changed, struct sim_socket, in_changed);

        list_remove(&s->in_changed);
        news->ready[news->ready_count].watcher = s->watcher;
        news->ready[news->ready_count].what = s->changes;
        news->ready_count++;
        s->changes = 0;
    }
}

static void set_dead(struct sim_world *w, struct sim_socket *s, bool dead)
{
    tell(w, s, WORLD_READABLE | WORLD_WRITABLE | WORLD_HANGUP); /* so that its tasks find out */
    s->dead = dead;
}

/* Those who wait in the queue of a listener have no process yet, and live on. */
static bool is_accepted(const struct sim_world *w, const struct sim_socket *s)
{
    for (size_t i = 0; i < w->socket_count; i++)
        for (size_t j = 0; j < w->sockets[i]->waiting_count; j++)
            if (w->sockets[i]->waiting[j] == s->number)
                return false;
    return true;
}

/* The tasks of the dead wake up to errors; the loop must not leave them waiting for a silent
 * socket. */
void sim_network_crash(struct sim_world *w)
{
    for (size_t i = 0; i < w->socket_count; i++) {
        struct sim_socket *s = w->sockets[i];

        if (!s->gateway || !s->open || s->kind == SOCKET_LISTENER)
            continue;
        if (s->kind == SOCKET_STREAM && !is_accepted(w, s))
            continue;
        if (s->kind == SOCKET_STREAM && s->other && !s->lost)
            post_signal(w, s->other, s->arrived.size ? PARCEL_RESET : PARCEL_END, 0);
        s->lost = true;
        set_dead(w, s, true);
    }
}

void sim_world_silence(struct sim_world *w, int socket, bool dead)
{
    set_dead(w, w->sockets[socket], dead);
}

/* What the last process left half done on its pairs is as it was. */
void sim_network_revive(struct sim_world *w)
{
    for (size_t i = 0; i < w->socket_count; i++)
        if (w->sockets[i]->kind == SOCKET_DATAGRAM && w->sockets[i]->gateway)
            w->sockets[i]->dead = false;
}

int sim_world_listen(struct sim_world *w, const struct endpoint *at, bool gateway)
{
    struct sim_socket *s = socket_new(w, SOCKET_LISTENER, gateway);

    s->local = *at;
    s->shared = true;
    return s->number;
}

void sim_world_pair(struct sim_world *w, int ret[static 2])
{
    struct sim_socket *a = socket_new(w, SOCKET_DATAGRAM, true);
    struct sim_socket *b = socket_new(w, SOCKET_DATAGRAM, false);

    a->other = b;
    b->other = a;
    a->shared = b->shared = true;
    ret[0] = a->number;
    ret[1] = b->number;
}

static void free_parcels(struct sim_world *w)
{
    struct heap_item *item;

    while ((item = heap_first(&w->events))) {
        struct sim_event *event = CONTAINER_OF(item, struct sim_event, item);

        heap_remove(&w->events, item);
        if (event->happen == parcel_arrives)
            free(CONTAINER_OF(event, struct parcel, event));
    }
}

void sim_network_free(struct sim_world *w)
{
    free_parcels(w);
    for (size_t i = 0; i < w->socket_count; i++) {
        struct sim_socket *s = w->sockets[i];

        while (!list_empty(&s->frames)) {
            struct parcel *p = LIST_FIRST(&s->frames, struct parcel, link);

            list_remove(&p->link);
            free(p);
        }
        buffer_done(&s->arrived);
        free(s->waiting);
        free(s);
    }
    free(w->sockets);
}
