#include "submit/budget.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_pays_for_capacity(void **state)
{
    (void)state;
    struct submit_budget budget = {.max_bytes = 100000};
    CLEANUP(submit_budget_return) struct submit_draw draw = {.budget = &budget};
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    assert_int_equal(submit_budget_reserve(&draw, &b, 5000), 0);
    assert_int_equal(budget.used_bytes, 8192);
    assert_true(b.capacity >= 8192);

    buffer_add(&b, SLICE("some content"));
    assert_int_equal(submit_budget_reserve(&draw, &b, 8000), 0);
    assert_int_equal(budget.used_bytes, 8192); /* was there already */
    assert_int_equal(submit_budget_reserve(&draw, &b, 8192), 0);
    assert_int_equal(budget.used_bytes, 16384);
}

static void test_refuses_at_the_limit(void **state)
{
    (void)state;
    struct submit_budget budget = {.max_bytes = 20000};
    CLEANUP(submit_budget_return) struct submit_draw first = {.budget = &budget};
    CLEANUP(submit_budget_return) struct submit_draw second = {.budget = &budget};
    CLEANUP(buffer_done) struct buffer a = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    assert_int_equal(submit_budget_reserve(&first, &a, 16384), 0);
    assert_int_equal(submit_budget_reserve(&second, &b, 4096), -ENOBUFS);
    assert_int_equal(b.capacity, 0);
    assert_int_equal(second.bytes, 0);
    assert_int_equal(budget.used_bytes, 16384);

    submit_budget_return(&first);
    assert_int_equal(budget.used_bytes, 0);
    submit_budget_return(&first);
    assert_int_equal(budget.used_bytes, 0);
    assert_int_equal(submit_budget_reserve(&second, &b, 4096), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pays_for_capacity),
        cmocka_unit_test(test_refuses_at_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
