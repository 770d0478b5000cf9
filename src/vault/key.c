#include "vault/key.h"

#include "base/log.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum { ED25519_KEY_BYTES = 32 };

struct vault_key {
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *rsa;   /* ready to sign, again and again */
    EVP_MD_CTX *ed25519; /* the same */
};

/* Empties OpenSSL's queue of errors: one left behind would be blamed on the next operation. */
static int openssl_failed(const char *what)
{
    char text[256] = "no reason given";
    unsigned long code = ERR_get_error();

    if (code)
        ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    log_error("OpenSSL could not %s: %s", what, text);
    return -EIO;
}

static void pkey_free(EVP_PKEY **pkey)
{
    EVP_PKEY_free(*pkey);
}

static int export_rsa(EVP_PKEY *pkey, struct secret *ret_private, struct buffer *ret_public)
{
    unsigned char *private_der = NULL, *public_der = NULL;
    int private_size = i2d_PrivateKey(pkey, &private_der);
    int public_size = i2d_PUBKEY(pkey, &public_der);
    int r = -EIO;

    if (private_size > 0 && public_size > 0) {
        secret_copy(ret_private, slice_of(private_der, (size_t)private_size));
        buffer_add(ret_public, slice_of(public_der, (size_t)public_size));
        r = 0;
    }
    OPENSSL_clear_free(private_der, private_size > 0 ? (size_t)private_size : 0);
    OPENSSL_free(public_der);
    return r;
}

static int export_ed25519(EVP_PKEY *pkey, struct secret *ret_private, struct buffer *ret_public)
{
    CLEANUP(secret_done) struct secret private_key = SECRET_NONE;
    unsigned char public_key[ED25519_KEY_BYTES];
    size_t private_size = ED25519_KEY_BYTES, public_size = sizeof public_key;

    secret_init(&private_key, ED25519_KEY_BYTES);
    if (EVP_PKEY_get_raw_private_key(pkey, (unsigned char *)private_key.data, &private_size) != 1)
        return -EIO;
    if (EVP_PKEY_get_raw_public_key(pkey, public_key, &public_size) != 1)
        return -EIO;
    buffer_add(ret_public, slice_of(public_key, public_size));
    *ret_private = private_key;
    private_key = SECRET_NONE;
    return 0;
}

static bool size_is_sound(unsigned bits)
{
    return bits >= VAULT_RSA_BITS_MIN && bits <= VAULT_RSA_BITS_MAX && bits % 8 == 0;
}

int vault_key_create(enum vault_algorithm algorithm, unsigned bits, struct secret *ret_private,
                     struct buffer *ret_public)
{
    bool rsa = algorithm == VAULT_RSA_SHA256;
    CLEANUP(pkey_free) EVP_PKEY *pkey = NULL;
    int r;

    if (rsa ? !size_is_sound(bits) : bits != 0)
        return -EINVAL;
    pkey = rsa ? EVP_RSA_gen(bits) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (!pkey)
        return openssl_failed("make a key");
    r = rsa ? export_rsa(pkey, ret_private, ret_public)
            : export_ed25519(pkey, ret_private, ret_public);
    return r < 0 ? openssl_failed("export a new key") : 0;
}

static int open_rsa(struct vault_key *key, struct slice private_key)
{
    const unsigned char *at = (const unsigned char *)private_key.data;
    const unsigned char *end = at + private_key.size;

    key->pkey = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)private_key.size);
    if (!key->pkey || at != end || !size_is_sound((unsigned)EVP_PKEY_get_bits(key->pkey)))
        return -EBADMSG;
    key->rsa = EVP_PKEY_CTX_new(key->pkey, NULL);
    if (!key->rsa || EVP_PKEY_sign_init(key->rsa) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(key->rsa, RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(key->rsa, EVP_sha256()) != 1)
        return -EIO;
    return 0;
}

static int open_ed25519(struct vault_key *key, struct slice private_key)
{
    key->pkey = EVP_PKEY_new_raw_private_key(
        EVP_PKEY_ED25519, NULL, (const unsigned char *)private_key.data, private_key.size);
    if (!key->pkey)
        return -EBADMSG;
    key->ed25519 = EVP_MD_CTX_new();
    if (!key->ed25519 || EVP_DigestSignInit(key->ed25519, NULL, NULL, NULL, key->pkey) != 1)
        return -EIO;
    return 0;
}

int vault_key_open(enum vault_algorithm algorithm, struct slice private_key, struct vault_key **ret)
{
    CLEANUP(vault_key_free_pointer) struct vault_key *key = base_allocate(sizeof *key);
    int r =
        algorithm == VAULT_RSA_SHA256 ? open_rsa(key, private_key) : open_ed25519(key, private_key);

    if (r < 0) {
        (void)openssl_failed("open a key");
        return r;
    }
    *ret = TAKE(key);
    return 0;
}

void vault_key_free(struct vault_key *key)
{
    if (!key)
        return;
    EVP_PKEY_CTX_free(key->rsa);
    EVP_MD_CTX_free(key->ed25519);
    EVP_PKEY_free(key->pkey);
    free(key);
}

void vault_key_free_pointer(struct vault_key **key)
{
    vault_key_free(*key);
}

int vault_key_sign(struct vault_key *key, const uint8_t digest[static VAULT_DIGEST_BYTES],
                   unsigned char out[static VAULT_SIGNATURE_BYTES_MAX], size_t *ret_size)
{
    size_t size = VAULT_SIGNATURE_BYTES_MAX;
    int r = key->rsa ? EVP_PKEY_sign(key->rsa, out, &size, digest, VAULT_DIGEST_BYTES)
                     : EVP_DigestSign(key->ed25519, out, &size, digest, VAULT_DIGEST_BYTES);

    if (r != 1)
        return openssl_failed("sign");
    *ret_size = size;
    return 0;
}
