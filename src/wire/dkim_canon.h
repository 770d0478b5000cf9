/* Canonical forms of DKIM (RFC 6376 §3.4): what is hashed in place of the message as sent, so that
 * small changes on the way do not break the signature. Pure: bytes in, bytes out. A line ends with
 * CR LF; a bare CR or LF is an ordinary byte here, since submission refuses both.
 *
 * The body comes in pieces of any size and leaves through `emit`, in large runs of the input itself
 * where nothing had to change; only short runs are gathered first. A piece must stay valid during
 * the call only. */
#ifndef LETTERHEAD_WIRE_DKIM_CANON_H
#define LETTERHEAD_WIRE_DKIM_CANON_H

#include "base/buffer.h"

enum wire_canon { WIRE_CANON_SIMPLE, WIRE_CANON_RELAXED };

/* Adds one header field in canonical form. `field` is all of it, name to last CR LF, folds
 * included; a missing CR LF at the end is added. A field without a colon is taken to be all name.
 */
void wire_canon_header(enum wire_canon mode, struct slice field, struct buffer *out);

typedef void wire_canon_emit(void *context, struct slice bytes);

enum { WIRE_CANON_GATHER_BYTES = 512 };

/* The state between pieces. Private; in the open so that it can live on a stack. */
struct wire_canon_body {
    enum wire_canon mode;
    wire_canon_emit *emit;
    void *context;
    size_t line_ends_held; /* CR LFs seen since the last other byte: perhaps the body's end */
    bool cr_held;          /* the last byte was a CR whose LF may follow */
    bool space_held;       /* relaxed: white space that is dropped if the line ends now */
    bool anything;         /* something was emitted */
    size_t gathered;
    char gather[WIRE_CANON_GATHER_BYTES];
};

void wire_canon_body_init(struct wire_canon_body *b, enum wire_canon mode, wire_canon_emit *emit,
                          void *context);
void wire_canon_body_add(struct wire_canon_body *b, struct slice piece);
/* Emits what was held and the last CR LF (RFC 6376 §3.4.3: an empty body is CR LF in simple form;
 * §3.4.4: it is nothing in relaxed form). The state is used up. */
void wire_canon_body_finish(struct wire_canon_body *b);

/* Adds a whole message in canonical form: its fields in their order, CR LF, its body. For people
 * and tests (`letterhead inspect canon`); here LF alone ends a line too, because files on disk are
 * often written so. -EBADMSG (out as before) if the header has a line that is neither a field nor
 * the continuation of one. */
MUST_CHECK int wire_canon_message(struct slice message, enum wire_canon header,
                                  enum wire_canon body, struct buffer *out);

#endif
