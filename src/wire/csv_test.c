#include "wire/csv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { FIELDS_MAX = 4 };

/* The records as "field|field", a line each; "!" where one is wrong. */
static void assert_reads(struct slice text, const char *expected)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer found = BUFFER_NONE;
    struct slice fields[FIELDS_MAX];
    size_t count;
    int r;

    while ((r = wire_csv_read(&arena, &text, fields, FIELDS_MAX, &count)) == 1) {
        for (size_t i = 0; i < count && i < FIELDS_MAX; i++)
            buffer_printf(&found, "%s%.*s", i ? "|" : "", SLICE_ARG(fields[i]));
        buffer_printf(&found, "%s\n", count > FIELDS_MAX ? "+" : "");
    }
    if (r < 0)
        buffer_add(&found, SLICE("!"));
    buffer_add_byte(&found, 0);
    assert_string_equal(found.data, expected);
}

static void reads_records(void **state)
{
    (void)state;
    assert_reads(SLICE(""), "");
    assert_reads(SLICE("a,b\r\nc\r\n"), "a|b\nc\n");
    assert_reads(SLICE("a,b\nc"), "a|b\nc\n");
    assert_reads(SLICE("a,\n,\n\n"), "a|\n|\n\n");
    assert_reads(SLICE("\"a,\"\"b\"\"\n\",c\n"), "a,\"b\"\n|c\n");
    assert_reads(SLICE("1,2,3,4,5\n6\n"), "1|2|3|4+\n6\n");
    assert_reads(SLICE("a\r"), "a\n");
    assert_reads(SLICE("a\"b\n"), "!");
    assert_reads(SLICE("\"a\"b\n"), "!");
    assert_reads(SLICE("ok\n\"never closed\n"), "ok\n!");
}

static void reads_what_it_wrote(void **state)
{
    static const char *const odd[] = {"", "plain", "a,b", "say \"so\"", "two\r\nlines", "\r", "\""};
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        for (size_t j = 0; j < ARRAY_LEN(odd); j++) {
            CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
            const struct slice written[] = {slice_text(odd[i]), slice_text(odd[j])};
            struct slice fields[FIELDS_MAX], rest;
            size_t count;

            wire_csv_write(&text, written, 2);
            rest = buffer_slice(&text);
            assert_int_equal(wire_csv_read(&arena, &rest, fields, FIELDS_MAX, &count), 1);
            assert_int_equal(count, 2);
            assert_true(slice_equal(fields[0], written[0]));
            assert_true(slice_equal(fields[1], written[1]));
            assert_int_equal(rest.size, 0);
        }
}

/* A text that ends anywhere is read or refused, and nothing is read twice. */
static void is_safe_at_every_cut(void **state)
{
    static const char text[] = "address,\"a \"\"quoted\"\" one\"\r\nx@y.example,\"\r\n\",z\r\n";
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;

    (void)state;
    for (size_t size = 0; size < sizeof text; size++) {
        struct slice rest = slice_of(text, size), fields[FIELDS_MAX];
        size_t count, before = rest.size + 1;

        while (rest.size < before) {
            before = rest.size;
            if (wire_csv_read(&arena, &rest, fields, FIELDS_MAX, &count) < 1)
                break;
        }
        assert_true(rest.size <= size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_records),
        cmocka_unit_test(reads_what_it_wrote),
        cmocka_unit_test(is_safe_at_every_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
