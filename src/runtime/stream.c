#include "runtime/stream.h"

#include "base/secret.h"
#include "runtime/pieces.h"
#include "runtime/stream_inside.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    OUTPUT_BYTES = 16384, /* as much as one TLS record holds */
    PIECES_MAX = 16,      /* given to the kernel at a time */
};

struct stream *stream_new(struct task *t, int socket)
{
    struct stream *s = base_allocate(sizeof *s);
    struct world *w = task_world(t);

    s->loop = t->loop;
    s->broken = io_open(&s->io, w, socket);
    s->io.bytes = true;
    w->ops->remote(w, socket, &s->remote);
    w->ops->local(w, socket, &s->local);
    return s;
}

static int finish_connect(struct task *t, struct stream *s)
{
    struct world *w = task_world(t);
    int r = s->broken;

    s->io.writable = false;
    if (r == 0)
        r = io_wait_writable(t, &s->io);
    if (r == 0)
        r = w->ops->connect_result(w, s->io.socket);
    return r;
}

int stream_connect(struct task *t, const struct endpoint *source, const struct endpoint *target,
                   struct stream **ret)
{
    CLEANUP(stream_free_pointer) struct stream *s = NULL;
    struct world *w = task_world(t);
    int socket, r = task_check(t);

    if (r == 0)
        r = w->ops->connect(w, source, target, &socket);
    if (r < 0)
        return r;
    s = stream_new(t, socket);
    s->remote = *target;
    r = finish_connect(t, s);
    if (r < 0)
        return r;
    w->ops->local(w, socket, &s->local);
    *ret = TAKE(s);
    return 0;
}

void stream_free(struct stream *s)
{
    if (!s)
        return;
    stream_tls_free(s);
    io_close(&s->io, IO_OWN);
    buffer_done(&s->input);
    buffer_done(&s->output);
    free(s->tls_error);
    free(s);
}

void stream_free_pointer(struct stream **s)
{
    stream_free(*s);
}

struct slice stream_buffered(const struct stream *s)
{
    return slice_part(buffer_slice(&s->input), s->input_start, s->input.size);
}

static void drop_input(struct stream *s)
{
    if (s->input.capacity == LOOP_BLOCK_BYTES)
        loop_block_give(s->loop, &s->input);
    else
        buffer_done(&s->input);
    s->input_start = 0;
}

void stream_consume(struct stream *s, size_t size)
{
    assert(size <= s->input.size - s->input_start);
    s->input_start += size;
    if (s->input_start == s->input.size)
        drop_input(s);
}

/* What is buffered may be half a password: where it moves on, no copy stays behind. */
static void leave_no_copy(struct slice bytes)
{
    if (bytes.size)
        secret_wipe((char *)(uintptr_t)bytes.data, bytes.size);
}

static void widen_input(struct stream *s, size_t more)
{
    struct buffer wide = BUFFER_NONE;

    if (s->input.capacity - s->input.size >= more)
        return;
    buffer_reserve(&wide, s->input.size + more);
    buffer_add(&wide, buffer_slice(&s->input));
    leave_no_copy(buffer_slice(&s->input));
    buffer_done(&s->input);
    s->input = wide;
}

/* Room for the next read behind what is buffered; what was consumed makes way. */
static struct iovec input_room(struct stream *s)
{
    if (s->input.size == 0) {
        buffer_done(&s->input);
        s->input = loop_block_take(s->loop);
    } else {
        if (s->input_start)
            buffer_consume(&s->input, s->input_start);
        widen_input(s, LOOP_BLOCK_BYTES / 4);
    }
    s->input_start = 0;
    return (struct iovec){s->input.data + s->input.size, s->input.capacity - s->input.size};
}

/* Gives back what memory an idle stream can do without. */
static void rest(struct stream *s)
{
    struct slice left = stream_buffered(s);
    struct buffer small = BUFFER_NONE;

    if (s->input.capacity == LOOP_BLOCK_BYTES && left.size < LOOP_BLOCK_BYTES / 4) {
        buffer_add(&small, left);
        leave_no_copy(left);
        drop_input(s);
        s->input = small;
    }
    if (s->output.size == 0)
        buffer_done(&s->output);
}

static bool may_have_more(const struct stream *s)
{
    return s->io.readable || (s->tls && stream_tls_holds(s));
}

static ssize_t try_read(struct task *t, struct stream *s)
{
    struct iovec room;

    if (!may_have_more(s))
        return -EAGAIN;
    room = input_room(s);
    if (s->tls)
        return stream_tls_read(t, s, room.iov_base, room.iov_len);
    return io_try_read(&s->io, room.iov_base, room.iov_len);
}

static ssize_t read_more(struct task *t, struct stream *s)
{
    int r = io_take_turn(t, &s->io);

    while (r == 0) {
        ssize_t n = try_read(t, s);

        if (n != -EAGAIN)
            return n;
        rest(s);
        r = io_wait_readable(t, &s->io);
    }
    return r;
}

int stream_fill(struct task *t, struct stream *s, size_t limit)
{
    ssize_t n;

    if (s->broken)
        return s->broken;
    if (s->input.size - s->input_start >= limit)
        return -ENOBUFS;
    n = read_more(t, s);
    if (n <= 0)
        return n == 0 ? -EPIPE : (int)n;
    s->input.size += (size_t)n;
    return 0;
}

int stream_read_line(struct task *t, struct stream *s, size_t limit, struct slice *ret_line)
{
    size_t looked_at = 0;

    for (;;) {
        struct slice buffered = stream_buffered(s);
        ssize_t at = slice_find(slice_part(buffered, looked_at, limit - looked_at), '\n');
        int r;

        if (at >= 0) {
            *ret_line = slice_part(buffered, 0, looked_at + (size_t)at + 1);
            s->input_start += ret_line->size; /* the line must stay for the caller */
            return 0;
        }
        looked_at = buffered.size < limit ? buffered.size : limit;
        r = stream_fill(t, s, limit);
        if (r < 0)
            return r;
    }
}

static int send_clear(struct task *t, struct stream *s, struct iovec *pieces, int count)
{
    count = pieces_advance(pieces, count, 0);
    while (count) {
        ssize_t n = io_write(t, &s->io, pieces, count);

        if (n < 0)
            return (int)n;
        count = pieces_advance(pieces, count, (size_t)n);
    }
    return 0;
}

static int send_tls(struct task *t, struct stream *s, struct slice bytes)
{
    while (bytes.size) {
        ssize_t n = stream_tls_write(t, s, bytes);

        if (n < 0)
            return (int)n;
        bytes = slice_part(bytes, (size_t)n, bytes.size);
    }
    return 0;
}

int stream_flush(struct task *t, struct stream *s)
{
    struct iovec all = {s->output.data, s->output.size};
    int r;

    if (s->broken)
        return s->broken;
    if (s->tls)
        r = send_tls(t, s, buffer_slice(&s->output));
    else
        r = send_clear(t, s, &all, 1);
    s->output.size = 0;
    return r;
}

int stream_write(struct task *t, struct stream *s, struct slice bytes)
{
    while (bytes.size) {
        struct slice part = slice_part(bytes, 0, OUTPUT_BYTES - s->output.size);

        buffer_add(&s->output, part);
        bytes = slice_part(bytes, part.size, bytes.size);
        if (s->output.size >= OUTPUT_BYTES) {
            int r = stream_flush(t, s);

            if (r < 0)
                return r;
        }
    }
    return s->broken;
}

int stream_printf(struct task *t, struct stream *s, const char *format, ...)
{
    CLEANUP(base_free_pointer) char *text = NULL;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort(); /* out of memory, as everywhere */
    return stream_write(t, s, slice_of(text, (size_t)length));
}

/* TLS copies in any case; gathered pieces make full records. */
static int write_vector_tls(struct task *t, struct stream *s, const struct iovec *pieces, int count)
{
    for (int i = 0; i < count; i++) {
        int r = stream_write(t, s, slice_of(pieces[i].iov_base, pieces[i].iov_len));

        if (r < 0)
            return r;
    }
    return stream_flush(t, s);
}

int stream_write_vector(struct task *t, struct stream *s, const struct iovec *pieces, int count)
{
    struct iovec now[PIECES_MAX] = {{s->output.data, s->output.size}};
    int used = 1;

    if (s->tls || s->broken)
        return s->broken ? s->broken : write_vector_tls(t, s, pieces, count);
    for (;;) {
        int r;

        while (count && used < PIECES_MAX) {
            now[used++] = *pieces++;
            count--;
        }
        r = send_clear(t, s, now, used);
        if (r < 0 || count == 0) {
            s->output.size = 0;
            return r;
        }
        used = 0;
    }
}

int stream_write_secret(struct task *t, struct stream *s, struct slice bytes)
{
    int r = stream_is_tls(s) ? stream_flush(t, s) : -EPERM;

    return r == 0 ? send_tls(t, s, bytes) : r;
}

const struct endpoint *stream_peer(const struct stream *s)
{
    return &s->remote;
}

const struct endpoint *stream_local(const struct stream *s)
{
    return &s->local;
}

int stream_socket(const struct stream *s)
{
    return s->io.socket;
}
