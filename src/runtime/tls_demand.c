/* What a client demands of a server, told to OpenSSL. */
#include "runtime/tls_inside.h"

#include "base/buffer.h"
#include "runtime/endpoint.h"

#include <openssl/sha.h>
#include <openssl/x509v3.h>

/* OpenSSL's levels: 2 wants 112 bits of strength in keys and signatures. An unverified connection
 * is better than none at any level (RFC 7435), short of no encryption at all. */
enum { LEVEL_VERIFIED = 2, LEVEL_OPPORTUNISTIC = 0 };

int tls_name_set(struct tls_name *name, struct slice text)
{
    if (slice_ends_nocase(text, SLICE(".")))
        text.size--;
    if (text.size >= sizeof name->text || slice_find(text, 0) >= 0)
        return -EINVAL;
    *name = (struct tls_name){{0}};
    if (text.size)
        memcpy(name->text, text.data, text.size);
    return 0;
}

static bool is_address(const char *name)
{
    struct endpoint e;

    return endpoint_parse_address(slice_text(name), &e) == 0;
}

/* The name goes into the ClientHello, unless it is an address (RFC 6066 §3). */
static int send_name(SSL *ssl, const struct tls_name *name)
{
    if (!name->text[0] || is_address(name->text))
        return 0;
    return SSL_set_tlsext_host_name(ssl, name->text) == 1 ? 0 : -EINVAL;
}

/* The name must be in the certificate: as a whole label where there is a wildcard (RFC 6125
 * §6.4.3), never only as a CN. */
static int expect_name(SSL *ssl, const struct tls_name *name)
{
    if (!name->text[0])
        return -EINVAL;
    if (is_address(name->text))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name->text) == 1 ? 0 : -EINVAL;
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name->text) == 1 ? 0 : -EINVAL;
}

static int expect_other_names(SSL *ssl, const struct tls_demand *demand)
{
    for (size_t i = 0; i < demand->other_name_count; i++) {
        struct tls_name name;

        if (tls_name_set(&name, demand->other_names[i]) < 0 || SSL_add1_host(ssl, name.text) != 1)
            return -EINVAL;
    }
    return 0;
}

/* RFC 7672 §3.1.1: a DANE-EE(3) record stands for name and dates as well. */
static int expect_records(SSL *ssl, const struct tls_demand *demand, const struct tls_name *name)
{
    if (!name->text[0] || demand->record_count == 0 || SSL_dane_enable(ssl, name->text) != 1)
        return -EINVAL;
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    for (size_t i = 0; i < demand->record_count; i++) {
        const struct wire_tlsa *tlsa = &demand->records[i];

        if (SSL_dane_tlsa_add(ssl, tlsa->usage, tlsa->selector, tlsa->matching,
                              (const unsigned char *)tlsa->data.data, tlsa->data.size) != 1)
            return -EINVAL;
    }
    return 0;
}

static int set_judge(SSL *ssl, const struct tls_demand *demand, const struct tls_name *name)
{
    int r = 0;

    if (demand->judge == TLS_DANE)
        r = expect_records(ssl, demand, name);
    if (r == 0 && demand->judge != TLS_ANY)
        r = expect_name(ssl, name);
    if (r == 0 && demand->judge == TLS_DANE)
        r = expect_other_names(ssl, demand);
    return r;
}

/* All that a session was judged by. */
static void key_of(const struct tls_demand *demand, const struct tls_name *name,
                   struct tls_session_key *ret)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    buffer_add_u8(&text, (uint8_t)demand->judge);
    buffer_add_sized(&text, demand->session_key);
    buffer_add_sized(&text, slice_text(name->text));
    for (size_t i = 0; i < demand->other_name_count; i++)
        buffer_add_sized(&text, demand->other_names[i]);
    for (size_t i = 0; i < demand->record_count; i++) {
        const struct wire_tlsa *tlsa = &demand->records[i];

        buffer_printf(&text, "%u %u %u ", tlsa->usage, tlsa->selector, tlsa->matching);
        buffer_add_sized(&text, tlsa->data);
    }
    SHA256((const unsigned char *)text.data, text.size, ret->bytes);
}

static void resume(SSL *ssl, struct tls_context *context, const struct tls_session_key *key)
{
    SSL_SESSION *session = tls_sessions_take(context->sessions, key);

    if (!session)
        return;
    SSL_set_session(ssl, session); /* one that does not fit is just not offered */
    SSL_SESSION_free(session);
}

int tls_demand_apply(SSL *ssl, struct tls_context *context, const struct tls_demand *demand,
                     struct tls_name *ret_name, struct tls_session_key *ret_key)
{
    bool strict = demand->judge == TLS_AUTHORITIES || demand->judge == TLS_DANE;
    int r = tls_name_set(ret_name, demand->server_name);

    if (r == 0)
        r = send_name(ssl, ret_name);
    if (r == 0)
        r = set_judge(ssl, demand, ret_name);
    if (r < 0)
        return r;
    SSL_set_security_level(ssl, strict ? LEVEL_VERIFIED : LEVEL_OPPORTUNISTIC);
    key_of(demand, ret_name, ret_key);
    if (context->sessions && demand->session_key.size)
        resume(ssl, context, ret_key);
    return 0;
}

enum wire_tls_result tls_result_of(long verify_result)
{
    switch (verify_result) {
    case X509_V_OK:
        return WIRE_TLS_SUCCESS;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return WIRE_TLS_CERTIFICATE_HOST_MISMATCH;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return WIRE_TLS_CERTIFICATE_EXPIRED;
    case X509_V_ERR_DANE_NO_MATCH:
        return WIRE_TLS_TLSA_INVALID;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return WIRE_TLS_CERTIFICATE_NOT_TRUSTED;
    default:
        return WIRE_TLS_VALIDATION_FAILURE;
    }
}
