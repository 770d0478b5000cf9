#include "site/return_keys.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct slice one = {"0123456789abcdefghijklmnopqrstuv", 32};
static const struct slice two = {"another key, of the time before..", 32};
static const int64_t DAY_US = 86400 * (int64_t)1000000;

static void they_are_pushed_as_they_are(void **state)
{
    CLEANUP(return_keys_done) struct return_keys k = {.bytes = SECRET_NONE};
    CLEANUP(return_keys_done) struct return_keys back = {.bytes = SECRET_NONE};
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    (void)state;
    assert_false(return_keys_known(&k));
    return_keys_set(&k, 230, one, two);
    return_keys_set(&k, 231, two, one);
    return_keys_write(&body, &k);
    assert_int_equal(return_keys_apply(&back, buffer_slice(&body)), 0);
    assert_true(return_keys_known(&back));
    assert_int_equal(back.keys.current.version, 232);
    assert_int_equal(back.keys.previous.version, 231);
    assert_true(slice_equal(back.keys.current.bytes, two));
    assert_true(slice_equal(back.keys.previous.bytes, one));
    for (size_t size = 0; size < body.size; size++)
        assert_int_equal(return_keys_apply(&back, slice_of(body.data, size)), -EBADMSG);
    buffer_add_byte(&body, 0);
    assert_int_equal(return_keys_apply(&back, buffer_slice(&body)), -EBADMSG);
    assert_true(slice_equal(back.keys.current.bytes, two));
}

/* What was written on the last day of one period is read all through the next, and not after. */
static void a_period_has_its_own_version(void **state)
{
    (void)state;
    assert_int_equal(return_key_period(230 * 90 * DAY_US), 230);
    assert_int_equal(return_key_period(231 * 90 * DAY_US - 1), 230);
    assert_int_equal(return_key_period(0), 1);
    assert_int_equal(return_key_period(INT64_MIN), 1);
    for (uint32_t period = 1; period < 1000; period++) {
        assert_true(return_key_version(period) != 0);
        assert_true(return_key_version(period) != return_key_version(period - 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_pushed_as_they_are),
        cmocka_unit_test(a_period_has_its_own_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
