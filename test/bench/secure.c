#include "secure.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(int good, const char *what)
{
    if (good == 1)
        return;
    fprintf(stderr, "TLS: %s: ", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);

    must(context ? 1 : 0, "context");
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    return context;
}

/* TLS 1.3 sends tickets after the handshake; the place to keep them came with secure_connect. */
static int keep_ticket(SSL *tls, SSL_SESSION *session)
{
    SSL_SESSION **ticket = SSL_get_app_data(tls);

    SSL_SESSION_free(*ticket);
    *ticket = session;
    return 1;
}

SSL_CTX *secure_client_new(const char *authorities)
{
    SSL_CTX *context = context_new(TLS_client_method());

    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_ticket);
    if (!authorities)
        return context;
    must(SSL_CTX_load_verify_file(context, authorities), authorities);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context;
}

SSL_CTX *secure_server_new(const char *certificate, const char *key)
{
    SSL_CTX *context = context_new(TLS_server_method());

    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"sink", 4);
    SSL_CTX_set_num_tickets(context, 1);
    must(SSL_CTX_use_certificate_chain_file(context, certificate), certificate);
    must(SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM), key);
    return context;
}

static SSL *begin(SSL_CTX *context, int socket)
{
    SSL *tls = SSL_new(context);

    must(tls && SSL_set_fd(tls, socket) == 1, "connection");
    return tls;
}

SSL *secure_connect(SSL_CTX *context, int socket, SSL_SESSION **ticket)
{
    SSL *tls = begin(context, socket);

    SSL_set_connect_state(tls);
    SSL_set_app_data(tls, ticket);
    if (*ticket)
        SSL_set_session(tls, *ticket);
    return tls;
}

SSL *secure_accept(SSL_CTX *context, int socket)
{
    SSL *tls = begin(context, socket);

    SSL_set_accept_state(tls);
    return tls;
}

/* What an operation that did not succeed returns as read(2) would. */
static ssize_t explain(SSL *tls, int result)
{
    int reason = SSL_get_error(tls, result);

    if (reason == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return -1;
}

ssize_t secure_read(SSL *tls, int socket, void *out, size_t size)
{
    size_t got = 0;
    int result;

    if (!tls)
        return read(socket, out, size);
    ERR_clear_error();
    result = SSL_read_ex(tls, out, size, &got);
    return result == 1 ? (ssize_t)got : explain(tls, result);
}

ssize_t secure_write(SSL *tls, int socket, const void *data, size_t size)
{
    size_t sent = 0;
    int result;

    if (!tls)
        return send(socket, data, size, MSG_NOSIGNAL);
    ERR_clear_error();
    result = SSL_write_ex(tls, data, size, &sent);
    return result == 1 ? (ssize_t)sent : explain(tls, result);
}

bool secure_waits_for_room(const SSL *tls)
{
    return !tls || SSL_want_write(tls);
}

void secure_end(SSL *tls)
{
    if (!tls)
        return;
    if (SSL_is_init_finished(tls))
        (void)SSL_shutdown(tls);
    SSL_free(tls);
}
