#include "wire/dkim_hash.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/evp.h>

static EVP_MD *sha256;

/* Fails only when memory is out or OpenSSL is broken; neither can be worked around. */
static void ensure(bool done)
{
    if (!done)
        abort();
}

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    ensure(sha256 != NULL);
}

static EVP_MD_CTX *digest_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    EVP_MD_CTX *digest;

    pthread_once(&once, fetch);
    digest = EVP_MD_CTX_new();
    ensure(digest && EVP_DigestInit_ex2(digest, sha256, NULL) == 1);
    return digest;
}

static void digest_add(void *digest, struct slice bytes)
{
    ensure(EVP_DigestUpdate(digest, bytes.data, bytes.size) == 1);
}

static void digest_end(EVP_MD_CTX *digest, uint8_t ret_hash[WIRE_DKIM_HASH_BYTES])
{
    ensure(EVP_DigestFinal_ex(digest, ret_hash, NULL) == 1);
}

void wire_dkim_hash(struct slice bytes, uint8_t ret_hash[WIRE_DKIM_HASH_BYTES])
{
    EVP_MD_CTX *digest = digest_begin();

    digest_add(digest, bytes);
    digest_end(digest, ret_hash);
    EVP_MD_CTX_free(digest);
}

void wire_dkim_body_hasher_init(struct wire_dkim_body_hasher *h, enum wire_canon mode)
{
    h->digest = digest_begin();
    wire_canon_body_init(&h->canon, mode, digest_add, h->digest);
}

void wire_dkim_body_hasher_add(struct wire_dkim_body_hasher *h, struct slice piece)
{
    wire_canon_body_add(&h->canon, piece);
}

void wire_dkim_body_hasher_finish(struct wire_dkim_body_hasher *h,
                                  uint8_t ret_hash[WIRE_DKIM_HASH_BYTES])
{
    wire_canon_body_finish(&h->canon);
    digest_end(h->digest, ret_hash);
}

void wire_dkim_body_hasher_done(struct wire_dkim_body_hasher *h)
{
    EVP_MD_CTX_free(h->digest);
    h->digest = NULL;
}

void wire_dkim_body_hash(struct slice body, uint8_t ret_hash[WIRE_DKIM_HASH_BYTES])
{
    CLEANUP(wire_dkim_body_hasher_done) struct wire_dkim_body_hasher h;

    wire_dkim_body_hasher_init(&h, WIRE_CANON_RELAXED);
    wire_dkim_body_hasher_add(&h, body);
    wire_dkim_body_hasher_finish(&h, ret_hash);
}
