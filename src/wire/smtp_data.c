#include "wire/smtp_data.h"

#include "base/limits.h"

/* Where the decoder stands on a line. A CR or a dot that could begin the end of the data is held
 * back until the next byte tells. */
enum { LINE_START, IN_LINE, AFTER_CR, AFTER_DOT, AFTER_DOT_CR };

struct place {
    uint64_t line;
    size_t column;
};

void data_decoder_init(struct data_decoder *d, uint64_t size_max_bytes)
{
    *d = (struct data_decoder){
        .size_max_bytes = size_max_bytes, .line_number = 1, .state = LINE_START};
}

static void note_fault(struct data_decoder *d, enum data_fault fault, struct place place)
{
    if (d->fault != DATA_FAULT_NONE || d->lenient)
        return;
    d->fault = fault;
    d->fault_line = place.line;
    d->fault_column = place.column;
}

static struct place here(const struct data_decoder *d)
{
    return (struct place){d->line_number, d->line_bytes};
}

static void end_line(struct data_decoder *d)
{
    d->line_number++;
    d->line_bytes = 0;
    d->state = LINE_START;
}

/* Counts bytes of the present line that are neither CR nor NUL; finds a bare LF among them. */
static void count_text(struct data_decoder *d, struct slice text)
{
    ssize_t lf = d->fault == DATA_FAULT_NONE ? slice_find(text, '\n') : -1;

    if (lf >= 0)
        note_fault(d, DATA_FAULT_BARE_LF,
                   (struct place){d->line_number, d->line_bytes + (size_t)lf});
    d->line_bytes += text.size;
    if (d->line_bytes > LIMIT_TEXT_LINE_BYTES)
        note_fault(d, DATA_FAULT_LINE_LONG, (struct place){d->line_number, LIMIT_TEXT_LINE_BYTES});
}

/* Reads on in a line up to its CR LF or as far as the bytes go; returns how many were taken. */
static size_t read_line(struct data_decoder *d, struct slice bytes)
{
    const char *cr = memchr(bytes.data, '\r', bytes.size);
    size_t text = cr ? (size_t)(cr - bytes.data) : bytes.size;

    count_text(d, slice_part(bytes, 0, text));
    d->state = IN_LINE;
    if (!cr)
        return text;
    if (text + 1 == bytes.size) {
        d->state = AFTER_CR;
        return text + 1;
    }
    if (cr[1] != '\n') {
        note_fault(d, DATA_FAULT_BARE_CR, here(d));
        d->line_bytes++;
        return text + 1;
    }
    end_line(d);
    return text + 2;
}

/* The place of the byte at `at`, in bytes that begin at `start` and have no other fault. */
static struct place place_in(struct place start, struct slice bytes, size_t at)
{
    struct slice rest = slice_part(bytes, 0, at), line;

    while (slice_cut(&rest, '\n', &line))
        start = (struct place){start.line + 1, 0};
    start.column += line.size;
    return start;
}

/* Appends what was read, unless there is something wrong with it or with what came before. */
static void keep(struct data_decoder *d, struct slice bytes, struct place start, struct buffer *out)
{
    ssize_t nul = d->fault == DATA_FAULT_NONE ? slice_find(bytes, 0) : -1;

    if (nul >= 0)
        note_fault(d, DATA_FAULT_NUL, place_in(start, bytes, (size_t)nul));
    if (d->lenient && d->size_bytes + bytes.size > d->size_max_bytes)
        bytes.size = (size_t)(d->size_max_bytes - d->size_bytes);
    d->size_bytes += bytes.size;
    if (d->size_bytes > d->size_max_bytes)
        note_fault(d, DATA_FAULT_SIZE, start);
    if (d->fault == DATA_FAULT_NONE)
        buffer_add(out, bytes);
}

/* Reads and keeps lines up to one that starts with a dot: most messages in one copy. */
static size_t read_lines(struct data_decoder *d, struct slice bytes, struct buffer *out)
{
    struct place start = here(d);
    size_t at = 0;

    do
        at += read_line(d, slice_part(bytes, at, bytes.size));
    while (at < bytes.size && (d->state != LINE_START || bytes.data[at] != '.'));
    keep(d, slice_part(bytes, 0, at - (d->state == AFTER_CR)), start, out);
    return at;
}

/* Decides on what was held back. False: the byte is still to be read, as part of a line. */
static bool read_held(struct data_decoder *d, char c, struct buffer *out, bool *ret_end)
{
    bool after_cr = d->state == AFTER_CR || d->state == AFTER_DOT_CR;

    if (d->state == AFTER_DOT && c == '\r') {
        d->state = AFTER_DOT_CR;
        return true;
    }
    if (d->state == AFTER_DOT_CR && c == '\n') {
        *ret_end = true;
        return true;
    }
    if (d->state == AFTER_CR && c == '\n') {
        keep(d, SLICE("\r\n"), here(d), out);
        end_line(d);
        return true;
    }
    if (after_cr) {
        note_fault(d, DATA_FAULT_BARE_CR, here(d));
        if (d->lenient)
            keep(d, SLICE("\r"), here(d), out);
        d->line_bytes++;
    }
    d->state = IN_LINE; /* a first dot with more after it was stuffing (RFC 5321 §4.5.2) */
    return false;
}

bool data_decoder_feed(struct data_decoder *d, struct slice bytes, struct buffer *out,
                       size_t *ret_used)
{
    bool end = false;
    size_t at = 0;

    while (at < bytes.size && !end) {
        if (d->state == LINE_START && bytes.data[at] == '.') {
            d->state = AFTER_DOT;
            at++;
        } else if (d->state == LINE_START || d->state == IN_LINE) {
            at += read_lines(d, slice_part(bytes, at, bytes.size), out);
        } else {
            at += read_held(d, bytes.data[at], out, &end);
        }
    }
    *ret_used = at;
    return end;
}

static const struct {
    const char *text;
    struct wire_reply reply;
} faults[] = {
    [DATA_FAULT_NONE] = {"no fault", {250, "2.6.0", "Message read"}},
    [DATA_FAULT_BARE_CR] = {"a CR that no LF follows",
                            {554, "5.6.0",
                             "The message has a CR without LF; its lines must end in CR LF"}},
    [DATA_FAULT_BARE_LF] = {"an LF that no CR precedes",
                            {554, "5.6.0",
                             "The message has an LF without CR; its lines must end in CR LF"}},
    [DATA_FAULT_NUL] = {"a NUL byte",
                        {554, "5.6.0", "The message has a NUL byte; encode it with base64"}},
    [DATA_FAULT_LINE_LONG] = {"a line of more than 998 bytes",
                              {550, "5.6.0",
                               "The message has a line of more than 998 bytes; encode it with "
                               "quoted-printable or base64"}},
    [DATA_FAULT_SIZE] = {"more bytes than are allowed",
                         {552, "5.3.4", "The message is larger than this server takes"}},
};

struct wire_reply data_fault_reply(enum data_fault fault)
{
    return faults[fault].reply;
}

const char *data_fault_text(enum data_fault fault)
{
    return faults[fault].text;
}

/* Bytes of the line at the front with its CR LF, or -EBADMSG if it has a bare CR or LF. */
static ssize_t line_extent(struct slice s, struct wire_error *ret_error)
{
    const char *cr = memchr(s.data, '\r', s.size);
    size_t text = cr ? (size_t)(cr - s.data) : s.size;
    ssize_t lf = slice_find(slice_part(s, 0, text), '\n');

    if (lf >= 0) {
        *ret_error = (struct wire_error){faults[DATA_FAULT_BARE_LF].text, (size_t)lf};
        return -EBADMSG;
    }
    if (!cr)
        return (ssize_t)text;
    if (text + 1 == s.size || cr[1] != '\n') {
        *ret_error = (struct wire_error){faults[DATA_FAULT_BARE_CR].text, text};
        return -EBADMSG;
    }
    return (ssize_t)text + 2;
}

static bool has_line_end(struct slice line)
{
    return line.size >= 2 && line.data[line.size - 1] == '\n';
}

/* One line of a message for wire_data_check(); its size or -EBADMSG. */
static ssize_t check_line(struct slice rest, struct wire_error *ret_error)
{
    ssize_t size = line_extent(rest, ret_error);
    struct slice line = slice_part(rest, 0, size < 0 ? 0 : (size_t)size);

    if (line.size - (has_line_end(line) ? 2 : 0) <= LIMIT_TEXT_LINE_BYTES)
        return size;
    *ret_error = (struct wire_error){faults[DATA_FAULT_LINE_LONG].text, LIMIT_TEXT_LINE_BYTES};
    return -EBADMSG;
}

int wire_data_check(struct slice message, struct wire_error *ret_error)
{
    ssize_t nul = slice_find(message, 0), size = 0;

    if (nul >= 0) {
        *ret_error = (struct wire_error){faults[DATA_FAULT_NUL].text, (size_t)nul};
        return -EBADMSG;
    }
    for (size_t at = 0; at < message.size; at += (size_t)size) {
        size = check_line(slice_part(message, at, message.size), ret_error);
        if (size < 0) {
            ret_error->offset += at;
            return -EBADMSG;
        }
    }
    return 0;
}

/* Where the encoder stands. */
enum { ENCODE_LINE_START, ENCODE_AFTER_DOT, ENCODE_IN_LINE, ENCODE_DONE };

/* One piece at most so large: what one write can take, and a bound on the work between writes. */
enum { ENCODE_PIECE_BYTES = 65536 };

void data_encoder_init(struct data_encoder *e, struct slice message)
{
    *e = (struct data_encoder){message, ENCODE_LINE_START};
}

/* Takes lines up to one that starts with a dot. */
static int encode_lines(struct data_encoder *e, struct slice *ret_piece)
{
    struct wire_error ignored;
    size_t at = 0;
    ssize_t size;

    do {
        size = line_extent(slice_part(e->rest, at, e->rest.size), &ignored);
        if (size < 0)
            return -EBADMSG;
        at += (size_t)size;
    } while (at < e->rest.size && e->rest.data[at] != '.' && at < ENCODE_PIECE_BYTES);

    *ret_piece = slice_part(e->rest, 0, at);
    if (memchr(ret_piece->data, 0, at))
        return -EBADMSG;
    e->rest = slice_part(e->rest, at, e->rest.size);
    e->state = has_line_end(*ret_piece) ? ENCODE_LINE_START : ENCODE_IN_LINE;
    return 0;
}

static int encode_piece(struct data_encoder *e, struct slice *ret_piece)
{
    if (e->rest.size == 0) {
        *ret_piece = e->state == ENCODE_LINE_START ? SLICE(".\r\n") : SLICE("\r\n.\r\n");
        e->state = ENCODE_DONE;
        return 0;
    }
    if (e->state == ENCODE_LINE_START && e->rest.data[0] == '.') {
        *ret_piece = SLICE(".");
        e->state = ENCODE_AFTER_DOT;
        return 0;
    }
    return encode_lines(e, ret_piece);
}

int wire_data_encode(struct data_encoder *e, struct iovec *ret, int max)
{
    int count = 0;

    while (count < max && e->state != ENCODE_DONE) {
        struct slice piece;
        int r = encode_piece(e, &piece);

        if (r < 0)
            return r;
        ret[count++] = (struct iovec){(void *)(uintptr_t)piece.data, piece.size};
    }
    return count;
}
