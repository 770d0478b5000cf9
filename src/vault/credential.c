#include "vault/credential.h"

#include "base/buffer.h"

#include <sodium.h>

enum {
    FORMAT = 1,
    PASSWORD_VERSION = 4, /* the first byte of what SES calls a version 4 password */
    HASH_BYTES = crypto_hash_sha256_BYTES,
    SECRET_RANDOM_BYTES = 30, /* 40 characters of base64 */
    KEPT_BYTES = 1 + VAULT_SECRET_ACCESS_KEY_CHARACTERS + HASH_BYTES,
};

static void encode_base64(struct slice bytes, struct secret *ret)
{
    size_t size = sodium_base64_encoded_len(bytes.size, sodium_base64_VARIANT_ORIGINAL);

    secret_init(ret, size);
    sodium_bin2base64(ret->data, size, (const unsigned char *)bytes.data, bytes.size,
                      sodium_base64_VARIANT_ORIGINAL);
    ret->size--; /* the NUL */
}

/* One link: key = HMAC-SHA256(key, text). */
static void chain(unsigned char key[static crypto_auth_hmacsha256_BYTES], size_t key_size,
                  struct slice text)
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, key, key_size);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text.data, text.size);
    crypto_auth_hmacsha256_final(&state, key);
    secret_wipe(&state, sizeof state);
}

void vault_credential_derive_password(struct slice secret_access_key, struct slice region,
                                      struct secret *ret_password)
{
    const struct slice links[] = {SLICE("11111111"), region, SLICE("ses"), SLICE("aws4_request"),
                                  SLICE("SendRawEmail")};
    CLEANUP(secret_done) struct secret first = SECRET_NONE, bytes = SECRET_NONE;
    unsigned char *key;

    secret_init(&first, 4 + secret_access_key.size + HASH_BYTES);
    memcpy(first.data, "AWS4", 4);
    memcpy(first.data + 4, secret_access_key.data, secret_access_key.size);
    chain((unsigned char *)first.data, 4 + secret_access_key.size, links[0]);
    secret_init(&bytes, 1 + HASH_BYTES);
    bytes.data[0] = PASSWORD_VERSION;
    key = (unsigned char *)bytes.data + 1;
    memcpy(key, first.data, HASH_BYTES);
    for (size_t i = 1; i < ARRAY_LEN(links); i++)
        chain(key, HASH_BYTES, links[i]);
    encode_base64(secret_slice(&bytes), ret_password);
}

static void hash_password(struct slice password, unsigned char out[static HASH_BYTES])
{
    crypto_hash_sha256(out, (const unsigned char *)password.data, password.size);
}

static void create_secret(struct secret *ret)
{
    CLEANUP(secret_done) struct secret random = SECRET_NONE;

    secret_init(&random, SECRET_RANDOM_BYTES);
    randombytes_buf(random.data, random.size);
    encode_base64(secret_slice(&random), ret);
}

void vault_credential_create(struct slice region, struct vault_credential *ret)
{
    struct vault_credential made = {SECRET_NONE, SECRET_NONE, SECRET_NONE};
    char *at;

    create_secret(&made.secret_access_key);
    assert(made.secret_access_key.size == VAULT_SECRET_ACCESS_KEY_CHARACTERS);
    vault_credential_derive_password(secret_slice(&made.secret_access_key), region,
                                     &made.smtp_password);
    secret_init(&made.kept, KEPT_BYTES);
    at = made.kept.data;
    *at++ = FORMAT;
    memcpy(at, made.secret_access_key.data, VAULT_SECRET_ACCESS_KEY_CHARACTERS);
    at += VAULT_SECRET_ACCESS_KEY_CHARACTERS;
    hash_password(secret_slice(&made.smtp_password), (unsigned char *)at);
    *ret = made;
}

void vault_credential_done(struct vault_credential *credential)
{
    secret_done(&credential->secret_access_key);
    secret_done(&credential->smtp_password);
    secret_done(&credential->kept);
}

int vault_credential_check(struct slice kept, struct slice password, bool *ret_match)
{
    struct slice expected = slice_part(kept, KEPT_BYTES - HASH_BYTES, HASH_BYTES);
    unsigned char hash[HASH_BYTES];

    if (kept.size != KEPT_BYTES || kept.data[0] != FORMAT)
        return -EBADMSG;
    hash_password(password, hash);
    *ret_match = slice_equal_constant_time(expected, slice_of(hash, sizeof hash));
    secret_wipe(hash, sizeof hash);
    return 0;
}
