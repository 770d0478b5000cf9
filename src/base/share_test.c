#include "base/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void alone_it_is_all(void **state)
{
    (void)state;
    assert_int_equal(share_of(&(struct share){0}, 7), 7);
    assert_int_equal(share_of(&(struct share){0, 1}, UINT64_MAX), UINT64_MAX);
}

static void parts_add_up(void **state)
{
    (void)state;
    for (unsigned count = 2; count <= 16; count++)
        for (uint64_t limit = count; limit < 100; limit++) {
            uint64_t sum = 0;

            for (unsigned i = 0; i < count; i++)
                sum += share_of(&(struct share){i, count}, limit);
            assert_int_equal(sum, limit);
        }
}

static void nobody_gets_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(share_of(&(struct share){i, 4}, 2), 1);
        assert_int_equal(share_of(&(struct share){i, 4}, 0), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_it_is_all),
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(nobody_gets_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
