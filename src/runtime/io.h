/* A socket of the world with its readiness: what streams, listeners and peers wait on.
 *
 * An operation is tried first; only when it says -EAGAIN does the task wait. Readiness is
 * remembered, so nothing is asked twice. A task that is served without ever waiting gives way after
 * IO_TURNS operations, so that one fast connection cannot starve the others. May also watch any
 * descriptor that can be polled, such as a signalfd. */
#ifndef LETTERHEAD_RUNTIME_IO_H
#define LETTERHEAD_RUNTIME_IO_H

#include "runtime/task.h"
#include "runtime/world.h"

enum { IO_TURNS = 64 };

struct io {
    struct world *world;
    int socket;
    bool readable, writable, hangup;
    bool frames;       /* opened by io_open_frames */
    size_t room_waits; /* then: how many tasks wait to write */
    /* Set by the owner of a byte stream: a read that does not fill its memory has emptied it. */
    bool bytes;
    unsigned turns;
    struct condition can_read, can_write;
};

/* Begins to watch; takes the socket over when it succeeds. The struct must not move until
 * io_close. */
MUST_CHECK int io_open(struct io *io, struct world *world, int socket);
/* The same for a socket of frames. There each frame that the other side takes makes room and would
 * wake the loop, so room is asked about only while somebody waits for it. */
MUST_CHECK int io_open_frames(struct io *io, struct world *world, int socket);
/* `shared`: other processes hold this socket too. Nobody may be waiting any more. */
enum io_sharing { IO_OWN, IO_SHARED };
void io_close(struct io *io, enum io_sharing sharing);

/* One read or write; waits when nothing can be done yet. Bytes moved (read: 0 at the end), or an
 * error. */
MUST_CHECK ssize_t io_read(struct task *t, struct io *io, void *memory, size_t size);
MUST_CHECK ssize_t io_write(struct task *t, struct io *io, const struct iovec *pieces, int count);
/* The same without waiting: -EAGAIN, and the readiness is remembered as gone. */
MUST_CHECK ssize_t io_try_read(struct io *io, void *memory, size_t size);
MUST_CHECK ssize_t io_try_write(struct io *io, const struct iovec *pieces, int count);

/* Checks the task, and lets the others run now and then: before each step of an operation that may
 * never wait. */
MUST_CHECK int io_take_turn(struct task *t, struct io *io);
/* Returns at once when the last try did not say -EAGAIN. */
MUST_CHECK int io_wait_readable(struct task *t, struct io *io);
MUST_CHECK int io_wait_writable(struct task *t, struct io *io);

/* The loop's: something changed. */
void io_changed(struct io *io, unsigned what);

#endif
