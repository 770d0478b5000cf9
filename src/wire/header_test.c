#include "wire/header.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void tables_fields(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct slice message = SLICE("From: a@own.example\r\nSubject: one\r\n\ttwo\r\nX:\r\nfrom:b\r\n"
                                 "\r\nbody\r\n\r\nmore");
    struct wire_header h;
    struct wire_error error;

    (void)state;
    assert_int_equal(wire_header_scan(&a, message, &h, &error), 0);
    assert_int_equal(h.count, 4);
    assert_true(slice_equal(h.fields[0].name, SLICE("From")));
    assert_true(slice_equal(h.fields[0].value, SLICE(" a@own.example")));
    assert_true(slice_equal(h.fields[1].value, SLICE(" one\r\n\ttwo")));
    assert_true(slice_equal(h.fields[1].whole, SLICE("Subject: one\r\n\ttwo\r\n")));
    assert_int_equal(h.fields[2].value.size, 0);
    assert_true(slice_equal(h.fields[3].whole, SLICE("from:b\r\n")));
    assert_int_equal(h.text.size, 53);
    assert_true(slice_equal(h.body, SLICE("body\r\n\r\nmore")));
    assert_false(h.eightbit);
}

static void finds_by_name(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    const struct wire_field *field;
    struct wire_header h;
    struct wire_error error;

    (void)state;
    assert_int_equal(wire_header_scan(&a, SLICE("A: 1\r\nB: 2\r\na: 3\r\n\r\n"), &h, &error), 0);
    assert_int_equal(wire_header_count(&h, SLICE("A")), 2);
    assert_int_equal(wire_header_count(&h, SLICE("C")), 0);
    field = wire_header_find(&h, SLICE("a"), NULL);
    assert_ptr_equal(field, &h.fields[0]);
    field = wire_header_find(&h, SLICE("a"), field);
    assert_ptr_equal(field, &h.fields[2]);
    assert_null(wire_header_find(&h, SLICE("a"), field));
}

static void accepts_odd_but_clear_forms(void **state)
{
    static const struct {
        struct slice message;
        size_t count;
    } cases[] = {
        {{"", 0}, 0},
        {{"\r\n", 2}, 0},
        {{"\r\nA: not a header\r\n", 19}, 0},
        {{"A: 1", 4}, 1},
        {{"A: 1\r\n", 6}, 1},
        {{"A: 1\r\n \r\n\r\n", 11}, 1},
        {{"A::\r\n!#~:\r\n", 11}, 2},
        {{"A: \xff\r\n", 6}, 1},
        {{"A: 1\r\n\r\nbare\nlf", 15}, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct wire_header h;
        struct wire_error error = {NULL, 0};

        if (wire_header_scan(&a, cases[i].message, &h, &error) < 0)
            fail_msg("case %zu: %s", i, error.what);
        assert_int_equal(h.count, cases[i].count);
    }
}

static void refuses_what_others_read_otherwise(void **state)
{
    static const struct {
        struct slice message;
        size_t offset;
    } cases[] = {
        {{" From: x@victim.example\r\nFrom: a@own.example\r\n\r\n", 48}, 0},
        {{"\tA: 1\r\n", 7}, 0},
        {{"From : x\r\n\r\n", 12}, 4},
        {{"A: 1\r\nFr om: x\r\n\r\n", 18}, 8},
        {{"A: 1\r\nB: 2\n\r\n", 13}, 10},
        {{"A: 1\n B: 2\r\n\r\n", 14}, 4},
        {{"A: 1\rB: 2\r\n\r\n", 13}, 4},
        {{"A: 1\r\r\n\r\n", 9}, 4},
        {{"A: 1\r\n\rB: 2\r\n", 13}, 6},
        {{"A: 1\r", 5}, 4},
        {{"A: 1\rB", 6}, 4},
        {{"A: 1\r\n b\nc\r\n", 13}, 8},
        {{"X: y\r\nA: 1\r\n b\0\r\n\r\n", 20}, 14},
        {{"A: 1\0\r\n\r\n", 9}, 4},
        {{"\0A: 1\r\n\r\n", 9}, 0},
        {{"no colon\r\n\r\n", 12}, 2},
        {{"nocolon\r\n\r\n", 11}, 7},
        {{": value\r\n\r\n", 11}, 0},
        {{"A\xc3\xa9: 1\r\n\r\n", 10}, 1},
        {{"A\x7f: 1\r\n\r\n", 9}, 1},
        {{"\n\nA: 1\r\n", 8}, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct wire_header h;
        struct wire_error error = {NULL, 0};
        int r = wire_header_scan(&a, cases[i].message, &h, &error);

        if (r != -EBADMSG || error.offset != cases[i].offset)
            fail_msg("case %zu: %d, %s at %zu", i, r, error.what, error.offset);
    }
}

/* What the scan says of `count` times `field`, and a blank line. */
static int scan_many(const char *field, size_t count)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct wire_header h;
    struct wire_error error;
    int r;

    for (size_t i = 0; i < count; i++)
        buffer_add(&b, slice_text(field));
    buffer_add(&b, SLICE("\r\n"));
    r = wire_header_scan(&a, buffer_slice(&b), &h, &error);
    if (r == 0)
        assert_int_equal(h.count, count);
    return r;
}

static int scan_long(size_t line_bytes)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    buffer_add(&b, SLICE("S: "));
    memset(buffer_reserve(&b, line_bytes), 'a', line_bytes);
    b.size = line_bytes - 2;
    buffer_add(&b, SLICE("\r\n"));
    buffer_add_byte(&b, 0);
    return scan_many(b.data, 1);
}

/* A header of that size in all, in fields of 512 bytes and a last one that is longer. */
static int scan_bytes(size_t size)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct wire_header h;
    struct wire_error error;

    while (b.size + 1024 <= size)
        buffer_printf(&b, "A: %0507d\r\n", 0);
    buffer_printf(&b, "A: %0*d\r\n", (int)(size - b.size) - 5, 0);
    assert_int_equal(b.size, size);
    return wire_header_scan(&a, buffer_slice(&b), &h, &error);
}

static void keeps_limits(void **state)
{
    (void)state;
    assert_int_equal(scan_many("Received: x\r\n", LIMIT_RECEIVED_FIELDS), 0);
    assert_int_equal(scan_many("Received: x\r\n", LIMIT_RECEIVED_FIELDS + 1), -ELOOP);
    assert_int_equal(scan_many("A: 1\r\n", LIMIT_HEADER_FIELDS), 0);
    assert_int_equal(scan_many("A: 1\r\n", LIMIT_HEADER_FIELDS + 1), -EMSGSIZE);
    assert_int_equal(scan_long(LIMIT_HEADER_FIELD_BYTES), 0);
    assert_int_equal(scan_long(LIMIT_HEADER_FIELD_BYTES + 1), -EMSGSIZE);
    assert_int_equal(scan_long(1000000), -EMSGSIZE);
    assert_int_equal(scan_bytes(LIMIT_HEADER_BYTES), 0);
    assert_int_equal(scan_bytes(LIMIT_HEADER_BYTES + 1), -EMSGSIZE);
    assert_int_equal(scan_many("A: 1234567890123456789012345678901234567890123456789012345678901234"
                               "567890123456789012345678901234567890123456789012345678901234567890"
                               "123456789012345678901234567890123456789012345678901234567890123456"
                               "789012345678901234567890123456789012345678901234567890123456789012"
                               "\r\n",
                               990),
                     -EMSGSIZE);
}

static void table_grows(void **state)
{
    (void)state;
    for (size_t count = 0; count < 300; count++)
        assert_int_equal(scan_many("A: 1\r\n b\r\n", count), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_fields),
        cmocka_unit_test(finds_by_name),
        cmocka_unit_test(accepts_odd_but_clear_forms),
        cmocka_unit_test(refuses_what_others_read_otherwise),
        cmocka_unit_test(keeps_limits),
        cmocka_unit_test(table_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
