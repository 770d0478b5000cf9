/* Canonical forms: a body in pieces comes out as the whole does; the canonical form of a canonical
 * form is itself; relaxed form holds neither a tab nor two blanks in a row. */
#include "fuzz.h"

#include "wire/dkim_canon.h"

static void add(void *context, struct slice bytes)
{
    fuzz_check(bytes.size > 0);
    buffer_add(context, bytes);
}

/* In pieces of `step` bytes; 0 stands for all at once. */
static void canonicalize(enum wire_canon mode, struct slice body, size_t step, struct buffer *out)
{
    struct wire_canon_body b;

    out->size = 0;
    wire_canon_body_init(&b, mode, add, out);
    for (size_t at = 0; at < body.size; at += step ? step : body.size)
        wire_canon_body_add(&b, slice_part(body, at, step ? step : body.size));
    wire_canon_body_finish(&b);
}

static void check_relaxed(struct slice text)
{
    fuzz_check(slice_find(text, '\t') < 0);
    fuzz_check(slice_find_slice(text, SLICE("  ")) < 0);
}

static void check_body(enum wire_canon mode, struct slice body, size_t step)
{
    CLEANUP(buffer_done) struct buffer whole = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer other = BUFFER_NONE;

    canonicalize(mode, body, 0, &whole);
    canonicalize(mode, body, step, &other);
    fuzz_check(slice_equal(buffer_slice(&whole), buffer_slice(&other)));
    if (mode == WIRE_CANON_RELAXED)
        check_relaxed(buffer_slice(&whole));
    if (!slice_ends_nocase(body, SLICE("\r\n")))
        return; /* an unended last line keeps a blank at its end, which is gone the second time */
    canonicalize(mode, buffer_slice(&whole), 0, &other);
    fuzz_check(slice_equal(buffer_slice(&whole), buffer_slice(&other)));
}

static void check_header(enum wire_canon mode, struct slice field)
{
    CLEANUP(buffer_done) struct buffer once = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer twice = BUFFER_NONE;

    wire_canon_header(mode, field, &once);
    fuzz_check(slice_ends_nocase(buffer_slice(&once), SLICE("\r\n")));
    if (mode == WIRE_CANON_RELAXED &&
        slice_find(buffer_slice(&once), '\r') < (ssize_t)once.size - 2)
        return; /* a bare CR, which joining lines may have put before a bare LF */
    wire_canon_header(mode, buffer_slice(&once), &twice);
    fuzz_check(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
}

static void check_message(enum wire_canon mode, struct slice message)
{
    CLEANUP(buffer_done) struct buffer once = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer twice = BUFFER_NONE;
    CLEANUP(buffer_done) struct buffer thrice = BUFFER_NONE;

    if (wire_canon_message(message, mode, mode, &once) < 0) {
        fuzz_check(once.size == 0);
        return;
    }
    fuzz_check(wire_canon_message(buffer_slice(&once), mode, mode, &twice) == 0);
    fuzz_check(wire_canon_message(buffer_slice(&twice), mode, mode, &thrice) == 0);
    fuzz_check(slice_equal(buffer_slice(&twice), buffer_slice(&thrice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    size_t step = fuzz_byte(&input);

    for (enum wire_canon mode = WIRE_CANON_SIMPLE; mode <= WIRE_CANON_RELAXED; mode++) {
        check_body(mode, input, step);
        check_header(mode, input);
        check_message(mode, input);
    }
    return 0;
}
