/* DATA: in pieces it decodes as it does whole; what is kept can be sent again and means the same;
 * the end is where a plain search finds the first CR LF . CR LF. The first byte gives the size of
 * the pieces. */
#include "fuzz.h"

#include "wire/smtp_data.h"

enum { SIZE_MAX_BYTES = 4000 };

struct outcome {
    struct data_decoder decoder;
    struct buffer out;
    size_t used;
    bool end;
};

static void outcome_done(struct outcome *o)
{
    buffer_done(&o->out);
}

static void decode(struct slice input, size_t step, struct outcome *o)
{
    size_t used;

    data_decoder_init(&o->decoder, SIZE_MAX_BYTES);
    while (!o->end && o->used < input.size) {
        struct slice piece = slice_part(input, o->used, step ? step : input.size);

        o->end = data_decoder_feed(&o->decoder, piece, &o->out, &used);
        fuzz_check(o->end || used == piece.size);
        o->used += used;
    }
}

/* The bytes up to the end of the data by the letter of RFC 5321 §4.1.1.4; 0 when it is missing. */
static size_t plain_end(struct slice input)
{
    ssize_t at = slice_find_slice(input, SLICE("\r\n.\r\n"));

    if (slice_starts(input, SLICE(".\r\n")))
        return 3;
    return at < 0 ? 0 : (size_t)at + 5;
}

static void check_round_trip(struct slice message)
{
    CLEANUP(buffer_done) struct buffer wire = BUFFER_NONE;
    CLEANUP(outcome_done) struct outcome again = {.out = BUFFER_NONE};
    struct data_encoder e;
    struct iovec pieces[3];
    int n;

    data_encoder_init(&e, message);
    while ((n = wire_data_encode(&e, pieces, 3)) > 0)
        for (int i = 0; i < n; i++)
            buffer_add(&wire, slice_of(pieces[i].iov_base, pieces[i].iov_len));
    fuzz_check(n == 0 && plain_end(buffer_slice(&wire)) == wire.size);
    decode(buffer_slice(&wire), 0, &again);
    fuzz_check(again.end && slice_equal(buffer_slice(&again.out), message));
}

/* Nothing is a fault, the end is where it was, and no more is kept than may be. */
static void check_lenient(struct slice input, size_t step)
{
    CLEANUP(buffer_done) struct buffer whole = BUFFER_NONE, pieces = BUFFER_NONE;
    struct data_decoder d;
    size_t used = 0, at = 0;
    bool whole_end, end = false;

    data_decoder_init(&d, SIZE_MAX_BYTES);
    d.lenient = true;
    whole_end = data_decoder_feed(&d, input, &whole, &used);
    fuzz_check(d.fault == DATA_FAULT_NONE && whole.size <= SIZE_MAX_BYTES);
    fuzz_check(whole_end == (plain_end(input) > 0));
    data_decoder_init(&d, SIZE_MAX_BYTES);
    d.lenient = true;
    while (!end && at < input.size) {
        end =
            data_decoder_feed(&d, slice_part(input, at, step ? step : input.size), &pieces, &used);
        at += used;
    }
    fuzz_check(end == whole_end);
    fuzz_check(!end || slice_equal(buffer_slice(&whole), buffer_slice(&pieces)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(outcome_done) struct outcome whole = {.out = BUFFER_NONE};
    CLEANUP(outcome_done) struct outcome pieces = {.out = BUFFER_NONE};
    struct slice input = slice_of(data, size);
    size_t step = fuzz_byte(&input);
    struct wire_error error;

    check_lenient(input, step);
    decode(input, 0, &whole);
    decode(input, step, &pieces);
    fuzz_check(whole.end == pieces.end && whole.used == pieces.used);
    fuzz_check((whole.decoder.fault == 0) == (pieces.decoder.fault == 0));
    fuzz_check(whole.end == (plain_end(input) > 0));
    fuzz_check(!whole.end || whole.used == plain_end(input));
    if (!whole.end || whole.decoder.fault != DATA_FAULT_NONE)
        return 0;
    fuzz_check(slice_equal(buffer_slice(&whole.out), buffer_slice(&pieces.out)));
    fuzz_check(whole.out.size <= SIZE_MAX_BYTES);
    fuzz_check(wire_data_check(buffer_slice(&whole.out), &error) == 0);
    check_round_trip(buffer_slice(&whole.out));
    return 0;
}
