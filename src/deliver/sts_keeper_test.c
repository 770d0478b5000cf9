#include "deliver/sts_keeper.h"

#include "control/perform.h"
#include "deliver/fetch_dns_test.h"
#include "deliver/https.h"

#include <stdio.h>

static const int64_t S_US = 1000000;

/* No address may be connected to here, so that every fetch fails; test/e2e fetches. */
static const struct dns_line names[] = {
    {"_mta-sts.kept.example", .txt = "v=STSv1; id=two;"},
    {"_mta-sts.new.example", .txt = "v=STSv1; id=one;"},
    {"mta-sts.kept.example", .v4 = "127.0.0.1"},
    {"mta-sts.new.example", .v4 = "10.0.0.1"},
};

struct bench {
    struct store *store;
    struct https *https;
    struct scope scope;
    struct sts_keeper *keeper;
};

static void bench_open(struct task *t, struct bench *b)
{
    const struct store_options options = {.path = ":memory:", .schema = STORE_CONTROL};
    const struct https_options web = {"/nowhere", {NULL, 0}};
    char *problem = NULL;

    if (store_open(&options, &b->store, &problem) < 0 || https_new(&web, &b->https, &problem) < 0)
        fail_msg("%s", problem);
    scope_open(&b->scope, t);
    b->keeper = sts_keeper_new(&b->scope, b->store, b->https);
}

static void bench_close(struct bench *b)
{
    scope_close(&b->scope);
    sts_keeper_free(b->keeper);
    https_free(b->https);
    store_close(b->store);
}

/* A policy that is kept and holds for an hour. */
static void keep(struct task *t, struct bench *b, const char *domain)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct wire_mta_sts_policy policy = {.mode = WIRE_MTA_STS_ENFORCE,
                                               .max_age_s = 3600,
                                               .patterns = {SLICE("mx.example")},
                                               .pattern_count = 1};
    struct sts_row row = {.domain = slice_text(domain), .asked_us = task_wall_us(t)};
    bool evicted;

    sts_row_renew(&row, &arena, SLICE("one"), &policy, task_wall_us(t));
    row.next_us = row.tried_us = task_wall_us(t) - 100 * S_US;
    assert_int_equal(sts_store_save(b->store, &row, &evicted), 0);
}

static void find(struct bench *b, struct arena *arena, const char *domain, struct sts_row *ret)
{
    assert_int_equal(sts_store_find(b->store, arena, slice_text(domain), ret), 0);
}

static int ask(struct task *t, struct bench *b, const char *domain, const char *id,
               struct buffer *memory, struct sts_answer *ret)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    const struct sts_question question = {slice_text(domain), slice_text(id)};
    int r;

    sts_question_write(&body, &question);
    memory->size = 0;
    r = sts_keeper_answer(t, b->keeper, buffer_slice(&body), memory);
    if (r == 0)
        assert_int_equal(sts_answer_read(buffer_slice(memory), ret), 0);
    return r;
}

static int failing(struct task *t, void *argument)
{
    CLEANUP(buffer_done) struct buffer memory = BUFFER_NONE;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct bench *b = argument;
    struct sts_answer answer;
    struct sts_row row;

    bench_open(t, b);
    assert_int_equal(ask(t, b, "none.example", "", &memory, &answer), 0);
    assert_int_equal(answer.state, STS_NO_POLICY);
    assert_int_equal(ask(t, b, "new.example", "one", &memory, &answer), 0);
    assert_int_equal(answer.state, STS_FAILED);
    assert_int_equal(answer.failure, WIRE_TLS_STS_POLICY_FETCH_ERROR);
    find(b, &arena, "new.example", &row);
    assert_int_equal(row.failures, 1);
    assert_int_equal(ask(t, b, "new.example", "one", &memory, &answer), 0);
    find(b, &arena, "new.example", &row);
    assert_int_equal(row.failures, 1); /* it was not tried again so soon */
    assert_int_equal(sts_keeper_answer(t, b->keeper, SLICE("x"), &memory), -EBADMSG);
    bench_close(b);
    return 0;
}

static int going_on(struct task *t, void *argument)
{
    CLEANUP(buffer_done) struct buffer memory = BUFFER_NONE;
    struct bench *b = argument;
    struct sts_answer answer;

    bench_open(t, b);
    keep(t, b, "kept.example");
    assert_int_equal(ask(t, b, "kept.example", "one", &memory, &answer), 0);
    assert_int_equal(answer.failure, WIRE_TLS_SUCCESS);
    assert_int_equal(ask(t, b, "kept.example", "two", &memory, &answer), 0);
    assert_int_equal(answer.state, STS_POLICY); /* the old one */
    assert_int_equal(answer.failure, WIRE_TLS_STS_POLICY_FETCH_ERROR);
    assert_true(slice_equal(answer.id, SLICE("one")));
    bench_close(b);
    return 0;
}

/* One round of the clock. */
static void look_after_all(struct task *t, struct bench *b)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, SECOND_US / 5);

    assert_int_equal(sts_keeper_run(t, b->keeper), -ETIMEDOUT);
}

static int by_the_clock(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct bench *b = argument;
    struct sts_row row;
    bool evicted;

    bench_open(t, b);
    keep(t, b, "kept.example");     /* its record leads to no policy */
    keep(t, b, "vanished.example"); /* it has none any more */
    keep(t, b, "broken.example");   /* the DNS is silent */
    keep(t, b, "unused.example");
    assert_int_equal(sts_store_asked(b->store, SLICE("unused.example"),
                                     task_wall_us(t) - (STS_UNUSED_S + 1) * S_US),
                     0);
    row = (struct sts_row){.domain = SLICE("forgotten.example"), .asked_us = 1, .next_us = 1};
    assert_int_equal(sts_store_save(b->store, &row, &evicted), 0);
    look_after_all(t, b);
    find(b, &arena, "kept.example", &row);
    assert_int_equal(row.failures, 1);
    assert_true(sts_row_holds(&row, task_wall_us(t)));
    find(b, &arena, "vanished.example", &row);
    assert_int_equal(row.failures, 0);
    assert_true(slice_equal(row.trouble, SLICE("the TXT record is gone")));
    assert_true(sts_row_holds(&row, task_wall_us(t)));
    find(b, &arena, "broken.example", &row);
    assert_int_equal(row.failures, 1);
    find(b, &arena, "unused.example", &row);
    assert_true(row.next_us >= row.expires_us);
    assert_int_equal(sts_store_find(b->store, &arena, SLICE("forgotten.example"), &row), -ENOENT);
    bench_close(b);
    return 0;
}

/* The reply's member, as text in JSON. */
static void operate(struct task *t, struct bench *b, const char *request, const char *expected)
{
    struct sts_service service = {b->store, b->keeper};
    const struct control_set set = sts_operations(&service);
    const struct control_caller caller = {.role = CONTROL_OPERATOR, .name = "test"};
    json_t *input = json_loads(request, 0, NULL), *reply;
    char *text;

    assert_non_null(input);
    reply = control_perform(t, &set, 1, &caller, input);
    text = json_dumps(reply, JSON_COMPACT);
    if (!strstr(text, expected))
        fail_msg("%s: %s", request, text);
    free(text);
    json_decref(reply);
    json_decref(input);
}

static int shown(struct task *t, void *argument)
{
    struct bench *b = argument;

    bench_open(t, b);
    keep(t, b, "kept.example");
    operate(t, b, "{\"operation\":\"sts.show\",\"input\":{\"domain\":\"Kept.Example\"}}",
            "\"hosts\":[\"mx.example\"]");
    operate(t, b, "{\"operation\":\"sts.list\",\"input\":{}}", "\"policy\":\"enforce\"");
    operate(t, b, "{\"operation\":\"sts.show\",\"input\":{\"domain\":\"none.example\"}}",
            "not_found");
    operate(t, b, "{\"operation\":\"sts.show\",\"input\":{\"domain\":\"localhost\"}}",
            "invalid_input");
    operate(t, b, "{\"operation\":\"sts.refresh\",\"input\":{\"domain\":\"none.example\"}}",
            "no TXT record");
    operate(t, b, "{\"operation\":\"sts.refresh\",\"input\":{\"domain\":\"kept.example\"}}",
            "must not be connected to");
    operate(t, b, "{\"operation\":\"sts.show\",\"input\":{\"domain\":\"kept.example\"}}",
            "\"policy\":\"enforce\"");
    bench_close(b);
    return 0;
}

static void run_bench(void **state)
{
    struct bench b;

    dns_set(names, ARRAY_LEN(names));
    world_with_dns_run((task_function *)*state, &b);
}

#define BENCH_TEST(function)                                                                       \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run_bench, .initial_state = (void *)(function)             \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(failing),
        BENCH_TEST(going_on),
        BENCH_TEST(by_the_clock),
        BENCH_TEST(shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
