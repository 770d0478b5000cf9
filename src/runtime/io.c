#include "runtime/io.h"

int io_open(struct io *io, struct world *world, int socket)
{
    /* What is there to read is reported as the first change; to write is tried at once. */
    *io = (struct io){.world = world, .socket = socket, .writable = true};
    return world->ops->watch(world, socket, io);
}

static int watch_room(struct io *io, bool on)
{
    return io->world->ops->watch_room(io->world, io->socket, io, on);
}

int io_open_frames(struct io *io, struct world *world, int socket)
{
    int r = io_open(io, world, socket);

    if (r < 0)
        return r;
    io->frames = true;
    return watch_room(io, false);
}

void io_close(struct io *io, enum io_sharing sharing)
{
    struct world *w = io->world;

    assert(list_empty(&io->can_read.waiters) && list_empty(&io->can_write.waiters));
    if (sharing == IO_SHARED)
        (void)!w->ops->watch(w, io->socket, NULL);
    w->ops->close(w, io->socket);
}

void io_changed(struct io *io, unsigned what)
{
    if (what & WORLD_HANGUP)
        io->hangup = true;
    if (what & (WORLD_READABLE | WORLD_HANGUP)) {
        io->readable = true;
        condition_broadcast(&io->can_read);
    }
    if (what & (WORLD_WRITABLE | WORLD_HANGUP)) {
        io->writable = true;
        condition_broadcast(&io->can_write);
    }
}

int io_wait_readable(struct task *t, struct io *io)
{
    while (!io->readable) {
        int r = condition_wait(t, &io->can_read);

        if (r < 0)
            return r;
    }
    return 0;
}

static int wait_for_room(struct task *t, struct io *io)
{
    int r, off = 0;

    if (!io->frames)
        return condition_wait(t, &io->can_write);
    io->room_waits++;
    r = watch_room(io, true);
    if (r == 0)
        r = condition_wait(t, &io->can_write);
    if (--io->room_waits == 0)
        off = watch_room(io, false);
    return r < 0 ? r : off;
}

int io_wait_writable(struct task *t, struct io *io)
{
    while (!io->writable) {
        int r = wait_for_room(t, io);

        if (r < 0)
            return r;
    }
    return 0;
}

ssize_t io_try_read(struct io *io, void *memory, size_t size)
{
    ssize_t n;

    if (!io->readable)
        return -EAGAIN;
    n = io->world->ops->read(io->world, io->socket, memory, size);
    if (n == -EAGAIN || (io->bytes && !io->hangup && n >= 0 && (size_t)n < size))
        io->readable = false;
    return n;
}

ssize_t io_try_write(struct io *io, const struct iovec *pieces, int count)
{
    ssize_t n;

    if (!io->writable)
        return -EAGAIN;
    n = io->world->ops->write(io->world, io->socket, pieces, count);
    if (n == -EAGAIN)
        io->writable = false;
    return n;
}

int io_take_turn(struct task *t, struct io *io)
{
    if (++io->turns % IO_TURNS == 0)
        return task_yield(t);
    return task_check(t);
}

ssize_t io_read(struct task *t, struct io *io, void *memory, size_t size)
{
    int r = io_take_turn(t, io);

    while (r == 0) {
        ssize_t n = io_try_read(io, memory, size);

        if (n != -EAGAIN)
            return n;
        r = io_wait_readable(t, io);
    }
    return r;
}

ssize_t io_write(struct task *t, struct io *io, const struct iovec *pieces, int count)
{
    int r = io_take_turn(t, io);

    while (r == 0) {
        ssize_t n = io_try_write(io, pieces, count);

        if (n != -EAGAIN)
            return n;
        r = io_wait_writable(t, io);
    }
    return r;
}
