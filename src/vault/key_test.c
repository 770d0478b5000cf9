#include "vault/key.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t digest[VAULT_DIGEST_BYTES] = "digest of a message, 32 bytes..";

static bool verify_rsa(struct slice public_key, struct slice signature)
{
    const unsigned char *at = (const unsigned char *)public_key.data;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)public_key.size);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
    int r;

    assert_int_equal(EVP_PKEY_verify_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()), 1);
    r = EVP_PKEY_verify(context, (const unsigned char *)signature.data, signature.size, digest,
                        sizeof digest);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(pkey);
    return r == 1;
}

static bool verify_ed25519(struct slice public_key, struct slice signature)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, NULL, (const unsigned char *)public_key.data, public_key.size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int r;

    assert_int_equal(EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey), 1);
    r = EVP_DigestVerify(context, (const unsigned char *)signature.data, signature.size, digest,
                         sizeof digest);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    return r == 1;
}

static void a_new_key_signs_and_others_can_verify(void **state)
{
    static const struct {
        enum vault_algorithm algorithm;
        unsigned bits;
        size_t signature_size;
    } cases[] = {
        {VAULT_RSA_SHA256, 1024, 128},
        {VAULT_RSA_SHA256, 2048, 256},
        {VAULT_RSA_SHA256, 4096, 512},
        {VAULT_ED25519_SHA256, 0, 64},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(secret_done) struct secret private_key = SECRET_NONE;
        CLEANUP(buffer_done) struct buffer public_key = BUFFER_NONE;
        CLEANUP(vault_key_free_pointer) struct vault_key *key = NULL;
        bool rsa = cases[i].algorithm == VAULT_RSA_SHA256;

        assert_int_equal(
            vault_key_create(cases[i].algorithm, cases[i].bits, &private_key, &public_key), 0);
        assert_true(public_key.size <= VAULT_PUBLIC_KEY_BYTES_MAX);
        assert_int_equal(vault_key_open(cases[i].algorithm, secret_slice(&private_key), &key), 0);
        for (int again = 0; again < 3; again++) { /* the contexts are used over and over */
            unsigned char out[VAULT_SIGNATURE_BYTES_MAX];
            struct slice signature;
            size_t size;

            assert_int_equal(vault_key_sign(key, digest, out, &size), 0);
            assert_int_equal(size, cases[i].signature_size);
            signature = slice_of(out, size);
            assert_true(rsa ? verify_rsa(buffer_slice(&public_key), signature)
                            : verify_ed25519(buffer_slice(&public_key), signature));
            out[0] ^= 1;
            assert_false(rsa ? verify_rsa(buffer_slice(&public_key), signature)
                             : verify_ed25519(buffer_slice(&public_key), signature));
        }
    }
}

/* RFC 8032 §7.1, test 1, with the key alone: the public key is what the RFC says. */
static void an_ed25519_key_is_the_one_of_the_rfc(void **state)
{
    static const unsigned char seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60,
                                           0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
                                           0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19,
                                           0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
    static const unsigned char public_key[32] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
                                                 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
                                                 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
                                                 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
    CLEANUP(vault_key_free_pointer) struct vault_key *key = NULL;
    unsigned char out[VAULT_SIGNATURE_BYTES_MAX];
    size_t size;

    (void)state;
    assert_int_equal(vault_key_open(VAULT_ED25519_SHA256, slice_of(seed, sizeof seed), &key), 0);
    assert_int_equal(vault_key_sign(key, digest, out, &size), 0);
    assert_true(verify_ed25519(slice_of(public_key, sizeof public_key), slice_of(out, size)));
}

static void sizes_outside_the_bounds_are_refused(void **state)
{
    static const unsigned bits[] = {0, 512, 768, 1016, 1023, 2047, 4104, 8192};
    CLEANUP(secret_done) struct secret private_key = SECRET_NONE;
    CLEANUP(buffer_done) struct buffer public_key = BUFFER_NONE;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bits); i++)
        assert_int_equal(vault_key_create(VAULT_RSA_SHA256, bits[i], &private_key, &public_key),
                         -EINVAL);
    assert_int_equal(vault_key_create(VAULT_ED25519_SHA256, 2048, &private_key, &public_key),
                     -EINVAL);
    assert_int_equal(public_key.size, 0);
}

static void what_is_no_key_is_refused(void **state)
{
    CLEANUP(secret_done) struct secret private_key = SECRET_NONE;
    CLEANUP(buffer_done) struct buffer public_key = BUFFER_NONE, longer = BUFFER_NONE;
    CLEANUP(vault_key_free_pointer) struct vault_key *key = NULL;
    struct slice good;

    (void)state;
    assert_int_equal(vault_key_create(VAULT_RSA_SHA256, 1024, &private_key, &public_key), 0);
    good = secret_slice(&private_key);
    buffer_add(&longer, good);
    buffer_add_byte(&longer, 0);
    assert_int_equal(vault_key_open(VAULT_RSA_SHA256, buffer_slice(&longer), &key), -EBADMSG);
    assert_int_equal(vault_key_open(VAULT_RSA_SHA256, slice_part(good, 0, good.size - 1), &key),
                     -EBADMSG);
    assert_int_equal(vault_key_open(VAULT_RSA_SHA256, SLICE_NONE, &key), -EBADMSG);
    assert_int_equal(vault_key_open(VAULT_ED25519_SHA256, good, &key), -EBADMSG);
    assert_int_equal(vault_key_open(VAULT_ED25519_SHA256, slice_part(good, 0, 31), &key), -EBADMSG);
    assert_null(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_signs_and_others_can_verify),
        cmocka_unit_test(an_ed25519_key_is_the_one_of_the_rfc),
        cmocka_unit_test(sizes_outside_the_bounds_are_refused),
        cmocka_unit_test(what_is_no_key_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
