/* DKIM private keys by OpenSSL: making one, opening one, signing with one.
 *
 * An open key keeps what OpenSSL needs for the next signature (its context, blinding, Montgomery
 * forms), since setting that up costs as much as signing. It belongs to one thread at a time: every
 * signer has its own (vault/key_cache.h), and nothing is locked. */
#ifndef LETTERHEAD_VAULT_KEY_H
#define LETTERHEAD_VAULT_KEY_H

#include "base/secret.h"
#include "vault/protocol.h"

struct vault_key;

/* Makes a key. `bits`: VAULT_RSA_BITS_MIN to VAULT_RSA_BITS_MAX in steps of 8, 0 for Ed25519;
 * -EINVAL. The private key comes in the form that vault_key_open takes (RSAPrivateKey of RFC 8017
 * appendix A.1.2, or the 32 bytes of RFC 8032 §5.1.5), the public one as struct vault_key_reply has
 * it. -EIO: OpenSSL could not; it was logged. */
MUST_CHECK int vault_key_create(enum vault_algorithm algorithm, unsigned bits,
                                struct secret *ret_private, struct buffer *ret_public);

/* -EBADMSG: no such key, or an RSA key of a size that may not sign. */
MUST_CHECK int vault_key_open(enum vault_algorithm algorithm, struct slice private_key,
                              struct vault_key **ret);
/* Wipes; accepts NULL. */
void vault_key_free(struct vault_key *key);
void vault_key_free_pointer(struct vault_key **key); /* for CLEANUP */

/* Signs VAULT_DIGEST_BYTES into `out`; yields the signature's size. -EIO. */
MUST_CHECK int vault_key_sign(struct vault_key *key,
                              const uint8_t digest[static VAULT_DIGEST_BYTES],
                              unsigned char out[static VAULT_SIGNATURE_BYTES_MAX],
                              size_t *ret_size);

#endif
