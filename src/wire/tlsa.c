#include "wire/tlsa.h"

#include "base/buffer.h"

#include <openssl/err.h>
#include <openssl/x509.h>

enum { SHA256_BYTES = 32, SHA512_BYTES = 64 };
enum { SELECTOR_CERTIFICATE = 0, SELECTOR_KEY = 1 };
enum { MATCHING_FULL = 0, MATCHING_SHA256 = 1, MATCHING_SHA512 = 2 };

int wire_tlsa_parse(struct slice rdata, struct wire_tlsa *ret)
{
    struct cursor c = cursor_of(rdata);
    struct wire_tlsa tlsa = {.usage = 0};

    tlsa.usage = cursor_u8(&c);
    tlsa.selector = cursor_u8(&c);
    tlsa.matching = cursor_u8(&c);
    tlsa.data = c.rest;
    if (c.failed || tlsa.data.size == 0)
        return -EBADMSG;
    *ret = tlsa;
    return 0;
}

static bool is_certificate(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.size);
    bool good = certificate && at == (const unsigned char *)der.data + der.size &&
                X509_get0_pubkey(certificate);

    X509_free(certificate);
    ERR_clear_error();
    return good;
}

static bool is_key(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.size);
    bool good = key && at == (const unsigned char *)der.data + der.size;

    EVP_PKEY_free(key);
    ERR_clear_error();
    return good;
}

bool wire_tlsa_usable(const struct wire_tlsa *tlsa)
{
    if (tlsa->usage != WIRE_TLSA_USAGE_DANE_TA && tlsa->usage != WIRE_TLSA_USAGE_DANE_EE)
        return false;
    if (tlsa->selector != SELECTOR_CERTIFICATE && tlsa->selector != SELECTOR_KEY)
        return false;
    switch (tlsa->matching) {
    case MATCHING_FULL:
        return tlsa->selector == SELECTOR_CERTIFICATE ? is_certificate(tlsa->data)
                                                      : is_key(tlsa->data);
    case MATCHING_SHA256:
        return tlsa->data.size == SHA256_BYTES;
    case MATCHING_SHA512:
        return tlsa->data.size == SHA512_BYTES;
    default:
        return false;
    }
}
