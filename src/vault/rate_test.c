#include "vault/rate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LIMIT = 5 };

static void a_site_passes_up_to_the_limit(void **state)
{
    struct vault_rate *rate = vault_rate_new(LIMIT);

    (void)state;
    for (int i = 0; i < LIMIT; i++)
        assert_int_equal(vault_rate_take(rate, 7, 600), VAULT_RATE_PASS);
    assert_int_equal(vault_rate_take(rate, 7, 600), VAULT_RATE_FIRST_OVER);
    assert_int_equal(vault_rate_take(rate, 7, 659), VAULT_RATE_OVER);
    assert_int_equal(vault_rate_take(rate, 7, 660), VAULT_RATE_PASS);
    vault_rate_free(rate);
}

static void one_site_does_not_use_up_what_another_may(void **state)
{
    struct vault_rate *rate = vault_rate_new(LIMIT);

    (void)state;
    for (int i = 0; i < 2 * LIMIT; i++)
        (void)vault_rate_take(rate, 7, 600);
    assert_int_equal(vault_rate_take(rate, 8, 600), VAULT_RATE_PASS);
    assert_int_equal(vault_rate_take(rate, 7, 600), VAULT_RATE_OVER);
    vault_rate_free(rate);
}

/* Sites 4096 apart share a place in the table. */
static void sites_that_share_a_place_are_told_apart(void **state)
{
    struct vault_rate *rate = vault_rate_new(LIMIT);

    (void)state;
    for (int i = 0; i < 2 * LIMIT; i++)
        (void)vault_rate_take(rate, 7, 600);
    assert_int_equal(vault_rate_take(rate, 7 + 4096, 600), VAULT_RATE_PASS);
    vault_rate_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_passes_up_to_the_limit),
        cmocka_unit_test(one_site_does_not_use_up_what_another_may),
        cmocka_unit_test(sites_that_share_a_place_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
