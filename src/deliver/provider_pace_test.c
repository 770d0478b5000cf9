#include "deliver/provider_pace.h"

#include "runtime/task.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct shaping_limits limits = {
    .connections_max = 20, .back_off_min_s = 60, .back_off_max_s = 200};

static uint64_t connections(const struct provider_pace *p)
{
    return provider_pace_connections(p, &limits);
}

static void begins_with_a_probe_and_grows_with_success(void **state)
{
    struct provider_pace p = {.proved = false};

    (void)state;
    assert_int_equal(connections(&p), 1);
    assert_true(provider_pace_proved(&p, &limits));
    assert_false(provider_pace_proved(&p, &limits));
    assert_int_equal(connections(&p), 4);
    for (int i = 0; i < 10; i++)
        provider_pace_succeeded(&p, &limits);
    assert_int_equal(connections(&p), 14);
    for (int i = 0; i < 100; i++)
        provider_pace_succeeded(&p, &limits);
    assert_int_equal(connections(&p), 20);
}

static void halves_once_for_what_was_under_way_together(void **state)
{
    struct provider_pace p = {.proved = true, .window = 16};

    (void)state;
    assert_true(provider_pace_slower(&p, &limits, 100, 200));
    assert_int_equal(connections(&p), 8);
    assert_false(provider_pace_slower(&p, &limits, 150, 210));
    assert_int_equal(connections(&p), 8);
    assert_true(provider_pace_slower(&p, &limits, 220, 230));
    assert_int_equal(connections(&p), 4);
    for (uint64_t now = 300; now < 310; now++)
        (void)provider_pace_slower(&p, &limits, now, now);
    assert_int_equal(connections(&p), 1); /* and not less */
}

static void grows_slowly_once_it_was_too_fast(void **state)
{
    struct provider_pace p = {.proved = true, .window = 16};

    (void)state;
    (void)provider_pace_slower(&p, &limits, 100, 200);
    for (int i = 0; i < 8; i++) /* a round of eight */
        provider_pace_succeeded(&p, &limits);
    assert_in_range(connections(&p), 8, 9);
    for (int i = 0; i < 300; i++)
        provider_pace_succeeded(&p, &limits);
    assert_int_equal(connections(&p), 20);
}

static void backs_off_longer_each_time(void **state)
{
    static const uint64_t lengths_s[] = {60, 120, 200, 200};
    struct provider_pace p = {.proved = true, .window = 16};
    uint64_t now = SECOND_US;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths_s); i++) {
        assert_true(provider_pace_back_off(&p, &limits, 0, now, now));
        assert_false(provider_pace_back_off(&p, &limits, 0, now, now + 1)); /* one at a time */
        assert_int_equal(connections(&p), 0);
        assert_false(provider_pace_advance(&p, now + lengths_s[i] * SECOND_US - 1));
        now += lengths_s[i] * SECOND_US;
        assert_true(provider_pace_advance(&p, now));
        assert_int_equal(connections(&p), 1); /* the probe */
    }
}

static void success_forgets_the_back_off(void **state)
{
    struct provider_pace p = {.proved = true, .window = 16};

    (void)state;
    assert_true(provider_pace_back_off(&p, &limits, 0, SECOND_US, SECOND_US));
    assert_true(provider_pace_advance(&p, UINT64_MAX));
    assert_true(provider_pace_proved(&p, &limits));
    provider_pace_succeeded(&p, &limits);
    assert_in_range(connections(&p), 2, 8); /* quickly up to half of what was too much */
    assert_true(provider_pace_back_off(&p, &limits, 0, 99 * SECOND_US, 99 * SECOND_US));
    assert_int_equal(p.back_off_s, 60);
}

/* What was under way when the back-off began says nothing new, however late it says so. */
static void old_news_do_not_count(void **state)
{
    struct provider_pace p = {.proved = true, .window = 16};

    (void)state;
    assert_true(provider_pace_back_off(&p, &limits, 0, 10 * SECOND_US, 10 * SECOND_US));
    assert_true(provider_pace_advance(&p, 70 * SECOND_US));
    assert_false(provider_pace_back_off(&p, &limits, 0, 9 * SECOND_US, 71 * SECOND_US));
}

static void a_rule_may_ask_for_a_longer_pause(void **state)
{
    struct provider_pace p = {.proved = true, .window = 16};

    (void)state;
    assert_true(provider_pace_back_off(&p, &limits, 3600, SECOND_US, SECOND_US));
    assert_int_equal(p.back_off_s, 3600);
}

static void buckets_give_their_rate(void **state)
{
    static const struct {
        uint64_t per_minute, seconds, least, most;
    } rows[] = {
        {60, 60, 60, 61}, {6, 60, 6, 7}, {6000, 10, 1000, 1101}, {1, 300, 5, 6}, {0, 1, 1000, 1000},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pace_bucket b = {.tokens = 0};
        uint64_t taken = 0;

        for (uint64_t ms = 1; ms <= rows[i].seconds * 1000; ms++)
            taken += pace_bucket_take(&b, rows[i].per_minute, SECOND_US + ms * 1000);
        assert_in_range(taken, rows[i].least, rows[i].most);
    }
}

static void a_bucket_says_how_long_to_wait(void **state)
{
    struct pace_bucket b = {.tokens = 0};
    uint64_t now = SECOND_US, wait;

    (void)state;
    assert_true(pace_bucket_take(&b, 6, now));
    wait = pace_bucket_wait_us(&b, 6, now);
    assert_in_range(wait, 9900000, 10000001);
    assert_false(pace_bucket_take(&b, 6, now + wait / 2));
    assert_true(pace_bucket_take(&b, 6, now + wait));
    pace_bucket_give_back(&b);
    assert_true(pace_bucket_take(&b, 6, now + wait));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_with_a_probe_and_grows_with_success),
        cmocka_unit_test(halves_once_for_what_was_under_way_together),
        cmocka_unit_test(grows_slowly_once_it_was_too_fast),
        cmocka_unit_test(backs_off_longer_each_time),
        cmocka_unit_test(success_forgets_the_back_off),
        cmocka_unit_test(old_news_do_not_count),
        cmocka_unit_test(a_rule_may_ask_for_a_longer_pause),
        cmocka_unit_test(buckets_give_their_rate),
        cmocka_unit_test(a_bucket_says_how_long_to_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
