#include "wire/dkim_canon.h"

#include <endian.h>

static const struct slice LINE_END = {"\r\n", 2};

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool ends_line(struct slice s)
{
    return s.size >= 2 && s.data[s.size - 2] == '\r' && s.data[s.size - 1] == '\n';
}

/* --- Header (RFC 6376 §3.4.1, §3.4.2) --- */

static size_t lower_case(struct slice name, char *out)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];

        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return name.size;
}

/* Writes the value with its lines joined and each run of blanks as one space, none at its ends.
 * `out` has room for value.size bytes. */
static size_t relax_value(struct slice value, char *out)
{
    const char *in = value.data, *end = in + value.size;
    bool space = false;
    char *at = out;

    while (in < end) {
        if (is_space(*in)) {
            space = true;
            in++;
            continue;
        }
        if (*in == '\r' && in + 1 < end && in[1] == '\n') {
            in += 2;
            continue;
        }
        if (space && at > out)
            *at++ = ' ';
        space = false;
        do
            *at++ = *in++;
        while (in < end && (unsigned char)*in > ' '); /* most bytes are of words */
    }
    return (size_t)(at - out);
}

static struct slice trim_spaces_after(struct slice s)
{
    while (s.size && is_space(s.data[s.size - 1]))
        s.size--;
    return s;
}

static void relax_header(struct slice field, struct buffer *out)
{
    struct slice name;
    bool colon;
    char *at;

    if (ends_line(field))
        field.size -= 2;
    at = buffer_reserve(out, field.size + LINE_END.size);
    colon = slice_cut(&field, ':', &name);
    at += lower_case(trim_spaces_after(name), at);
    if (colon) {
        *at++ = ':';
        at += relax_value(field, at);
    }
    *at++ = '\r';
    *at++ = '\n';
    out->size = (size_t)(at - out->data);
}

void wire_canon_header(enum wire_canon mode, struct slice field, struct buffer *out)
{
    if (mode == WIRE_CANON_RELAXED) {
        relax_header(field, out);
        return;
    }
    buffer_add(out, field);
    if (!ends_line(field))
        buffer_add(out, LINE_END);
}

/* --- Body (RFC 6376 §3.4.3, §3.4.4) --- */

void wire_canon_body_init(struct wire_canon_body *b, enum wire_canon mode, wire_canon_emit *emit,
                          void *context)
{
    b->mode = mode;
    b->emit = emit;
    b->context = context;
    b->line_ends_held = 0;
    b->cr_held = b->space_held = b->anything = false;
    b->gathered = 0;
}

static void emit_gathered(struct wire_canon_body *b)
{
    if (b->gathered)
        b->emit(b->context, slice_of(b->gather, b->gathered));
    b->gathered = 0;
}

/* Large runs go out as they lie; a hash is slow in many small steps, so small ones are gathered. */
static void emit_run(struct wire_canon_body *b, struct slice run)
{
    enum { RUN_LARGE = WIRE_CANON_GATHER_BYTES / 4 };

    b->anything = true;
    if (run.size > sizeof b->gather - b->gathered || run.size >= RUN_LARGE)
        emit_gathered(b);
    if (run.size >= RUN_LARGE) {
        b->emit(b->context, run);
        return;
    }
    memcpy(b->gather + b->gathered, run.data, run.size);
    b->gathered += run.size;
}

/* More of the body follows, so the line ends and the white space before it were not its end. */
static void emit_held(struct wire_canon_body *b)
{
    for (; b->line_ends_held; b->line_ends_held--)
        emit_run(b, LINE_END);
    if (b->space_held)
        emit_run(b, SLICE(" "));
    b->space_held = false;
}

/* Sixteen bytes at a time, in whatever registers the machine has. */
typedef signed char lane __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

static inline lane lane_load(const char *at)
{
    lane bytes;

    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* All ones where relaxed form differs from the text: a tab, or a space before a blank or a CR.
 * Reads one byte past the sixteen. */
static inline lane lane_irregular(const char *at)
{
    lane here = lane_load(at), after = lane_load(at + 1);

    return (here == '\t') | ((here == ' ') & ((after == ' ') | (after == '\t') | (after == '\r')));
}

static inline bool lane_any(lane found)
{
    halves both = (halves)found;

    return (both[0] | both[1]) != 0;
}

/* The position of the first byte that is not zero; there is one. */
static inline size_t lane_first(lane found)
{
    halves both = (halves)found;

    if (both[0])
        return (size_t)__builtin_ctzll(le64toh(both[0])) / 8;
    return 8 + (size_t)__builtin_ctzll(le64toh(both[1])) / 8;
}

/* The same for one byte; a space at the end of the piece may turn out to be either. */
static bool is_irregular(const char *at, const char *end)
{
    if (*at == '\t')
        return true;
    return *at == ' ' && (at + 1 == end || is_space(at[1]) || at[1] == '\r');
}

/* How many bytes at the front relaxed form leaves as they are, the ends of lines not considered. */
static size_t regular_size(struct slice text)
{
    const char *at = text.data, *end = at + text.size;

    while ((size_t)(end - at) > 2 * sizeof(lane) &&
           !lane_any(lane_irregular(at) | lane_irregular(at + sizeof(lane))))
        at += 2 * sizeof(lane);
    for (; (size_t)(end - at) > sizeof(lane); at += sizeof(lane)) {
        lane found = lane_irregular(at);

        if (lane_any(found))
            return (size_t)(at - text.data) + lane_first(found);
    }
    while (at < end && !is_irregular(at, end))
        at++;
    return (size_t)(at - text.data);
}

/* Without the line ends, and the CR that may begin one, at the end: they may end the body. */
static struct slice trim_line_ends(struct slice run)
{
    if (run.size && run.data[run.size - 1] == '\r')
        run.size--;
    while (ends_line(run))
        run.size -= 2;
    return run;
}

/* Emits the run that begins with this ordinary byte; yields its size, which is at least 1. */
static size_t take_run(struct wire_canon_body *b, struct slice text)
{
    struct slice run = text;

    if (b->mode == WIRE_CANON_RELAXED)
        run.size = regular_size(text);
    run = trim_line_ends(run);
    emit_held(b);
    emit_run(b, run);
    return run.size;
}

static void end_line(struct wire_canon_body *b)
{
    b->line_ends_held++;
    b->space_held = false;
}

/* The byte after a CR that ended the last piece: with LF it ends the line, with any other the CR
 * was ordinary. True if the byte is used up. */
static bool settle_cr(struct wire_canon_body *b, char c)
{
    b->cr_held = false;
    if (c == '\n') {
        end_line(b);
        return true;
    }
    emit_held(b);
    emit_run(b, SLICE("\r"));
    return false;
}

static size_t take_cr(struct wire_canon_body *b, struct slice text)
{
    if (text.size == 1 || text.data[1] != '\n') {
        b->cr_held = true;
        return 1;
    }
    end_line(b);
    return 2;
}

static size_t take_spaces(struct wire_canon_body *b, struct slice text)
{
    size_t size = 1;

    while (size < text.size && is_space(text.data[size]))
        size++;
    b->space_held = true;
    return size;
}

/* Takes what may have to be held, or the run that begins here; yields the size. */
static size_t take(struct wire_canon_body *b, struct slice text)
{
    char c = text.data[0];

    if (b->cr_held && settle_cr(b, c))
        return 1;
    if (c == '\r')
        return take_cr(b, text);
    if (b->mode == WIRE_CANON_RELAXED && is_space(c))
        return take_spaces(b, text);
    return take_run(b, text);
}

void wire_canon_body_add(struct wire_canon_body *b, struct slice piece)
{
    while (piece.size) {
        size_t taken = take(b, piece);

        piece = slice_of(piece.data + taken, piece.size - taken);
    }
}

void wire_canon_body_finish(struct wire_canon_body *b)
{
    if (b->cr_held)
        settle_cr(b, 0);
    /* White space on a last line that has no CR LF is not "at the end of a line". */
    if (b->space_held)
        emit_held(b);
    if (b->anything || b->mode == WIRE_CANON_SIMPLE)
        emit_run(b, LINE_END);
    emit_gathered(b);
}
