#include "runtime/listener.h"

#include "runtime/io.h"

#include <stdlib.h>

struct listener {
    struct io io;
};

/* How long to wait for descriptors to become free. */
enum { LISTENER_PAUSE_US = 100000 };

int listener_new(struct task *t, int socket, struct listener **ret)
{
    struct listener *l = base_allocate(sizeof *l);
    int r = io_open(&l->io, task_world(t), socket);

    if (r < 0) {
        free(l);
        return r;
    }
    *ret = l;
    return 0;
}

void listener_free(struct listener *l)
{
    if (!l)
        return;
    io_close(&l->io, IO_SHARED);
    free(l);
}

void listener_free_pointer(struct listener **l)
{
    listener_free(*l);
}

/* accept(2) also tells of errors of the connection that it was about to give; those concern
 * nobody. */
static bool is_passing(int error)
{
    switch (-error) {
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

static bool is_shortage(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

static int accept_one(struct task *t, struct listener *l, struct stream **ret)
{
    struct world *w = task_world(t);
    struct endpoint remote;
    int socket, r;

    r = w->ops->accept(w, l->io.socket, &remote, &socket);
    if (r < 0)
        return r;
    *ret = stream_new(t, socket);
    return 0;
}

int listener_wait(struct task *t, struct listener *l)
{
    int r = io_take_turn(t, &l->io);

    return r == 0 ? io_wait_readable(t, &l->io) : r;
}

int listener_accept_now(struct task *t, struct listener *l, struct stream **ret)
{
    for (;;) {
        int r = accept_one(t, l, ret);

        if (r == -EAGAIN)
            l->io.readable = false;
        if (is_shortage(r))
            r = task_sleep(t, LISTENER_PAUSE_US);
        else if (is_passing(r))
            r = task_check(t);
        else
            return r;
        if (r < 0)
            return r;
    }
}

int listener_accept(struct task *t, struct listener *l, struct stream **ret)
{
    int r = io_take_turn(t, &l->io);

    while (r == 0) {
        r = listener_accept_now(t, l, ret);
        if (r != -EAGAIN)
            return r;
        r = io_wait_readable(t, &l->io);
    }
    return r;
}
