/* Reads a DKIM-Signature field (RFC 6376 §3.5) into its parts: for tests and for `letterhead
 * inspect`. It verifies nothing: Letterhead makes signatures and lets others judge them. */
#ifndef LETTERHEAD_WIRE_DKIM_SIGNATURE_H
#define LETTERHEAD_WIRE_DKIM_SIGNATURE_H

#include "wire/dkim_canon.h"
#include "wire/tag_list.h"

/* Slices lie in the parsed text; hashes and lists may have folds inside. */
struct wire_dkim_signature {
    struct slice algorithm; /* a= */
    enum wire_canon header; /* c=, simple/simple when absent */
    enum wire_canon body;
    struct slice domain;        /* d= */
    struct slice selector;      /* s= */
    struct slice identity;      /* i=, empty when absent: @domain */
    struct slice signed_fields; /* h=, colons between */
    struct slice body_hash;     /* bh=, base64 */
    struct slice signature;     /* b=, base64 */
    int64_t time_s;             /* t=, -1 when absent */
    int64_t expire_s;           /* x=, -1 when absent */
    int64_t body_length;        /* l=, -1 when absent */
};

/* Reads the field's value (what follows "DKIM-Signature:"). -EBADMSG if it is no tag list, a tag
 * stands twice, one that must be there is missing, or a value does not fit its tag; -EPROTO if v=
 * is not 1. */
MUST_CHECK int wire_dkim_signature_parse(struct slice value,
                                         struct wire_dkim_signature *ret_signature);

/* Takes the next name off the front of an h= list, trimmed; false when none is left. */
bool wire_dkim_signature_next_field(struct slice *rest, struct slice *ret_name);

#endif
