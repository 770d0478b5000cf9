/* Sealed blobs: how private keys and credentials lie in the control database, which the vault
 * cannot read and whose readers cannot open them.
 *
 * A blob is XChaCha20-Poly1305 under a key derived from the master key, with a random nonce, and
 * bound to what it is for: its use and its binding (site and names, as vault/protocol.h writes
 * them) are authenticated with it, so a blob that is carried to another site's request does not
 * open. Its header names the format and the master key, so that either can be changed later while
 * old blobs still say what they are:
 *
 *   u8 version · u8 use · 8 bytes master key id · 24 bytes nonce · ciphertext · 16 bytes tag */
#ifndef LETTERHEAD_VAULT_SEAL_H
#define LETTERHEAD_VAULT_SEAL_H

#include "base/buffer.h"
#include "base/secret.h"
#include "vault/protocol.h"

enum vault_use { VAULT_USE_KEY = 1, VAULT_USE_CREDENTIAL = 2, VAULT_USE_RELAY = 3 };

enum { VAULT_MASTER_KEY_BYTES = 32, VAULT_SEAL_OVERHEAD_BYTES = 50 };

struct vault_seal;

/* From the contents of the master key file: 32 bytes, raw or as base64 in one line. -EINVAL if it
 * is neither. */
MUST_CHECK int vault_seal_new(struct slice file, struct vault_seal **ret);
/* Wipes; accepts NULL. */
void vault_seal_free(struct vault_seal *seal);
void vault_seal_free_pointer(struct vault_seal **seal); /* for CLEANUP */

/* The key that return paths are signed with in a period (vault/protocol.h): derived from the master
 * key, so that nobody has to keep it. */
void vault_seal_return_key(const struct vault_seal *seal, uint32_t period,
                           unsigned char ret[static VAULT_RETURN_PATH_KEY_BYTES]);

/* Adds the blob to `ret_sealed`. */
void vault_seal_close(const struct vault_seal *seal, enum vault_use use, struct slice binding,
                      struct slice plain, struct buffer *ret_sealed);

/* Opens into `room`, where the plain bytes stay until the caller wipes them. -EBADMSG: no blob of
 * this format and use, or larger than the room; -ENOKEY: of another master key; -EACCES: of another
 * binding, or altered. */
MUST_CHECK int vault_seal_open(const struct vault_seal *seal, enum vault_use use,
                               struct slice binding, struct slice sealed, struct secret *room,
                               struct slice *ret_plain);

#endif
