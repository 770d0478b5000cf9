#include "deliver/https.h"

#include "deliver/https_server_test.h"

enum { ANSWER_MAX = 1000 };

static const struct dns_line names[] = {
    {"here.example", .v4 = "127.0.0.1"},
    {"other.example", .v4 = "127.0.0.1"},
    {"mapped.example", .v6 = "::ffff:127.0.0.1"},
    {"metadata.example", .v4 = "169.254.169.254", .v6 = "fd00:ec2::254"},
    {"mixed.example", .v4 = "127.0.0.1", .v6 = "::1"},
};

/* What is asked of the DNS below, and how the addresses are judged. */
struct asking {
    struct https_request request;
    const char *name;
    bool allow_loopback;
    bool stop; /* once it runs */
    struct https_answer answer;
    int result;
};

static int stop_soon(struct task *t, void *argument)
{
    int r = task_sleep(t, SECOND_US / 10);

    https_stop(argument);
    return r;
}

static int ask_main(struct task *t, void *argument)
{
    struct asking *a = argument;
    struct endpoint_network loopback;
    struct https_options options = {server_authorities(), {&loopback, a->allow_loopback}};
    CLEANUP(scope_close) struct scope scope;
    struct https *h;
    char *problem;

    assert_int_equal(endpoint_network_parse(SLICE("127.0.0.0/8"), &loopback), 0);
    if (https_new(&options, &h, &problem) < 0)
        fail_msg("%s", problem);
    scope_open(&scope, t);
    if (a->stop)
        assert_int_equal(scope_spawn(&scope, "stop", stop_soon, h), 0);
    a->result = https_ask(t, h, &a->request, &a->answer);
    scope_close(&scope);
    https_free(h);
    return 0;
}

static void ask(struct asking *a)
{
    a->request.host = slice_text(a->name);
    if (a->request.port == 0)
        a->request.port = server_port(SERVER_TRUSTED);
    a->request.answer_bytes_max = ANSWER_MAX;
    if (a->request.time_max_ms == 0)
        a->request.time_max_ms = 5000;
    dns_set(names, ARRAY_LEN(names));
    world_with_dns_run(ask_main, a);
}

static void assert_outcome(struct asking *a, enum https_outcome outcome, const char *why)
{
    if (a->answer.outcome != outcome || !strstr(a->answer.why, why))
        fail_msg("%s%.*s: %d %s", a->name, SLICE_ARG(a->request.target), a->answer.outcome,
                 a->answer.why);
    https_answer_done(&a->answer);
}

static void a_file_is_fetched(void **state)
{
    struct asking a = {
        .request = {.target = SLICE("/ok")}, .name = "here.example", .allow_loopback = true};

    (void)state;
    ask(&a);
    assert_int_equal(a.result, 0);
    assert_string_equal(a.answer.why, "");
    assert_int_equal(a.answer.outcome, HTTPS_ANSWERED);
    assert_int_equal(a.answer.status, 200);
    assert_string_equal(a.answer.type, "text/plain");
    assert_true(slice_equal(buffer_slice(&a.answer.body), SLICE("GET /ok HTTP/1.1")));
    https_answer_done(&a.answer);
}

static void something_is_posted(void **state)
{
    struct asking a = {.request = {.target = SLICE("/post?x=1"),
                                   .body = SLICE("report"),
                                   .body_type = "application/tlsrpt+gzip"},
                       .name = "here.example",
                       .allow_loopback = true};

    (void)state;
    ask(&a);
    assert_int_equal(a.answer.status, 201);
    assert_true(slice_equal(buffer_slice(&a.answer.body),
                            SLICE("POST /post?x=1 HTTP/1.1 application/tlsrpt+gzip report")));
    https_answer_done(&a.answer);
}

static void redirects_are_not_followed(void **state)
{
    struct asking a = {
        .request = {.target = SLICE("/redirect")}, .name = "here.example", .allow_loopback = true};

    (void)state;
    server_forget();
    ask(&a);
    assert_int_equal(a.answer.outcome, HTTPS_ANSWERED);
    assert_int_equal(a.answer.status, 302);
    assert_int_equal(server_connections(), 1);
    https_answer_done(&a.answer);
}

static void bad_servers_are_outcomes(void **state)
{
    static const struct {
        const char *name, *target;
        enum server server;
        enum https_outcome outcome;
        const char *why;
    } cases[] = {
        {"here.example", "/big", SERVER_TRUSTED, HTTPS_TOO_LARGE, "larger than 1000 bytes"},
        {"here.example", "/endless", SERVER_TRUSTED, HTTPS_TOO_LARGE, "larger than 1000 bytes"},
        {"here.example", "/slow", SERVER_TRUSTED, HTTPS_UNREACHABLE, "timed out"},
        {"here.example", "/nonsense", SERVER_TRUSTED, HTTPS_UNREACHABLE, ""},
        {"here.example", "/ok", SERVER_STRANGE, HTTPS_BAD_CERTIFICATE, "certificate"},
        {"here.example", "/ok", SERVER_FORGED, HTTPS_BAD_CERTIFICATE, ""},
        {"other.example", "/ok", SERVER_TRUSTED, HTTPS_BAD_CERTIFICATE, ""},
        {"here.example", "/ok", SERVER_EXPIRED, HTTPS_BAD_CERTIFICATE, "expired"},
        {"here.example", "/ok", SERVER_SUBJECT_ONLY, HTTPS_BAD_CERTIFICATE, ""},
        {"here.example", "/ok", SERVER_OLD_TLS, HTTPS_UNREACHABLE, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct asking a = {.request = {.target = slice_text(cases[i].target),
                                       .port = server_port(cases[i].server),
                                       .time_max_ms = 1000},
                           .name = cases[i].name,
                           .allow_loopback = true};

        ask(&a);
        assert_int_equal(a.result, 0);
        assert_outcome(&a, cases[i].outcome, cases[i].why);
    }
}

/* Nothing but allowed addresses sees a connection, whatever the name leads to. */
static void the_policy_stands_before_every_address(void **state)
{
    static const struct {
        const char *name;
        bool allow;
        enum https_outcome outcome;
        size_t connections;
    } cases[] = {
        {"here.example", false, HTTPS_NOT_ALLOWED, 0},
        {"mapped.example", false, HTTPS_NOT_ALLOWED, 0},
        {"metadata.example", true, HTTPS_NOT_ALLOWED, 0},
        {"mixed.example", true, HTTPS_ANSWERED, 1}, /* one address is allowed, the other not */
        {"nobody.example", true, HTTPS_NO_ADDRESS, 0},
        {"broken.example", true, HTTPS_DNS_SILENT, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct asking a = {.request = {.target = SLICE("/ok")},
                           .name = cases[i].name,
                           .allow_loopback = cases[i].allow};

        server_forget();
        ask(&a);
        assert_int_equal(server_connections(), cases[i].connections);
        assert_outcome(&a, cases[i].outcome, "");
    }
}

static void names_of_private_networks_are_refused(void **state)
{
    static const char *const private_names[] = {"localhost", "printer.local", "127.0.0.1",
                                                "intranet", ""};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(private_names); i++) {
        struct asking a = {
            .request = {.target = SLICE("/ok")}, .name = private_names[i], .allow_loopback = true};

        server_forget();
        ask(&a);
        assert_int_equal(a.result, -EINVAL);
        assert_int_equal(server_connections(), 0);
    }
}

static void the_environment_is_not_asked(void **state)
{
    struct asking a = {
        .request = {.target = SLICE("/ok")}, .name = "here.example", .allow_loopback = true};

    (void)state;
    setenv("https_proxy", "http://127.0.0.1:1/", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
    setenv("SSL_CERT_FILE", "/nowhere", 1);
    ask(&a);
    assert_int_equal(a.answer.status, 200);
    https_answer_done(&a.answer);
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    unsetenv("SSL_CERT_FILE");
}

static void stopping_does_not_wait_for_a_slow_server(void **state)
{
    struct asking a = {.request = {.target = SLICE("/slow"), .time_max_ms = 30000},
                       .name = "here.example",
                       .allow_loopback = true,
                       .stop = true};
    time_t begin = time(NULL);

    (void)state;
    ask(&a);
    assert_true(time(NULL) - begin < 5);
    assert_outcome(&a, HTTPS_UNREACHABLE, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_fetched),
        cmocka_unit_test(something_is_posted),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(bad_servers_are_outcomes),
        cmocka_unit_test(the_policy_stands_before_every_address),
        cmocka_unit_test(names_of_private_networks_are_refused),
        cmocka_unit_test(the_environment_is_not_asked),
        cmocka_unit_test(stopping_does_not_wait_for_a_slow_server),
    };

    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
