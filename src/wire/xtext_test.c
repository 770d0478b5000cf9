#include "wire/xtext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void decodes(void **state)
{
    static const struct {
        const char *text;
        const char *decoded; /* NULL: refused */
    } cases[] = {
        {"", ""},           {"QQ+2B1", "QQ+1"}, {"a+3Db", "a=b"}, {"+0D+0A", "\r\n"},
        {"a+ZZ", NULL},     {"a+2", NULL},      {"a+", NULL},     {"a+2b", NULL},
        {"a=b", NULL},      {"a b", NULL},      {"a\x7f", NULL},  {"a\xc3\xa9", NULL},
        {"a@x.y", "a@x.y"}, {"+20", " "},       {"++2B2B", NULL}, {"!~", "!~"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct slice decoded = SLICE_NONE;
        int r = wire_xtext_decode(&a, slice_text(cases[i].text), &decoded);

        if (r != (cases[i].decoded ? 0 : -EBADMSG))
            fail_msg("%s: %d", cases[i].text, r);
        assert_true(slice_equal(decoded, slice_text(cases[i].decoded)));
    }
}

static void carries_every_byte(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    char bytes[256];
    struct slice decoded;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    wire_xtext_encode(&b, slice_of(bytes, sizeof bytes));
    assert_true(slice_is_ascii(buffer_slice(&b)));
    assert_int_equal(wire_xtext_decode(&a, buffer_slice(&b), &decoded), 0);
    assert_true(slice_equal(decoded, slice_of(bytes, sizeof bytes)));
}

static void decodes_utf8_addresses(void **state)
{
    static const struct {
        const char *text;
        const char *decoded;
    } cases[] = {
        {"a@x.example", "a@x.example"},
        {"\\x{E9}@x.example", "\xc3\xa9@x.example"},
        {"\xc3\xa9@x.example", "\xc3\xa9@x.example"},
        {"\\x{20AC}", "\xe2\x82\xac"},
        {"\\x{1F4EC}", "\xf0\x9f\x93\xac"},
        {"\\x{10FFFF}", "\xf4\x8f\xbf\xbf"},
        {"\\x{5C}\\x{2B}", "\\+"},
        {"\\x{7F}\\x{80}", "\x7f\xc2\x80"},
        {"\\x{7FF}\\x{800}", "\xdf\xbf\xe0\xa0\x80"},
        {"\\x{FFFF}\\x{10000}", "\xef\xbf\xbf\xf0\x90\x80\x80"},
        {"\\x{D800}", NULL},
        {"\\x{DFFF}", NULL},
        {"\\x{110000}", NULL},
        {"\\x{0000041}", NULL},
        {"\\x{E9", NULL},
        {"\\x{}", NULL},
        {"\\x{1}", NULL},
        {"\\y", NULL},
        {"\\", NULL},
        {"a+41", NULL},
        {"\xc3(", NULL},
        {"a b", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct slice decoded = SLICE_NONE;
        int r = wire_xtext_decode_utf8(&a, slice_text(cases[i].text), &decoded);

        if (r != (cases[i].decoded ? 0 : -EBADMSG))
            fail_msg("%s: %d", cases[i].text, r);
        assert_true(slice_equal(decoded, slice_text(cases[i].decoded)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes),
        cmocka_unit_test(carries_every_byte),
        cmocka_unit_test(decodes_utf8_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
