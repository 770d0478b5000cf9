#include "wire/dns_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void quotes(void **state)
{
    static const struct {
        struct slice text;
        const char *quoted;
    } cases[] = {
        {{"", 0}, "\"\""},
        {{"v=spf1 -all", 11}, "\"v=spf1 -all\""},
        {{"a\"b\\c;", 6}, "\"a\\\"b\\\\c;\""},
        {{"\0\n\x7f\xff~", 5}, "\"\\000\\010\\127\\255~\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
        CLEANUP(buffer_done) struct buffer back = BUFFER_NONE;

        wire_dns_text_quote(&out, cases[i].text);
        assert_true(slice_equal(buffer_slice(&out), slice_text(cases[i].quoted)));
        assert_int_equal(wire_dns_text_unquote(buffer_slice(&out), &back), 0);
        assert_true(slice_equal(buffer_slice(&back), cases[i].text));
    }
}

/* At the edges of a string's 255 bytes: both forms come back, and hold the right number of strings.
 */
static void cuts_long_texts(void **state)
{
    static const struct {
        size_t size, strings;
    } cases[] = {{0, 1}, {1, 1}, {254, 1}, {255, 1}, {256, 2}, {510, 2}, {511, 3}, {2000, 8}};
    char text[2000];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 31 + 7);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer quoted = BUFFER_NONE;
        CLEANUP(buffer_done) struct buffer rdata = BUFFER_NONE;
        CLEANUP(buffer_done) struct buffer back = BUFFER_NONE;
        struct slice whole = slice_of(text, cases[i].size);

        wire_dns_text_encode(&rdata, whole);
        assert_int_equal(rdata.size, whole.size + cases[i].strings);
        assert_int_equal(wire_dns_text_decode(buffer_slice(&rdata), &back), 0);
        assert_true(slice_equal(buffer_slice(&back), whole));

        back.size = 0;
        wire_dns_text_quote(&quoted, whole);
        assert_int_equal(wire_dns_text_unquote(buffer_slice(&quoted), &back), 0);
        assert_true(slice_equal(buffer_slice(&back), whole));
    }
}

static void unquotes(void **state)
{
    static const struct {
        const char *text, *contents; /* NULL: refused */
    } cases[] = {
        {"\"a\" \"b\"\t\"c\"", "abc"},
        {"\"a\"\"b\"", "ab"},
        {" bare words ", "barewords"},
        {"v=DKIM1\\; \"k=rsa; p=x\"", "v=DKIM1;k=rsa; p=x"},
        {"\"\\065\\\"\"", "A\""},
        {"a\\032b", "a b"},
        {"\"\"", ""},
        {"\"open", NULL},
        {"\"escape\\", NULL},
        {"\"\\256\"", NULL},
        {"\"\\25\"", NULL},
        {"\"\\2x5\"", NULL},
        {"v=DKIM1; k=rsa", NULL},
        {"( \"a\" )", NULL},
        {"a\"b\"", NULL},
        {"", NULL},
        {"  ", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
        const char *contents = cases[i].contents;
        int r;

        buffer_add(&out, SLICE("-"));
        r = wire_dns_text_unquote(slice_text(cases[i].text), &out);
        assert_int_equal(r, contents ? 0 : -EINVAL);
        assert_int_equal(out.size, 1 + (contents ? strlen(contents) : 0));
        if (contents)
            assert_memory_equal(out.data + 1, contents, strlen(contents));
    }
}

static void refuses_a_string_of_256(void **state)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    char text[256];

    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(wire_dns_text_unquote(slice_of(text, 256), &out), -EINVAL);
    assert_int_equal(wire_dns_text_unquote(slice_of(text, 255), &out), 0);
    assert_int_equal(out.size, 255);
}

static void refuses_broken_rdata(void **state)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    (void)state;
    assert_int_equal(wire_dns_text_decode(SLICE(""), &out), -EBADMSG);
    assert_int_equal(wire_dns_text_decode(SLICE("\x02"
                                                "a"),
                                          &out),
                     -EBADMSG);
    assert_int_equal(wire_dns_text_decode(SLICE("\x01"
                                                "ab"),
                                          &out),
                     -EBADMSG);
    assert_int_equal(out.size, 0);
    assert_int_equal(wire_dns_text_decode(slice_of("\0", 1), &out), 0);
    assert_int_equal(out.size, 0);
}

static void knows_names(void **state)
{
    static const struct {
        const char *name;
        bool name_valid, host_valid;
    } cases[] = {
        {"example.org", true, true},
        {"a", true, true},
        {"3com.com", true, true},
        {"xn--bcher-kva.example", true, true},
        {"s1._domainkey.example.org", true, false},
        {"_dmarc", true, false},
        {"192.0.2.1", true, false},
        {"example.42", true, false},
        {"", false, false},
        {".", false, false},
        {"example.org.", false, false},
        {".example.org", false, false},
        {"a..b", false, false},
        {"-a.example", false, false},
        {"a-.example", false, false},
        {"a b.example", false, false},
        {"a;b.example", false, false},
        {"b\xc3\xbc"
         "cher.example",
         false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(wire_dns_name_valid(slice_text(cases[i].name)), cases[i].name_valid);
        assert_int_equal(wire_dns_host_valid(slice_text(cases[i].name)), cases[i].host_valid);
    }
}

static void knows_the_lengths_of_names(void **state)
{
    char name[256];

    (void)state;
    memset(name, 'a', sizeof name);
    assert_true(wire_dns_name_valid(slice_of(name, 63)));
    assert_false(wire_dns_name_valid(slice_of(name, 64)));
    for (size_t i = 63; i < sizeof name; i += 64)
        name[i] = '.';
    assert_true(wire_dns_name_valid(slice_of(name, 253)));
    assert_false(wire_dns_name_valid(slice_of(name, 254)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes),
        cmocka_unit_test(cuts_long_texts),
        cmocka_unit_test(unquotes),
        cmocka_unit_test(refuses_a_string_of_256),
        cmocka_unit_test(refuses_broken_rdata),
        cmocka_unit_test(knows_names),
        cmocka_unit_test(knows_the_lengths_of_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
