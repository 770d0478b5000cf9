#include "feedback/report_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_fields(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct slice rest = SLICE("One: a\r\n  b\r\nno field here\r\n\r\nTwo:c\n \nThree:");
    struct feedback_field field;

    (void)state;
    assert_true(feedback_field_next(&a, &rest, &field));
    assert_true(slice_equal(field.name, SLICE("One")));
    assert_true(slice_equal(field.value, SLICE("a b")));
    assert_true(feedback_field_next(&a, &rest, &field));
    assert_int_equal(field.name.size, 0);
    assert_true(feedback_field_next(&a, &rest, &field));
    assert_true(slice_equal(field.value, SLICE("c")));
    assert_true(feedback_field_next(&a, &rest, &field));
    assert_int_equal(field.name.size, 0);
    assert_true(feedback_field_next(&a, &rest, &field));
    assert_true(slice_equal(field.name, SLICE("Three")));
    assert_int_equal(field.value.size, 0);
    assert_false(feedback_field_next(&a, &rest, &field));
}

static void test_values(void **state)
{
    (void)state;
    assert_true(slice_equal(feedback_field_untyped(SLICE("rfc822; a@b")), SLICE("a@b")));
    assert_true(slice_equal(feedback_field_untyped(SLICE("a@b")), SLICE("a@b")));
    assert_true(
        slice_equal(feedback_field_untyped(SLICE("said so; and so")), SLICE("said so; and so")));
    assert_true(slice_equal(feedback_field_address(SLICE("A <a@b>")), SLICE("a@b")));
    assert_true(slice_equal(feedback_field_address(SLICE(" a@b ")), SLICE("a@b")));
    assert_true(slice_equal(feedback_field_address(SLICE("<>")), SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
