#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void hostile_text_is_harmless(void **state)
{
    static const struct {
        struct slice in;
        const char *out;
    } cases[] = {
        {{"plain text", 10}, "plain text"},       {{"a\r\nb", 4}, "a\\x0d\\x0ab"},
        {{"\x1b[31m", 5}, "\\x1b[31m"},           {{"a\0b", 3}, "a\\x00b"},
        {{"back\\slash", 10}, "back\\x5cslash"},  {{"gr\xc3\xbc\xc3\x9f", 6}, "gr\xc3\xbc\xc3\x9f"},
        {{"\xff\xfe", 2}, "\\xff\\xfe"},          {{"\xc3(", 2}, "\\xc3("},
        {{"\xe2\x80\xae", 3}, "\\xe2\\x80\\xae"}, {{"\xc2\x9b", 2}, "\\xc2\\x9b"},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        log_escape(cases[i].in, out, sizeof out);
        assert_string_equal(out, cases[i].out);
    }
}

static void never_writes_past_the_end(void **state)
{
    char out[16];

    (void)state;
    for (size_t size = 1; size <= sizeof out; size++) {
        memset(out, 'Z', sizeof out);
        log_escape(SLICE("ab\x01\x02 and more of it"), out, size);
        assert_true(strlen(out) < size);
        for (size_t i = size; i < sizeof out; i++)
            assert_int_equal(out[i], 'Z');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_text_is_harmless),
        cmocka_unit_test(never_writes_past_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
