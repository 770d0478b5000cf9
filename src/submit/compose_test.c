#include "submit/compose.h"

#include "wire/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct address desk = {.local = {"desk", 4}, .domain = {"library.example", 15}};
static const struct address readers[] = {
    {.local = {"a", 1}, .domain = {"one.example", 11}},
    {.local = {"b c", 3}, .domain = {"two.example", 11}, .local_quoted = true},
};

static struct compose_fields fields_of(const char *subject, const char *text)
{
    return (struct compose_fields){.from = desk,
                                   .to = readers,
                                   .to_count = ARRAY_LEN(readers),
                                   .subject = slice_text(subject),
                                   .text = slice_text(text)};
}

static void assert_message(const struct compose_fields *fields, const char *expected)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    const char *field = NULL;

    assert_int_equal(compose_message(fields, &out, &field), 0);
    if (!slice_equal(buffer_slice(&out), slice_text(expected)))
        fail_msg("\n%.*s", SLICE_ARG(buffer_slice(&out)));
}

static void plain_text_stays_plain(void **state)
{
    struct compose_fields fields =
        fields_of("A hold is ready", "Dear reader,\n\nit waits.\r\n.\nBye");

    (void)state;
    fields.from_name = SLICE("The desk");
    assert_message(&fields, "From: The desk\r\n <desk@library.example>\r\n"
                            "To: <a@one.example>,\r\n <\"b c\"@two.example>\r\n"
                            "Subject: A hold is ready\r\n"
                            "MIME-Version: 1.0\r\n"
                            "Content-Type: text/plain; charset=utf-8\r\n"
                            "Content-Transfer-Encoding: 7bit\r\n\r\n"
                            "Dear reader,\r\n\r\nit waits.\r\n.\r\nBye\r\n");
}

static void other_text_is_encoded(void **state)
{
    struct compose_fields fields = fields_of("Grüße", "Käse\n");

    (void)state;
    fields.to_count = 1;
    fields.from_name = SLICE("Bücherei, Mitte");
    assert_message(&fields,
                   "From: =?utf-8?B?QsO8Y2hlcmVpLCBNaXR0ZQ==?=\r\n <desk@library.example>\r\n"
                   "To: <a@one.example>\r\n"
                   "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"
                   "MIME-Version: 1.0\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\n"
                   "Content-Transfer-Encoding: base64\r\n\r\n"
                   "S8Okc2UNCg==\r\n");
}

static void what_could_break_out_is_refused(void **state)
{
    static const struct {
        const char *subject, *text, *field;
    } cases[] = {
        {"x\r\nBcc: b@victim.example", "", "subject"},
        {"x\ny", "", "subject"},
        {"x\x1b", "", "subject"},
        {"caf\xe9", "", "subject"},
        {"", "caf\xe9", "text"},
        {"", "a\x01", "text"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct compose_fields fields = fields_of(cases[i].subject, cases[i].text);
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
        const char *field = NULL;

        assert_int_equal(compose_message(&fields, &out, &field), -EINVAL);
        assert_string_equal(field, cases[i].field);
        assert_int_equal(out.size, 0);
    }
}

static void assert_lines(struct slice message)
{
    struct slice line;
    bool more = true;

    while (more) {
        more = slice_cut(&message, '\n', &line);
        assert_true(line.size <= 77);
        if (more)
            assert_int_equal(line.data[line.size - 1], '\r');
    }
}

/* Any length, any character at the seams: lines stay short, and the words hold whole characters. */
static void long_subjects_are_folded(void **state)
{
    char subject[400];

    (void)state;
    for (size_t size = 1; size < 300; size++) {
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
        struct compose_fields fields = fields_of("", "");
        const char *field;
        size_t used = 0;

        while (used < size)
            used += (size_t)snprintf(subject + used, sizeof subject - used, "%s",
                                     used % 3 ? "ü" : "€x");
        fields.subject = slice_of(subject, used);
        assert_int_equal(compose_message(&fields, &out, &field), 0);
        assert_lines(buffer_slice(&out));
    }
}

static void a_bare_cr_does_not_leave_in_clear(void **state)
{
    struct compose_fields fields = fields_of("", "a\rb\n");
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    const char *field;

    (void)state;
    assert_int_equal(compose_message(&fields, &out, &field), 0);
    assert_true(slice_find_slice(buffer_slice(&out), SLICE("base64")) > 0);
}

static void what_looks_encoded_is_encoded(void **state)
{
    struct compose_fields fields = fields_of("=?utf-8?Q?x?=", "");
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    const char *field;

    (void)state;
    assert_int_equal(compose_message(&fields, &out, &field), 0);
    assert_true(slice_find_slice(buffer_slice(&out), SLICE("Subject: =?utf-8?B?PT91")) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays_plain),
        cmocka_unit_test(other_text_is_encoded),
        cmocka_unit_test(what_could_break_out_is_refused),
        cmocka_unit_test(long_subjects_are_folded),
        cmocka_unit_test(a_bare_cr_does_not_leave_in_clear),
        cmocka_unit_test(what_looks_encoded_is_encoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
