/* What a client demands of a server's certificate, and which sessions it resumes. */
#include "runtime/tls_inside.h"

#include "runtime/loop_test.h"
#include "runtime/stream.h"
#include "runtime/tls_identity_test.h"

#include <openssl/sha.h>
#include <stdio.h>

enum { RECORDS_MAX = 3 };

static struct identity authority, stranger;
static char authorities_path[] = "/tmp/letterhead-authority-XXXXXX";

static struct identity make(const char *names, const struct identity *issuer, long until_s)
{
    return identity_new(&(struct identity_options){"x", names, issuer, false, -2 * DAY_S, until_s});
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

/* --- One handshake --- */

struct encounter {
    struct tls_context *server, *client;
    struct tls_demand demand;
    int sockets[2];
    int result;
    enum wire_tls_result finding;
    bool resumed;
    char error[512];
};

static int server_main(struct task *t, void *argument)
{
    struct encounter *e = argument;
    CLEANUP(stream_free_pointer) struct stream *s = stream_new(t, e->sockets[0]);
    struct slice line;
    int r = stream_start_tls_server(t, s, e->server);

    if (r == 0)
        r = stream_read_line(t, s, 100, &line);
    if (r == 0)
        r = stream_printf(t, s, "goodbye\n");
    if (r == 0)
        r = stream_flush(t, s);
    return 0;
}

/* A ticket comes with the first bytes that are read. */
static int client_main(struct task *t, void *argument)
{
    struct encounter *e = argument;
    CLEANUP(stream_free_pointer) struct stream *s = stream_new(t, e->sockets[1]);
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, 20 * SECOND_US);
    struct slice line;

    e->result = stream_start_tls_demanding(t, s, e->client, &e->demand);
    e->finding = stream_tls_result(s);
    e->resumed = stream_tls_resumed(s);
    snprintf(e->error, sizeof e->error, "%s", stream_tls_error(s));
    if (e->result < 0)
        return 0;
    assert_int_equal(stream_printf(t, s, "hello\n"), 0);
    assert_int_equal(stream_flush(t, s), 0);
    assert_int_equal(stream_read_line(t, s, 100, &line), 0);
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

static void meet(struct encounter *e)
{
    make_pair(SOCK_STREAM, e->sockets);
    assert_int_equal(run_tasks(NULL, encounter_main, e), 0);
}

static struct tls_context *server_context(const struct identity *identity)
{
    CLEANUP(buffer_done) struct buffer chain = BUFFER_NONE;
    struct tls_context *context;
    char *problem = NULL;

    buffer_add(&chain, buffer_slice(&identity->certificate_pem));
    buffer_add(&chain, buffer_slice(&stranger.certificate_pem));
    if (tls_context_new_server(buffer_slice(&chain), buffer_slice(&identity->key_pem), &context,
                               &problem) < 0)
        fail_msg("%s", problem);
    return context;
}

static struct tls_context *client_context(size_t sessions_max)
{
    const struct tls_client_options options = {.authorities_pem_path = authorities_path,
                                               .sessions_max = sessions_max};
    struct tls_context *context;
    char *problem = NULL;

    if (tls_context_new_client(&options, &context, &problem) < 0)
        fail_msg("%s", problem);
    return context;
}

/* --- Authorities, demanded and observed --- */

static void the_same_judgement_demanded_and_observed(void **state)
{
    static const struct {
        const char *names;
        int issuer; /* 0: itself, 1: the trusted authority, 2: another */
        long until_s;
        enum wire_tls_result finding;
    } cases[] = {
        {"DNS:mx.example.org", 1, DAY_S, WIRE_TLS_SUCCESS},
        {"DNS:other.example.org", 1, DAY_S, WIRE_TLS_CERTIFICATE_HOST_MISMATCH},
        {"DNS:mx.example.org", 1, -DAY_S, WIRE_TLS_CERTIFICATE_EXPIRED},
        {"DNS:mx.example.org", 0, DAY_S, WIRE_TLS_CERTIFICATE_NOT_TRUSTED},
        {"DNS:mx.example.org", 2, DAY_S, WIRE_TLS_CERTIFICATE_NOT_TRUSTED},
    };
    static const enum tls_judge judges[] = {TLS_ANY, TLS_OBSERVE, TLS_AUTHORITIES};
    const struct identity *const issuers[] = {NULL, &authority, &stranger};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t j = 0; j < ARRAY_LEN(judges); j++) {
            CLEANUP(identity_done)
            struct identity server =
                make(cases[i].names, issuers[cases[i].issuer], cases[i].until_s);
            struct encounter e = {
                .server = server_context(&server),
                .client = client_context(0),
                .demand = {.judge = judges[j], .server_name = SLICE("mx.example.org")},
            };
            bool insists = judges[j] == TLS_AUTHORITIES, good = !cases[i].finding;

            meet(&e);
            assert_int_equal(e.result, insists && !good ? -EPROTO : 0);
            assert_int_equal(e.finding, judges[j] == TLS_ANY ? WIRE_TLS_SUCCESS : cases[i].finding);
            assert_int_equal(e.error[0] != 0, judges[j] != TLS_ANY && !good);
            tls_context_free(e.server);
            tls_context_free(e.client);
        }
}

/* --- DANE --- */

static void digest_of(const struct identity *identity, uint8_t selector, unsigned char out[32])
{
    unsigned char *der = NULL;
    int size = selector ? i2d_PUBKEY(identity->key, &der) : i2d_X509(identity->certificate, &der);

    assert_true(size > 0);
    SHA256(der, (size_t)size, out);
    OPENSSL_free(der);
}

enum whose { SERVERS, ISSUERS, NOBODYS };

/* RFC 7672 §3.1, §3.2: what each kind of record vouches for. */
static void tlsa_records_are_judged(void **state)
{
    static const struct {
        const char *what;
        const char *names;
        long until_s;
        uint8_t usage, selector;
        enum whose whose;
        const char *other_name;
        int result;
    } cases[] = {
        {"EE, key", "DNS:mx.example.org", DAY_S, 3, 1, SERVERS, NULL, 0},
        {"EE, certificate", "DNS:mx.example.org", DAY_S, 3, 0, SERVERS, NULL, 0},
        {"EE, wrong name", "DNS:other.example.org", DAY_S, 3, 1, SERVERS, NULL, 0},
        {"EE, expired", "DNS:mx.example.org", -DAY_S, 3, 1, SERVERS, NULL, 0},
        {"EE, no match", "DNS:mx.example.org", DAY_S, 3, 1, NOBODYS, NULL, -EPROTO},
        {"EE, but the issuer's", "DNS:mx.example.org", DAY_S, 3, 1, ISSUERS, NULL, -EPROTO},
        {"TA, certificate", "DNS:mx.example.org", DAY_S, 2, 0, ISSUERS, NULL, 0},
        {"TA, key", "DNS:mx.example.org", DAY_S, 2, 1, ISSUERS, NULL, 0},
        {"TA, wrong name", "DNS:other.example.org", DAY_S, 2, 0, ISSUERS, NULL, -EPROTO},
        {"TA, the next hop's name", "DNS:example.org", DAY_S, 2, 0, ISSUERS, "example.org", 0},
        {"TA, expired", "DNS:mx.example.org", -DAY_S, 2, 0, ISSUERS, NULL, -EPROTO},
        {"TA, no match", "DNS:mx.example.org", DAY_S, 2, 0, NOBODYS, NULL, -EPROTO},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(identity_done)
        struct identity server = make(cases[i].names, &stranger, cases[i].until_s);
        const struct identity *const marked[] = {&server, &stranger, &authority};
        unsigned char digest[32];
        struct slice other = slice_text(cases[i].other_name);
        struct wire_tlsa record = {cases[i].usage, cases[i].selector, 1,
                                   slice_of(digest, sizeof digest)};
        struct encounter e = {
            .server = server_context(&server),
            .client = client_context(0),
            .demand = {.judge = TLS_DANE,
                       .server_name = SLICE("mx.example.org"),
                       .other_names = &other,
                       .other_name_count = cases[i].other_name ? 1 : 0,
                       .records = &record,
                       .record_count = 1},
        };

        digest_of(marked[cases[i].whose], cases[i].selector, digest);
        meet(&e);
        if (e.result != cases[i].result || (e.result == 0) != (e.finding == WIRE_TLS_SUCCESS))
            fail_msg("%s: %d, %d, \"%s\"", cases[i].what, e.result, e.finding, e.error);
        if (cases[i].whose == NOBODYS) {
            assert_int_equal(e.finding, WIRE_TLS_TLSA_INVALID);
            assert_non_null(strstr(e.error, "matches none of the TLSA records"));
        }
        tls_context_free(e.server);
        tls_context_free(e.client);
    }
}

/* While keys are rolled over there are several; one that matches is enough. */
static void one_matching_record_is_enough(void **state)
{
    CLEANUP(identity_done) struct identity server = make("DNS:mx.example.org", NULL, DAY_S);
    unsigned char right[32], wrong[32];
    struct wire_tlsa records[] = {{3, 1, 1, slice_of(wrong, sizeof wrong)},
                                  {3, 1, 1, slice_of(right, sizeof right)}};
    struct encounter e = {
        .server = server_context(&server),
        .client = client_context(0),
        .demand = {.judge = TLS_DANE,
                   .server_name = SLICE("mx.example.org"),
                   .records = records,
                   .record_count = ARRAY_LEN(records)},
    };

    (void)state;
    digest_of(&authority, 1, wrong);
    digest_of(&server, 1, right);
    meet(&e);
    assert_int_equal(e.result, 0);
    tls_context_free(e.server);
    tls_context_free(e.client);
}

static void bad_demands_are_refused(void **state)
{
    CLEANUP(identity_done) struct identity server = make("DNS:mx.example.org", NULL, DAY_S);
    static const struct tls_demand demands[] = {
        {.judge = TLS_AUTHORITIES},
        {.judge = TLS_OBSERVE},
        {.judge = TLS_DANE, .server_name = {"mx.example.org", 14}},
        {.judge = TLS_ANY, .server_name = {"mx\0.example.org", 15}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(demands); i++) {
        struct encounter e = {
            .server = server_context(&server), .client = client_context(0), .demand = demands[i]};

        meet(&e);
        assert_int_equal(e.result, -EINVAL);
        tls_context_free(e.server);
        tls_context_free(e.client);
    }
}

/* --- Sessions --- */

/* Each step dials again, by its own demand. A session goes on only where all is the same. */
static void sessions_stay_with_their_demand(void **state)
{
    CLEANUP(identity_done) struct identity server = make("DNS:mx.example.org", &authority, DAY_S);
    unsigned char digest[32], other_digest[32];
    const struct wire_tlsa record = {3, 1, 1, slice_of(digest, sizeof digest)};
    const struct wire_tlsa both[] = {record,
                                     {3, 1, 1, slice_of(other_digest, sizeof other_digest)}};
    const struct slice name = SLICE("mx.example.org"), here = SLICE("192.0.2.1"),
                       there = SLICE("192.0.2.2");
    const struct {
        struct tls_demand demand;
        bool resumed;
    } steps[] = {
        {{TLS_ANY, name, NULL, 0, NULL, 0, here}, false},
        {{TLS_ANY, name, NULL, 0, NULL, 0, here}, true},
        {{TLS_OBSERVE, name, NULL, 0, NULL, 0, here}, false},
        {{TLS_AUTHORITIES, name, NULL, 0, NULL, 0, here}, false},
        {{TLS_AUTHORITIES, name, NULL, 0, NULL, 0, here}, true},
        {{TLS_AUTHORITIES, name, NULL, 0, NULL, 0, there}, false},
        {{TLS_AUTHORITIES, name, NULL, 0, NULL, 0, SLICE_NONE}, false},
        {{TLS_ANY, SLICE("b.example"), NULL, 0, NULL, 0, here}, false},
        {{TLS_DANE, name, NULL, 0, &record, 1, here}, false},
        {{TLS_DANE, name, NULL, 0, &record, 1, here}, true},
        {{TLS_DANE, name, NULL, 0, both, 2, here}, false},
        {{TLS_DANE, name, &there, 1, both, 2, here}, false},
        {{TLS_AUTHORITIES, name, NULL, 0, NULL, 0, here}, true},
    };
    struct encounter e = {.server = server_context(&server), .client = client_context(100)};

    (void)state;
    digest_of(&server, 1, digest);
    digest_of(&authority, 1, other_digest);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        e.demand = steps[i].demand;
        meet(&e);
        assert_int_equal(e.result, 0);
        assert_int_equal(e.finding, WIRE_TLS_SUCCESS);
        if (e.resumed != steps[i].resumed)
            fail_msg("step %zu", i);
    }
    tls_context_free(e.server);
    tls_context_free(e.client);
}

/* What TLS_OBSERVE found wrong is found wrong in the resumed session as well. */
static void a_resumed_session_keeps_its_finding(void **state)
{
    CLEANUP(identity_done) struct identity server = make("DNS:other.example", &authority, DAY_S);
    struct encounter e = {
        .server = server_context(&server),
        .client = client_context(100),
        .demand = {.judge = TLS_OBSERVE,
                   .server_name = SLICE("mx.example.org"),
                   .session_key = SLICE("192.0.2.1")},
    };

    (void)state;
    for (int i = 0; i < 2; i++) {
        meet(&e);
        assert_int_equal(e.result, 0);
        assert_int_equal(e.resumed, i);
        assert_int_equal(e.finding, WIRE_TLS_CERTIFICATE_HOST_MISMATCH);
        assert_true(e.error[0] != 0);
    }
    tls_context_free(e.server);
    tls_context_free(e.client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_judgement_demanded_and_observed),
        cmocka_unit_test(tlsa_records_are_judged),
        cmocka_unit_test(one_matching_record_is_enough),
        cmocka_unit_test(bad_demands_are_refused),
        cmocka_unit_test(sessions_stay_with_their_demand),
        cmocka_unit_test(a_resumed_session_keeps_its_finding),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
