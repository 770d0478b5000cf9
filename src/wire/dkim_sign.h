/* Making a DKIM-Signature field (RFC 6376 §3.5, §5) in two steps, because the key lives elsewhere:
 * prepare writes the field up to `b=` and yields the digest; whoever holds the key signs the
 * digest; finish adds the signature. Always relaxed/relaxed, SHA-256, never `l=`.
 *
 * Which fields are signed is not a choice of the caller: From, To, Subject and the others that say
 * what a message is (see wire_dkim_signed_names), each once for every instance that is there, from
 * the last up, and once more, so that adding one breaks the signature (RFC 6376 §8.15). Fields that
 * hops on the way add or rewrite (Received, Return-Path, Bcc) are never signed. */
#ifndef LETTERHEAD_WIRE_DKIM_SIGN_H
#define LETTERHEAD_WIRE_DKIM_SIGN_H

#include "base/arena.h"
#include "wire/dkim_hash.h"

/* Both sign the same 32-byte digest: RSASSA-PKCS1-v1_5 over it as a SHA-256 hash, or PureEdDSA with
 * the digest as the message (RFC 8463 §3). */
enum wire_dkim_algorithm { WIRE_DKIM_RSA_SHA256, WIRE_DKIM_ED25519_SHA256 };

/* One field of the message, borrowed. `raw` is all of it, name to last CR LF, folds included. */
struct wire_dkim_field {
    struct slice name;
    struct slice raw;
};

struct wire_dkim_signing {
    struct slice domain;   /* d= */
    struct slice selector; /* s= */
    enum wire_dkim_algorithm algorithm;
    uint8_t body_hash[WIRE_DKIM_HASH_BYTES]; /* bh=, by wire_dkim_body_hash */
    int64_t time_s;                          /* t=, seconds since 1970 */
    int64_t expire_s;                        /* x=, later than the message can be in the queue */
};

/* The names that are signed and oversigned, in the order of h=, ended by NULL. */
const char *const *wire_dkim_signed_names(void);

/* Writes the field, from "DKIM-Signature:" to "b=", without a CR LF at its end, into the arena, and
 * the digest to sign. `fields` are the message's fields from top to bottom. -EINVAL if domain or
 * selector is not a name, time or expiry cannot be written, or the message has no From. */
MUST_CHECK int wire_dkim_sign_prepare(struct arena *a, const struct wire_dkim_field *fields,
                                      size_t count, const struct wire_dkim_signing *signing,
                                      struct slice *ret_field,
                                      uint8_t ret_digest[WIRE_DKIM_HASH_BYTES]);

/* Adds the whole field, ended by CR LF, to `out`: it goes in front of the message's first field. */
void wire_dkim_sign_finish(struct buffer *out, struct slice field, struct slice signature);

#endif
