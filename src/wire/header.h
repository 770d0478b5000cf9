/* The header of a message (RFC 5322 §2.2): a table of its fields that borrows from the message. It
 * does not decode anything. Lines end in CR LF and in nothing else; what other programs read in
 * several ways (bare CR or LF, NUL, a space before the colon, a continuation without a field) is
 * refused here, so that the code that judges a message and the servers behind us see the same
 * fields. All bounds come from limits.h; scanning takes time linear in the header. */
#ifndef LETTERHEAD_WIRE_HEADER_H
#define LETTERHEAD_WIRE_HEADER_H

#include "wire/mailbox.h"

struct wire_field {
    struct slice name;  /* as written */
    struct slice value; /* raw, from after the colon to before the last CR LF; folds are kept */
    struct slice whole; /* name to last CR LF; a field that ends with the message may lack it */
};

struct wire_header {
    struct wire_field *fields; /* in order; in the arena */
    size_t count;
    size_t received_count;
    struct slice text; /* all fields, without the blank line */
    struct slice body; /* after the blank line; empty when there is none */
    bool eightbit;     /* some byte is not ASCII */
};

/* Scans the header of `message`; without a blank line all of it is header. Returns 0; -EBADMSG for
 * wrong syntax, -EMSGSIZE past LIMIT_HEADER_*, -ELOOP for more than LIMIT_RECEIVED_FIELDS. */
MUST_CHECK int wire_header_scan(struct arena *a, struct slice message, struct wire_header *ret,
                                struct wire_error *ret_error);

/* The first field of that name (ASCII, without case) after `after`, or the first of all if `after`
 * is NULL; NULL when there is none. */
const struct wire_field *wire_header_find(const struct wire_header *h, struct slice name,
                                          const struct wire_field *after);
size_t wire_header_count(const struct wire_header *h, struct slice name);

#endif
