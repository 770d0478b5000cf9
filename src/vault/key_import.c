#include "vault/key_import.h"

#include "wire/base64.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

static void pkey_free(EVP_PKEY **pkey)
{
    EVP_PKEY_free(*pkey);
}

static void pkcs8_free(PKCS8_PRIV_KEY_INFO **info)
{
    PKCS8_PRIV_KEY_INFO_free(*info);
}

static void context_free(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What stands between the lines of PEM; all of it where there are none. -EINVAL for PEM of another
 * kind: encrypted, a public key, a certificate. */
static int find_base64(struct slice file, struct slice *ret)
{
    static const struct slice begins[] = {{"-----BEGIN PRIVATE KEY-----", 27},
                                          {"-----BEGIN RSA PRIVATE KEY-----", 31}};
    ssize_t end;

    *ret = file;
    if (slice_find_slice(file, SLICE("-----BEGIN")) < 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        ssize_t at = slice_find_slice(file, begins[i]);

        if (at < 0)
            continue;
        *ret = slice_part(file, (size_t)at + begins[i].size, file.size);
        end = slice_find_slice(*ret, SLICE("-----END"));
        if (end < 0)
            return -EINVAL;
        *ret = slice_part(*ret, 0, (size_t)end);
        return 0;
    }
    return -EINVAL;
}

static int decode_base64(struct slice text, struct secret *ret)
{
    CLEANUP(secret_done) struct secret compact = SECRET_NONE, der = SECRET_NONE;
    size_t count = 0, size;

    secret_init(&compact, text.size + 1);
    for (size_t i = 0; i < text.size; i++)
        if (!is_blank(text.data[i]))
            compact.data[count++] = text.data[i];
    secret_init(&der, text.size + 1);
    if (wire_base64_decode(slice_of(compact.data, count), der.data, der.size, &size) < 0 || !size)
        return -EINVAL;
    secret_copy(ret, slice_of(der.data, size));
    return 0;
}

/* DER begins with a SEQUENCE, which is no text. */
static int read_der(struct slice file, struct secret *ret)
{
    struct slice text;
    int r;

    if (file.size && file.data[0] == 0x30 && !slice_is_ascii(file)) {
        secret_copy(ret, file);
        return 0;
    }
    r = find_base64(file, &text);
    return r == 0 ? decode_base64(text, ret) : r;
}

/* The RSAPrivateKey inside PKCS#8, or the whole where it is one. */
static int unwrap(struct slice der, PKCS8_PRIV_KEY_INFO **info, struct slice *ret)
{
    const unsigned char *at = (const unsigned char *)der.data, *key;
    const ASN1_OBJECT *kind;
    int size;

    *ret = der;
    *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.size);
    if (!*info)
        return 0;
    if (PKCS8_pkey_get0(&kind, &key, &size, NULL, *info) != 1)
        return -EINVAL;
    if (OBJ_obj2nid(kind) != NID_rsaEncryption)
        return -EKEYREJECTED;
    *ret = slice_of(key, (size_t)size);
    return 0;
}

static int judge(EVP_PKEY *pkey)
{
    CLEANUP(context_free) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
    int bits = EVP_PKEY_get_bits(pkey);

    if (bits < VAULT_RSA_BITS_MIN || bits > VAULT_RSA_BITS_MAX || bits % 8 != 0)
        return -EKEYREJECTED;
    return context && EVP_PKEY_check(context) == 1 ? 0 : -EKEYREJECTED;
}

static int export_key(EVP_PKEY *pkey, struct secret *ret_private, struct buffer *ret_public)
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

static int import_der(struct slice der, struct secret *ret_private, struct buffer *ret_public,
                      unsigned *ret_bits)
{
    CLEANUP(pkcs8_free) PKCS8_PRIV_KEY_INFO *info = NULL;
    CLEANUP(pkey_free) EVP_PKEY *pkey = NULL;
    const unsigned char *at;
    struct slice rsa;
    int r = unwrap(der, &info, &rsa);

    if (r < 0)
        return r;
    at = (const unsigned char *)rsa.data;
    pkey = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)rsa.size);
    if (!pkey || at != (const unsigned char *)rsa.data + rsa.size)
        return -EINVAL;
    r = judge(pkey);
    if (r == 0)
        r = export_key(pkey, ret_private, ret_public);
    if (r == 0)
        *ret_bits = (unsigned)EVP_PKEY_get_bits(pkey);
    return r;
}

int vault_key_import(struct slice file, struct secret *ret_private, struct buffer *ret_public,
                     unsigned *ret_bits)
{
    CLEANUP(secret_done) struct secret der = SECRET_NONE;
    int r = read_der(file, &der);

    if (r == 0)
        r = import_der(secret_slice(&der), ret_private, ret_public, ret_bits);
    ERR_clear_error(); /* one left behind would be blamed on the next operation */
    return r;
}
