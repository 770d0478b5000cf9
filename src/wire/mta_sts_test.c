#include "wire/mta_sts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/corpora_test.h"

#define LETTERS_31 "abcdefghijklmnopqrstuvwxyz01234"

static void reads_records(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *id;
    } cases[] = {
        {"v=STSv1; id=20160831085700Z;", 0, "20160831085700Z"},
        {"v=STSv1;id=a", 0, "a"},
        {"v=STSv1 \t; \tid=a \t; \t", 0, "a"},
        {"v=STSv1; foo=b:c/d; id=a; bar.x_y-z=1", 0, "a"},
        {"v=STSv1; id=a; id=b", 0, "a"},
        {"v=STSv1; id=" LETTERS_31 "x", 0, LETTERS_31 "x"},
        {"v=STSv1; id=" LETTERS_31 "xy", -EBADMSG, NULL},
        {"v=STSv1; " LETTERS_31 "x=1; id=a", 0, "a"},
        {"v=STSv1; " LETTERS_31 "xy=1; id=a", -EBADMSG, NULL},
        {"v=STSv1; id=", -EBADMSG, NULL},
        {"v=STSv1; id=a-b", -EBADMSG, NULL},
        {"v=STSv1; id = a", -EBADMSG, NULL},
        {"v=STSv1; ID=a", -EBADMSG, NULL},
        {"v=STSv1; foo=1", -EBADMSG, NULL},
        {"v=STSv1; id=a;;", -EBADMSG, NULL},
        {"v=STSv1; id=a b", -EBADMSG, NULL},
        {"v=STSv1; id=a; foo=a=b", -EBADMSG, NULL},
        {"v=STSv1; id=a; foo=\x01", -EBADMSG, NULL},
        {"v=STSv1; id=a; -foo=1", -EBADMSG, NULL},
        {"v=STSv1;", -EBADMSG, NULL},
        {"v=STSv1", -ENOENT, NULL},
        {"v=STSv1x; id=a", -ENOENT, NULL},
        {"v=STSv2; id=a", -ENOENT, NULL},
        {"v=stsv1; id=a", -ENOENT, NULL},
        {" v=STSv1; id=a", -ENOENT, NULL},
        {"v=spf1 -all", -ENOENT, NULL},
        {"", -ENOENT, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice id = SLICE_NONE;
        int r = wire_mta_sts_record_parse(slice_text(cases[i].text), &id);

        if (r != cases[i].result || !slice_equal(id, slice_text(cases[i].id)))
            fail_msg("%s: %d %.*s", cases[i].text, r, SLICE_ARG(id));
    }
}

/* RFC 8461 §3.1: exactly one, and it must be readable. */
static void one_record_counts(void **state)
{
    static const struct {
        const char *texts[3];
        const char *id;
    } cases[] = {
        {{"v=STSv1; id=a"}, "a"},
        {{"v=spf1 -all", "v=STSv1; id=a", "x"}, "a"},
        {{"v=STSv1; id=a", "v=STSv1; id=a"}, NULL},
        {{"v=STSv1; id=a", "v=STSv1; id=-"}, NULL},
        {{"v=STSv1; id=-"}, NULL},
        {{"x"}, NULL},
        {{NULL}, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_mta_sts_records records = {.count = 0};
        struct slice id = SLICE_NONE;
        int r;

        for (size_t j = 0; j < ARRAY_LEN(cases[i].texts) && cases[i].texts[j]; j++)
            wire_mta_sts_records_add(&records, slice_text(cases[i].texts[j]));
        r = wire_mta_sts_records_id(&records, &id);
        assert_int_equal(r, cases[i].id ? 0 : -ENOENT);
        assert_true(slice_equal(id, slice_text(cases[i].id)));
    }
}

#define HEAD "version: STSv1\nmode: enforce\n"
#define TAIL "max_age: 86400\n"
#define MX "mx: mail.example.com\n"

static void reads_policies(void **state)
{
    static const struct {
        const char *text;
        const char *read; /* as it is written again; NULL: refused */
    } cases[] = {
        {HEAD MX "mx: *.example.net\n" TAIL, HEAD MX "mx: *.example.net\n" TAIL},
        {"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmax_age: 86400\r\n",
         HEAD MX TAIL},
        {"max_age:86400\nmx:mail.example.com\nmode:enforce\nversion:STSv1", HEAD MX TAIL},
        {"version: \tSTSv1 \nmode: testing \n" MX TAIL, "version: STSv1\nmode: testing\n" MX TAIL},
        {"version: STSv1\nmode: none\n" TAIL, "version: STSv1\nmode: none\n" TAIL},
        {HEAD MX TAIL "\n", HEAD MX TAIL},
        {HEAD MX TAIL "foo: b\xc3\xa4r; x=y z\n", HEAD MX TAIL},
        {HEAD MX TAIL "mode: none\nmax_age: x\nversion: STSv2\n", HEAD MX TAIL},
        {HEAD MX "max_age: 9999999999\n", HEAD MX "max_age: 31557600\n"},
        {HEAD MX "max_age: 0\n", HEAD MX "max_age: 0\n"},
        {HEAD TAIL, NULL},
        {"version: STSv1\nmode: testing\n" TAIL, NULL},
        {"mode: enforce\n" MX TAIL, NULL},
        {"version: STSv1\n" MX TAIL, NULL},
        {HEAD MX, NULL},
        {"", NULL},
        {"version: STSv2\nmode: enforce\n" MX TAIL, NULL},
        {"version: stsv1\nmode: enforce\n" MX TAIL, NULL},
        {"version: STSv1\nmode: Enforce\n" MX TAIL, NULL},
        {"Version: STSv1\nmode: enforce\n" MX TAIL, NULL},
        {HEAD MX "max_age: 99999999999\n", NULL},
        {HEAD MX "max_age: -1\n", NULL},
        {HEAD MX "max_age: 1d\n", NULL},
        {HEAD MX "max_age:\n", NULL},
        {HEAD "mx: *\n" TAIL, NULL},
        {HEAD "mx: a.*.example.com\n" TAIL, NULL},
        {HEAD "mx: mail.example.com.\n" TAIL, NULL},
        {HEAD "mx: mail example.com\n" TAIL, NULL},
        {HEAD "mx: 192.0.2.1\n" TAIL, NULL},
        {HEAD "mx:\n" MX TAIL, NULL},
        {HEAD MX TAIL "foo\n", NULL},
        {HEAD MX TAIL "foo:\n", NULL},
        {HEAD MX TAIL "foo: a\001\n", NULL},
        {HEAD MX TAIL "foo: \xff\n", NULL},
        {HEAD MX TAIL " foo: a\n", NULL},
        {HEAD MX TAIL "foo : a\n", NULL},
        {"<html>\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
        struct wire_mta_sts_policy policy;
        struct wire_error error = {NULL, 0};
        int r = wire_mta_sts_policy_parse(slice_text(cases[i].text), &policy, &error);

        if ((r == 0) != (cases[i].read != NULL) || (r < 0 && !error.what))
            fail_msg("%s: %d", cases[i].text, r);
        if (r < 0)
            continue;
        wire_mta_sts_policy_format(&again, &policy);
        if (!slice_equal(buffer_slice(&again), slice_text(cases[i].read)))
            fail_msg("%s", cases[i].text);
    }
}

static void an_error_says_which_line(void **state)
{
    struct wire_mta_sts_policy policy;
    struct wire_error error;

    (void)state;
    assert_int_equal(wire_mta_sts_policy_parse(SLICE(HEAD "mx: *\n" TAIL), &policy, &error),
                     -EBADMSG);
    assert_int_equal(error.offset, sizeof HEAD - 1);
}

/* Whatever is cut off: what is read of it is never a policy that demands less of a host. */
static void every_cut_is_refused_or_whole(void **state)
{
    static const struct slice text = {HEAD MX TAIL, sizeof(HEAD MX TAIL) - 1};
    struct wire_mta_sts_policy policy;
    struct wire_error error;

    (void)state;
    for (size_t size = 0; size < text.size; size++)
        if (wire_mta_sts_policy_parse(slice_part(text, 0, size), &policy, &error) == 0)
            assert_true(size > text.size - 6); /* within the digits of max_age */
}

static void bounds_patterns_and_size(void **state)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct wire_mta_sts_policy policy;
    struct wire_error error;

    (void)state;
    buffer_printf(&text, HEAD TAIL);
    for (int i = 0; i < LIMIT_STS_PATTERNS; i++)
        buffer_printf(&text, "mx: mx%d.example.com\n", i);
    assert_int_equal(wire_mta_sts_policy_parse(buffer_slice(&text), &policy, &error), 0);
    assert_int_equal(policy.pattern_count, LIMIT_STS_PATTERNS);
    buffer_printf(&text, "mx: more.example.com\n");
    assert_int_equal(wire_mta_sts_policy_parse(buffer_slice(&text), &policy, &error), -EBADMSG);

    text.size = 0;
    buffer_printf(&text, HEAD MX TAIL "foo: ");
    while (text.size < LIMIT_STS_POLICY_BYTES)
        buffer_add_byte(&text, 'x');
    assert_int_equal(wire_mta_sts_policy_parse(buffer_slice(&text), &policy, &error), 0);
    buffer_add_byte(&text, 'x');
    assert_int_equal(wire_mta_sts_policy_parse(buffer_slice(&text), &policy, &error), -EBADMSG);
}

static void matches_hosts(void **state)
{
    static const struct {
        const char *pattern, *host;
        bool matches;
    } cases[] = {
        {"mail.example.com", "mail.example.com", true},
        {"Mail.Example.COM", "mail.example.com", true},
        {"mail.example.com", "mail.example.com.", true},
        {"mail.example.com", "xmail.example.com", false},
        {"mail.example.com", "example.com", false},
        {"*.example.com", "mail.example.com", true},
        {"*.example.com", "MAIL.EXAMPLE.COM.", true},
        {"*.example.com", "example.com", false},
        {"*.example.com", "a.b.example.com", false},
        {"*.example.com", "mail.example.com.evil", false},
        {"*.example.com", ".example.com", false},
        {"*.example.com", "mailexample.com", false},
        {"*.com", "example.com", true},
        {"example.com", "", false},
        {"*.example.com", "", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (wire_mta_sts_pattern_matches(slice_text(cases[i].pattern), slice_text(cases[i].host)) !=
            cases[i].matches)
            fail_msg("%s %s", cases[i].pattern, cases[i].host);
}

/* --- The corpus --- */

/* Undoes the escapes of a case in place (SOURCE.txt of the corpus): \n, and {a*N}. */
static void unescape(struct slice text, struct buffer *out)
{
    char letter;
    int count;

    while (text.size) {
        if (slice_starts(text, SLICE("\\n"))) {
            buffer_add_byte(out, '\n');
            text = slice_part(text, 2, text.size);
        } else if (sscanf(text.data, "{%c*%d}", &letter, &count) == 2) {
            for (int i = 0; i < count; i++)
                buffer_add_byte(out, letter);
            text = slice_part(text, (size_t)slice_find(text, '}') + 1, text.size);
        } else {
            buffer_add_byte(out, text.data[0]);
            text = slice_part(text, 1, text.size);
        }
    }
}

/* "a / b" are two records; expected is "id X" or "none". */
static bool record_case(struct slice input, struct slice expected)
{
    struct wire_mta_sts_records records = {.count = 0};
    struct slice id = SLICE_NONE;
    ssize_t between;

    while ((between = slice_find_slice(input, SLICE(" / "))) >= 0) {
        wire_mta_sts_records_add(&records, slice_part(input, 0, (size_t)between));
        input = slice_part(input, (size_t)between + 3, input.size);
    }
    wire_mta_sts_records_add(&records, input);
    if (wire_mta_sts_records_id(&records, &id) < 0)
        return slice_starts(expected, SLICE("none"));
    return slice_starts(expected, SLICE("id ")) &&
           slice_equal(id, slice_part(expected, 3, expected.size));
}

static bool policy_case(struct slice input, struct slice expected)
{
    struct wire_mta_sts_policy policy;
    struct wire_error error;

    if (wire_mta_sts_policy_parse(input, &policy, &error) < 0)
        return slice_starts(expected, SLICE("invalid"));
    if (slice_starts(expected, SLICE("invalid or capped")))
        return policy.max_age_s == WIRE_MTA_STS_MAX_AGE_S;
    if (slice_starts(expected, SLICE("first mode")) || slice_starts(expected, SLICE("valid")))
        return policy.mode == WIRE_MTA_STS_ENFORCE;
    return slice_starts(expected, slice_text(wire_mta_sts_mode_name(policy.mode)));
}

/* "pattern P host H" */
static bool match_case(struct slice input, struct slice expected)
{
    struct slice word, pattern;

    slice_cut(&input, ' ', &word);
    slice_cut(&input, ' ', &pattern);
    slice_cut(&input, ' ', &word);
    return wire_mta_sts_pattern_matches(pattern, input) == slice_equal(expected, SLICE("match"));
}

static void run_case(struct slice line, size_t *ran)
{
    CLEANUP(buffer_done) struct buffer input = BUFFER_NONE;
    struct slice id, kind, text, expected;
    bool good = true;

    slice_cut(&line, '\t', &id);
    slice_cut(&line, '\t', &kind);
    slice_cut(&line, '\t', &text);
    slice_cut(&line, '\t', &expected);
    unescape(text, &input);
    if (slice_equal(kind, SLICE("txt")) && !slice_starts(text, SLICE("NXDOMAIN")))
        good = record_case(buffer_slice(&input), expected);
    else if (slice_equal(kind, SLICE("policy")))
        good = policy_case(buffer_slice(&input), expected);
    else if (slice_equal(kind, SLICE("match")))
        good = match_case(buffer_slice(&input), expected);
    else
        return; /* fetching, and the life of a policy, are tested where they happen */
    if (!good)
        fail_msg("case %.*s", SLICE_ARG(id));
    (*ran)++;
}

static void agrees_with_the_corpus(void **state)
{
    CLEANUP(globfree) glob_t files = corpora_files("mta-sts/cases.tsv");
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct slice rest, line;
    size_t ran = 0;

    (void)state;
    corpora_read(files.gl_pathv[0], &text);
    buffer_add_byte(&text, 0);
    rest = slice_of(text.data, text.size - 1);
    while (slice_cut(&rest, '\n', &line))
        run_case(line, &ran);
    assert_true(ran >= 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_records),
        cmocka_unit_test(one_record_counts),
        cmocka_unit_test(reads_policies),
        cmocka_unit_test(an_error_says_which_line),
        cmocka_unit_test(every_cut_is_refused_or_whole),
        cmocka_unit_test(bounds_patterns_and_size),
        cmocka_unit_test(matches_hosts),
        cmocka_unit_test(agrees_with_the_corpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
