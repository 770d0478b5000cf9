#include "wire/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define A16 "aaaaaaaaaaaaaaaa"
#define A62 A16 A16 A16 "aaaaaaaaaaaaaa"
#define A63 A62 "a"

enum { UTF8 = WIRE_ADDRESS_UTF8, LITERAL = WIRE_ADDRESS_LITERAL };

static const struct {
    const char *text;
    unsigned flags;
    const char *canonical;
} accepted[] = {
    {"a@example.org", 0, "a@example.org"},
    {"A.B@EXAMPLE.Org", 0, "A.B@example.org"},
    {"\"plain\"@x.example", 0, "plain@x.example"},
    {"\"a.b\"@x.example", 0, "a.b@x.example"},
    {"\"\\a\\b\"@x.example", 0, "ab@x.example"},
    {"\"a..b\"@x.example", 0, "\"a..b\"@x.example"},
    {"\"a b\"@x.example", 0, "\"a b\"@x.example"},
    {"\"a\\\"b\\\\\"@x.example", 0, "\"a\\\"b\\\\\"@x.example"},
    {"\"\"@x.example", 0, "\"\"@x.example"},
    {"\"evil@attacker.example x\"@dst.example", 0, "\"evil@attacker.example x\"@dst.example"},
    {"\"a>b\"@dst.example", 0, "\"a>b\"@dst.example"},
    {"user%other.example@dst.example", 0, "user%other.example@dst.example"},
    {"other.example!user@dst.example", 0, "other.example!user@dst.example"},
    {"!#$%&'*+-/=?^_`{|}~@x.example", 0, "!#$%&'*+-/=?^_`{|}~@x.example"},
    {"a=?b@x.example", 0, "a=?b@x.example"},
    {"=?a?b@x.example", 0, "=?a?b@x.example"},
    {"=?a?z?c?=@x.example", 0, "=?a?z?c?=@x.example"},
    {"=??b?c?=@x.example", 0, "=??b?c?=@x.example"},
    {"=?a?bb?c?=@x.example", 0, "=?a?bb?c?=@x.example"},
    {"=?a?b?c=@x.example", 0, "=?a?b?c=@x.example"},
    {"root@localhost", 0, "root@localhost"},
    {"a@r3---sn.example", 0, "a@r3---sn.example"},
    {"a@XN--BCHER-KVA.example", 0, "a@xn--bcher-kva.example"},
    {A62 "aa@x.example", 0, A62 "aa@x.example"},
    {"a@" A63 ".example", 0, "a@" A63 ".example"},
    {"a@[192.0.2.1]", LITERAL, "a@[192.0.2.1]"},
    {"a@[ipv6:2001:DB8::1]", LITERAL, "a@[IPv6:2001:db8::1]"},
    {"a@[IPv6:1:2:3:4:5:6:7:8]", LITERAL, "a@[IPv6:1:2:3:4:5:6:7:8]"},
    {"a@[IPv6:1:2:3:4:5::8]", LITERAL, "a@[IPv6:1:2:3:4:5::8]"},
    {"a@[IPv6:1:2:3:4::192.0.2.1]", LITERAL, "a@[IPv6:1:2:3:4::c000:201]"},
    {"a@b\xc3\xbc"
     "cher.example",
     UTF8, "a@xn--bcher-kva.example"},
    {"a@B\xc3\x9c"
     "CHER.example",
     UTF8, "a@xn--bcher-kva.example"},
    {"a@bu\xcc\x88"
     "cher.example",
     UTF8, "a@xn--bcher-kva.example"},
    {"a@\xef\xbd\x84st.example", UTF8, "a@dst.example"},
    {"a@dst\xe3\x80\x82"
     "example",
     UTF8, "a@dst.example"},
    {"a@stra\xc3\x9f"
     "e.example",
     UTF8, "a@xn--strae-oqa.example"},
    {"\xc3\xa9@x.example", UTF8, "\xc3\xa9@x.example"},
    {"\"\xc3\xa9 a\"@x.example", UTF8, "\"\xc3\xa9 a\"@x.example"},
};

static const struct {
    const char *text;
    unsigned flags;
    int error;
} refused[] = {
    {"", 0, -EBADMSG},
    {"@", 0, -EBADMSG},
    {"a", 0, -EBADMSG},
    {"a@", 0, -EBADMSG},
    {"@x.example", 0, -EBADMSG},
    {"@y.example:a@x.example", 0, -EBADMSG},
    {".a@x.example", 0, -EBADMSG},
    {"a.@x.example", 0, -EBADMSG},
    {"a..b@x.example", 0, -EBADMSG},
    {"a b@x.example", 0, -EBADMSG},
    {" a@x.example", 0, -EBADMSG},
    {"a@x.example ", 0, -EBADMSG},
    {"a@@x.example", 0, -EBADMSG},
    {"a@b@x.example", 0, -EBADMSG},
    {"a\\@b@x.example", 0, -EBADMSG},
    {"a(c)@x.example", 0, -EBADMSG},
    {"<a@x.example>", 0, -EBADMSG},
    {"a@x.example>b", 0, -EBADMSG},
    {"\"a@x.example", 0, -EBADMSG},
    {"\"a\\", 0, -EBADMSG},
    {"\"a\"b@x.example", 0, -EBADMSG},
    {"\"a\".b@x.example", 0, -EBADMSG},
    {"a.\"b\"@x.example", 0, -EBADMSG},
    {"\"a\tb\"@x.example", 0, -EBADMSG},
    {"\"a\\\tb\"@x.example", 0, -EBADMSG},
    {"\"a\r\n b\"@x.example", 0, -EBADMSG},
    {"\"\\\x7f\"@x.example", 0, -EBADMSG},
    {"a@.example", 0, -EBADMSG},
    {"a@x..example", 0, -EBADMSG},
    {"a@x.example.", 0, -EBADMSG},
    {"a@-x.example", 0, -EBADMSG},
    {"a@x-.example", 0, -EBADMSG},
    {"a@x_y.example", 0, -EBADMSG},
    {"a@x,y.example", 0, -EBADMSG},
    {"a@x.example\r", 0, -EBADMSG},
    {"=?utf-8?q?b=40victim.example=3e?=@x.example", 0, -EBADMSG},
    {"=?a?Q?"
     "?=@x.example",
     0, -EBADMSG},
    {"\"=?utf-8?B?Yg==?=\"@x.example", 0, -EBADMSG},
    {A62 "aaa@x.example", 0, -E2BIG},
    {"a@" A63 "a.example", 0, -E2BIG},
    {"a@[192.0.2.1]", 0, -EBADMSG},
    {"a@[192.0.2.01]", LITERAL, -EBADMSG},
    {"a@[192.0.2]", LITERAL, -EBADMSG},
    {"a@[192.0.2.1", LITERAL, -EBADMSG},
    {"a@[", LITERAL, -EBADMSG},
    {"a@[]", LITERAL, -EBADMSG},
    {"a@[2001:db8::1]", LITERAL, -EBADMSG},
    {"a@[IPv6::1]", LITERAL, -EBADMSG},
    {"a@[IPv6:1:2:3:4:5:6::8]", LITERAL, -EBADMSG},
    {"a@[IPv6:fe80::1%eth0]", LITERAL, -EBADMSG},
    {"a@[x-tag:abc]", LITERAL, -EBADMSG},
    {"a@[192.0.2.1]x", LITERAL, -EBADMSG},
    {"a@[IPv6:1:2:3:4:5::192.0.2.1]", LITERAL, -EBADMSG},
    {"\xc3\xa9@x.example", 0, -EAFNOSUPPORT},
    {"a@b\xc3\xbc"
     "cher.example",
     0, -EAFNOSUPPORT},
    {"\xc3\x28@x.example", UTF8, -EBADMSG},
    {"\xc0\x80@x.example", UTF8, -EBADMSG},
    {"\"\\\xc3\xa9\"@x.example", UTF8, -EBADMSG},
    {"a\xe2\x80\xae"
     "b@x.example",
     UTF8, -EBADMSG},
    {"a\xc2\x85@x.example", UTF8, -EBADMSG},
    {"a@x\xe2\x80\xae"
     "y.example",
     UTF8, -EBADMSG},
    {"a@\xef\xbc\xa0x.example", UTF8, -EBADMSG},
    {"a@\xc3\xa9_x.example", UTF8, -EBADMSG},
    {"a@\xc3\xa9 x.example", UTF8, -EBADMSG},
    {"a@\xe2\x91\xb4.example", UTF8, -EBADMSG},
    {"a@x.example\xe3\x80\x82", UTF8, -EBADMSG},
};

static void accepts_and_normalises(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct address address;
        struct wire_error error = {NULL, 0};

        if (wire_address_parse(&a, slice_text(accepted[i].text), accepted[i].flags, &address,
                               &error) < 0)
            fail_msg("%s: %s at %zu", accepted[i].text, error.what, error.offset);
        assert_string_equal(wire_address_text(&a, &address).data, accepted[i].canonical);
    }
}

static void canonical_form_parses_to_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct address first, again;
        struct wire_error error;

        assert_int_equal(
            wire_address_parse(&a, slice_text(accepted[i].text), UTF8 | LITERAL, &first, &error),
            0);
        assert_int_equal(
            wire_address_parse(&a, wire_address_text(&a, &first), UTF8 | LITERAL, &again, &error),
            0);
        assert_true(wire_address_equal(&first, &again));
        assert_int_equal(first.local_quoted, again.local_quoted);
        assert_int_equal(first.literal, again.literal);
        assert_int_equal(first.needs_smtputf8, again.needs_smtputf8);
    }
}

static void refuses_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct address address;
        struct wire_error error = {NULL, 0};
        int r =
            wire_address_parse(&a, slice_text(refused[i].text), refused[i].flags, &address, &error);

        if (r != refused[i].error)
            fail_msg("%s: %d, %s", refused[i].text, r, error.what);
        assert_non_null(error.what);
        assert_true(slice_is_ascii(slice_text(error.what))); /* it goes into SMTP replies */
        assert_true(error.offset <= strlen(refused[i].text));
    }
}

/* Every byte alone as local part and inside a domain, against the alphabets of RFC 5322 §3.2.3 and
 * RFC 5321 §4.1.2. */
static void knows_its_alphabets(void **state)
{
    static const char alphanumeric[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    (void)state;
    for (int c = 1; c < 256; c++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        char local[] = "?@x.example", domain[] = "a@x?y.example";
        bool common = strchr(alphanumeric, c) != NULL;
        struct address address;
        struct wire_error error;

        local[0] = domain[3] = (char)c;
        assert_int_equal(wire_address_parse(&a, slice_text(local), 0, &address, &error) == 0,
                         common || strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
        assert_int_equal(wire_address_parse(&a, slice_text(domain), 0, &address, &error) == 0,
                         common || c == '-' || c == '.');
    }
}

/* The 254 bytes are counted in the form that goes out. */
static void bounds_the_mapped_form(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct address address;
    struct wire_error error;

    (void)state;
    buffer_add(&text, SLICE(A16 A16 "@"));
    for (int i = 0; i < 27; i++)
        buffer_add(&text, SLICE("\xc3\xa9."));
    buffer_add(&text, SLICE("abcde"));
    assert_int_equal(wire_address_parse(&a, buffer_slice(&text), UTF8, &address, &error), 0);
    assert_int_equal(wire_address_text(&a, &address).size, 254);
    buffer_add_byte(&text, 'f');
    assert_int_equal(wire_address_parse(&a, buffer_slice(&text), UTF8, &address, &error), -E2BIG);
}

static void compares(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct address address, other;
    struct wire_error error;

    (void)state;
    assert_int_equal(wire_address_parse(&a, SLICE("a@x.example"), 0, &address, &error), 0);
    assert_int_equal(wire_address_parse(&a, SLICE("\"a\"@X.example"), 0, &other, &error), 0);
    assert_true(wire_address_equal(&address, &other));
    assert_int_equal(wire_address_parse(&a, SLICE("A@x.example"), 0, &other, &error), 0);
    assert_false(wire_address_equal(&address, &other));
    assert_int_equal(wire_address_parse(&a, SLICE("a@y.example"), 0, &other, &error), 0);
    assert_false(wire_address_equal(&address, &other));
}

static void nul_never_cuts(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct address address;
    struct wire_error error;

    (void)state;
    assert_int_equal(wire_address_parse(&a, SLICE("a@x.example\0"), 0, &address, &error), -EBADMSG);
    assert_int_equal(wire_address_parse(&a, SLICE("a\0@x.example"), 0, &address, &error), -EBADMSG);
    assert_int_equal(wire_address_parse(&a, SLICE("\"\0\"@x.example"), 0, &address, &error),
                     -EBADMSG);
    assert_int_equal(wire_address_parse(&a, SLICE("a@[192.0.2.1\0]"), LITERAL, &address, &error),
                     -EBADMSG);
    assert_int_equal(
        wire_address_parse(&a, SLICE("a@\xef\xbd\x84st\0.example"), UTF8, &address, &error),
        -EBADMSG);
}

/* 254 bytes pass, 255 do not (RFC 5321 §4.5.3.1.3, without the brackets of the path). */
static void bounds_the_whole(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct address address;
    struct wire_error error;
    struct slice longest = SLICE(A62 "@" A63 "." A63 "." A62 "a");

    (void)state;
    assert_int_equal(longest.size, 254);
    assert_int_equal(wire_address_parse(&a, longest, 0, &address, &error), 0);
    longest = SLICE(A63 "@" A63 "." A63 "." A62 "a");
    assert_int_equal(wire_address_parse(&a, longest, 0, &address, &error), -E2BIG);
}

static void parses_paths(void **state)
{
    static const struct {
        const char *text;
        unsigned flags;
        int result;
        size_t size;
        const char *canonical;
    } cases[] = {
        {"<a@x.example> SIZE=1", 0, 0, 13, "a@x.example"},
        {"<\"a> b\"@x.example>x", 0, 0, 18, "\"a> b\"@x.example"},
        {"<\"a\\\">\"@x.example>", 0, 0, 18, "\"a\\\">\"@x.example"},
        {"<>", WIRE_PATH_NULL, 0, 2, ""},
        {"<>", 0, -EBADMSG, 0, NULL},
        {"<Postmaster>", WIRE_PATH_POSTMASTER, 0, 12, "postmaster"},
        {"<Postmaster>", 0, -EBADMSG, 0, NULL},
        {"<@y.example:a@x.example>", 0, -EBADMSG, 0, NULL},
        {"a@x.example", 0, -EBADMSG, 0, NULL},
        {"<a@x.example", 0, -EBADMSG, 0, NULL},
        {"<\"a>@x.example", 0, -EBADMSG, 0, NULL},
        {"< a@x.example>", 0, -EBADMSG, 0, NULL},
        {"<<a@x.example>>", 0, -EBADMSG, 0, NULL},
        {"", 0, -EBADMSG, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_NONE;
        struct address address;
        struct wire_error error = {NULL, 0};
        size_t size = 0;
        int r =
            wire_path_parse(&a, slice_text(cases[i].text), cases[i].flags, &address, &size, &error);

        if (r != cases[i].result)
            fail_msg("%s: %d, %s", cases[i].text, r, error.what);
        assert_int_equal(size, cases[i].size);
        if (r == 0)
            assert_string_equal(wire_address_text(&a, &address).data, cases[i].canonical);
    }
}

static void says_where(void **state)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct address address;
    struct wire_error error;
    size_t size;

    (void)state;
    assert_int_equal(wire_path_parse(&a, SLICE("<ab@x.e_e>"), 0, &address, &size, &error),
                     -EBADMSG);
    assert_int_equal(error.offset, 7);
    assert_int_equal(wire_address_parse(&a, SLICE("a c@x"), 0, &address, &error), -EBADMSG);
    assert_int_equal(error.offset, 1);
    assert_int_equal(wire_address_parse(&a, SLICE("a@\xc3\xa9.x_"), UTF8, &address, &error),
                     -EBADMSG);
    assert_int_equal(error.offset, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_and_normalises), cmocka_unit_test(canonical_form_parses_to_itself),
        cmocka_unit_test(refuses_with_a_reason),  cmocka_unit_test(knows_its_alphabets),
        cmocka_unit_test(bounds_the_mapped_form), cmocka_unit_test(compares),
        cmocka_unit_test(nul_never_cuts),         cmocka_unit_test(bounds_the_whole),
        cmocka_unit_test(parses_paths),           cmocka_unit_test(says_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
