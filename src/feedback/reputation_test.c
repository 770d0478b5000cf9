#include "feedback/reputation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct reputation_limits limits = {
    .window_s = 30 * 86400,
    .representative_volume = 1000,
    .minimum_volume = 100,
    .bounce_warn = 50000,
    .bounce_slow = 75000,
    .bounce_pause = 100000,
    .complaint_warn = 1000,
    .complaint_slow = 3000,
    .complaint_pause = 5000,
};

static void judges_by_rates_and_volume(void **state)
{
    static const struct {
        int64_t delivered, bounced, complained;
        bool judged;
        enum reputation_state state;
    } cases[] = {
        {0, 0, 0, false, REPUTATION_HEALTHY},
        {10, 89, 9, false, REPUTATION_HEALTHY}, /* terrible, and too little */
        {951, 49, 0, true, REPUTATION_HEALTHY},
        {950, 50, 0, true, REPUTATION_WARNED},
        {926, 74, 0, true, REPUTATION_WARNED},
        {925, 75, 0, true, REPUTATION_SLOWED},
        {901, 99, 0, true, REPUTATION_SLOWED},
        {900, 100, 0, true, REPUTATION_PAUSED},
        {0, 100, 0, true, REPUTATION_PAUSED},
        {1001, 0, 1, true, REPUTATION_HEALTHY},
        {1000, 0, 1, true, REPUTATION_WARNED},
        {100, 0, 2, true, REPUTATION_WARNED}, /* 2 %, but two may be a mistake */
        {1000, 0, 3, true, REPUTATION_SLOWED},
        {1000, 0, 5, true, REPUTATION_PAUSED},
        {900, 50, 5, true, REPUTATION_PAUSED}, /* the worse of the two */
        {100, 0, 300, true, REPUTATION_PAUSED},
    };
    struct reputation_finding f;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct volume volume = {.hour = 7,
                                      .delivered = cases[i].delivered,
                                      .bounced = cases[i].bounced,
                                      .failed = 500, /* nobody's fault */
                                      .complained = cases[i].complained};

        reputation_judge(&limits, &volume, 1, &f);
        if (f.judged != cases[i].judged || f.state != cases[i].state)
            fail_msg("case %zu: %s", i, reputation_state_name(f.state));
    }
}

/* A site that sends much has long outweighed what was wrong weeks ago; a bad hour shows at once. */
static void looks_at_a_representative_volume(void **state)
{
    struct volume volumes[] = {
        {.hour = 30, .delivered = 600},
        {.hour = 29, .delivered = 400},
        {.hour = 3, .delivered = 0, .bounced = 10000},
    };
    struct reputation_finding f;

    (void)state;
    reputation_judge(&limits, volumes, 3, &f);
    assert_int_equal(f.state, REPUTATION_HEALTHY);
    assert_int_equal(f.from_hour, 29);
    volumes[1].delivered = 399;
    reputation_judge(&limits, volumes, 3, &f);
    assert_int_equal(f.state, REPUTATION_PAUSED);
    assert_int_equal(f.hours, 3);
}

/* What a report takes back may lie in another hour than what it takes it from. */
static void bears_more_returns_than_deliveries(void **state)
{
    const struct volume volume = {.hour = 30, .delivered = -150, .bounced = 150};
    struct reputation_finding f;

    (void)state;
    reputation_judge(&limits, &volume, 1, &f);
    assert_false(f.judged);
}

static void slows_to_a_part_of_what_was_sent(void **state)
{
    struct volume volumes[] = {{.hour = 2, .delivered = 4000}, {.hour = 1, .delivered = 0}};
    struct reputation_finding f;

    (void)state;
    reputation_judge(&limits, volumes, 1, &f);
    assert_int_equal(f.messages_per_hour, 1000);
    volumes[0].delivered = 120;
    reputation_judge(&limits, volumes, 2, &f);
    assert_int_equal(f.messages_per_hour, REPUTATION_HOURLY_MIN);
}

static void names_are_read_again(void **state)
{
    enum reputation_state read;

    (void)state;
    for (int i = REPUTATION_HEALTHY; i <= REPUTATION_PAUSED; i++) {
        const char *name = reputation_state_name((enum reputation_state)i);

        assert_int_equal(reputation_state_parse(slice_text(name), &read), 0);
        assert_int_equal(read, i);
    }
    assert_int_equal(reputation_state_parse(SLICE("good"), &read), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_by_rates_and_volume),
        cmocka_unit_test(looks_at_a_representative_volume),
        cmocka_unit_test(bears_more_returns_than_deliveries),
        cmocka_unit_test(slows_to_a_part_of_what_was_sent),
        cmocka_unit_test(names_are_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
