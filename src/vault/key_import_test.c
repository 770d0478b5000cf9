#include "vault/key_import.h"

#include "vault/key.h"
#include "wire/base64.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void add_bio(struct buffer *out, BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);

    buffer_add(out, slice_of(data, (size_t)size));
    BIO_free(bio);
}

static void write_pem(EVP_PKEY *pkey, const char *passphrase, struct buffer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, passphrase ? EVP_aes_128_cbc() : NULL,
                                                   passphrase, passphrase ? 4 : 0, NULL, NULL),
                     1);
    add_bio(out, bio);
}

static void write_traditional(EVP_PKEY *pkey, struct buffer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    add_bio(out, bio);
}

static void write_der(EVP_PKEY *pkey, struct buffer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(i2d_PKCS8PrivateKey_bio(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    add_bio(out, bio);
}

/* Imported, it signs as the one that was made. */
static void assert_imported(struct slice file, EVP_PKEY *pkey)
{
    static const uint8_t digest[VAULT_DIGEST_BYTES] = "digest of a message, 32 bytes..";
    CLEANUP(secret_done) struct secret private_key = SECRET_NONE;
    CLEANUP(buffer_done) struct buffer public_key = BUFFER_NONE;
    CLEANUP(vault_key_free_pointer) struct vault_key *key = NULL;
    unsigned char signature[VAULT_SIGNATURE_BYTES_MAX];
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
    unsigned bits = 0;
    size_t size;

    assert_int_equal(vault_key_import(file, &private_key, &public_key, &bits), 0);
    assert_int_equal(bits, EVP_PKEY_get_bits(pkey));
    assert_int_equal(vault_key_open(VAULT_RSA_SHA256, secret_slice(&private_key), &key), 0);
    assert_int_equal(vault_key_sign(key, digest, signature, &size), 0);
    assert_int_equal(EVP_PKEY_verify_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_verify(context, signature, size, digest, sizeof digest), 1);
    EVP_PKEY_CTX_free(context);
}

static void keys_come_in_all_their_forms(void **state)
{
    static const unsigned sizes[] = {1024, 2048, 4096};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        CLEANUP(buffer_done) struct buffer pem = BUFFER_NONE, traditional = BUFFER_NONE;
        CLEANUP(buffer_done) struct buffer der = BUFFER_NONE, base64 = BUFFER_NONE;
        EVP_PKEY *pkey = EVP_RSA_gen(sizes[i]);

        write_pem(pkey, NULL, &pem);
        write_traditional(pkey, &traditional);
        write_der(pkey, &der);
        wire_base64_encode(&base64, buffer_slice(&der));
        assert_imported(buffer_slice(&pem), pkey);
        assert_imported(buffer_slice(&traditional), pkey);
        assert_imported(buffer_slice(&der), pkey);
        assert_imported(buffer_slice(&base64), pkey);
        assert_true(traditional.size <= VAULT_KEY_FILE_BYTES_MAX);
        EVP_PKEY_free(pkey);
    }
}

static void assert_refused(struct slice file, int error)
{
    CLEANUP(secret_done) struct secret private_key = SECRET_NONE;
    CLEANUP(buffer_done) struct buffer public_key = BUFFER_NONE;
    unsigned bits;

    assert_int_equal(vault_key_import(file, &private_key, &public_key, &bits), error);
    assert_int_equal(public_key.size, 0);
}

static void refuse_key(EVP_PKEY *pkey, const char *passphrase, int error)
{
    CLEANUP(buffer_done) struct buffer file = BUFFER_NONE;

    write_pem(pkey, passphrase, &file);
    assert_refused(buffer_slice(&file), error);
    EVP_PKEY_free(pkey);
}

static void what_may_not_sign_is_refused(void **state)
{
    (void)state;
    refuse_key(EVP_RSA_gen(768), NULL, -EKEYREJECTED);
    refuse_key(EVP_RSA_gen(4104), NULL, -EKEYREJECTED);
    refuse_key(EVP_EC_gen("P-256"), NULL, -EKEYREJECTED);
    refuse_key(EVP_RSA_gen(1024), "pass", -EINVAL);
    assert_refused(SLICE(""), -EINVAL);
    assert_refused(SLICE("nonsense"), -EINVAL);
    assert_refused(SLICE("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), -EINVAL);
    assert_refused(SLICE("-----BEGIN PRIVATE KEY-----\nAAAA\n"), -EINVAL);
    assert_refused(SLICE("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
                   -EINVAL);
}

/* A byte of a private part is another: its signatures would not verify, and might betray the
 * rest. */
static void parts_that_do_not_agree_are_refused(void **state)
{
    CLEANUP(buffer_done) struct buffer der = BUFFER_NONE;
    EVP_PKEY *pkey = EVP_RSA_gen(1024);

    (void)state;
    write_der(pkey, &der);
    der.data[der.size - 100] ^= 1;
    assert_refused(buffer_slice(&der), -EKEYREJECTED);
    der.size--;
    assert_refused(buffer_slice(&der), -EINVAL);
    EVP_PKEY_free(pkey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_in_all_their_forms),
        cmocka_unit_test(what_may_not_sign_is_refused),
        cmocka_unit_test(parts_that_do_not_agree_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
