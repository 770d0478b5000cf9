/* A message made from typed fields, for whoever submits without making one: every field is
 * encoded for its place, or refused; nothing that came in can become a header line of its own.
 * Plain text; the accepting gate adds Date and Message-ID. Pure. */
#ifndef LETTERHEAD_SUBMIT_COMPOSE_H
#define LETTERHEAD_SUBMIT_COMPOSE_H

#include "base/buffer.h"
#include "wire/address.h"

struct compose_fields {
    struct address from;
    struct slice from_name; /* UTF-8; may be empty */
    const struct address *to;
    size_t to_count;              /* at least one */
    struct slice subject;         /* UTF-8; may be empty */
    struct slice text;            /* UTF-8, lines ended by LF or CR LF */
    struct slice attachment_name; /* of ours, plain ASCII; empty: there is none */
    struct slice attachment;      /* a table in CSV */
};

/* Adds the message, with CR LF lines. -EINVAL: a field has a control character or is not UTF-8;
 * *ret_field then names it ("subject"). */
MUST_CHECK int compose_message(const struct compose_fields *fields, struct buffer *out,
                               const char **ret_field);

#endif
