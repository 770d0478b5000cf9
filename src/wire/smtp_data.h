/* The content of DATA (RFC 5321 §4.1.1.4, §4.5.2), both ways.
 *
 * Receiving: only CR LF . CR LF ends it. Whatever could be read as an end by another server (a bare
 * CR or LF) and whatever could cut a message short (NUL) is a fault: the rest is swallowed up to
 * the true end, nothing more is kept, and the session answers once, with a refusal. So nothing with
 * a second meaning is ever stored or passed on. Works on pieces cut anywhere; one copy, no look
 * back.
 *
 * Sending: hands out pieces of the message as they lie in memory, with a dot put before each line
 * that starts with one, and checks once more that no bare CR, bare LF or NUL leaves. */
#ifndef LETTERHEAD_WIRE_SMTP_DATA_H
#define LETTERHEAD_WIRE_SMTP_DATA_H

#include "base/buffer.h"
#include "wire/error.h"
#include "wire/smtp_command.h"

#include <sys/uio.h>

enum data_fault {
    DATA_FAULT_NONE,
    DATA_FAULT_BARE_CR,
    DATA_FAULT_BARE_LF,
    DATA_FAULT_NUL,
    DATA_FAULT_LINE_LONG, /* more than LIMIT_TEXT_LINE_BYTES without CR LF */
    DATA_FAULT_SIZE,      /* more than size_max_bytes after un-stuffing */
};

struct data_decoder {
    uint64_t size_max_bytes;
    bool lenient; /* for what is only read here and never passed on: nothing is a fault, and what is
                   * over size_max_bytes is cut off */
    uint64_t size_bytes;  /* decoded so far, kept or not */
    uint64_t line_number; /* of the line that is being read, from 1 */
    size_t line_bytes;    /* of it, so far, decoded */
    int state;
    enum data_fault fault; /* the first one */
    uint64_t fault_line;
    size_t fault_column; /* bytes before it on its line */
};

void data_decoder_init(struct data_decoder *d, uint64_t size_max_bytes);

/* Reads bytes up to the end of the data and appends what they decode to to `out` (nothing any more
 * once there is a fault). Returns true when the end was read; *ret_used bytes were taken then, what
 * follows is the next command. Lines appended end in CR LF. */
MUST_CHECK bool data_decoder_feed(struct data_decoder *d, struct slice bytes, struct buffer *out,
                                  size_t *ret_used);

/* The refusal for a fault. */
struct wire_reply data_fault_reply(enum data_fault fault);
const char *data_fault_text(enum data_fault fault);

/* Checks a whole message that did not come through the decoder: 0, or -EBADMSG with the place. A
 * last line without CR LF is fine. */
MUST_CHECK int wire_data_check(struct slice message, struct wire_error *ret_error);

struct data_encoder {
    struct slice rest;
    int state;
};

void data_encoder_init(struct data_encoder *e, struct slice message);

/* Fills at most `max` pieces to send next. Returns how many; 0 when all, including the final
 * CR LF . CR LF, was handed out; -EBADMSG for a bare CR, bare LF or NUL: what was handed out must
 * then not be completed, so close the connection. `max` is at least 2. */
MUST_CHECK int wire_data_encode(struct data_encoder *e, struct iovec *ret, int max);

#endif
