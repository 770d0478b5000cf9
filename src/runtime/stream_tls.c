/* A stream under TLS: OpenSSL over the stream's own socket, by a BIO that reads and writes it
 * without waiting. Contexts and what they allow are made in tls.c. */
#include "runtime/stream_inside.h"
#include "runtime/tls_inside.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

/* OpenSSL's error queue is shared by all tasks of the thread: it is emptied before each
 * step and read right after it, never across a wait. */

struct stream_tls {
    SSL *ssl;
    int io_error;          /* what the socket said last, when it was worse than -EAGAIN */
    bool ended;            /* the socket has no more to read */
    bool unusable;         /* a fatal error: no goodbye either */
    struct tls_name name;  /* the server's, as the client expects it */
    X509 *refused;         /* the certificate that failed verification, kept to explain why */
    STACK_OF(X509) * sent; /* with it; NULL: none failed */
    struct tls_sessions *sessions; /* where the client's go; NULL: nowhere */
    struct tls_session_key session_key;
};

static int bio_read(BIO *bio, char *memory, size_t size, size_t *ret_size)
{
    struct stream *s = BIO_get_data(bio);
    ssize_t n = io_try_read(&s->io, memory, size);

    BIO_clear_retry_flags(bio);
    if (n > 0) {
        *ret_size = (size_t)n;
        return 1;
    }
    if (n == -EAGAIN)
        BIO_set_retry_read(bio);
    else if (n < 0)
        s->tls->io_error = (int)n;
    else
        s->tls->ended = true;
    return n == 0 ? 0 : -1;
}

static int bio_write(BIO *bio, const char *memory, size_t size, size_t *ret_size)
{
    struct stream *s = BIO_get_data(bio);
    struct iovec piece = {(void *)(uintptr_t)memory, size};
    ssize_t n = io_try_write(&s->io, &piece, 1);

    BIO_clear_retry_flags(bio);
    if (n > 0) {
        *ret_size = (size_t)n;
        return 1;
    }
    if (n == -EAGAIN)
        BIO_set_retry_write(bio);
    else
        s->tls->io_error = n < 0 ? (int)n : -EPIPE;
    return -1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    struct stream *s = BIO_get_data(bio);

    (void)number, (void)pointer;
    if (command == BIO_CTRL_FLUSH)
        return 1;
    if (command == BIO_CTRL_EOF)
        return s->tls->ended;
    return 0;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "letterhead stream");
    if (!bio_method || !BIO_meth_set_read_ex(bio_method, bio_read) ||
        !BIO_meth_set_write_ex(bio_method, bio_write) ||
        !BIO_meth_set_ctrl(bio_method, bio_control))
        abort();
}

static BIO *bio_new(struct stream *s)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    BIO *bio;

    pthread_once(&once, make_bio_method);
    bio = BIO_new(bio_method);
    if (!bio)
        abort(); /* out of memory */
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    return bio;
}

static int fail(struct stream *s, int r)
{
    s->tls->unusable = true;
    return r;
}

/* Judges the result of an OpenSSL call. Returns 1 when the call is to be made again, after having
 * waited until TLS could write; -EAGAIN when it must read first; 0 at the end of the stream; or
 * another error. */
static int after_step(struct task *t, struct stream *s, int result)
{
    int r;

    switch (SSL_get_error(s->tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        r = io_wait_writable(t, &s->io);
        return r < 0 ? r : 1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        return fail(s, s->tls->io_error ? s->tls->io_error : -EPIPE);
    default:
        return fail(s, s->tls->io_error ? s->tls->io_error : -EPROTO);
    }
}

/* As above, but also waits until there is something to read. */
static int after_step_waiting(struct task *t, struct stream *s, int result)
{
    int r = after_step(t, s, result);

    if (r != -EAGAIN)
        return r;
    r = io_wait_readable(t, &s->io);
    return r < 0 ? r : 1;
}

ssize_t stream_tls_read(struct task *t, struct stream *s, void *memory, size_t size)
{
    int r;

    do {
        size_t n;
        int result;

        if (s->tls->unusable)
            return -EPROTO;
        ERR_clear_error();
        result = SSL_read_ex(s->tls->ssl, memory, size, &n);
        if (result == 1)
            return (ssize_t)n;
        r = after_step(t, s, result);
    } while (r == 1);
    return r;
}

bool stream_tls_holds(const struct stream *s)
{
    return SSL_has_pending(s->tls->ssl) == 1;
}

ssize_t stream_tls_write(struct task *t, struct stream *s, struct slice bytes)
{
    int r = io_take_turn(t, &s->io);

    if (r < 0)
        return r;
    do {
        size_t n;
        int result;

        if (s->tls->unusable)
            return -EPROTO;
        ERR_clear_error();
        result = SSL_write_ex(s->tls->ssl, bytes.data, bytes.size, &n);
        if (result == 1)
            return (ssize_t)n;
        r = after_step_waiting(t, s, result);
    } while (r == 1);
    return r == 0 ? -EPIPE : r;
}

void stream_tls_free(struct stream *s)
{
    if (!s->tls)
        return;
    if (!s->tls->unusable && SSL_is_init_finished(s->tls->ssl)) {
        ERR_clear_error();
        SSL_shutdown(s->tls->ssl);
    }
    ERR_clear_error();
    SSL_free(s->tls->ssl);
    X509_free(s->tls->refused);
    sk_X509_pop_free(s->tls->sent, X509_free);
    free(s->tls);
    s->tls = NULL;
}

/* OpenSSL forgets a certificate that it refuses. */
static int keep_refused(int accepted, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct stream *s = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);

    if (!accepted && certificate && !s->tls->refused && X509_up_ref(certificate) == 1) {
        s->tls->refused = certificate;
        s->tls->sent = X509_chain_up_ref(X509_STORE_CTX_get0_untrusted(store));
    }
    return accepted;
}

static void attach(struct stream *s, struct tls_context *context, int verify_mode)
{
    BIO *bio;

    free(s->tls_error);
    s->tls_error = NULL;
    s->tls_result = WIRE_TLS_SUCCESS;
    s->tls_fault = TLS_FAULT_NONE;
    s->tls = base_allocate(sizeof *s->tls);
    s->tls->ssl = SSL_new(context->openssl);
    if (!s->tls->ssl)
        abort(); /* out of memory */
    bio = bio_new(s);
    SSL_set_bio(s->tls->ssl, bio, bio);
    SSL_set_app_data(s->tls->ssl, s);
    SSL_set_verify(s->tls->ssl, verify_mode, keep_refused);
}

static int explain(struct stream *s, int r)
{
    struct tls_failure failure = {
        .code = ERR_peek_error(), .certificate = s->tls->refused, .name = s->tls->name.text};

    s->tls_result = WIRE_TLS_VALIDATION_FAILURE;
    s->tls_fault = TLS_FAULT_CLOSED;
    if (r == -ECANCELED || r == -ETIMEDOUT)
        return r;
    s->tls_fault = tls_fault_of_protocol(ERR_GET_REASON(failure.code));
    if (ERR_GET_REASON(failure.code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        failure.verify_result = SSL_get_verify_result(s->tls->ssl);
        s->tls_result = tls_result_of(failure.verify_result);
        s->tls_fault = tls_fault_of_verification(failure.verify_result);
    }
    s->tls_error = tls_explain(&failure);
    ERR_clear_error();
    return -EPROTO;
}

static int handshake(struct task *t, struct stream *s)
{
    int r;

    do {
        int result;

        ERR_clear_error();
        result = SSL_do_handshake(s->tls->ssl);
        if (result == 1)
            return 0;
        r = after_step_waiting(t, s, result);
    } while (r == 1);
    s->tls->unusable = true;
    return explain(s, r);
}

/* Nothing that came, or was written, in clear may be taken for what is said under TLS. */
static bool is_clean(const struct stream *s)
{
    return !s->tls && stream_buffered(s).size == 0 && s->output.size == 0;
}

int stream_start_tls_server(struct task *t, struct stream *s, struct tls_context *context)
{
    if (s->broken || !is_clean(s))
        return s->broken ? s->broken : -EPROTO;
    attach(s, context, SSL_VERIFY_NONE);
    SSL_set_accept_state(s->tls->ssl);
    return handshake(t, s);
}

/* A certificate that nobody insisted on is still told about. */
static void observe(struct stream *s, const struct tls_demand *demand)
{
    struct tls_failure failure = {.verify_result = SSL_get_verify_result(s->tls->ssl),
                                  .certificate = s->tls->refused,
                                  .name = s->tls->name.text};

    if (demand->judge != TLS_OBSERVE || failure.verify_result == X509_V_OK)
        return;
    s->tls_result = tls_result_of(failure.verify_result);
    s->tls_fault = tls_fault_of_verification(failure.verify_result);
    s->tls_error = tls_explain(&failure);
}

/* OpenSSL calls this with each ticket that a server sends, whenever that is read. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct stream *s = SSL_get_app_data(ssl);

    if (!s || !s->tls->sessions)
        return 0;
    tls_sessions_put(s->tls->sessions, &s->tls->session_key, session);
    return 1;
}

void stream_tls_keep_sessions(struct tls_context *context, size_t max)
{
    context->sessions = tls_sessions_new(max);
    SSL_CTX_set_session_cache_mode(context->openssl,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context->openssl, keep_session);
}

/* Before TLS 1.3 a ticket may serve again and is not sent anew. */
static void keep_old_session(struct stream *s)
{
    SSL *ssl = s->tls->ssl;

    if (s->tls->sessions && SSL_session_reused(ssl) && SSL_version(ssl) < TLS1_3_VERSION)
        tls_sessions_put(s->tls->sessions, &s->tls->session_key, SSL_get1_session(ssl));
}

int stream_start_tls_demanding(struct task *t, struct stream *s, struct tls_context *context,
                               const struct tls_demand *demand)
{
    bool insists = demand->judge == TLS_AUTHORITIES || demand->judge == TLS_DANE;
    int r;

    if (s->broken || !is_clean(s))
        return s->broken ? s->broken : -EPROTO;
    attach(s, context, insists ? SSL_VERIFY_PEER : SSL_VERIFY_NONE);
    SSL_set_connect_state(s->tls->ssl);
    r = tls_demand_apply(s->tls->ssl, context, demand, &s->tls->name, &s->tls->session_key);
    if (r < 0) {
        stream_tls_free(s);
        return r;
    }
    s->tls->sessions = demand->session_key.size ? context->sessions : NULL;
    r = handshake(t, s);
    if (r < 0)
        return r;
    observe(s, demand);
    keep_old_session(s);
    return 0;
}

int stream_start_tls_client(struct task *t, struct stream *s, struct tls_context *context,
                            struct slice server_name)
{
    const struct tls_demand demand = {.judge = context->verify ? TLS_AUTHORITIES : TLS_ANY,
                                      .server_name = server_name};

    return stream_start_tls_demanding(t, s, context, &demand);
}

const STACK_OF(X509) * stream_tls_chain(const struct stream *s)
{
    if (!s->tls)
        return NULL;
    return s->tls->sent ? s->tls->sent : SSL_get_peer_cert_chain(s->tls->ssl);
}

enum wire_tls_result stream_tls_result(const struct stream *s)
{
    return s->tls_result;
}

bool stream_tls_resumed(const struct stream *s)
{
    return stream_is_tls(s) && SSL_session_reused(s->tls->ssl);
}

bool stream_is_tls(const struct stream *s)
{
    return s->tls && SSL_is_init_finished(s->tls->ssl);
}

const char *stream_tls_version(const struct stream *s)
{
    return stream_is_tls(s) ? SSL_get_version(s->tls->ssl) : NULL;
}

const char *stream_tls_cipher(const struct stream *s)
{
    return stream_is_tls(s) ? SSL_get_cipher_name(s->tls->ssl) : NULL;
}

const char *stream_tls_error(const struct stream *s)
{
    return s->tls_error ? s->tls_error : "";
}
