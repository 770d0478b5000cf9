#include "deliver/sts_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t S_US = 1000000, NOW_US = 1800000000 * (int64_t)1000000;

static struct arena arena;

static int free_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct wire_mta_sts_policy policy_of(enum wire_mta_sts_mode mode, uint32_t max_age_s)
{
    return (struct wire_mta_sts_policy){
        .mode = mode,
        .max_age_s = max_age_s,
        .patterns = {SLICE("mx.example.org"), SLICE("*.example.net")},
        .pattern_count = mode == WIRE_MTA_STS_NONE ? 0 : 2,
    };
}

/* A row that was renewed under the id "one" just now. */
static struct sts_row renewed(enum wire_mta_sts_mode mode, uint32_t max_age_s)
{
    struct wire_mta_sts_policy policy = policy_of(mode, max_age_s);
    struct sts_row row = {.domain = SLICE("example.org"), .asked_us = NOW_US};

    sts_row_renew(&row, &arena, SLICE("one"), &policy, NOW_US);
    return row;
}

static void pauses_grow_and_end(void **state)
{
    static const int64_t pauses_s[] = {300, 300, 600, 1200, 2400, 4800, 9600, 19200, 28800, 28800};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pauses_s); i++)
        assert_int_equal(sts_row_pause_s((int64_t)i), pauses_s[i]);
    assert_int_equal(sts_row_pause_s(INT64_MAX), 28800);
}

static void policies_are_renewed_in_time(void **state)
{
    static const struct {
        uint32_t max_age_s;
        int64_t refresh_s;
    } cases[] = {{0, 60},        {100, 60},       {3600, 1800},
                 {86400, 43200}, {604800, 86400}, {WIRE_MTA_STS_MAX_AGE_S, 86400}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(sts_row_refresh_s(cases[i].max_age_s), cases[i].refresh_s);
}

static void a_policy_lives_to_its_end(void **state)
{
    struct sts_row row = renewed(WIRE_MTA_STS_ENFORCE, 1000);

    (void)state;
    assert_int_equal(row.expires_us, NOW_US + 1000 * S_US);
    assert_true(sts_row_holds(&row, NOW_US));
    sts_row_fail(&row, WIRE_TLS_STS_POLICY_FETCH_ERROR, SLICE("the host is gone"), NOW_US + 1);
    assert_true(sts_row_holds(&row, NOW_US + 999 * S_US));
    sts_row_vanish(&row, NOW_US + 2);
    assert_true(sts_row_holds(&row, NOW_US + 999 * S_US));
    assert_int_equal(row.failures, 0);
    assert_int_equal(row.trouble_since_us, NOW_US + 2);
    sts_row_vanish(&row, NOW_US + 3);
    assert_int_equal(row.trouble_since_us, NOW_US + 2);
    assert_false(sts_row_holds(&row, NOW_US + 1000 * S_US));
}

static void failures_are_counted_until_one_succeeds(void **state)
{
    struct wire_mta_sts_policy policy = policy_of(WIRE_MTA_STS_TESTING, 5000);
    struct sts_row row = {.domain = SLICE("example.org")};

    (void)state;
    sts_row_fail(&row, WIRE_TLS_STS_WEBPKI_INVALID, SLICE("expired"), NOW_US);
    sts_row_fail(&row, WIRE_TLS_STS_POLICY_INVALID, SLICE("no mode"), NOW_US + 7);
    assert_int_equal(row.failures, 2);
    assert_int_equal(row.trouble_since_us, NOW_US);
    assert_int_equal(row.kind, WIRE_TLS_STS_POLICY_INVALID);
    assert_int_equal(row.next_us, NOW_US + 7 + 600 * S_US);
    assert_false(sts_row_holds(&row, NOW_US + 8));
    sts_row_renew(&row, &arena, SLICE("two"), &policy, NOW_US + 9);
    assert_int_equal(row.failures, 0);
    assert_int_equal(row.trouble.size, 0);
    assert_true(slice_equal(row.mode, SLICE("testing")));
}

/* What is done to a renewed row before it is asked. */
enum deed { NOTHING, FAILS, VANISHES };

static void gateways_are_answered(void **state)
{
    static const struct {
        enum wire_mta_sts_mode mode; /* 0: nothing was ever fetched */
        enum deed deed;
        const char *id;
        int64_t after_s;
        int result; /* enum sts_state; 0: fetch first */
        enum wire_tls_result failure;
        uint32_t lifetime_s;
    } cases[] = {
        {0, NOTHING, "", 0, STS_NO_POLICY, 0, STS_NOTHING_LIFETIME_S},
        {0, NOTHING, "one", 0, 0, 0, 0},
        {0, FAILS, "", 1, STS_NO_POLICY, 0, STS_NOTHING_LIFETIME_S},
        {0, FAILS, "one", 100, STS_FAILED, WIRE_TLS_STS_WEBPKI_INVALID, 200},
        {0, FAILS, "two", 100, STS_FAILED, WIRE_TLS_STS_WEBPKI_INVALID, 200},
        {0, FAILS, "one", 301, 0, 0, 0},
        {0, FAILS, "one", -100000, 0, 0, 0}, /* the clock was wrong then */
        {WIRE_MTA_STS_ENFORCE, NOTHING, "one", 100, STS_POLICY, 0, STS_ANSWER_LIFETIME_S},
        {WIRE_MTA_STS_ENFORCE, NOTHING, "one", 86400 - 60, STS_POLICY, 0, 60},
        {WIRE_MTA_STS_ENFORCE, NOTHING, "one", 86401, 0, 0, 0},
        {WIRE_MTA_STS_ENFORCE, NOTHING, "", 100, STS_POLICY, 0, STS_ANSWER_LIFETIME_S},
        {WIRE_MTA_STS_ENFORCE, NOTHING, "", 86401, STS_NO_POLICY, 0, STS_NOTHING_LIFETIME_S},
        {WIRE_MTA_STS_ENFORCE, NOTHING, "two", 10, STS_POLICY, 0, STS_CHANGE_S},
        {WIRE_MTA_STS_ENFORCE, NOTHING, "two", 61, 0, 0, 0},
        {WIRE_MTA_STS_ENFORCE, FAILS, "one", 100, STS_POLICY, 0, STS_ANSWER_LIFETIME_S},
        {WIRE_MTA_STS_ENFORCE, FAILS, "two", 100, STS_POLICY, WIRE_TLS_STS_WEBPKI_INVALID, 200},
        {WIRE_MTA_STS_ENFORCE, FAILS, "two", 301, 0, 0, 0},
        {WIRE_MTA_STS_ENFORCE, VANISHES, "", 100, STS_POLICY, 0, STS_ANSWER_LIFETIME_S},
        {WIRE_MTA_STS_NONE, NOTHING, "one", 100, STS_NO_POLICY, 0, STS_NOTHING_LIFETIME_S},
        {WIRE_MTA_STS_NONE, FAILS, "two", 100, STS_NO_POLICY, 0, 200},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct sts_question question = {SLICE("example.org"), slice_text(cases[i].id)};
        struct sts_row row = {.domain = SLICE("example.org")};
        struct sts_answer answer = {.state = 0};
        CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
        struct sts_answer read;

        if (cases[i].mode)
            row = renewed(cases[i].mode, 86400);
        if (cases[i].deed == FAILS)
            sts_row_fail(&row, WIRE_TLS_STS_WEBPKI_INVALID, SLICE("expired"), NOW_US);
        if (cases[i].deed == VANISHES)
            sts_row_vanish(&row, NOW_US);
        if (sts_row_answer(&row, &question, NOW_US + cases[i].after_s * S_US, &answer) !=
                (cases[i].result != 0) ||
            (int)answer.state != cases[i].result || answer.failure != cases[i].failure ||
            answer.lifetime_s != cases[i].lifetime_s)
            fail_msg("case %zu: %d, %d, %u", i, answer.state, answer.failure, answer.lifetime_s);
        if (answer.state == 0)
            continue;
        sts_answer_write(&body, &answer); /* and the gateway can read it */
        assert_int_equal(sts_answer_read(buffer_slice(&body), &read), 0);
    }
}

static void an_unknown_domain_is_fetched_only_for_a_record(void **state)
{
    struct sts_question question = {.domain = SLICE("example.org")};
    struct sts_answer answer;

    (void)state;
    assert_true(sts_row_answer(NULL, &question, NOW_US, &answer));
    assert_int_equal(answer.state, STS_NO_POLICY);
    question.id = SLICE("one");
    assert_false(sts_row_answer(NULL, &question, NOW_US, &answer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_grow_and_end),
        cmocka_unit_test(policies_are_renewed_in_time),
        cmocka_unit_test(a_policy_lives_to_its_end),
        cmocka_unit_test(failures_are_counted_until_one_succeeds),
        cmocka_unit_test(gateways_are_answered),
        cmocka_unit_test(an_unknown_domain_is_fetched_only_for_a_record),
    };

    return cmocka_run_group_tests(tests, NULL, free_arena);
}
