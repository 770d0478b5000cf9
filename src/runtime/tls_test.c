#include "runtime/tls.h"

#include "runtime/loop_test.h"
#include "runtime/tls_identity_test.h"

#include <openssl/ssl.h>
#include <stdio.h>

static struct identity authority, stranger;
static char authorities_path[] = "/tmp/letterhead-authority-XXXXXX";

static struct tls_context *server_context(const struct identity *identity)
{
    struct tls_context *context;
    char *problem = NULL;

    if (tls_context_new_server(buffer_slice(&identity->certificate_pem),
                               buffer_slice(&identity->key_pem), &context, &problem) < 0)
        fail_msg("%s", problem);
    return context;
}

static struct tls_context *client_context(bool verify)
{
    const struct tls_client_options options = {.verify = verify,
                                               .authorities_pem_path = authorities_path};
    struct tls_context *context;
    char *problem = NULL;

    if (tls_context_new_client(&options, &context, &problem) < 0)
        fail_msg("%s", problem);
    return context;
}

static int set_up(void **state)
{
    const struct identity_options ours = {"Test authority", NULL, NULL, true, -DAY_S, DAY_S};
    const struct identity_options theirs = {"Strange authority", NULL, NULL, true, -DAY_S, DAY_S};
    int file = mkstemp(authorities_path);

    (void)state;
    authority = identity_new(&ours);
    stranger = identity_new(&theirs);
    assert_true(write(file, authority.certificate_pem.data, authority.certificate_pem.size) > 0);
    close(file);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    identity_done(&authority);
    identity_done(&stranger);
    unlink(authorities_path);
    return 0;
}

/* One handshake and, if it succeeds, a line each way and much data one way. */
struct encounter {
    const char *name;
    bool verify;
    bool plain_server;  /* answers in clear */
    bool silent_server; /* closes at once */
    int sockets[2];
    struct tls_context *server, *client;
    int result;
    char error[512], version[16];
};

enum { BULK_BYTES = 300000 };

static int serve_tls(struct task *t, struct stream *s, struct encounter *e)
{
    struct slice line;
    int r = stream_start_tls_server(t, s, e->server);

    if (r == 0)
        r = stream_read_line(t, s, 100, &line);
    if (r < 0)
        return 0; /* the client says why */
    assert_true(slice_equal(line, SLICE("hello\n")));
    assert_true(stream_is_tls(s));
    for (int i = 0; i < BULK_BYTES / 10 && r == 0; i++)
        r = stream_write(t, s, SLICE("123456789\n"));
    if (r == 0)
        r = stream_flush(t, s);
    return r;
}

static int server_main(struct task *t, void *argument)
{
    struct encounter *e = argument;
    CLEANUP(stream_free_pointer) struct stream *s = stream_new(t, e->sockets[0]);

    if (e->silent_server)
        return 0;
    if (!e->plain_server)
        return serve_tls(t, s, e);
    assert_int_equal(stream_fill(t, s, 10000), 0);
    assert_int_equal(stream_write(t, s, SLICE("220 smtp.example.org ESMTP, in clear\r\n")), 0);
    return stream_flush(t, s);
}

static void receive_bulk(struct task *t, struct stream *s)
{
    struct slice line;

    for (int i = 0; i < BULK_BYTES / 10; i++) {
        assert_int_equal(stream_read_line(t, s, 100, &line), 0);
        assert_true(slice_equal(line, SLICE("123456789\n")));
    }
    assert_int_equal(stream_fill(t, s, 100), -EPIPE);
}

static int client_main(struct task *t, void *argument)
{
    struct encounter *e = argument;
    CLEANUP(stream_free_pointer) struct stream *s = stream_new(t, e->sockets[1]);
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, 20 * SECOND_US);

    e->result = stream_start_tls_client(t, s, e->client, slice_text(e->name));
    snprintf(e->error, sizeof e->error, "%s", stream_tls_error(s));
    if (e->result < 0)
        return 0;
    snprintf(e->version, sizeof e->version, "%s", stream_tls_version(s));
    assert_non_null(stream_tls_cipher(s));
    assert_int_equal(stream_printf(t, s, "hello\n"), 0);
    assert_int_equal(stream_flush(t, s), 0);
    receive_bulk(t, s);
    return 0;
}

static int encounter_main(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope scope;

    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "server", server_main, argument), 0);
    assert_int_equal(scope_spawn(&scope, "client", client_main, argument), 0);
    return scope_wait(t, &scope);
}

static void meet(struct encounter *e, const struct identity *server)
{
    make_pair(SOCK_STREAM, e->sockets);
    e->server = server_context(server);
    e->client = client_context(e->verify);
    assert_int_equal(run_tasks(NULL, encounter_main, e), 0);
    tls_context_free(e->server);
    tls_context_free(e->client);
}

static void certificates_are_judged(void **state)
{
    static const struct {
        const char *names, *common_name, *asked;
        int issuer; /* 0: itself, 1: the trusted authority, 2: another */
        long from_s, until_s;
        const char *error; /* a part of it; NULL: accepted */
    } cases[] = {
        {"DNS:mx.example.org", "x", "mx.example.org", 1, -DAY_S, DAY_S, NULL},
        {"DNS:mx.example.org", "x", "MX.Example.ORG.", 1, -DAY_S, DAY_S, NULL},
        {"DNS:*.example.org", "x", "mx.example.org", 1, -DAY_S, DAY_S, NULL},
        {"IP:192.0.2.1", "x", "192.0.2.1", 1, -DAY_S, DAY_S, NULL},
        {"DNS:*.example.org", "x", "a.mx.example.org", 1, -DAY_S, DAY_S,
         "is not for a.mx.example.org. It is for *.example.org."},
        {"DNS:m*.example.org", "x", "mx.example.org", 1, -DAY_S, DAY_S, "is not for"},
        {NULL, "mx.example.org", "mx.example.org", 1, -DAY_S, DAY_S, "It is for no name at all."},
        {"DNS:a.example.org,DNS:b.example.org", "x", "mx.example.org", 1, -DAY_S, DAY_S,
         "It is for a.example.org, b.example.org."},
        {"IP:192.0.2.1", "x", "192.0.2.2", 1, -DAY_S, DAY_S, "is not for 192.0.2.2"},
        {"DNS:mx.example.org", "x", "mx.example.org", 0, -DAY_S, DAY_S, "is self-signed"},
        {"DNS:mx.example.org", "x", "mx.example.org", 2, -DAY_S, DAY_S, "unknown authority"},
        {"DNS:mx.example.org", "x", "mx.example.org", 1, -2 * DAY_S, -DAY_S, "expired on 20"},
        {"DNS:mx.example.org", "x", "mx.example.org", 1, DAY_S, 2 * DAY_S, "not valid before 20"},
    };
    const struct identity *const issuers[] = {NULL, &authority, &stranger};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct encounter e = {.name = cases[i].asked, .verify = true};
        CLEANUP(identity_done)
        struct identity server = identity_new(&(struct identity_options){
            cases[i].common_name, cases[i].names, issuers[cases[i].issuer], false, cases[i].from_s,
            cases[i].until_s});

        meet(&e, &server);
        if (e.result != (cases[i].error ? -EPROTO : 0) ||
            !strstr(e.error, cases[i].error ? cases[i].error : ""))
            fail_msg("case %zu: %d, \"%s\"", i, e.result, e.error);
    }
}

static struct identity any_server(void)
{
    const struct identity_options options = {"x", "DNS:a.example", NULL, false, -DAY_S, DAY_S};

    return identity_new(&options);
}

static void without_verification_any_certificate_will_do(void **state)
{
    CLEANUP(identity_done) struct identity server = any_server();
    struct encounter e = {.name = "mx.example.org"};

    (void)state;
    meet(&e, &server);
    assert_int_equal(e.result, 0);
    assert_string_equal(e.error, "");
    assert_string_equal(e.version, "TLSv1.3");
}

static void what_is_not_tls_is_named(void **state)
{
    CLEANUP(identity_done) struct identity server = any_server();
    struct encounter plain = {.name = "mx.example.org", .plain_server = true};
    struct encounter silent = {.name = "mx.example.org", .silent_server = true};

    (void)state;
    meet(&plain, &server);
    assert_int_equal(plain.result, -EPROTO);
    assert_string_equal(plain.error, "The other side did not answer in TLS.");
    meet(&silent, &server);
    assert_int_equal(silent.result, -EPROTO);
    assert_string_equal(silent.error, "The other side closed the connection during the handshake.");
}

/* A client of 2006, by OpenSSL alone, in a process of its own. */
static int dial_old(int socket)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl;

    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    ssl = SSL_new(context);
    SSL_set_fd(ssl, socket);
    return SSL_connect(ssl);
}

static int serve_old(struct task *t, void *argument)
{
    struct encounter *e = argument;
    CLEANUP(stream_free_pointer) struct stream *s = stream_new(t, e->sockets[0]);

    e->result = stream_start_tls_server(t, s, e->server);
    snprintf(e->error, sizeof e->error, "%s", stream_tls_error(s));
    return 0;
}

static void old_versions_are_refused(void **state)
{
    CLEANUP(identity_done) struct identity server = any_server();
    struct encounter e = {.server = server_context(&server)};
    pid_t child;

    (void)state;
    make_pair(SOCK_STREAM, e.sockets);
    child = fork();
    if (child == 0) {
        close(e.sockets[0]);
        _exit(dial_old(e.sockets[1]) == 1);
    }
    close(e.sockets[1]);
    assert_int_equal(run_tasks(NULL, serve_old, &e), 0);
    assert_int_equal(e.result, -EPROTO);
    assert_non_null(strstr(e.error, "no TLS version in common"));
    tls_context_free(e.server);
}

/* CVE-2011-0411: bytes that came in clear with the STARTTLS command must not be taken as said under
 * TLS. */
static int inject(struct task *t, void *argument)
{
    struct encounter *e = argument;
    CLEANUP(stream_free_pointer) struct stream *s = stream_new(t, e->sockets[0]);
    struct slice line;

    assert_int_equal(send(e->sockets[1], "STARTTLS\r\nMAIL FROM:<>\r\n", 24, 0), 24);
    assert_int_equal(stream_read_line(t, s, 100, &line), 0);
    assert_int_equal(stream_start_tls_server(t, s, e->server), -EPROTO);
    assert_false(stream_is_tls(s));
    stream_consume(s, stream_buffered(s).size);
    assert_int_equal(stream_write(t, s, SLICE("220 unsent")), 0);
    assert_int_equal(stream_start_tls_client(t, s, e->client, SLICE("a.example")), -EPROTO);
    return 0;
}

static void clear_text_before_the_handshake_is_refused(void **state)
{
    CLEANUP(identity_done) struct identity server = any_server();
    struct encounter e = {.server = server_context(&server), .client = client_context(false)};

    (void)state;
    make_pair(SOCK_STREAM, e.sockets);
    assert_int_equal(run_tasks(NULL, inject, &e), 0);
    close(e.sockets[1]);
    tls_context_free(e.server);
    tls_context_free(e.client);
}

static int wait_for_hello(struct task *t, void *argument)
{
    struct encounter *e = argument;
    CLEANUP(stream_free_pointer) struct stream *s = stream_new(t, e->sockets[0]);
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, 10000);

    assert_int_equal(stream_start_tls_server(t, s, e->server), -ETIMEDOUT);
    return 0;
}

static void a_handshake_heeds_the_deadline(void **state)
{
    CLEANUP(identity_done) struct identity server = any_server();
    struct encounter e = {.server = server_context(&server)};

    (void)state;
    make_pair(SOCK_STREAM, e.sockets);
    assert_int_equal(run_tasks(NULL, wait_for_hello, &e), 0);
    close(e.sockets[1]);
    tls_context_free(e.server);
}

static void bad_settings_are_explained(void **state)
{
    CLEANUP(identity_done) struct identity one = any_server(), other = any_server();
    const struct slice good = buffer_slice(&one.certificate_pem);
    const struct tls_client_options nowhere = {.verify = true,
                                               .authorities_pem_path = "/nowhere/authorities.pem"};
    struct {
        struct slice certificate, key;
        const char *problem;
    } cases[] = {
        {SLICE(""), buffer_slice(&one.key_pem), "holds no certificate"},
        {buffer_slice(&one.key_pem), buffer_slice(&one.key_pem), "holds no certificate"},
        {good, SLICE("garbage"), "holds no private key"},
        {good, buffer_slice(&other.key_pem), "does not belong to the certificate"},
    };
    struct tls_context *context;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(base_free_pointer) char *problem = NULL;

        assert_int_equal(
            tls_context_new_server(cases[i].certificate, cases[i].key, &context, &problem),
            -EINVAL);
        assert_non_null(strstr(problem, cases[i].problem));
    }
    {
        CLEANUP(base_free_pointer) char *problem = NULL;

        assert_int_equal(tls_context_new_client(&nowhere, &context, &problem), -EINVAL);
        assert_non_null(strstr(problem, "trusted authorities"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_judged),
        cmocka_unit_test(without_verification_any_certificate_will_do),
        cmocka_unit_test(what_is_not_tls_is_named),
        cmocka_unit_test(old_versions_are_refused),
        cmocka_unit_test(clear_text_before_the_handshake_is_refused),
        cmocka_unit_test(a_handshake_heeds_the_deadline),
        cmocka_unit_test(bad_settings_are_explained),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
