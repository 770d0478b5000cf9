#include "feedback/breaker_store.h"

#include "site/suppression_breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { SITE = 5, GONE = 25 };

static const int64_t HOUR_US = 3600 * (int64_t)1000000;
static const struct slice DOMAIN = {"town.example", 12};

static struct store *open_store(void)
{
    const struct store_options options = {.path = ":memory:", .schema = STORE_CONTROL};
    struct store *s = NULL;
    char *problem = NULL;

    if (store_open(&options, &s, &problem) < 0)
        fail_msg("%s", problem);
    return s;
}

static void add_site(struct store *s)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_ADD);

    query_bind_int(&q, SITE);
    query_bind_text(&q, SLICE("town"));
    query_bind_text(&q, SLICE("dkim"));
    query_bind_int(&q, 1);
    query_bind_int(&q, 0);
    assert_int_equal(query_run(&q), 0);
}

/* As an outcome does it: asks, and puts the address on the list. Returns whether it is held, and
 * how many others were taken back. */
static bool suppress(struct breaker *b, struct store *s, int number, int64_t hour,
                     size_t *ret_released)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct suppression x = {
        .site_id = SITE, .reason = SUPPRESSION_BOUNCE, .since_us = hour * HOUR_US};
    struct suppression *released;
    bool changed;

    x.address = arena_printf(&arena, "user%d@town.example", number);
    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(
        breaker_store_ask(b, s, &arena, x.address, x.since_us, &x.held, &released, ret_released),
        0);
    assert_int_equal(suppression_put(s, &x, &changed), 0);
    assert_int_equal(store_transaction_commit(&all), 0);
    return x.held;
}

static void approve(struct store *s, int64_t until_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    const struct suppression_breaker breaker = {
        .domain = DOMAIN, .approved = true, .until_us = until_us};

    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(suppression_breaker_set(s, &breaker, 1), 0);
    assert_int_equal(store_transaction_commit(&all), 0);
}

static void holds_those_before_and_after(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct suppression_breaker breaker;
    struct breaker *b = breaker_new();
    size_t released;

    (void)state;
    add_site(s);
    breaker_remember(b, DOMAIN, 150, 0);
    for (int i = 1; i <= GONE; i++) {
        bool trips = i == BREAKER_UNKNOWN_MIN;

        assert_int_equal(suppress(b, s, i, 500000, &released), i >= BREAKER_UNKNOWN_MIN);
        assert_int_equal(released, trips ? BREAKER_UNKNOWN_MIN - 1 : 0);
    }
    assert_int_equal(suppression_breaker_find(s, &arena, DOMAIN, &breaker), 0);
    assert_int_equal(breaker.unknown, GONE);
    assert_int_equal(breaker.until_us, 500006 * HOUR_US);
    assert_true(suppress(b, s, 100, 500005, &released)); /* the wave is over, the doubt is not */
    approve(s, 500010 * HOUR_US);
    for (int i = 200; i < 200 + GONE; i++)
        assert_false(suppress(b, s, i, 500006, &released));
    breaker_free(b);
}

static void remembers_over_a_restart(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    struct breaker *b = breaker_new();
    size_t released;
    bool held = false;

    (void)state;
    add_site(s);
    breaker_remember(b, DOMAIN, 150, 0);
    assert_false(suppress(b, s, 1, 500000, &released));
    assert_int_equal(breaker_store_keep(b, s, 500000 * HOUR_US), 0);
    breaker_free(b);
    b = breaker_new();
    assert_int_equal(breaker_store_load(b, s), 0);
    for (int i = 0; i < BREAKER_UNKNOWN_MIN; i++)
        held = suppress(b, s, i, 500010, &released);
    assert_true(held);
    breaker_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_those_before_and_after),
        cmocka_unit_test(remembers_over_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
