/* Base32 in lower case without padding (RFC 4648 §6 otherwise): tokens that must live in DNS names,
 * mail addresses and URLs, where case is lost and `=` hurts: selectors, return paths, ids. */
#ifndef LETTERHEAD_WIRE_BASE32_H
#define LETTERHEAD_WIRE_BASE32_H

#include "base/buffer.h"

static inline size_t wire_base32_encoded_size(size_t size_bytes)
{
    return size_bytes / 5 * 8 + (size_bytes % 5 * 8 + 4) / 5;
}

void wire_base32_encode(struct buffer *out, struct slice bytes);

/* Decodes into `out`, which has room for `capacity` bytes, and yields how many were written. Upper
 * case is taken too, because some receivers change the case of a local part. -EINVAL for any other
 * byte, an impossible length or unused bits that are not zero; -ENOSPC if it does not fit. */
MUST_CHECK int wire_base32_decode(struct slice text, void *out, size_t capacity, size_t *ret_size);

#endif
