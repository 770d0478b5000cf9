#include "feedback/tls_reporter.h"

#include "base/log.h"
#include "feedback/tls_history_test.h"
#include "feedback/tls_report.h"

static const int64_t HOUR_US = 3600 * (int64_t)1000000;

/* Nothing can be sent here, since there is no gateway and no address may be connected to; test/e2e
 * sends. */
static const struct dns_line names[] = {
    {"_smtp._tls.mail.example", .txt = "v=TLSRPTv1; rua=mailto:tls@mail.example"},
    {"_smtp._tls.both.example",
     .txt = "v=TLSRPTv1; rua=mailto:tls@both.example,https://web.example/tls"},
    {"_smtp._tls.wrong.example", .txt = "v=TLSRPTv1; rua=ftp://wrong.example"},
    {"web.example", .v4 = "10.0.0.1"},
};

struct bench {
    struct tls_reporter reporter;
    struct peer_group gateways;
};

static void bench_open(struct task *t, struct bench *b)
{
    const struct store_options options = {.path = ":memory:", .schema = STORE_CONTROL};
    const struct https_options web = {"/nowhere", {NULL, 0}};
    char *problem = NULL;

    past_begin(t, "2026-11-23");
    *b = (struct bench){
        .reporter = {
            .settings = {SLICE("mail.letterhead.example"), SLICE("platform"),
                         SLICE("tls@letterhead.example"), SLICE("Letterhead"), SLICE_NONE},
            .history = past.history,
            .gateways = &b->gateways,
        }};
    if (store_open(&options, &b->reporter.store, &problem) < 0 ||
        https_new(&web, &b->reporter.https, &problem) < 0)
        fail_msg("%s", problem);
    dns_set(names, ARRAY_LEN(names));
}

static void bench_close(struct task *t, struct bench *b)
{
    https_free(b->reporter.https);
    store_close(b->reporter.store);
    past_end(t);
}

/* What there is to do now. */
static void look(struct task *t, struct bench *b)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, SECOND_US / 5);

    assert_int_equal(tls_reporter_run(t, &b->reporter), -ETIMEDOUT);
}

static size_t rows_of(struct bench *b, struct arena *arena, const char *domain,
                      struct tls_report_row **ret)
{
    size_t count;

    assert_int_equal(tls_report_rows_of(b->reporter.store, arena, SLICE("2026-11-23"),
                                        slice_text(domain), ret, &count),
                     0);
    return count;
}

static void assert_row(struct bench *b, const char *domain, const char *state, int64_t attempts,
                       const char *why)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct tls_report_row *rows;

    assert_true(rows_of(b, &arena, domain, &rows) > 0);
    if (!slice_equal(rows->state, slice_text(state)) || rows->attempts != attempts ||
        slice_find_slice(rows->why, slice_text(why)) < 0)
        fail_msg("%s: %.*s, %lld attempts, \"%.*s\"", domain, SLICE_ARG(rows->state),
                 (long long)rows->attempts, SLICE_ARG(rows->why));
}

static int a_day(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct tls_report_row *rows;
    struct bench b;

    (void)argument;
    bench_open(t, &b);
    past_session(t, "mail.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    past_session(t, "both.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    past_session(t, "wrong.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    past_session(t, "none.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    past_session(t, "[192.0.2.1]", WIRE_TLS_NO_POLICY, WIRE_TLS_SUCCESS);
    past_session(t, "broken.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    look(t, &b); /* the day is not over */
    assert_int_equal(rows_of(&b, &arena, "mail.example", &rows), 0);
    past.now_us += DAY_US / 2 + 60 * (int64_t)1000000;
    look(t, &b); /* its last events may still come */
    assert_int_equal(rows_of(&b, &arena, "mail.example", &rows), 0);
    past.now_us += 2 * HOUR_US;
    look(t, &b);
    assert_int_equal(rows_of(&b, &arena, "mail.example", &rows), 1);
    assert_int_equal(rows->attempts, 0); /* later, at a time drawn by lot */
    assert_true(rows->next_us >= past.now_us && rows->next_us < past.now_us + 4 * HOUR_US);
    assert_int_equal(rows_of(&b, &arena, "both.example", &rows), 2);
    assert_true(slice_equal(rows[1].uri, SLICE("https://web.example/tls")));
    assert_int_equal(rows_of(&b, &arena, "wrong.example", &rows), 0);
    assert_int_equal(rows_of(&b, &arena, "none.example", &rows), 0);
    assert_int_equal(rows_of(&b, &arena, "[192.0.2.1]", &rows), 0);
    assert_row(&b, "broken.example", "waiting", 0, "SERVFAIL");
    bench_close(t, &b);
    return 0;
}

static int trying_for_a_day(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct tls_report_row *rows;
    struct bench b;
    int64_t due_us;

    (void)argument;
    bench_open(t, &b);
    past_session(t, "both.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    past_session(t, "broken.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    past.now_us += DAY_US / 2 + 2 * HOUR_US;
    look(t, &b);
    past.now_us += 4 * HOUR_US;
    look(t, &b);
    assert_row(&b, "both.example", "waiting", 1, "no site");
    assert_row(&b, "broken.example", "waiting", 1, "SERVFAIL");
    assert_int_equal(rows_of(&b, &arena, "both.example", &rows), 2);
    assert_true(slice_find_slice(rows[1].why, SLICE("must not be connected to")) > 0);
    due_us = rows->next_us;
    assert_true(due_us > past.now_us && due_us <= past.now_us + HOUR_US / 4);
    past.now_us = due_us - 1;
    look(t, &b); /* not before its time */
    assert_row(&b, "both.example", "waiting", 1, "no site");
    past.now_us = due_us + HOUR_US / 4;
    look(t, &b);
    assert_row(&b, "both.example", "waiting", 2, "no site");
    past.now_us += DAY_US + HOUR_US;
    look(t, &b);
    assert_row(&b, "both.example", "dropped", 3, "no site");
    assert_row(&b, "broken.example", "dropped", 3, "SERVFAIL");
    past.now_us += 40 * DAY_US;
    look(t, &b); /* and then nothing is known of it */
    assert_int_equal(rows_of(&b, &arena, "both.example", &rows), 0);
    bench_close(t, &b);
    return 0;
}

static void remember(struct tls_report_row *rows, size_t count, int64_t *times)
{
    for (size_t i = 0; i < count; i++)
        times[i] = rows[i].next_us;
}

/* Whatever is done again after a crash, a domain that was gone through is not drawn again. */
static int going_on_after_a_restart(struct task *t, void *argument)
{
    enum { MANY = 40 };
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    int64_t before[2], after[2];
    struct tls_report_row *rows;
    struct bench b;
    char name[32];

    (void)argument;
    bench_open(t, &b);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "n%d.example", i);
        past_session(t, name, WIRE_TLS_NO_POLICY, WIRE_TLS_SUCCESS);
    }
    past_session(t, "both.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    past_session(t, "z.broken.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    past.now_us += DAY_US / 2 + 2 * HOUR_US;
    look(t, &b);
    assert_int_equal(rows_of(&b, &arena, "z.broken.example", &rows), 1); /* the last page */
    remember(rows, rows_of(&b, &arena, "both.example", &rows), before);
    past_session(t, "aa.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    look(t, &b);
    remember(rows, rows_of(&b, &arena, "both.example", &rows), after);
    assert_memory_equal(before, after, sizeof before);
    bench_close(t, &b);
    return 0;
}

static int keeping_quiet(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct tls_report_row *rows;
    struct tls_report report;
    struct bench b;
    struct tls_day day;

    (void)argument;
    bench_open(t, &b);
    b.reporter.settings.from = SLICE_NONE;
    past_session(t, "mail.example", WIRE_TLS_STS, WIRE_TLS_SUCCESS);
    past.now_us += DAY_US;
    assert_int_equal(tls_reporter_run(t, &b.reporter), 0);
    assert_int_equal(rows_of(&b, &arena, "mail.example", &rows), 0);
    day = tls_day_of(past.now_us - DAY_US); /* it can be looked at all the same */
    assert_int_equal(
        tls_report_gather(t, &b.reporter, &arena, &day, SLICE("mail.example"), &report), 0);
    assert_int_equal(report.kind_count, 1);
    assert_true(slice_equal(report.id, SLICE("2026-11-23.mail.example@mail.letterhead.example")));
    assert_int_equal(
        tls_report_gather(t, &b.reporter, &arena, &day, SLICE("none.example"), &report), -ENOENT);
    bench_close(t, &b);
    return 0;
}

static void run_task(void **state)
{
    world_with_dns_run((task_function *)*state, NULL);
}

#define TASK_TEST(function)                                                                        \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run_task, .initial_state = (void *)(function)              \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(a_day),
        TASK_TEST(trying_for_a_day),
        TASK_TEST(going_on_after_a_restart),
        TASK_TEST(keeping_quiet),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
