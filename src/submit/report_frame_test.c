#include "submit/report_frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct report_name name = {{.ms = 77, .uuid = {1, 2, 3}}, 4};

static void write_begin(struct buffer *b)
{
    report_begin_write(b, &(struct report_begin){name, SLICE("a@b.example"), 9000, 2});
}

static int read_begin(struct slice body)
{
    struct report_begin begin;
    int r = report_begin_read(body, &begin);

    if (r == 0) {
        assert_true(report_name_equal(&begin.name, &name));
        assert_true(slice_equal(begin.address, SLICE("a@b.example")));
        assert_true(begin.size == 9000 && begin.tries == 2);
    }
    return r;
}

static void write_piece(struct buffer *b)
{
    report_piece_write(b, &(struct report_piece){name, 60, SLICE("content")});
}

static int read_piece(struct slice body)
{
    struct report_piece piece;
    int r = report_piece_read(body, &piece);

    if (r == 0) {
        assert_true(report_name_equal(&piece.name, &name));
        assert_true(piece.offset == 60 && slice_equal(piece.bytes, SLICE("content")));
    }
    return r;
}

static void write_end(struct buffer *b)
{
    report_end_write(b, &name);
}

static int read_end(struct slice body)
{
    struct report_name back;
    int r = report_end_read(body, &back);

    if (r == 0)
        assert_true(report_name_equal(&back, &name));
    return r;
}

static const struct {
    void (*write)(struct buffer *b);
    int (*read)(struct slice body);
} codecs[] = {{write_begin, read_begin}, {write_piece, read_piece}, {write_end, read_end}};

static void what_is_written_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

        codecs[i].write(&b);
        assert_int_equal(codecs[i].read(buffer_slice(&b)), 0);
        for (size_t size = 0; size < b.size; size++)
            assert_int_equal(codecs[i].read(slice_of(b.data, size)), -EBADMSG);
        buffer_add_byte(&b, 0);
        assert_int_equal(codecs[i].read(buffer_slice(&b)), -EBADMSG);
    }
}

static void sizes_have_bounds(void **state)
{
    static const char long_address[LIMIT_PATH_BYTES + 1];
    const struct report_begin begins[] = {
        {name, slice_of(long_address, sizeof long_address), 1, 0},
        {name, SLICE("a@b.example"), LIMIT_REPORT_BYTES + 1, 0},
    };
    const struct report_piece pieces[] = {
        {name, LIMIT_REPORT_BYTES + 1, SLICE("")},
        {name, LIMIT_REPORT_BYTES, SLICE("a")},
        {name, UINT32_MAX, SLICE("a")},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct report_begin back;

        report_begin_write(&b, &begins[i]);
        assert_int_equal(report_begin_read(buffer_slice(&b), &back), -EBADMSG);
    }
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct report_piece back;

        report_piece_write(&b, &pieces[i]);
        assert_int_equal(report_piece_read(buffer_slice(&b), &back), -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(sizes_have_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
