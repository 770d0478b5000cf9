#include "deliver/sts_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "deliver/dns_test.h"

/* A steward that answers as it is told. */
static struct steward {
    unsigned asked;
    char id[64]; /* of the last question */
    struct sts_answer answer;
    bool silent, garbled;
} steward;

static int answer(struct task *t, void *context, struct slice question, struct buffer *reply)
{
    struct sts_question q;

    (void)context;
    assert_int_equal(sts_question_read(question, &q), 0);
    steward.asked++;
    snprintf(steward.id, sizeof steward.id, "%.*s", SLICE_ARG(q.id));
    if (steward.silent)
        return task_sleep(t, 3600 * SECOND_US);
    if (steward.garbled)
        buffer_add_byte(reply, 77);
    else
        sts_answer_write(reply, &steward.answer);
    return 0;
}

static void set_policy(const char *id, const char *pattern, uint32_t lifetime_s)
{
    steward.answer = (struct sts_answer){
        .state = STS_POLICY,
        .lifetime_s = lifetime_s,
        .id = slice_text(id),
        .policy = {.mode = WIRE_MTA_STS_ENFORCE, .max_age_s = lifetime_s, .pattern_count = 1},
    };
    steward.answer.policy.patterns[0] = slice_text(pattern);
}

static void set_record(const char *record)
{
    dns_test.count = 0;
    if (record)
        dns_test_publish("_mta-sts.example.org", DNS_TXT, DNS_FOUND, false, slice_text(record));
}

static struct sts_cache *new_cache(void)
{
    const struct sts_cache_options options = {.ask = answer, .domains_max = 4, .bytes_max = 100000};

    steward = (struct steward){.asked = 0};
    return sts_cache_new(&options);
}

/* Asks for example.org; the pattern, or "" when there is no policy. */
static const char *ask(struct task *t, struct sts_cache *c)
{
    static char pattern[256];
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct sts_known known;

    assert_int_equal(sts_cache_ask(t, c, &arena, SLICE("example.org"), &known), 0);
    snprintf(pattern, sizeof pattern, "%.*s",
             SLICE_ARG(known.has_policy ? known.policy.patterns[0] : SLICE_NONE));
    return pattern;
}

static void later(uint64_t s)
{
    dns_test.later_us += s * SECOND_US;
}

static int a_new_id_is_news(struct task *t, void *argument)
{
    struct sts_cache *c = new_cache();

    (void)argument;
    set_policy("1", "a.example", 86400);
    set_record("v=STSv1; id=1");
    assert_string_equal(ask(t, c), "a.example");
    assert_string_equal(ask(t, c), "a.example");
    assert_int_equal(steward.asked, 1);
    set_policy("2", "b.example", 86400);
    set_record("v=STSv1; id=2");
    assert_string_equal(ask(t, c), "b.example");
    assert_string_equal(steward.id, "2");
    later(3601); /* nothing new, but the steward may have renewed it */
    assert_string_equal(ask(t, c), "b.example");
    assert_int_equal(steward.asked, 3);
    sts_cache_free(c);
    return 0;
}

/* RFC 8461 §3.1, §5.1: a policy holds until it expires, whatever is suppressed. */
static int what_vanishes_takes_nothing_away(struct task *t, void *argument)
{
    static const char *const records[] = {NULL, "v=STSv1; id=", "v=spf1 -all"};
    struct sts_cache *c = new_cache();

    (void)argument;
    set_policy("1", "a.example", 86400);
    set_record("v=STSv1; id=1");
    assert_string_equal(ask(t, c), "a.example");
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        set_record(records[i]);
        assert_string_equal(ask(t, c), "a.example");
    }
    dns_test_publish("_mta-sts.example.org", DNS_TXT, DNS_TEMPORARY, false, SLICE_NONE);
    assert_string_equal(ask(t, c), "a.example");
    assert_int_equal(steward.asked, 1);

    steward.silent = true;
    later(3601);
    assert_string_equal(ask(t, c), "a.example");
    assert_int_equal(steward.asked, 2);
    later(86400 - 3601 - 60);
    assert_string_equal(ask(t, c), "a.example");
    later(60);
    assert_string_equal(ask(t, c), "");
    sts_cache_free(c);
    return 0;
}

/* After the gateway's restart the steward still knows, though the record has gone. */
static int the_steward_is_asked_without_a_record(struct task *t, void *argument)
{
    struct sts_cache *c = new_cache();

    (void)argument;
    set_policy("1", "a.example", 86400);
    set_record(NULL);
    assert_string_equal(ask(t, c), "a.example");
    assert_string_equal(steward.id, "");
    sts_cache_free(c);
    return 0;
}

static int a_late_steward_holds_nothing_up(struct task *t, void *argument)
{
    struct sts_cache *c = new_cache();
    uint64_t begun_us = task_now_us(t);

    (void)argument;
    steward.silent = true;
    set_record("v=STSv1; id=1");
    assert_string_equal(ask(t, c), "");
    assert_in_range(task_now_us(t) - begun_us, 7 * SECOND_US, 12 * SECOND_US);
    assert_string_equal(ask(t, c), ""); /* at once now */
    assert_int_equal(steward.asked, 1);
    later(31);
    steward.silent = false;
    set_policy("1", "a.example", 86400);
    assert_string_equal(ask(t, c), "a.example");
    sts_cache_free(c);
    return 0;
}

static int a_silent_steward_is_left_alone(struct task *t, void *argument)
{
    struct sts_cache *c = new_cache();
    uint64_t begun_us = task_now_us(t);

    (void)argument;
    steward.silent = true;
    for (int i = 0; i < 3; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct slice name = arena_printf(&arena, "d%d.example", i);
        struct sts_known known;

        assert_int_equal(sts_cache_ask(t, c, &arena, name, &known), 0);
        assert_false(known.has_policy);
    }
    assert_int_equal(steward.asked, 1);
    assert_true(task_now_us(t) - begun_us < 12 * SECOND_US);
    set_record("v=STSv1; id=1"); /* a domain that says it has one is worth the wait */
    assert_string_equal(ask(t, c), "");
    assert_int_equal(steward.asked, 2);
    sts_cache_free(c);
    return 0;
}

/* The steward wants to be asked again soon, but that is not when the policy ends. */
static int a_policy_outlasts_its_answer(struct task *t, void *argument)
{
    struct sts_cache *c = new_cache();

    (void)argument;
    set_policy("1", "a.example", 86400);
    steward.answer.lifetime_s = 300;
    set_record("v=STSv1; id=1");
    assert_string_equal(ask(t, c), "a.example");
    later(301);
    steward.silent = true;
    assert_string_equal(ask(t, c), "a.example");
    assert_int_equal(steward.asked, 2);
    later(86400);
    assert_string_equal(ask(t, c), "");
    sts_cache_free(c);
    return 0;
}

static int garbage_is_no_policy(struct task *t, void *argument)
{
    struct sts_cache *c = new_cache();

    (void)argument;
    steward.garbled = true;
    set_record("v=STSv1; id=1");
    assert_string_equal(ask(t, c), "");
    sts_cache_free(c);
    return 0;
}

static int failures_are_told(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct sts_cache *c = new_cache();
    struct sts_known known;

    (void)argument;
    steward.answer = (struct sts_answer){.state = STS_FAILED,
                                         .lifetime_s = 300,
                                         .failure = WIRE_TLS_STS_POLICY_INVALID,
                                         .why = SLICE("it has no mode")};
    set_record("v=STSv1; id=1");
    assert_int_equal(sts_cache_ask(t, c, &arena, SLICE("example.org"), &known), 0);
    assert_false(known.has_policy);
    assert_int_equal(known.failure, WIRE_TLS_STS_POLICY_INVALID);
    assert_true(slice_equal(known.why, SLICE("it has no mode")));
    sts_cache_free(c);
    return 0;
}

/* What no host can be called is not even asked for: the steward would take it for an attack. */
static int odd_names_have_no_policy(struct task *t, void *argument)
{
    static const char *const names[] = {"under_score.example", "", "127.0.0.1", "a..b"};
    struct sts_cache *c = new_cache();

    (void)argument;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct sts_known known;

        assert_int_equal(sts_cache_ask(t, c, &arena, slice_text(names[i]), &known), 0);
        assert_false(known.has_policy);
    }
    assert_int_equal(steward.asked, 0);
    sts_cache_free(c);
    return 0;
}

static int memory_is_bounded(struct task *t, void *argument)
{
    struct sts_cache *c = new_cache();

    (void)argument;
    set_policy("1", "a.example", 86400);
    for (int i = 0; i < 20; i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct sts_known known;
        struct slice name = arena_printf(&arena, "d%d.example", i % 6);

        assert_int_equal(sts_cache_ask(t, c, &arena, name, &known), 0);
        assert_true(known.has_policy);
    }
    assert_int_equal(steward.asked, 20); /* six in turn never fit into four */
    sts_cache_free(c);
    return 0;
}

static int one_asks_for_all(struct task *t, void *argument)
{
    (void)t;
    assert_string_equal(ask(t, argument), "a.example");
    return 0;
}

static int those_who_wait_share_an_answer(struct task *t, void *argument)
{
    struct sts_cache *c = new_cache();
    struct scope scope;

    (void)argument;
    set_policy("1", "a.example", 86400);
    set_record("v=STSv1; id=1");
    scope_open(&scope, t);
    for (int i = 0; i < 5; i++)
        assert_int_equal(scope_spawn(&scope, "asker", one_asks_for_all, c), 0);
    assert_int_equal(scope_wait(t, &scope), 0);
    scope_close(&scope);
    assert_int_equal(steward.asked, 1);
    sts_cache_free(c);
    return 0;
}

static void run(void **state)
{
    assert_int_equal(dns_test_run((task_function *)*state, NULL), 0);
}

#define DNS_TEST(function)                                                                         \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run, .initial_state = (void *)(function)                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        DNS_TEST(a_new_id_is_news),
        DNS_TEST(what_vanishes_takes_nothing_away),
        DNS_TEST(the_steward_is_asked_without_a_record),
        DNS_TEST(a_late_steward_holds_nothing_up),
        DNS_TEST(a_silent_steward_is_left_alone),
        DNS_TEST(a_policy_outlasts_its_answer),
        DNS_TEST(garbage_is_no_policy),
        DNS_TEST(failures_are_told),
        DNS_TEST(odd_names_have_no_policy),
        DNS_TEST(memory_is_bounded),
        DNS_TEST(those_who_wait_share_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
