/* A buffered byte stream of a task: a TCP or Unix connection, in clear or under TLS.
 *
 * Reading: stream_fill gets more bytes, stream_buffered shows them, stream_consume drops them. What
 * is shown is good until the next call on the stream. Writing collects; stream_flush sends. One
 * task at a time uses a stream. All waits heed the task's deadlines. Errors: -ECANCELED,
 * -ETIMEDOUT, -ECONNRESET and its like; -EPIPE when the other side closed and more was wanted;
 * -EPROTO for TLS trouble (stream_tls_error says what).
 *
 * STARTTLS: stream_start_tls refuses (-EPROTO) while clear text is buffered, in either direction,
 * so nothing that came before the handshake can be used after it (RFC 3207 §6; CVE-2011-0411 and
 * its kin). */
#ifndef LETTERHEAD_RUNTIME_STREAM_H
#define LETTERHEAD_RUNTIME_STREAM_H

#include "base/buffer.h"
#include "runtime/endpoint.h"
#include "runtime/task.h"
#include "wire/tls_session.h"

#include <sys/uio.h>

struct stream;
struct tls_context; /* runtime/tls.h */
struct tls_demand;
struct tls_peer;

/* Takes over a connected socket of the task's world. Never NULL. */
struct stream *stream_new(struct task *t, int socket);
/* Connects within the deadline. `source` NULL: the system chooses. -ECONNREFUSED, -EHOSTUNREACH,
 * … */
MUST_CHECK int stream_connect(struct task *t, const struct endpoint *source,
                              const struct endpoint *target, struct stream **ret);
/* Closes at once (TLS close_notify is sent if it can be without waiting) and frees; accepts
 * NULL. */
void stream_free(struct stream *s);
void stream_free_pointer(struct stream **s); /* for CLEANUP */

/* Waits for at least one more byte. 0; -EPIPE at the end of the stream; -ENOBUFS when `limit` bytes
 * are already buffered. */
MUST_CHECK int stream_fill(struct task *t, struct stream *s, size_t limit);
struct slice stream_buffered(const struct stream *s);
void stream_consume(struct stream *s, size_t size);
/* A line up to LF, fetched as needed. *ret_line has the line with its end (CR LF or LF), consumed
 * from the stream but good until the next call. -ENOBUFS: longer than `limit`; what is buffered
 * stays. */
MUST_CHECK int stream_read_line(struct task *t, struct stream *s, size_t limit,
                                struct slice *ret_line);

/* Adds to the output; sends when much has gathered. */
MUST_CHECK int stream_write(struct task *t, struct stream *s, struct slice bytes);
MUST_CHECK int stream_printf(struct task *t, struct stream *s, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Sends what has gathered, then these pieces, without copying them when the stream is in clear. */
MUST_CHECK int stream_write_vector(struct task *t, struct stream *s, const struct iovec *pieces,
                                   int count);
MUST_CHECK int stream_flush(struct task *t, struct stream *s);

/* Sends what has gathered, then these bytes, which must go under TLS and of which no copy is left
 * behind here. -EPERM: in clear. */
MUST_CHECK int stream_write_secret(struct task *t, struct stream *s, struct slice bytes);

/* Handshakes. The context decides versions and certificates (runtime/tls.h). As a client,
 * `server_name` is sent as SNI; where the context verifies, the certificate must carry it. */
MUST_CHECK int stream_start_tls_server(struct task *t, struct stream *s,
                                       struct tls_context *context);
MUST_CHECK int stream_start_tls_client(struct task *t, struct stream *s,
                                       struct tls_context *context, struct slice server_name);
/* The same with demands of its own (runtime/tls.h): 0, and stream_tls_result says what the
 * certificate came to; or -EPROTO, and it says why. */
MUST_CHECK int stream_start_tls_demanding(struct task *t, struct stream *s,
                                          struct tls_context *context,
                                          const struct tls_demand *demand);
/* In TLS-RPT's words; SUCCESS also where the certificate was not to be judged. */
enum wire_tls_result stream_tls_result(const struct stream *s);
/* Whether an earlier session went on, so that no certificate was sent. */
bool stream_tls_resumed(const struct stream *s);
bool stream_is_tls(const struct stream *s);
/* What was agreed, for logs and events: "TLSv1.3", "TLS_AES_256_GCM_SHA384". NULL in clear. */
const char *stream_tls_version(const struct stream *s);
const char *stream_tls_cipher(const struct stream *s);
/* Why the last handshake failed, or what TLS_OBSERVE found wrong, in words for people; "" if
 * neither. */
const char *stream_tls_error(const struct stream *s);
/* The other end and our own; family 0 on a Unix socket. */
const struct endpoint *stream_peer(const struct stream *s);
const struct endpoint *stream_local(const struct stream *s);
/* The socket itself, for what only Linux knows (SO_PEERCRED); it stays the stream's. */
int stream_socket(const struct stream *s);

#endif
