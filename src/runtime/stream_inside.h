/* The inside of a stream, for stream.c and stream_tls.c. */
#ifndef LETTERHEAD_RUNTIME_STREAM_INSIDE_H
#define LETTERHEAD_RUNTIME_STREAM_INSIDE_H

#include "runtime/io.h"
#include "runtime/loop.h"
#include "runtime/stream.h"
#include "runtime/tls_shown.h"

struct stream {
    struct io io;
    struct loop *loop;
    int broken; /* why it cannot be used at all; 0: it can */
    struct endpoint remote, local;
    struct buffer input;
    size_t input_start; /* bytes of `input` that were consumed */
    struct buffer output;
    struct stream_tls *tls; /* NULL: in clear */
    char *tls_error;        /* from malloc; NULL: none */
    enum wire_tls_result tls_result;
    enum tls_fault tls_fault;
};

/* Reads, through TLS, what has come: -EAGAIN when that is nothing. Waits only if TLS itself must
 * write first. */
MUST_CHECK ssize_t stream_tls_read(struct task *t, struct stream *s, void *memory, size_t size);
/* Whether TLS holds bytes that it has not given yet: then there is no need to wait for more. */
bool stream_tls_holds(const struct stream *s);
/* Waits until some of the bytes are written; returns how many. */
MUST_CHECK ssize_t stream_tls_write(struct task *t, struct stream *s, struct slice bytes);
/* Says goodbye if that needs no waiting, and frees. */
void stream_tls_free(struct stream *s);

#endif
