#include "submit/auth_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { MINUTE = 60000000 };

static const struct submit_auth_limits LIMITS = {.failure_cost_us = MINUTE,
                                                 .per_address_max = 5,
                                                 .per_account_max = 8,
                                                 .per_known_pair_max = 10};
static const uint8_t KEY[SUBMIT_AUTH_HASH_KEY_BYTES] = {1, 2, 3};

static struct submit_auth_limit *limit;
static const uint64_t START = (uint64_t)1000 * MINUTE;

static int set_up(void **state)
{
    (void)state;
    limit = submit_auth_limit_new(&LIMITS, KEY);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    submit_auth_limit_free(limit);
    return 0;
}

static struct endpoint v4(uint8_t last)
{
    return (struct endpoint){.family = 4, .address = {192, 0, 2, last}};
}

static struct endpoint v6(uint8_t network, uint8_t host)
{
    return (struct endpoint){.family = 6, .address = {0x20, 1, [7] = network, [15] = host}};
}

/* Fails until turned away; how often that went well. */
static unsigned fail_until_closed(uint64_t now_us, struct endpoint from, struct slice user)
{
    unsigned tries = 0;

    while (tries < 1000 && submit_auth_limit_allows(limit, now_us, &from, user)) {
        submit_auth_limit_failed(limit, now_us, &from, user);
        tries++;
    }
    return tries;
}

static void address_closes_and_opens(void **state)
{
    (void)state;
    struct endpoint from = v4(1), other = v4(2);

    assert_int_equal(fail_until_closed(START, from, SLICE("LHKA")), 5);
    assert_false(submit_auth_limit_allows(limit, START, &from, SLICE("SOMEONE ELSE")));
    assert_true(submit_auth_limit_allows(limit, START, &other, SLICE("LHKA")));

    assert_false(submit_auth_limit_allows(limit, START + MINUTE - 1, &from, SLICE("LHKA")));
    assert_true(submit_auth_limit_allows(limit, START + MINUTE, &from, SLICE("LHKA")));
    assert_int_equal(fail_until_closed(START + MINUTE, from, SLICE("LHKA")), 1);
    assert_int_equal(fail_until_closed(START + (uint64_t)100 * MINUTE, from, SLICE("LHKA")), 5);
}

static void account_closes_for_strangers(void **state)
{
    (void)state;
    struct slice user = SLICE("LHKAOWNER");
    struct endpoint last = v4(200);
    unsigned tries = 0;

    for (uint8_t i = 0; i < 100; i++)
        tries += fail_until_closed(START, v4(i), user);
    assert_int_equal(tries, 8);
    assert_false(submit_auth_limit_allows(limit, START, &last, user));
    assert_true(submit_auth_limit_allows(limit, START, &last, SLICE("LHKAOTHER")));
}

static void owner_is_not_locked_out(void **state)
{
    (void)state;
    struct slice user = SLICE("LHKAOWNER");
    struct endpoint home = v4(250);

    submit_auth_limit_passed(limit, START, &home, user);
    for (uint8_t i = 0; i < 100; i++)
        fail_until_closed(START, v4(i), user);
    assert_true(submit_auth_limit_allows(limit, START, &home, user));

    /* Someone at the owner's address fails for other accounts: the owner goes on. */
    fail_until_closed(START, home, SLICE("LHKASOMEONE"));
    assert_false(submit_auth_limit_allows(limit, START, &home, SLICE("LHKAANYONE")));
    assert_true(submit_auth_limit_allows(limit, START, &home, user));

    /* A known pair has its own bound, and success forgives. */
    assert_int_equal(fail_until_closed(START, home, user), 10);
    assert_int_equal(fail_until_closed(START + MINUTE, home, user), 1);
    submit_auth_limit_passed(limit, START + MINUTE, &home, user);
    assert_int_equal(fail_until_closed(START + MINUTE, home, user), 10);
}

static void ipv6_network_is_one_party(void **state)
{
    (void)state;
    struct endpoint neighbour = v6(1, 77), other = v6(2, 1);

    assert_int_equal(fail_until_closed(START, v6(1, 1), SLICE("LHKA")), 5);
    assert_false(submit_auth_limit_allows(limit, START, &neighbour, SLICE("LHKB")));
    assert_true(submit_auth_limit_allows(limit, START, &other, SLICE("LHKB")));
}

/* A flood of names from everywhere fills the tables; who has failed most stays in them. */
static void flood_does_not_forget_the_worst(void **state)
{
    (void)state;
    struct endpoint worst = v4(1);
    char name[32];

    assert_int_equal(fail_until_closed(START, worst, SLICE("LHKA")), 5);
    for (int i = 0; i < 50000; i++) {
        struct endpoint from = {.family = 4,
                                .address = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        snprintf(name, sizeof(name), "LHKA%d", i);
        submit_auth_limit_failed(limit, START, &from, slice_text(name));
    }
    assert_false(submit_auth_limit_allows(limit, START, &worst, SLICE("LHKAX")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(address_closes_and_opens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(account_closes_for_strangers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(owner_is_not_locked_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ipv6_network_is_one_party, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flood_does_not_forget_the_worst, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
