/* Frames that carry reports to the steward: any bytes are read or refused; what is read is written
 * again to the same bytes, and lies within its bounds. */
#include "fuzz.h"

#include "submit/report_frame.h"

static void check_begin(struct slice input)
{
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct report_begin begin;

    if (report_begin_read(input, &begin) < 0)
        return;
    fuzz_check(begin.size <= LIMIT_REPORT_BYTES && begin.address.size <= LIMIT_PATH_BYTES);
    report_begin_write(&again, &begin);
    fuzz_check(slice_equal(buffer_slice(&again), input));
}

static void check_piece(struct slice input)
{
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct report_piece piece;

    if (report_piece_read(input, &piece) < 0)
        return;
    fuzz_check(piece.offset + piece.bytes.size <= LIMIT_REPORT_BYTES);
    report_piece_write(&again, &piece);
    fuzz_check(slice_equal(buffer_slice(&again), input));
}

static void check_end(struct slice input)
{
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct report_name name;

    if (report_end_read(input, &name) < 0)
        return;
    report_end_write(&again, &name);
    fuzz_check(slice_equal(buffer_slice(&again), input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(struct slice) = {check_begin, check_piece, check_end};
    struct slice input = slice_of(data, size);
    uint8_t which = fuzz_byte(&input);

    checks[which % ARRAY_LEN(checks)](input);
    return 0;
}
