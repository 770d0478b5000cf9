#include "onboard/mail_from_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t MINUTE_US = 60 * (int64_t)1000000, HOUR_US = 3600 * (int64_t)1000000;

static void states_follow_from_the_records(void **state)
{
    static const struct {
        enum identity_state before;
        int age_h;
        bool right;
        enum identity_state after;
        bool since_kept;
        int next_min;
    } cases[] = {
        {IDENTITY_PENDING, 0, false, IDENTITY_PENDING, true, 1},
        {IDENTITY_PENDING, 5, false, IDENTITY_PENDING, true, 30},
        {IDENTITY_PENDING, 71, false, IDENTITY_PENDING, true, 60},
        {IDENTITY_PENDING, 72, false, IDENTITY_FAILED, false, 60},
        {IDENTITY_PENDING, 5, true, IDENTITY_SUCCESS, false, 240},
        {IDENTITY_SUCCESS, 500, true, IDENTITY_SUCCESS, true, 240},
        {IDENTITY_SUCCESS, 500, false, IDENTITY_TEMPORARY_FAILURE, false, 10},
        {IDENTITY_TEMPORARY_FAILURE, 47, false, IDENTITY_TEMPORARY_FAILURE, true, 10},
        {IDENTITY_TEMPORARY_FAILURE, 48, false, IDENTITY_FAILED, false, 60},
        {IDENTITY_TEMPORARY_FAILURE, 47, true, IDENTITY_SUCCESS, false, 240},
        {IDENTITY_FAILED, 900, false, IDENTITY_FAILED, true, 60},
        {IDENTITY_FAILED, 900, true, IDENTITY_SUCCESS, false, 240},
    };
    const struct identity_times times = {72 * 3600, 48 * 3600};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mail_from_look look = {.state = cases[i].before,
                                      .since_us = 1000 * HOUR_US - cases[i].age_h * HOUR_US,
                                      .now_us = 1000 * HOUR_US,
                                      .right = cases[i].right};
        struct mail_from_verdict v = mail_from_judge(&look, &times);

        if (v.state != cases[i].after ||
            v.since_us != (cases[i].since_kept ? look.since_us : look.now_us) ||
            v.next_check_us != look.now_us + cases[i].next_min * MINUTE_US)
            fail_msg("%zu: %s, next in %lld min", i, identity_state_name(v.state),
                     (long long)((v.next_check_us - look.now_us) / MINUTE_US));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(states_follow_from_the_records)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
