#include "site/relay_state.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t SECOND = 1000000;

static void test_states(void **state)
{
    static const struct {
        enum relay_state before;
        unsigned failures;
        enum relay_finding finding;
        enum relay_state after;
        int64_t pause_s;
    } cases[] = {
        {RELAY_UNTESTED, 0, RELAY_FOUND_GOOD, RELAY_READY, 86400},
        {RELAY_UNTESTED, 0, RELAY_FOUND_WARNING, RELAY_DEGRADED, 86400},
        {RELAY_UNTESTED, 0, RELAY_FOUND_TROUBLE, RELAY_REFUSED, 40},
        {RELAY_UNTESTED, 0, RELAY_FOUND_TEMPORARY, RELAY_UNTESTED, 40},
        {RELAY_UNTESTED, 0, RELAY_FOUND_OPEN, RELAY_REFUSED, 40},
        {RELAY_READY, 0, RELAY_FOUND_GOOD, RELAY_READY, 86400},
        {RELAY_READY, 0, RELAY_FOUND_WARNING, RELAY_DEGRADED, 86400},
        {RELAY_READY, 0, RELAY_FOUND_TROUBLE, RELAY_DEGRADED, 300},
        {RELAY_READY, 0, RELAY_FOUND_TEMPORARY, RELAY_READY, 300},
        {RELAY_READY, 1, RELAY_FOUND_TEMPORARY, RELAY_DEGRADED, 600},
        {RELAY_READY, 0, RELAY_FOUND_OPEN, RELAY_REFUSED, 40},
        {RELAY_DEGRADED, 2, RELAY_FOUND_TROUBLE, RELAY_DEGRADED, 1200},
        {RELAY_DEGRADED, 900, RELAY_FOUND_TROUBLE, RELAY_DEGRADED, 3600},
        {RELAY_DEGRADED, 5, RELAY_FOUND_GOOD, RELAY_READY, 86400},
        {RELAY_DEGRADED, 0, RELAY_FOUND_OPEN, RELAY_REFUSED, 40},
        {RELAY_REFUSED, 3, RELAY_FOUND_TROUBLE, RELAY_REFUSED, 40},
        {RELAY_REFUSED, 10, RELAY_FOUND_TROUBLE, RELAY_REFUSED, 300},
        {RELAY_REFUSED, 25, RELAY_FOUND_TROUBLE, RELAY_REFUSED, 3600},
        {RELAY_REFUSED, 3, RELAY_FOUND_TEMPORARY, RELAY_REFUSED, 40},
        {RELAY_REFUSED, 3, RELAY_FOUND_GOOD, RELAY_READY, 86400},
        {RELAY_REFUSED, 3, RELAY_FOUND_WARNING, RELAY_DEGRADED, 86400},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct relay_look look = {.state = cases[i].before,
                                        .since_us = 7,
                                        .failures = cases[i].failures,
                                        .finding = cases[i].finding,
                                        .now_us = 1000 * SECOND};
        struct relay_verdict v = relay_judge(&look);
        bool good = look.finding == RELAY_FOUND_GOOD || look.finding == RELAY_FOUND_WARNING;

        assert_int_equal(v.state, cases[i].after);
        assert_int_equal(v.since_us, v.state == look.state ? 7 : look.now_us);
        assert_int_equal(v.failures, good ? 0 : look.failures + 1);
        assert_int_equal(v.next_probe_us - look.now_us, cases[i].pause_s * SECOND);
    }
}

static void test_who_gets_mail(void **state)
{
    (void)state;
    assert_false(relay_state_sends(RELAY_UNTESTED));
    assert_true(relay_state_sends(RELAY_READY));
    assert_true(relay_state_sends(RELAY_DEGRADED));
    assert_false(relay_state_sends(RELAY_REFUSED));
}

static void test_words(void **state)
{
    (void)state;
    for (int i = RELAY_UNTESTED; i <= RELAY_REFUSED; i++)
        assert_int_equal(relay_state_parse(slice_text(relay_state_name((enum relay_state)i))), i);
    for (int i = RELAY_FOUND_GOOD; i <= RELAY_FOUND_OPEN; i++)
        assert_int_equal(relay_finding_parse(slice_text(relay_finding_name((enum relay_finding)i))),
                         i);
    assert_int_equal(relay_state_parse(SLICE("open")), RELAY_UNTESTED);
    assert_int_equal(relay_finding_parse(SLICE("")), RELAY_FOUND_TEMPORARY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_who_gets_mail),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
