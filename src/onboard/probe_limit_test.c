#include "onboard/probe_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const uint64_t MINUTE_US = (uint64_t)60 * 1000000;

static struct probe_guess guess_of(char text[static 32], const char *user, int number)
{
    snprintf(text, 32, "sealed %d", number);
    return (struct probe_guess){SLICE("smtp.example"), slice_text(user), slice_text(text)};
}

static void a_user_is_guessed_at_a_few_times_an_hour(void **state)
{
    struct probe_limit *l = probe_limit_new();
    char text[32], other[32];
    struct probe_guess guess, again = guess_of(other, "tim", 0);

    (void)state;
    for (int i = 0; i < PROBE_GUESSES_MAX; i++) {
        guess = guess_of(text, "tim", i);
        assert_true(probe_limit_allows(l, MINUTE_US, &guess));
        probe_limit_note(l, MINUTE_US, &guess);
    }
    guess = guess_of(text, "tim", 99);
    assert_false(probe_limit_allows(l, MINUTE_US, &guess));
    assert_false(probe_limit_allows(l, 60 * MINUTE_US, &guess));
    assert_true(probe_limit_allows(l, 62 * MINUTE_US, &guess)); /* the hour is over */
    assert_true(probe_limit_allows(l, MINUTE_US, &again));      /* it was tried before */
    guess = guess_of(text, "tom", 99);
    assert_true(probe_limit_allows(l, MINUTE_US, &guess)); /* somebody else */
    probe_limit_free(l);
}

static void the_same_password_counts_once(void **state)
{
    struct probe_limit *l = probe_limit_new();
    char text[32];
    struct probe_guess guess = guess_of(text, "tim", 1);

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_true(probe_limit_allows(l, MINUTE_US, &guess));
        probe_limit_note(l, MINUTE_US, &guess);
    }
    guess = guess_of(text, "tim", 2);
    assert_true(probe_limit_allows(l, MINUTE_US, &guess));
    probe_limit_free(l);
}

static void a_host_is_not_gone_through_user_by_user(void **state)
{
    struct probe_limit *l = probe_limit_new();
    char text[32], user[16];
    struct probe_guess guess;

    (void)state;
    for (int i = 0; i < PROBE_GUESSES_PER_HOST_MAX; i++) {
        snprintf(user, sizeof user, "user%d", i);
        guess = guess_of(text, user, i);
        assert_true(probe_limit_allows(l, MINUTE_US, &guess));
        probe_limit_note(l, MINUTE_US, &guess);
    }
    guess = guess_of(text, "tim", 99);
    assert_false(probe_limit_allows(l, MINUTE_US, &guess));
    guess.host = SLICE("mail.example");
    assert_true(probe_limit_allows(l, MINUTE_US, &guess));
    probe_limit_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_guessed_at_a_few_times_an_hour),
        cmocka_unit_test(the_same_password_counts_once),
        cmocka_unit_test(a_host_is_not_gone_through_user_by_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
