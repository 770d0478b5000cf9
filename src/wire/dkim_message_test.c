#include "wire/dkim_canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/corpora_test.h"

static void canonicalizes_messages(void **state)
{
    static const struct {
        const char *message, *simple, *relaxed;
    } cases[] = {
        {"", "\r\n\r\n", "\r\n"},
        {"A: b", "A: b\r\n\r\n\r\n", "a:b\r\n\r\n"},
        {"A: b\n\n", "A: b\r\n\r\n\r\n", "a:b\r\n\r\n"},
        {"A: b\r\nC :d\n e\n\nf  g\n\n", "A: b\r\nC :d\r\n e\r\n\r\nf  g\r\n",
         "a:b\r\nc:d e\r\n\r\nf g\r\n"},
        {"\nA: b\n", "\r\nA: b\r\n", "\r\nA: b\r\n"},
        {"A: b\n\n.\r\r\n", "A: b\r\n\r\n.\r\r\n", "a:b\r\n\r\n.\r\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
        struct slice message = slice_text(cases[i].message);

        assert_int_equal(wire_canon_message(message, WIRE_CANON_SIMPLE, WIRE_CANON_SIMPLE, &out),
                         0);
        assert_true(slice_equal(buffer_slice(&out), slice_text(cases[i].simple)));
        out.size = 0;
        assert_int_equal(wire_canon_message(message, WIRE_CANON_RELAXED, WIRE_CANON_RELAXED, &out),
                         0);
        assert_true(slice_equal(buffer_slice(&out), slice_text(cases[i].relaxed)));
    }
}

static void canonicalizes_header_and_body_apart(void **state)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    struct slice message = SLICE("A: b\n\nc  d\n");

    (void)state;
    assert_int_equal(wire_canon_message(message, WIRE_CANON_RELAXED, WIRE_CANON_SIMPLE, &out), 0);
    assert_true(slice_equal(buffer_slice(&out), SLICE("a:b\r\n\r\nc  d\r\n")));
    out.size = 0;
    assert_int_equal(wire_canon_message(message, WIRE_CANON_SIMPLE, WIRE_CANON_RELAXED, &out), 0);
    assert_true(slice_equal(buffer_slice(&out), SLICE("A: b\r\n\r\nc d\r\n")));
}

static void refuses_what_is_no_header(void **state)
{
    static const char *const cases[] = {
        " continued\nA: b\n\n", "A: b\nno field\n\n", "A b: c\n\n", ": c\n\n", " : c\n\n",
        "\x01: c\n\n",          "b\xc3\xbc: c\n\n",
    };
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(
            wire_canon_message(slice_text(cases[i]), WIRE_CANON_SIMPLE, WIRE_CANON_SIMPLE, &out),
            -EBADMSG);
        assert_int_equal(out.size, 0);
    }
}

static void agrees_with_one(const char *input, const char *kind, enum wire_canon mode)
{
    CLEANUP(buffer_done) struct buffer message = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer expected = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    char path[CORPORA_PATH_BYTES + 64];

    corpora_read(input, &message);
    snprintf(path, sizeof path, "%s/dkim-canon/%s.expected.%s", corpora_folder(), kind,
             strrchr(input, '.') + 1);
    corpora_read(path, &expected);
    assert_int_equal(wire_canon_message(buffer_slice(&message), mode, mode, &out), 0);
    if (!slice_equal(buffer_slice(&out), buffer_slice(&expected)))
        fail_msg("%s differs", path);
}

static void agrees_with_the_corpus(void **state)
{
    glob_t inputs = corpora_files("dkim-canon/email.*");

    (void)state;
    for (size_t i = 0; i < inputs.gl_pathc; i++) {
        agrees_with_one(inputs.gl_pathv[i], "simple", WIRE_CANON_SIMPLE);
        agrees_with_one(inputs.gl_pathv[i], "relaxed", WIRE_CANON_RELAXED);
    }
    globfree(&inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonicalizes_messages),
        cmocka_unit_test(canonicalizes_header_and_body_apart),
        cmocka_unit_test(refuses_what_is_no_header),
        cmocka_unit_test(agrees_with_the_corpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
