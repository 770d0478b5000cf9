#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void compares(void **state)
{
    (void)state;
    assert_true(slice_equal(SLICE_NONE, SLICE("")));
    assert_true(slice_equal_nocase(SLICE("StartTLS"), SLICE("STARTTLS")));
    assert_false(slice_equal_nocase(SLICE("STARTTLSX"), SLICE("STARTTLS")));
    assert_true(slice_ends_nocase(SLICE("mx.Example.ORG"), SLICE(".example.org")));
    assert_true(slice_compare(SLICE("ab"), SLICE("abc")) < 0);
    assert_true(slice_compare(SLICE("b"), SLICE("abc")) > 0);
    assert_true(slice_equal_constant_time(SLICE("key"), SLICE("key")));
    assert_false(slice_equal_constant_time(SLICE("key"), SLICE("kez")));
}

static void cuts(void **state)
{
    struct slice rest = SLICE("a,,b"), part;

    (void)state;
    assert_true(slice_cut(&rest, ',', &part));
    assert_true(slice_equal(part, SLICE("a")));
    assert_true(slice_cut(&rest, ',', &part));
    assert_true(slice_equal(part, SLICE("")));
    assert_false(slice_cut(&rest, ',', &part));
    assert_true(slice_equal(part, SLICE("b")));
    assert_true(slice_equal(slice_trim(SLICE(" \t x y\r\n")), SLICE("x y")));
    assert_int_equal(slice_part(SLICE("abc"), 5, 1).size, 0);
}

static void reads_numbers(void **state)
{
    static const struct {
        struct slice text;
        int result;
        uint64_t value;
    } cases[] = {
        {{"0", 1}, 0, 0},
        {{"00042", 5}, 0, 42},
        {{"1000", 4}, 0, 1000},
        {{"1001", 4}, -ERANGE, 0},
        {{"99999999999999999999999", 23}, -ERANGE, 0},
        {{"-1", 2}, -EINVAL, 0},
        {{"+1", 2}, -EINVAL, 0},
        {{"1 ", 2}, -EINVAL, 0},
        {{"", 0}, -EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t value = 0;

        assert_int_equal(slice_to_u64(cases[i].text, 1000, &value), cases[i].result);
        assert_true(value == cases[i].value);
    }
}

static void reads_the_largest_numbers(void **state)
{
    uint64_t value = 7;

    (void)state;
    assert_int_equal(slice_to_u64(SLICE("18446744073709551616"), UINT64_MAX, &value), -ERANGE);
    assert_int_equal(slice_to_u64(SLICE("184467440737095516150"), UINT64_MAX, &value), -ERANGE);
    assert_int_equal(slice_to_u64(SLICE("99999999999999999999999"), UINT64_MAX, &value), -ERANGE);
    assert_int_equal(slice_to_u64(SLICE("18446744073709551616x"), UINT64_MAX, &value), -EINVAL);
    assert_true(value == 7);
    assert_int_equal(slice_to_u64(SLICE("18446744073709551615"), UINT64_MAX, &value), 0);
    assert_true(value == UINT64_MAX);
}

static void knows_utf8(void **state)
{
    (void)state;
    assert_true(slice_is_utf8(SLICE("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\xac")));
    assert_false(slice_is_utf8(SLICE("\xc0\x80")));
    assert_false(slice_is_utf8(SLICE("\xe0\x80\x80")));
    assert_false(slice_is_utf8(SLICE("\xed\xa0\x80")));
    assert_false(slice_is_utf8(SLICE("\xf4\x90\x80\x80")));
    assert_false(slice_is_utf8(SLICE("\xc3")));
    assert_false(slice_is_utf8(SLICE("\xc3(")));
}

static void knows_ascii(void **state)
{
    (void)state;
    char text[600];

    memset(text, 'a', sizeof(text));
    assert_true(slice_is_ascii(SLICE_NONE));
    assert_true(slice_is_ascii(slice_of(text, sizeof(text))));
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)0x80;
        assert_false(slice_is_ascii(slice_of(text, sizeof(text))));
        assert_true(slice_is_ascii(slice_of(text, i)));
        text[i] = 0x7f;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),      cmocka_unit_test(cuts),
        cmocka_unit_test(reads_numbers), cmocka_unit_test(reads_the_largest_numbers),
        cmocka_unit_test(knows_utf8),    cmocka_unit_test(knows_ascii),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
