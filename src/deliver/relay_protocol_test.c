#include "deliver/relay_protocol.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct relay_use_told uses[] = {
    {1, 2, 3, 4, 5, 6, {"full", 4}, {"535 no", 6}, 7},
    {.site_id = 8, .relay_id = 9, .version = 10},
};

static void test_round_trip(void **state)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct relay_use_told one;
    struct slice rest;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(uses); i++)
        relay_use_write(&body, &uses[i]);
    rest = buffer_slice(&body);
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        assert_true(relay_use_read(&rest, &one));
        assert_int_equal(one.site_id, uses[i].site_id);
        assert_int_equal(one.relay_id, uses[i].relay_id);
        assert_int_equal(one.version, uses[i].version);
        assert_int_equal(one.day_us, uses[i].day_us);
        assert_int_equal(one.recipients, uses[i].recipients);
        assert_int_equal(one.closed_until_us, uses[i].closed_until_us);
        assert_true(slice_equal(one.closed_why, uses[i].closed_why));
        assert_true(slice_equal(one.trouble, uses[i].trouble));
        assert_int_equal(one.trouble_since_us, uses[i].trouble_since_us);
    }
    assert_false(relay_use_read(&rest, &one));
    assert_int_equal(rest.size, 0);
}

static void test_cut_short(void **state)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct relay_use_told one;

    (void)state;
    relay_use_write(&body, &uses[0]);
    for (size_t size = 1; size < body.size; size++) {
        struct slice rest = slice_part(buffer_slice(&body), 0, size);

        assert_false(relay_use_read(&rest, &one));
        assert_int_equal(rest.size, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_cut_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
