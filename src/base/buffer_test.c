#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void integers_come_back(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct cursor c;

    (void)state;
    buffer_add_u8(&b, 0xfe);
    buffer_add_u16(&b, 0xfedc);
    buffer_add_u32(&b, 0xfedcba98);
    buffer_add_u64(&b, 0xfedcba9876543210);
    buffer_add_sized(&b, SLICE("letter\0head"));
    c = cursor_of(buffer_slice(&b));
    assert_int_equal(cursor_u8(&c), 0xfe);
    assert_int_equal(cursor_u16(&c), 0xfedc);
    assert_int_equal(cursor_u32(&c), 0xfedcba98);
    assert_true(cursor_u64(&c) == 0xfedcba9876543210);
    assert_true(slice_equal(cursor_sized(&c), SLICE("letter\0head")));
    assert_int_equal(cursor_done(&c), 0);
}

static void every_cut_is_noticed(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    (void)state;
    buffer_add_u32(&b, 7);
    buffer_add_sized(&b, SLICE("abc"));
    for (size_t size = 0; size < b.size; size++) {
        struct cursor c = cursor_of(slice_of(b.data, size));

        cursor_u32(&c);
        cursor_sized(&c);
        assert_int_equal(cursor_done(&c), -EBADMSG);
    }
    buffer_add_byte(&b, 'x');
    struct cursor c = cursor_of(buffer_slice(&b));
    cursor_u32(&c);
    cursor_sized(&c);
    assert_int_equal(cursor_done(&c), -EBADMSG);
}

static void grows_and_consumes(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    (void)state;
    for (int i = 0; i < 1000; i++)
        buffer_printf(&b, "%04d", i);
    buffer_consume(&b, 400);
    assert_true(slice_starts(buffer_slice(&b), SLICE("01000101")));
    buffer_consume(&b, 100000);
    assert_int_equal(b.size, 0);
}

static void numbers_are_written_as_people_do(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    (void)state;
    buffer_add_decimal(&b, 0);
    buffer_add_byte(&b, ' ');
    buffer_add_decimal(&b, 250);
    buffer_add_byte(&b, ' ');
    buffer_add_decimal(&b, UINT64_MAX);
    assert_true(slice_equal(buffer_slice(&b), SLICE("0 250 18446744073709551615")));
}

/* What does not fit at first is printed again, whole; both around the size that is tried first. */
static void long_texts_are_printed_whole(void **state)
{
    (void)state;
    for (int width = 1; width < 600; width++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

        buffer_add(&b, SLICE("front "));
        buffer_printf(&b, "%*d", width, 7);
        assert_int_equal(b.size, 6 + width);
        assert_int_equal(b.data[b.size - 1], '7');
        assert_true(slice_starts(buffer_slice(&b), SLICE("front ")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_come_back),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(grows_and_consumes),
        cmocka_unit_test(numbers_are_written_as_people_do),
        cmocka_unit_test(long_texts_are_printed_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
