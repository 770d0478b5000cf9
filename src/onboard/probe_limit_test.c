#include "onboard/probe_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const int64_t MINUTE_US = 60 * (int64_t)1000000;

static struct store *open_store(void)
{
    const struct store_options options = {.path = ":memory:", .schema = STORE_CONTROL};
    struct store *s = NULL;
    char *problem = NULL;

    assert_int_equal(store_open(&options, &s, &problem), 0);
    return s;
}

static bool allows(struct store *s, int64_t now_us, const struct probe_guess *guess)
{
    int r = probe_limit_allows(s, now_us, guess);

    assert_true(r >= 0);
    return r == 1;
}

static void note(struct store *s, int64_t now_us, const struct probe_guess *guess)
{
    assert_int_equal(probe_limit_note(s, now_us, guess), 0);
}

static struct probe_guess guess_of(char text[static 32], const char *user, int number)
{
    snprintf(text, 32, "sealed %d", number);
    return (struct probe_guess){SLICE("smtp.example"), slice_text(user), slice_text(text)};
}

static void a_user_is_guessed_at_a_few_times_an_hour(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    char text[32], other[32];
    struct probe_guess guess, again = guess_of(other, "tim", 0);

    (void)state;
    for (int i = 0; i < PROBE_GUESSES_MAX; i++) {
        guess = guess_of(text, "tim", i);
        assert_true(allows(s, MINUTE_US, &guess));
        note(s, MINUTE_US, &guess);
    }
    guess = guess_of(text, "tim", 99);
    assert_false(allows(s, MINUTE_US, &guess));
    assert_false(allows(s, 60 * MINUTE_US, &guess));
    assert_true(allows(s, 62 * MINUTE_US, &guess)); /* the hour is over */
    assert_true(allows(s, MINUTE_US, &again));      /* it was tried before */
    guess = guess_of(text, "tom", 99);
    assert_true(allows(s, MINUTE_US, &guess)); /* somebody else */
}

static void the_same_password_counts_once(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    char text[32];
    struct probe_guess guess = guess_of(text, "tim", 1);

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_true(allows(s, MINUTE_US, &guess));
        note(s, MINUTE_US, &guess);
    }
    guess = guess_of(text, "tim", 2);
    assert_true(allows(s, MINUTE_US, &guess));
}

static void what_was_accepted_counts_no_more(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    char text[32], other[32];
    struct probe_guess guess, right = guess_of(other, "tim", 50);

    (void)state;
    for (int i = 0; i < PROBE_GUESSES_MAX - 1; i++) {
        guess = guess_of(text, "tim", i);
        note(s, MINUTE_US, &guess);
    }
    note(s, MINUTE_US, &right);
    guess = guess_of(text, "tim", 99);
    assert_false(allows(s, MINUTE_US, &guess));
    assert_int_equal(probe_limit_clear(s, &right), 0);
    assert_true(allows(s, MINUTE_US, &guess));
    assert_int_equal(probe_limit_clear(s, &right), 0); /* nothing is there */
}

static void a_host_is_not_gone_through_user_by_user(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    char text[32], user[16];
    struct probe_guess guess;

    (void)state;
    for (int i = 0; i < PROBE_GUESSES_PER_HOST_MAX; i++) {
        snprintf(user, sizeof user, "user%d", i);
        guess = guess_of(text, user, i);
        assert_true(allows(s, MINUTE_US, &guess));
        note(s, MINUTE_US, &guess);
    }
    guess = guess_of(text, "tim", 99);
    assert_false(allows(s, MINUTE_US, &guess));
    guess.host = SLICE("mail.example");
    assert_true(allows(s, MINUTE_US, &guess));
}

/* A thousand hosts do not fill the disk, and the newest refusals are those that count. */
static void what_is_kept_is_bounded(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    const int64_t start_us = 1000 * MINUTE_US;
    char text[32];
    struct probe_guess guess = guess_of(text, "tim", 0);

    (void)state;
    for (int i = 0; i < PROBE_GUESSES_MAX; i++) {
        guess = guess_of(text, "tim", i);
        note(s, start_us + i, &guess);
    }
    guess = guess_of(text, "tim", 99);
    assert_false(allows(s, start_us + 10, &guess));
    for (int i = 0; i < PROBE_GUESSES_KEPT; i++) {
        guess = guess_of(text, "tom", i);
        guess.host = SLICE("mail.example");
        note(s, start_us + 10 + i, &guess);
    }
    guess = guess_of(text, "tim", 99);
    assert_true(allows(s, start_us + 10, &guess)); /* longest ago, and so forgotten */
    guess.host = SLICE("mail.example");
    assert_false(allows(s, start_us + 10, &guess));
}

static void a_clock_that_is_set_back_locks_nobody_out(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    const int64_t later_us = 10000 * MINUTE_US;
    char text[32];
    struct probe_guess guess;

    (void)state;
    for (int i = 0; i < PROBE_GUESSES_MAX; i++) {
        guess = guess_of(text, "tim", i);
        note(s, later_us, &guess);
    }
    guess = guess_of(text, "tim", 99);
    assert_false(allows(s, later_us - 30 * MINUTE_US, &guess));
    assert_true(allows(s, later_us - 90 * MINUTE_US, &guess));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_guessed_at_a_few_times_an_hour),
        cmocka_unit_test(the_same_password_counts_once),
        cmocka_unit_test(what_was_accepted_counts_no_more),
        cmocka_unit_test(a_host_is_not_gone_through_user_by_user),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(a_clock_that_is_set_back_locks_nobody_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
