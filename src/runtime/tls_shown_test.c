/* What a server showed, and what is wrong with it; authorities from a directory. */
#include "runtime/tls_shown.h"

#include "runtime/tls.h"

#include "runtime/loop_test.h"
#include "runtime/tls_identity_test.h"

#include <stdio.h>
#include <time.h>

static struct identity authority, stranger;
static char directory[] = "/tmp/letterhead-authorities-XXXXXX";
static char authority_path[64], other_path[64];

static void write_file(const char *path, struct slice text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    const struct identity_options ours = {"Test authority", NULL, NULL, true, -DAY_S, DAY_S};
    const struct identity_options theirs = {"Strange authority", NULL, NULL, true, -DAY_S, DAY_S};

    (void)state;
    authority = identity_new(&ours);
    stranger = identity_new(&theirs);
    assert_non_null(mkdtemp(directory));
    snprintf(authority_path, sizeof authority_path, "%s/one.crt", directory);
    snprintf(other_path, sizeof other_path, "%s/README", directory);
    write_file(authority_path, buffer_slice(&authority.certificate_pem));
    write_file(other_path, SLICE("not a certificate\n"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    identity_done(&authority);
    identity_done(&stranger);
    unlink(authority_path);
    unlink(other_path);
    rmdir(directory);
    return 0;
}

enum behaviour { TLS_AS_IT_SHOULD, SPEAKS_CLEAR, CLOSES };

struct encounter {
    enum behaviour behaviour;
    int sockets[2];
    struct tls_context *server, *client;
    struct arena arena;
    struct tls_shown shown;
};

static int server_main(struct task *t, void *argument)
{
    struct encounter *e = argument;
    CLEANUP(stream_free_pointer) struct stream *s = stream_new(t, e->sockets[0]);

    if (e->behaviour == TLS_AS_IT_SHOULD)
        (void)!stream_start_tls_server(t, s, e->server); /* the client says why */
    if (e->behaviour != SPEAKS_CLEAR)
        return 0;
    assert_int_equal(stream_fill(t, s, 10000), 0);
    assert_int_equal(stream_write(t, s, SLICE("220 smtp.example.org ESMTP, in clear\r\n")), 0);
    return stream_flush(t, s);
}

static int client_main(struct task *t, void *argument)
{
    struct encounter *e = argument;
    CLEANUP(stream_free_pointer) struct stream *s = stream_new(t, e->sockets[1]);
    int r = stream_start_tls_client(t, s, e->client, SLICE("mx.example.org"));

    stream_tls_show(s, &e->arena, &e->shown);
    assert_int_equal(r, e->shown.fault == TLS_FAULT_NONE ? 0 : -EPROTO);
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

static void meet(struct encounter *e, struct slice certificates, struct slice key)
{
    const struct tls_client_options options = {.verify = true, .authorities_pem_path = directory};
    char *problem = NULL;

    make_pair(SOCK_STREAM, e->sockets);
    if (tls_context_new_client(&options, &e->client, &problem) < 0 ||
        tls_context_new_server(certificates, key, &e->server, &problem) < 0)
        fail_msg("%s", problem);
    assert_int_equal(run_tasks(NULL, encounter_main, e), 0);
    tls_context_free(e->server);
    tls_context_free(e->client);
}

static const struct {
    const char *name;
    const char *names;
    int issuer; /* 0: itself, 1: the trusted authority, 2: another */
    long from_s, until_s;
    bool sends_issuer;
    enum behaviour behaviour;
    enum tls_fault fault;
} cases[] = {
    {"good", "DNS:mx.example.org", 1, -DAY_S, DAY_S, false, TLS_AS_IT_SHOULD, TLS_FAULT_NONE},
    {"self-signed", "DNS:mx.example.org", 0, -DAY_S, DAY_S, false, TLS_AS_IT_SHOULD,
     TLS_FAULT_SELF_SIGNED},
    {"an authority of their own", "DNS:mx.example.org", 2, -DAY_S, DAY_S, true, TLS_AS_IT_SHOULD,
     TLS_FAULT_PRIVATE_AUTHORITY},
    {"the chain is not whole", "DNS:mx.example.org", 2, -DAY_S, DAY_S, false, TLS_AS_IT_SHOULD,
     TLS_FAULT_INCOMPLETE},
    {"expired", "DNS:mx.example.org", 1, -2 * DAY_S, -DAY_S, false, TLS_AS_IT_SHOULD,
     TLS_FAULT_EXPIRED},
    {"not yet valid", "DNS:mx.example.org", 1, DAY_S, 2 * DAY_S, false, TLS_AS_IT_SHOULD,
     TLS_FAULT_NOT_YET_VALID},
    {"another name", "DNS:mx.example.com", 1, -DAY_S, DAY_S, false, TLS_AS_IT_SHOULD,
     TLS_FAULT_NAME},
    {"no TLS", "DNS:mx.example.org", 1, -DAY_S, DAY_S, false, SPEAKS_CLEAR, TLS_FAULT_NOT_TLS},
    {"closed", "DNS:mx.example.org", 1, -DAY_S, DAY_S, false, CLOSES, TLS_FAULT_CLOSED},
};

static void judge_certificate(const struct tls_shown_certificate *shown, const char *names,
                              int issuer)
{
    static const char *const issuers[] = {"mx", "Test authority", "Strange authority"};

    assert_true(slice_equal(shown->subject, SLICE("mx")));
    assert_true(slice_equal(shown->issuer, slice_text(issuers[issuer])));
    assert_true(slice_equal(shown->names, slice_text(names + strlen("DNS:"))));
    assert_true(slice_equal(shown->key, SLICE("EC 256")));
    assert_true(shown->until_s - shown->from_s >= DAY_S);
    assert_true(llabs((long long)(shown->from_s - time(NULL))) < 3 * DAY_S);
}

static void each_fault_has_its_name(void **state)
{
    const struct identity *const issuers[] = {NULL, &authority, &stranger};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct encounter e = {.behaviour = cases[i].behaviour};
        CLEANUP(buffer_done) struct buffer chain = BUFFER_NONE;
        CLEANUP(identity_done)
        struct identity server =
            identity_new(&(struct identity_options){"mx", cases[i].names, issuers[cases[i].issuer],
                                                    false, cases[i].from_s, cases[i].until_s});

        print_message("  %s\n", cases[i].name);
        buffer_add(&chain, buffer_slice(&server.certificate_pem));
        if (cases[i].sends_issuer)
            buffer_add(&chain, buffer_slice(&issuers[cases[i].issuer]->certificate_pem));
        meet(&e, buffer_slice(&chain), buffer_slice(&server.key_pem));
        assert_int_equal(e.shown.fault, cases[i].fault);
        assert_int_equal(e.shown.certificate_count,
                         e.behaviour == TLS_AS_IT_SHOULD ? 1 + cases[i].sends_issuer : 0);
        if (e.shown.certificate_count)
            judge_certificate(&e.shown.certificates[0], cases[i].names, cases[i].issuer);
        assert_int_equal(e.shown.version.size > 0, cases[i].fault == TLS_FAULT_NONE);
        arena_done(&e.arena);
    }
}

static void a_directory_without_authorities_is_refused(void **state)
{
    const struct tls_client_options options = {.verify = true, .authorities_pem_path = "/proc"};
    struct tls_context *context;
    CLEANUP(base_free_pointer) char *problem = NULL;

    (void)state;
    assert_int_equal(tls_context_new_client(&options, &context, &problem), -EINVAL);
    assert_non_null(strstr(problem, "no *.crt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_name),
        cmocka_unit_test(a_directory_without_authorities_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
