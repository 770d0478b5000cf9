/* What the tests of HTTPS stand on: web servers on loopback, a thread each, that answer by the
 * path. Included once. */
#ifndef LETTERHEAD_DELIVER_HTTPS_SERVER_TEST_H
#define LETTERHEAD_DELIVER_HTTPS_SERVER_TEST_H

#include "deliver/fetch_dns_test.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* --- the servers --- */

enum server {
    SERVER_TRUSTED,
    SERVER_STRANGE, /* it vouches for itself */
    SERVER_FORGED,  /* it only names the authority */
    SERVER_EXPIRED,
    SERVER_SUBJECT_ONLY, /* the name is in the subject alone */
    SERVER_OLD_TLS,
    SERVERS
};

static struct {
    struct {
        int listener;
        uint16_t port;
        SSL_CTX *context;
        pthread_t thread;
    } server[SERVERS];
    X509 *authority;
    EVP_PKEY *key;
    char authorities[64];
    atomic_size_t connections;
    atomic_bool stop;
} servers;

static uint16_t server_port(enum server which)
{
    return servers.server[which].port;
}

static const char *server_authorities(void)
{
    return servers.authorities;
}

static void server_forget(void)
{
    atomic_store(&servers.connections, 0);
}

static size_t server_connections(void)
{
    return atomic_load(&servers.connections);
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_nconf_nid(NULL, &context, nid, (char *)(uintptr_t)value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(enum server which, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    bool is_authority = which == SERVERS;

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1 + (long)which);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400 * 2);
    X509_gmtime_adj(X509_getm_notAfter(certificate), which == SERVER_EXPIRED ? -86400 : 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)(is_authority ? "Authority" : "here.example"),
                               -1, -1, 0);
    X509_set_issuer_name(certificate, is_authority ? X509_get_subject_name(certificate)
                                                   : X509_get_subject_name(servers.authority));
    if (is_authority)
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    else if (which != SERVER_SUBJECT_ONLY)
        add_extension(certificate, NID_subject_alt_name, "DNS:here.example,DNS:mixed.example");
    X509_sign(certificate, which == SERVER_STRANGE || which == SERVER_FORGED ? key : servers.key,
              EVP_sha256());
    return certificate;
}

static void make_context(enum server which)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(which, key);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    if (which == SERVER_OLD_TLS)
        SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    servers.server[which].context = context;
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void say(SSL *ssl, const char *text)
{
    SSL_write(ssl, text, (int)strlen(text));
}

/* Until the client is tired of it. */
static void say_without_end(SSL *ssl)
{
    say(ssl, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (!atomic_load(&servers.stop) && SSL_write(ssl, "a\r\n0123456789\r\n", 15) > 0)
        ;
}

static void wait_until_gone(int connection)
{
    struct pollfd gone = {.fd = connection, .events = POLLRDHUP};

    while (!atomic_load(&servers.stop) && poll(&gone, 1, 50) == 0)
        ;
}

static void answer(SSL *ssl, char *request)
{
    char line[100], type[100] = "", reply[600];
    char *found = strstr(request, "Content-Type: ");

    snprintf(line, sizeof line, "%.*s", (int)strcspn(request, "\r"), request);
    if (found)
        snprintf(type, sizeof type, " %.*s %s", (int)strcspn(found + 14, "\r"), found + 14,
                 strstr(request, "\r\n\r\n") + 4);
    if (strstr(line, "/redirect"))
        say(ssl, "HTTP/1.1 302 Found\r\nLocation: https://here.example/ok\r\n"
                 "Content-Length: 0\r\n\r\n");
    else if (strstr(line, "/big"))
        say(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n");
    else if (strstr(line, "/nonsense"))
        say(ssl, "220 mx.example.org ESMTP\r\n");
    else if (strstr(line, "/slow"))
        say(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx");
    if (strstr(line, "/endless"))
        say_without_end(ssl);
    if (strstr(line, "/big"))
        for (int i = 0; i < 7000 && SSL_write(ssl, "0123456789", 10) > 0; i++)
            ;
    if (strstr(line, "/slow"))
        wait_until_gone(SSL_get_fd(ssl));
    snprintf(reply, sizeof reply,
             "HTTP/1.1 %s\r\nContent-Type: Text/Plain; charset=utf-8\r\n"
             "Content-Length: %zu\r\n\r\n%s%s",
             found ? "201 Created" : "200 OK", strlen(line) + strlen(type), line, type);
    if (strstr(line, "/ok") || strstr(line, "/post"))
        say(ssl, reply);
}

static void serve_one(SSL_CTX *context, int connection)
{
    SSL *ssl = SSL_new(context);
    char request[2000];
    int size = 0, more;

    atomic_fetch_add(&servers.connections, 1);
    SSL_set_fd(ssl, connection);
    if (SSL_accept(ssl) == 1) {
        do {
            more = SSL_read(ssl, request + size, (int)sizeof request - size - 1);
            size += more > 0 ? more : 0;
            request[size] = '\0';
        } while (more > 0 && !strstr(request, "\r\n\r\n"));
        if (strstr(request, "POST") && strstr(request, "\r\n\r\n")[4] == '\0') {
            more = SSL_read(ssl, request + size, (int)sizeof request - size - 1);
            request[size + (more > 0 ? more : 0)] = '\0';
        }
        answer(ssl, request);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    close(connection);
}

static void *serve(void *argument)
{
    size_t which = (size_t)(uintptr_t)argument;

    while (!atomic_load(&servers.stop)) {
        struct pollfd ready = {.fd = servers.server[which].listener, .events = POLLIN};

        if (poll(&ready, 1, 50) == 1)
            serve_one(servers.server[which].context,
                      accept(servers.server[which].listener, NULL, NULL));
    }
    return NULL;
}

static void start_server(size_t which)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    make_context((enum server)which);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 10), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    servers.server[which].listener = listener;
    servers.server[which].port = ntohs(address.sin_port);
    assert_int_equal(
        pthread_create(&servers.server[which].thread, NULL, serve, (void *)(uintptr_t)which), 0);
}

static int servers_start(void **state)
{
    FILE *file;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    snprintf(servers.authorities, sizeof servers.authorities, "/tmp/letterhead-https-XXXXXX");
    file = fdopen(mkstemp(servers.authorities), "w");
    servers.key = EVP_EC_gen("P-256");
    servers.authority = make_certificate(SERVERS, servers.key);
    PEM_write_X509(file, servers.authority);
    fclose(file);
    for (size_t i = 0; i < SERVERS; i++)
        start_server(i);
    return 0;
}

static int servers_stop(void **state)
{
    (void)state;
    atomic_store(&servers.stop, true);
    for (size_t i = 0; i < SERVERS; i++) {
        pthread_join(servers.server[i].thread, NULL);
        close(servers.server[i].listener);
        SSL_CTX_free(servers.server[i].context);
    }
    X509_free(servers.authority);
    EVP_PKEY_free(servers.key);
    unlink(servers.authorities);
    return 0;
}

#endif
