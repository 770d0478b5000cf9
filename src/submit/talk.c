#include "submit/talk.h"

#include "base/secret.h"
#include "wire/smtp_reply.h"

void submit_talk_forget(struct submit_talk *talk)
{
    if (talk->line.size)
        secret_wipe(talk->line.data, talk->line.size);
    talk->line.size = 0;
}

void submit_talk_done(struct submit_talk *talk)
{
    submit_talk_forget(talk);
    buffer_done(&talk->line);
    buffer_done(&talk->reply);
}

/* Position of CR LF at or after `start`, or -1. */
static ssize_t find_end(struct slice s, size_t start)
{
    while (start < s.size) {
        ssize_t at = slice_find(slice_part(s, start, s.size), '\n');
        if (at < 0)
            return -1;
        start += (size_t)at + 1;
        if (start >= 2 && s.data[start - 2] == '\r')
            return (ssize_t)start - 2;
    }
    return -1;
}

/* Drops `size` bytes from the stream, leaving nothing of them in its buffer. */
static void drop(struct stream *stream, size_t size)
{
    struct slice buffered = stream_buffered(stream);

    secret_wipe((char *)(uintptr_t)buffered.data, size);
    stream_consume(stream, size);
}

/* A TLS hello on a port that begins in clear; its bytes need not ever make a line. */
static bool is_tls_hello(struct slice s)
{
    return s.size >= 2 && s.data[0] == 0x16 && s.data[1] == 0x03;
}

static int fill(struct task *t, struct submit_talk *talk)
{
    int r = stream_flush(t, talk->stream);

    if (r == 0)
        r = stream_fill(t, talk->stream, SUBMIT_TALK_LINE_BYTES + 2);
    if (r == 0 && is_tls_hello(stream_buffered(talk->stream)))
        r = -EPROTO;
    return r;
}

/* Drops the rest of a line that is too long. */
static int skip_line(struct task *t, struct submit_talk *talk)
{
    size_t skipped = 0;

    while (skipped < SUBMIT_TALK_SKIPPED_BYTES_MAX) {
        struct slice buffered = stream_buffered(talk->stream);
        ssize_t end = find_end(buffered, 0);
        if (end >= 0) {
            drop(talk->stream, (size_t)end + 2);
            return -EMSGSIZE;
        }
        /* The last byte may be the CR of the end. */
        size_t dropped = buffered.size ? buffered.size - 1 : 0;
        drop(talk->stream, dropped);
        skipped += dropped;
        int r = fill(t, talk);
        if (r)
            return r;
    }
    return -EPROTO;
}

static void take(struct submit_talk *talk, size_t size)
{
    submit_talk_forget(talk);
    buffer_add(&talk->line, slice_part(stream_buffered(talk->stream), 0, size));
    drop(talk->stream, size + 2);
}

int submit_talk_read(struct task *t, struct submit_talk *talk, struct slice *ret_line)
{
    size_t looked_at = 0;
    int r;

    for (;;) {
        struct slice buffered = stream_buffered(talk->stream);
        ssize_t end = find_end(buffered, looked_at);
        if (end > SUBMIT_TALK_LINE_BYTES || (end < 0 && buffered.size > SUBMIT_TALK_LINE_BYTES))
            return skip_line(t, talk);
        if (end >= 0) {
            take(talk, (size_t)end);
            *ret_line = buffer_slice(&talk->line);
            return 0;
        }
        looked_at = buffered.size;
        r = fill(t, talk);
        if (r)
            return r;
    }
}

int submit_talk_reply(struct task *t, struct submit_talk *talk, const struct wire_reply *reply)
{
    talk->reply.size = 0;
    wire_reply_format(&talk->reply, reply);
    return stream_write(t, talk->stream, buffer_slice(&talk->reply));
}

int submit_talk_flush(struct task *t, struct submit_talk *talk)
{
    return stream_flush(t, talk->stream);
}

bool submit_talk_pending(const struct submit_talk *talk)
{
    return stream_buffered(talk->stream).size > 0;
}
