#include "wire/tlsa.h"

#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

static void reads_rdata(void **state)
{
    static const struct slice rdata = {"\3\1\2xyz", 6};
    struct wire_tlsa tlsa;

    (void)state;
    assert_int_equal(wire_tlsa_parse(rdata, &tlsa), 0);
    assert_int_equal(tlsa.usage, 3);
    assert_int_equal(tlsa.selector, 1);
    assert_int_equal(tlsa.matching, 2);
    assert_true(slice_equal(tlsa.data, SLICE("xyz")));
    for (size_t size = 0; size < 4; size++)
        assert_int_equal(wire_tlsa_parse(slice_part(rdata, 0, size), &tlsa), -EBADMSG);
}

static struct slice der_of(int (*encode)(const void *object, unsigned char **out),
                           const void *object, struct buffer *out)
{
    unsigned char *der = NULL;
    int size = encode(object, &der);

    assert_true(size > 0);
    buffer_add(out, slice_of(der, (size_t)size));
    OPENSSL_free(der);
    return buffer_slice(out);
}

static int encode_key(const void *object, unsigned char **out)
{
    return i2d_PUBKEY(object, out);
}

static int encode_certificate(const void *object, unsigned char **out)
{
    return i2d_X509(object, out);
}

static struct slice make_certificate(EVP_PKEY *key, struct buffer *out)
{
    X509 *certificate = X509_new();
    struct slice der;

    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 60);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    der = der_of(encode_certificate, certificate, out);
    X509_free(certificate);
    return der;
}

static void judges_records(void **state)
{
    CLEANUP(buffer_done) struct buffer certificate_bytes = BUFFER_NONE, key_bytes = BUFFER_NONE;
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    struct slice certificate = make_certificate(pair, &certificate_bytes);
    struct slice key = der_of(encode_key, pair, &key_bytes);
    static const char zeroes[64];
    struct slice sha256 = slice_of(zeroes, 32), sha512 = slice_of(zeroes, 64);
    const struct {
        struct wire_tlsa tlsa;
        bool usable;
    } cases[] = {
        {{3, 1, 1, sha256}, true},
        {{3, 0, 1, sha256}, true},
        {{2, 0, 1, sha256}, true},
        {{2, 1, 2, sha512}, true},
        {{0, 0, 1, sha256}, false}, /* PKIX-TA, PKIX-EE: RFC 7672 §3.1.3 */
        {{1, 1, 1, sha256}, false},
        {{4, 1, 1, sha256}, false},
        {{255, 1, 1, sha256}, false},
        {{3, 2, 1, sha256}, false},
        {{3, 1, 3, sha256}, false},
        {{3, 1, 1, sha512}, false},
        {{3, 1, 2, sha256}, false},
        {{3, 1, 1, slice_of(zeroes, 31)}, false},
        {{3, 1, 0, key}, true},
        {{2, 0, 0, certificate}, true},
        {{3, 0, 0, key}, false},
        {{3, 1, 0, certificate}, false},
        {{3, 1, 0, slice_part(key, 0, key.size - 1)}, false},
        {{2, 0, 0, slice_part(certificate, 0, certificate.size - 1)}, false},
        {{3, 1, 0, sha256}, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (wire_tlsa_usable(&cases[i].tlsa) != cases[i].usable)
            fail_msg("case %zu", i);
    buffer_add_byte(&key_bytes, 0); /* something after the key */
    assert_false(wire_tlsa_usable(&(struct wire_tlsa){3, 1, 0, buffer_slice(&key_bytes)}));
    EVP_PKEY_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_rdata),
        cmocka_unit_test(judges_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
