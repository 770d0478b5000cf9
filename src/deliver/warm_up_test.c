#include "deliver/warm_up.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t amounts[] = {50, 100, 200};
static const struct shaping_plan plan = {.messages = amounts, .day_count = 3};

static void the_plan_says_how_many(void **state)
{
    static const struct {
        uint64_t day, limit;
    } rows[] = {{0, 0},
                {19, 0},
                {20, 50},
                {21, 100},
                {22, 200},
                {23, WARM_UP_NO_LIMIT},
                {UINT64_MAX, WARM_UP_NO_LIMIT}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (warm_up_limit(&plan, 20, rows[i].day) != rows[i].limit)
            fail_msg("row %zu", i);
    assert_true(warm_up_limit(NULL, 20, 3) == WARM_UP_NO_LIMIT);
}

static void days_begin_at_midnight(void **state)
{
    const int64_t midnight_us = 20000ll * 86400 * 1000000;
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    (void)state;
    assert_int_equal(warm_up_day(midnight_us - 1), 19999);
    assert_int_equal(warm_up_day(midnight_us), 20000);
    assert_int_equal(warm_up_day(-1), 0);
    warm_up_day_write(&text, 20000);
    assert_true(slice_equal(buffer_slice(&text), SLICE("2024-10-04")));
}

/* A clock set back finds what its day had; only what lies four days back is forgotten. */
static void each_day_keeps_its_count(void **state)
{
    struct warm_up_counts counts = {0};

    (void)state;
    warm_up_count_of(&counts, 100)->sent = 7;
    warm_up_count_of(&counts, 101)->sent = 9;
    assert_int_equal(warm_up_count_of(&counts, 100)->sent, 7);
    assert_int_equal(warm_up_count_of(&counts, 101)->sent, 9);
    warm_up_count_of(&counts, 5000)->sent = 1;
    assert_int_equal(warm_up_count_of(&counts, 101)->sent, 9);
    assert_int_equal(warm_up_count_of(&counts, 102)->sent, 0);
    assert_int_equal(warm_up_count_of(&counts, 103)->sent, 0);
    assert_int_equal(warm_up_count_of(&counts, 5000)->sent, 1);
    assert_int_equal(warm_up_count_of(&counts, 100)->sent, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plan_says_how_many),
        cmocka_unit_test(days_begin_at_midnight),
        cmocka_unit_test(each_day_keeps_its_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
