/* The keys that one signer has open: the most recently used, found by the very bytes of the
 * request.
 *
 * A blob is opened, and so checked against its binding, once; as long as its key stays here, a
 * request with the same binding and the same blob, byte for byte, gets that key. Belongs to one
 * thread. About 8 KiB a key. */
#ifndef LETTERHEAD_VAULT_KEY_CACHE_H
#define LETTERHEAD_VAULT_KEY_CACHE_H

#include "vault/key.h"
#include "vault/seal.h"

/* Keys that one signer keeps open: when more sites than this send at once, each signature pays for
 * opening its key again. */
enum { VAULT_KEYS_OPEN_MAX = 4096 };

struct vault_key_cache;

/* `capacity` at least 1; `seal` is borrowed. */
struct vault_key_cache *vault_key_cache_new(const struct vault_seal *seal, size_t capacity);
/* Wipes all; accepts NULL. */
void vault_key_cache_free(struct vault_key_cache *cache);

/* The open key of a blob; good until the next call. Errors as of vault_seal_open and
 * vault_key_open. */
MUST_CHECK int vault_key_cache_get(struct vault_key_cache *cache,
                                   const struct vault_key_binding *binding, struct slice sealed,
                                   struct vault_key **ret);
size_t vault_key_cache_count(const struct vault_key_cache *cache);

#endif
