/* Base64 (RFC 4648 §4) for signatures, keys, hashes and SASL. Decoding is strict: padding must be
 * there, its unused bits must be zero, and no other byte is allowed, so that one text has one
 * meaning. Text that may hold white space (a DKIM tag) is cleaned by its caller first. Nothing here
 * takes time that is independent of the contents: not for secrets whose timing can be watched. */
#ifndef LETTERHEAD_WIRE_BASE64_H
#define LETTERHEAD_WIRE_BASE64_H

#include "base/buffer.h"

static inline size_t wire_base64_encoded_size(size_t size_bytes)
{
    return (size_bytes + 2) / 3 * 4;
}

/* The most that decoding a text of this size can give. */
static inline size_t wire_base64_decoded_size_max(size_t text_size)
{
    return text_size / 4 * 3;
}

/* Adds the base64 of `bytes`, in one line. */
void wire_base64_encode(struct buffer *out, struct slice bytes);

/* The same in lines: the first of at most `first` characters, the others of at most `others`, and
 * `line_break` between them (none at the end). `others` is at least 1; `first` may be 0. */
void wire_base64_encode_lines(struct buffer *out, struct slice bytes, size_t first, size_t others,
                              struct slice line_break);

/* Decodes into `out`, which has room for `capacity` bytes, and yields how many were written.
 * -EINVAL if the text is not base64 as above, -ENOSPC if it does not fit; `out` may then hold a
 * part. */
MUST_CHECK int wire_base64_decode(struct slice text, void *out, size_t capacity, size_t *ret_size);

#endif
