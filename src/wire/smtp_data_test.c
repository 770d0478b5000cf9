#include "wire/smtp_data.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ANYTHING "\r\n.\r\nNEXT\r\n"

static const struct {
    struct slice wire;
    enum data_fault fault;
    const char *decoded; /* without a fault */
    size_t used;
    uint64_t fault_line;
    size_t fault_column;
} cases[] = {
    {{".\r\nNEXT", 7}, DATA_FAULT_NONE, "", 3, 0, 0},
    {{"a\r\n.\r\nNEXT", 10}, DATA_FAULT_NONE, "a\r\n", 6, 0, 0},
    {{"a\r\n\r\nb\r\n.\r\n", 11}, DATA_FAULT_NONE, "a\r\n\r\nb\r\n", 11, 0, 0},
    {{"..\r\n..a\r\n...\r\n.\r\n", 17}, DATA_FAULT_NONE, ".\r\n.a\r\n..\r\n", 17, 0, 0},
    {{".a\r\n.\r\n", 7}, DATA_FAULT_NONE, "a\r\n", 7, 0, 0},
    {{"a.\r\n.\r\n", 7}, DATA_FAULT_NONE, "a.\r\n", 7, 0, 0},
    {{" .\r\n\t.\r\n.\r\n", 11}, DATA_FAULT_NONE, " .\r\n\t.\r\n", 11, 0, 0},
    {{"\x1a.\x1a\r\n.\r\n", 8}, DATA_FAULT_NONE, "\x1a.\x1a\r\n", 8, 0, 0},
    {{"x\n.\n" ANYTHING, 15}, DATA_FAULT_BARE_LF, NULL, 9, 1, 1},
    {{"x\n.\r\n" ANYTHING, 16}, DATA_FAULT_BARE_LF, NULL, 10, 1, 1},
    {{"x\r\n.\n" ANYTHING, 16}, DATA_FAULT_BARE_LF, NULL, 10, 2, 0},
    {{"x\r.\r\n" ANYTHING, 16}, DATA_FAULT_BARE_CR, NULL, 10, 1, 1},
    {{"x\r\n.\r" ANYTHING, 16}, DATA_FAULT_BARE_CR, NULL, 10, 2, 0},
    {{"x\r.\r" ANYTHING, 15}, DATA_FAULT_BARE_CR, NULL, 9, 1, 1},
    {{"x\r\n.\r\r\n" ANYTHING, 18}, DATA_FAULT_BARE_CR, NULL, 12, 2, 0},
    {{"x\r\r\n.\r\r\n" ANYTHING, 19}, DATA_FAULT_BARE_CR, NULL, 13, 1, 1},
    {{"x\r\n.\n\r\n" ANYTHING, 18}, DATA_FAULT_BARE_LF, NULL, 12, 2, 0},
    {{"x\n\n.\n\n" ANYTHING, 17}, DATA_FAULT_BARE_LF, NULL, 11, 1, 1},
    {{"x\r\n\0.\r\n" ANYTHING, 18}, DATA_FAULT_NUL, NULL, 12, 2, 0},
    {{"x\r\n.\0\r\n" ANYTHING, 18}, DATA_FAULT_NUL, NULL, 12, 2, 0},
    {{"a\r\nb\r\nc\0d" ANYTHING, 20}, DATA_FAULT_NUL, NULL, 14, 3, 1},
    {{"a\rb" ANYTHING, 14}, DATA_FAULT_BARE_CR, NULL, 8, 1, 1},
};

static void check_case(size_t i, const struct data_decoder *d, const struct buffer *out)
{
    if (d->fault != cases[i].fault)
        fail_msg("case %zu: fault %d", i, d->fault);
    if (d->fault == DATA_FAULT_NONE) {
        assert_true(slice_equal(buffer_slice(out), slice_text(cases[i].decoded)));
        return;
    }
    assert_int_equal(d->fault_line, cases[i].fault_line);
    assert_int_equal(d->fault_column, cases[i].fault_column);
}

/* Feeds the case in pieces of `first` bytes and then `rest` bytes each. */
static void run_case(size_t i, size_t first, size_t rest)
{
    CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
    struct data_decoder d;
    size_t at = 0, size = first;
    bool end = false;

    data_decoder_init(&d, 1000);
    while (!end && at < cases[i].wire.size) {
        struct slice piece = slice_part(cases[i].wire, at, size);
        size_t used = 0;

        end = data_decoder_feed(&d, piece, &out, &used);
        assert_true(end || used == piece.size);
        at += used;
        size = rest;
    }
    if (!end || at != cases[i].used)
        fail_msg("case %zu cut at %zu: end %d after %zu", i, first, end, at);
    check_case(i, &d, &out);
}

static void decodes_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t cut = 0; cut <= cases[i].wire.size; cut++)
            run_case(i, cut, cases[i].wire.size);
        run_case(i, 1, 1);
    }
}

/* What is only read here: the end is the same, nothing is a fault, and what is too long is cut. */
static void lenient_keeps_what_is_not_clean(void **state)
{
    static const struct {
        struct slice wire, kept;
    } rows[] = {
        {{"x\n.\r\n" ANYTHING, 16}, {"x\n.\r\n\r\n", 7}},
        {{"x\r.\r\r\n.\r\n", 10}, {"x\r.\r\r\n", 6}},
        {{"x\r\n.\ry\r\n.\r\n", 11}, {"x\r\n\ry\r\n", 7}},
        {{"x\r\n..y\0\r\n.\r\n", 13}, {"x\r\n.y\0\r\n", 8}},
        {{"0123456789\r\n.\r\n", 15}, {"01234567", 8}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t cut = 0; cut <= rows[i].wire.size; cut++) {
            CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
            struct data_decoder d;
            size_t used;
            bool end;

            data_decoder_init(&d, 8);
            d.lenient = true;
            end = data_decoder_feed(&d, slice_part(rows[i].wire, 0, cut), &out, &used);
            if (!end)
                end = data_decoder_feed(&d, slice_part(rows[i].wire, cut, rows[i].wire.size), &out,
                                        &used);
            assert_int_equal(d.fault, DATA_FAULT_NONE);
            if (!slice_equal(buffer_slice(&out), rows[i].kept))
                fail_msg("row %zu cut at %zu kept %zu bytes", i, cut, out.size);
        }
}

/* A line of `size` bytes and the end of the data. */
static enum data_fault fault_of_line(size_t size, uint64_t size_max, size_t *ret_kept)
{
    CLEANUP(buffer_done) struct buffer in = BUFFER_NONE, out = BUFFER_NONE;
    struct data_decoder d;
    size_t used;

    memset(buffer_reserve(&in, size), 'a', size);
    in.size = size;
    buffer_add(&in, SLICE("\r\n.\r\n"));
    data_decoder_init(&d, size_max);
    assert_true(data_decoder_feed(&d, buffer_slice(&in), &out, &used));
    assert_int_equal(used, in.size);
    *ret_kept = out.size;
    return d.fault;
}

static void bounds_lines_and_size(void **state)
{
    size_t kept;

    (void)state;
    assert_int_equal(fault_of_line(998, 1000, &kept), DATA_FAULT_NONE);
    assert_int_equal(kept, 1000);
    assert_int_equal(fault_of_line(999, 2000, &kept), DATA_FAULT_LINE_LONG);
    assert_int_equal(fault_of_line(1000000, 2000000, &kept), DATA_FAULT_LINE_LONG);
    assert_int_equal(kept, 0);
    assert_int_equal(fault_of_line(998, 999, &kept), DATA_FAULT_SIZE);
    assert_int_equal(kept, 0);
}

static void faults_have_replies(void **state)
{
    (void)state;
    for (int fault = DATA_FAULT_BARE_CR; fault <= DATA_FAULT_SIZE; fault++) {
        struct wire_reply reply = data_fault_reply((enum data_fault)fault);

        assert_int_equal(reply.code / 100, 5);
        assert_int_equal(reply.enhanced[0], '5');
        assert_non_null(reply.text);
    }
}

static void checks_messages(void **state)
{
    static const struct {
        struct slice message;
        int result;
        size_t offset;
    } messages[] = {
        {{"", 0}, 0, 0},
        {{"a\r\n.\r\nb", 7}, 0, 0},
        {{"a\r\nb\nc", 6}, -EBADMSG, 4},
        {{"a\r\nb\rc", 6}, -EBADMSG, 4},
        {{"a\r\nb\r", 5}, -EBADMSG, 4},
        {{"a\r\n\0", 4}, -EBADMSG, 3},
        {{"\0", 1}, -EBADMSG, 0},
    };

    char line[LIMIT_TEXT_LINE_BYTES + 2];
    struct wire_error error;

    (void)state;
    memset(line, 'a', sizeof line);
    assert_int_equal(wire_data_check(slice_of(line, LIMIT_TEXT_LINE_BYTES), &error), 0);
    assert_int_equal(wire_data_check(slice_of(line, LIMIT_TEXT_LINE_BYTES + 1), &error), -EBADMSG);
    memcpy(line + LIMIT_TEXT_LINE_BYTES, "\r\n", 2);
    assert_int_equal(wire_data_check(slice_of(line, sizeof line), &error), 0);
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        error = (struct wire_error){NULL, 0};

        assert_int_equal(wire_data_check(messages[i].message, &error), messages[i].result);
        assert_int_equal(error.offset, messages[i].offset);
    }
}

/* Encodes with `max` pieces at a time; -EBADMSG or the number of pieces. */
static int encode(struct slice message, int max, struct buffer *out)
{
    struct data_encoder e;
    struct iovec pieces[8];
    int total = 0, n;

    data_encoder_init(&e, message);
    while ((n = wire_data_encode(&e, pieces, max)) > 0) {
        assert_true(n <= max);
        for (int i = 0; i < n; i++)
            buffer_add(out, slice_of(pieces[i].iov_base, pieces[i].iov_len));
        total += n;
    }
    return n < 0 ? n : total;
}

static void encodes(void **state)
{
    static const struct {
        struct slice message;
        const char *wire;
        int pieces;
    } messages[] = {
        {{"", 0}, ".\r\n", 1},
        {{"a\r\n", 3}, "a\r\n.\r\n", 2},
        {{"a\r\nb", 4}, "a\r\nb\r\n.\r\n", 2},
        {{".\r\n", 3}, "..\r\n.\r\n", 3},
        {{"a\r\n.b\r\n..\r\nc.d\r\n", 16}, "a\r\n..b\r\n...\r\nc.d\r\n.\r\n", 6},
        {{"a\r\n.", 4}, "a\r\n..\r\n.\r\n", 4},
    };
    static const struct slice bad[] = {
        {"a\nb", 3}, {"a\rb", 3}, {"a\r", 2}, {"a\0b", 3}, {"\n.\n", 3}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        for (int max = 2; max <= 8; max++) {
            CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

            assert_int_equal(encode(messages[i].message, max, &out), messages[i].pieces);
            assert_true(slice_equal(buffer_slice(&out), slice_text(messages[i].wire)));
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

        assert_int_equal(encode(bad[i], 8, &out), -EBADMSG);
    }
}

/* Lines of dots and letters by a small generator; what is encoded decodes to the same bytes. */
static void round_trips(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (int round = 0; round < 300; round++) {
        CLEANUP(buffer_done) struct buffer in = BUFFER_NONE, wire = BUFFER_NONE, out = BUFFER_NONE;
        struct data_decoder d;
        size_t used;

        for (int line = 0; line < round; line++) {
            for (seed = seed * 1103515245 + 12345; seed & 0x30000; seed = seed * 1103515245 + 12345)
                buffer_add_byte(&in, seed & 0x40000 ? '.' : 'x');
            buffer_add(&in, SLICE("\r\n"));
        }
        assert_true(encode(buffer_slice(&in), 5, &wire) > 0);
        data_decoder_init(&d, in.size);
        assert_true(data_decoder_feed(&d, buffer_slice(&wire), &out, &used));
        assert_int_equal(used, wire.size);
        assert_int_equal(d.fault, DATA_FAULT_NONE);
        assert_true(slice_equal(buffer_slice(&in), buffer_slice(&out)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_cut_anywhere),  cmocka_unit_test(lenient_keeps_what_is_not_clean),
        cmocka_unit_test(bounds_lines_and_size), cmocka_unit_test(faults_have_replies),
        cmocka_unit_test(checks_messages),       cmocka_unit_test(encodes),
        cmocka_unit_test(round_trips),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
