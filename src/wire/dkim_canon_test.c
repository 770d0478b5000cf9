#include "wire/dkim_canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void add(void *context, struct slice bytes)
{
    buffer_add(context, bytes);
}

static void canonicalize(enum wire_canon mode, struct slice first, struct slice second,
                         struct buffer *out)
{
    struct wire_canon_body b;

    out->size = 0;
    wire_canon_body_init(&b, mode, add, out);
    wire_canon_body_add(&b, first);
    wire_canon_body_add(&b, second);
    wire_canon_body_finish(&b);
}

/* RFC 6376 §3.4.5 */
static void agrees_with_the_rfc(void **state)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    struct slice a = SLICE("A: X\r\n"), b = SLICE("B : Y\t\r\n\tZ  \r\n"),
                 body = SLICE(" C \r\nD \t E\r\n\r\n\r\n");

    (void)state;
    wire_canon_header(WIRE_CANON_RELAXED, a, &out);
    wire_canon_header(WIRE_CANON_RELAXED, b, &out);
    assert_true(slice_equal(buffer_slice(&out), SLICE("a:X\r\nb:Y Z\r\n")));
    canonicalize(WIRE_CANON_RELAXED, body, SLICE_NONE, &out);
    assert_true(slice_equal(buffer_slice(&out), SLICE(" C\r\nD E\r\n")));

    out.size = 0;
    wire_canon_header(WIRE_CANON_SIMPLE, a, &out);
    wire_canon_header(WIRE_CANON_SIMPLE, b, &out);
    assert_true(slice_equal(buffer_slice(&out), SLICE("A: X\r\nB : Y\t\r\n\tZ  \r\n")));
    canonicalize(WIRE_CANON_SIMPLE, body, SLICE_NONE, &out);
    assert_true(slice_equal(buffer_slice(&out), SLICE(" C \r\nD \t E\r\n")));
}

static void relaxes_headers(void **state)
{
    static const struct {
        const char *field, *canonical;
    } cases[] = {
        {"Subject: a\r\n", "subject:a\r\n"},
        {"SUBJECT \t:\t a  b\t\tc \t\r\n", "subject:a b c\r\n"},
        {"Subject:\r\n folded\r\n\tagain \r\n", "subject:folded again\r\n"},
        {"Subject: a \r\n \r\n b\r\n", "subject:a b\r\n"},
        {"Subject:\r\n", "subject:\r\n"},
        {"Subject: \t\r\n \r\n", "subject:\r\n"},
        {"X: a: b :c\r\n", "x:a: b :c\r\n"},
        {"X: a", "x:a\r\n"},
        {"X: a\rb\nc\r\n", "x:a\rb\nc\r\n"},
        {"X: \xc3\x89 \xff\r\n", "x:\xc3\x89 \xff\r\n"},
        {"No colon \r\n", "no colon\r\n"},
        {"", "\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

        wire_canon_header(WIRE_CANON_RELAXED, slice_text(cases[i].field), &out);
        assert_true(slice_equal(buffer_slice(&out), slice_text(cases[i].canonical)));
    }
}

static const struct {
    const char *body, *simple, *relaxed;
} bodies[] = {
    {"", "\r\n", ""},
    {"\r\n", "\r\n", ""},
    {"\r\n\r\n\r\n", "\r\n", ""},
    {" \t\r\n\t\r\n", " \t\r\n\t\r\n", ""},
    {"a", "a\r\n", "a\r\n"},
    {"a\r\n", "a\r\n", "a\r\n"},
    {"a\r\n\r\n \r\n", "a\r\n\r\n \r\n", "a\r\n"},
    {"\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
    {"a \t b\t\tc\r\n", "a \t b\t\tc\r\n", "a b c\r\n"},
    {"\ta\r\n", "\ta\r\n", " a\r\n"},
    {"  a  \r\n  \r\n b", "  a  \r\n  \r\n b\r\n", " a\r\n\r\n b\r\n"},
    {"a \r", "a \r\r\n", "a \r\r\n"},
    {"a\r\r\nb", "a\r\r\nb\r\n", "a\r\r\nb\r\n"},
    {"a\r\n\r", "a\r\n\r\r\n", "a\r\n\r\r\n"},
    {"a \rb\nc \n", "a \rb\nc \n\r\n", "a \rb\nc \n\r\n"},
    {"\n\r\n", "\n\r\n", "\n\r\n"},
    {"a \r \r\n", "a \r \r\n", "a \r\r\n"},
    {"a  ", "a  \r\n", "a \r\n"}, /* no CR LF: not the end of a line */
    {"\r\n\t ", "\r\n\t \r\n", "\r\n \r\n"},
    {"sixteen bytes are one step, and one tab\there: 0123456789abcdef0123456789\r\n\r\n",
     "sixteen bytes are one step, and one tab\there: 0123456789abcdef0123456789\r\n",
     "sixteen bytes are one step, and one tab here: 0123456789abcdef0123456789\r\n"},
    {"0123456789abcde  0123456789abcdef0123456789abcd \r\n0123456789abcdef0123456789abcde \t \r\n.",
     "0123456789abcde  0123456789abcdef0123456789abcd \r\n0123456789abcdef0123456789abcde \t \r\n."
     "\r\n",
     "0123456789abcde 0123456789abcdef0123456789abcd\r\n0123456789abcdef0123456789abcde\r\n.\r\n"},
};

static void canonicalizes_bodies_split_at_every_byte(void **state)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct slice body = slice_text(bodies[i].body);

        for (size_t at = 0; at <= body.size; at++) {
            struct slice first = slice_part(body, 0, at), second = slice_part(body, at, body.size);

            canonicalize(WIRE_CANON_SIMPLE, first, second, &out);
            assert_true(slice_equal(buffer_slice(&out), slice_text(bodies[i].simple)));
            canonicalize(WIRE_CANON_RELAXED, first, second, &out);
            assert_true(slice_equal(buffer_slice(&out), slice_text(bodies[i].relaxed)));
        }
    }
}

/* Appends a line with its white space reduced; a line that has its end loses what stands before it.
 */
static void relax_line(struct slice line, bool ended, struct buffer *out)
{
    bool space = false;

    for (size_t i = 0; i < line.size; i++) {
        bool blank = line.data[i] == ' ' || line.data[i] == '\t';

        if (space && !blank)
            buffer_add_byte(out, ' ');
        if (!blank)
            buffer_add_byte(out, line.data[i]);
        space = blank;
    }
    if (space && !ended)
        buffer_add_byte(out, ' ');
    if (ended)
        buffer_add(out, SLICE("\r\n"));
}

/* The rule of RFC 6376 §3.4.4 as plainly as it can be written, for a body that is all there. */
static void relax_plainly(struct slice body, struct buffer *out)
{
    ssize_t at;

    out->size = 0;
    while ((at = slice_find_slice(body, SLICE("\r\n"))) >= 0) {
        relax_line(slice_part(body, 0, (size_t)at), true, out);
        body = slice_part(body, (size_t)at + 2, body.size);
    }
    relax_line(body, false, out);
    while (out->size >= 2 && memcmp(out->data + out->size - 2, "\r\n", 2) == 0)
        out->size -= 2;
    if (out->size)
        buffer_add(out, SLICE("\r\n"));
}

/* All texts of six signs out of six, in pieces that end everywhere: 46,656 bodies. */
static void agrees_with_the_plain_rule(void **state)
{
    static const char signs[] = {'a', ' ', '\t', '\r', '\n', '.'};
    enum { SIZE = 6, BODIES = 6 * 6 * 6 * 6 * 6 * 6 };
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer plain = BUFFER_NONE;

    (void)state;
    for (unsigned number = 0; number < BODIES; number++) {
        char text[SIZE];
        unsigned rest = number;
        size_t split = number % (SIZE + 1);

        for (size_t i = 0; i < SIZE; i++, rest /= 6)
            text[i] = signs[rest % 6];
        relax_plainly(slice_of(text, SIZE), &plain);
        canonicalize(WIRE_CANON_RELAXED, slice_of(text, split),
                     slice_of(text + split, SIZE - split), &out);
        assert_true(slice_equal(buffer_slice(&out), buffer_slice(&plain)));
    }
}

/* Long texts of words, blanks and line ends, some drawn out: blocks, runs and gathered pieces meet
 * in all ways. */
static void write_text(unsigned seed, struct buffer *out)
{
    static const char *const parts[] = {"word", " ", "  ", "\t",
                                        "\r\n", ".", "\r", "longer words "};

    out->size = 0;
    for (int i = 0; i < 60; i++) {
        seed = seed * 1103515245 + 12345;
        for (unsigned j = 0; j <= (seed >> 28 == 0 ? seed >> 20 & 63 : 0); j++)
            buffer_add(out, slice_text(parts[seed >> 16 & 7]));
    }
}

static void agrees_with_the_plain_rule_at_length(void **state)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer plain = BUFFER_NONE;

    (void)state;
    for (unsigned seed = 0; seed < 3000; seed++) {
        struct slice body;

        write_text(seed, &text);
        body = buffer_slice(&text);
        relax_plainly(body, &plain);
        canonicalize(WIRE_CANON_RELAXED, slice_part(body, 0, seed % body.size),
                     slice_part(body, seed % body.size, body.size), &out);
        assert_true(slice_equal(buffer_slice(&out), buffer_slice(&plain)));
    }
}

static void count_calls(void *context, struct slice bytes)
{
    size_t *calls = context;

    assert_true(bytes.size > 0);
    (*calls)++;
}

/* What need not change goes out as it lies, and small pieces are gathered. */
static void emits_large_runs(void **state)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct wire_canon_body b;
    size_t calls = 0;

    (void)state;
    for (int i = 0; i < 1000; i++)
        buffer_printf(&body, "An ordinary line of text, number %d.\r\n\r\n", i);
    wire_canon_body_init(&b, WIRE_CANON_RELAXED, count_calls, &calls);
    wire_canon_body_add(&b, buffer_slice(&body));
    wire_canon_body_finish(&b);
    assert_int_equal(calls, 2); /* the text, and the last line end */

    calls = 0;
    wire_canon_body_init(&b, WIRE_CANON_RELAXED, count_calls, &calls);
    for (size_t i = 0; i < body.size; i++)
        wire_canon_body_add(&b, slice_of(body.data + i, 1));
    wire_canon_body_finish(&b);
    assert_true(calls <= body.size / WIRE_CANON_GATHER_BYTES + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_rfc),
        cmocka_unit_test(relaxes_headers),
        cmocka_unit_test(canonicalizes_bodies_split_at_every_byte),
        cmocka_unit_test(agrees_with_the_plain_rule),
        cmocka_unit_test(agrees_with_the_plain_rule_at_length),
        cmocka_unit_test(emits_large_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
