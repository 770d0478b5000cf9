/* Replies: read in pieces they are what they are read whole; what is stored of them is one line of
 * UTF-8 within its bound. The first byte gives the size of the pieces. */
#include "fuzz.h"

#include "wire/smtp_reply.h"

/* Feeds pieces of `step` bytes (0: all) until a reply or an error; bytes used, or SIZE_MAX. */
static size_t feed(struct arena *a, struct slice input, size_t step, struct smtp_reply *ret,
                   int *ret_result)
{
    CLEANUP(reply_parser_done) struct reply_parser p = REPLY_PARSER_NONE;
    struct wire_error error = {NULL, 0};
    size_t at = 0, used;
    int r = 0;

    while (r == 0 && at < input.size) {
        struct slice piece = slice_part(input, at, step ? step : input.size);

        r = reply_parser_feed(&p, piece, &used, ret, &error);
        fuzz_check(used <= piece.size && (r != 0 || used == piece.size));
        at += used;
    }
    fuzz_check(r >= 0 || error.what != NULL);
    if (r == 1)
        *ret = wire_reply_copy(a, ret);
    *ret_result = r;
    return r < 0 ? SIZE_MAX : at;
}

static void check_stored(struct arena *a, const struct smtp_reply *reply, size_t max)
{
    struct slice text = wire_reply_escape(a, reply, max);

    fuzz_check(text.size <= max && slice_is_utf8(text));
    for (size_t i = 0; i < text.size; i++)
        fuzz_check((unsigned char)text.data[i] >= ' ' && text.data[i] != 0x7f);
}

static void check_same(const struct smtp_reply *whole, const struct smtp_reply *pieces)
{
    fuzz_check(whole->code == pieces->code && whole->line_count == pieces->line_count);
    fuzz_check(whole->status.class == pieces->status.class);
    for (size_t i = 0; i < whole->line_count; i++)
        fuzz_check(slice_equal(whole->lines[i], pieces->lines[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena a = ARENA_NONE;
    struct slice input = slice_of(data, size);
    size_t step = fuzz_byte(&input);
    struct smtp_capabilities capabilities;
    struct smtp_reply whole, pieces;
    int r, again;

    fuzz_check(feed(&a, input, 0, &whole, &r) == feed(&a, input, step, &pieces, &again));
    fuzz_check(r == again);
    if (r != 1)
        return 0;
    check_same(&whole, &pieces);
    check_stored(&a, &whole, step);
    wire_capabilities_parse(&whole, &capabilities);
    fuzz_check(wire_reply_class(whole.code) != SMTP_CLASS_NONE);
    return 0;
}
