/* For tests only: certificates made on the spot. Include after <cmocka.h> (runtime/loop_test.h has
 * it). */
#ifndef LETTERHEAD_RUNTIME_TLS_IDENTITY_TEST_H
#define LETTERHEAD_RUNTIME_TLS_IDENTITY_TEST_H

#include "base/buffer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { DAY_S = 86400 };

/* A certificate with its key; the issuer of others, or a server's own. */
struct identity {
    X509 *certificate;
    EVP_PKEY *key;
    struct buffer certificate_pem, key_pem;
};

struct identity_options {
    const char *common_name, *names; /* names: "DNS:a.example,DNS:b.example"; NULL: none */
    const struct identity *issuer;   /* NULL: signs itself */
    bool authority;
    long from_s, until_s; /* from now */
};

static inline void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;

    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_nconf_nid(NULL, &context, nid, (char *)(uintptr_t)value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline void set_names(X509 *certificate, const struct identity_options *options)
{
    X509_NAME *name = X509_get_subject_name(certificate);

    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)options->common_name, -1, -1, 0);
    X509_set_issuer_name(
        certificate, options->issuer ? X509_get_subject_name(options->issuer->certificate) : name);
    if (options->names)
        add_extension(certificate, NID_subject_alt_name, options->names);
    if (options->authority)
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
}

static inline void add_written(struct buffer *pem, BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);

    buffer_add(pem, slice_of(data, (size_t)size));
    BIO_reset(bio);
}

static inline void to_pem(struct identity *identity)
{
    BIO *bio = BIO_new(BIO_s_mem());

    PEM_write_bio_X509(bio, identity->certificate);
    add_written(&identity->certificate_pem, bio);
    PEM_write_bio_PrivateKey(bio, identity->key, NULL, NULL, 0, NULL, NULL);
    add_written(&identity->key_pem, bio);
    BIO_free(bio);
}

static inline struct identity identity_new(const struct identity_options *options)
{
    static long serial = 1;
    struct identity identity = {X509_new(), EVP_EC_gen("P-256"), BUFFER_NONE, BUFFER_NONE};

    X509_set_version(identity.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(identity.certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(identity.certificate), options->from_s);
    X509_gmtime_adj(X509_getm_notAfter(identity.certificate), options->until_s);
    X509_set_pubkey(identity.certificate, identity.key);
    set_names(identity.certificate, options);
    X509_sign(identity.certificate, options->issuer ? options->issuer->key : identity.key,
              EVP_sha256());
    to_pem(&identity);
    return identity;
}

static inline void identity_done(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    buffer_done(&identity->certificate_pem);
    buffer_done(&identity->key_pem);
}

#endif
