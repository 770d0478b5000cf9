/* SHA-256 for DKIM: the one place where the codecs touch OpenSSL. The algorithm is fetched once a
 * process; a hash costs one context and no look-up. Out of memory aborts, as everywhere. */
#ifndef LETTERHEAD_WIRE_DKIM_HASH_H
#define LETTERHEAD_WIRE_DKIM_HASH_H

#include "wire/dkim_canon.h"

enum { WIRE_DKIM_HASH_BYTES = 32 };

void wire_dkim_hash(struct slice bytes, uint8_t ret_hash[WIRE_DKIM_HASH_BYTES]);

/* The value of bh= (RFC 6376 §3.7) for a whole body in relaxed form. */
void wire_dkim_body_hash(struct slice body, uint8_t ret_hash[WIRE_DKIM_HASH_BYTES]);

/* The same for a body that comes in pieces. wire_dkim_body_hasher_done releases a hasher that was
 * begun, finished or not, and does nothing for a zeroed one: for CLEANUP. */
struct wire_dkim_body_hasher {
    struct wire_canon_body canon;
    struct evp_md_ctx_st *digest;
};

void wire_dkim_body_hasher_init(struct wire_dkim_body_hasher *h, enum wire_canon mode);
void wire_dkim_body_hasher_add(struct wire_dkim_body_hasher *h, struct slice piece);
void wire_dkim_body_hasher_finish(struct wire_dkim_body_hasher *h,
                                  uint8_t ret_hash[WIRE_DKIM_HASH_BYTES]);
void wire_dkim_body_hasher_done(struct wire_dkim_body_hasher *h);

#endif
