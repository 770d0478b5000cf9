#include "runtime/tls_shown.h"

#include "runtime/stream_inside.h"
#include "runtime/tls_inside.h"

#include <openssl/x509v3.h>
#include <time.h>

enum { NAMES_MAX = 8, NAME_BYTES_MAX = 256 };

enum tls_fault tls_fault_of_verification(long verify_result)
{
    switch (verify_result) {
    case X509_V_OK:
        return TLS_FAULT_NONE;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return TLS_FAULT_SELF_SIGNED;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        return TLS_FAULT_PRIVATE_AUTHORITY;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return TLS_FAULT_INCOMPLETE;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return TLS_FAULT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TLS_FAULT_NOT_YET_VALID;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return TLS_FAULT_NAME;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return TLS_FAULT_WEAK;
    default:
        return TLS_FAULT_CERTIFICATE;
    }
}

enum tls_fault tls_fault_of_protocol(int reason)
{
    switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
        return TLS_FAULT_OLD_VERSION;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
        return TLS_FAULT_NOT_TLS;
    case SSL_R_DH_KEY_TOO_SMALL:
    case SSL_R_EE_KEY_TOO_SMALL:
        return TLS_FAULT_WEAK;
    case 0:
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return TLS_FAULT_CLOSED;
    default:
        return TLS_FAULT_OTHER;
    }
}

static struct slice name_text(struct arena *arena, const X509_NAME *name)
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    const ASN1_STRING *value;

    if (X509_NAME_entry_count(name) == 0)
        return SLICE("(no name)");
    value = X509_NAME_ENTRY_get_data(
        X509_NAME_get_entry(name, at < 0 ? X509_NAME_entry_count(name) - 1 : at));
    return arena_copy(
        arena, slice_part(slice_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
                          0, NAME_BYTES_MAX));
}

static void free_names(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static struct slice names_text(struct arena *arena, const X509 *certificate)
{
    CLEANUP(free_names) GENERAL_NAMES *names = NULL;
    struct slice text = SLICE_NONE;
    int told = 0;

    names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && told < NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type != GEN_DNS)
            continue;
        text = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(text), told++ ? ", " : "",
                            ASN1_STRING_length(name->d.dNSName) > NAME_BYTES_MAX
                                ? NAME_BYTES_MAX
                                : ASN1_STRING_length(name->d.dNSName),
                            (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    }
    return text;
}

static int64_t unix_time(const ASN1_TIME *when)
{
    struct tm parts;

    return when && ASN1_TIME_to_tm(when, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static struct slice key_text(struct arena *arena, const X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    const char *kind = key ? EVP_PKEY_get0_type_name(key) : NULL;

    return kind ? arena_printf(arena, "%s %d", kind, EVP_PKEY_get_bits(key)) : SLICE("unknown");
}

static void free_access(AUTHORITY_INFO_ACCESS **access)
{
    AUTHORITY_INFO_ACCESS_free(*access);
}

static bool issuer_is_published(const X509 *certificate)
{
    CLEANUP(free_access) AUTHORITY_INFO_ACCESS *access = NULL;

    access = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++)
        if (OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(access, i)->method) == NID_ad_ca_issuers)
            return true;
    return false;
}

static struct tls_shown_certificate describe(struct arena *arena, const X509 *certificate)
{
    return (struct tls_shown_certificate){
        .subject = name_text(arena, X509_get_subject_name(certificate)),
        .issuer = name_text(arena, X509_get_issuer_name(certificate)),
        .names = names_text(arena, certificate),
        .key = key_text(arena, certificate),
        .from_s = unix_time(X509_get0_notBefore(certificate)),
        .until_s = unix_time(X509_get0_notAfter(certificate)),
        .issuer_is_published = issuer_is_published(certificate),
    };
}

void stream_tls_show(const struct stream *s, struct arena *arena, struct tls_shown *ret)
{
    const STACK_OF(X509) *chain = stream_tls_chain(s);

    *ret = (struct tls_shown){.fault = s->tls_fault};
    if (stream_is_tls(s)) {
        ret->version = arena_printf(arena, "%s", stream_tls_version(s));
        ret->cipher = arena_printf(arena, "%s", stream_tls_cipher(s));
    }
    for (int i = 0; i < sk_X509_num(chain) && i < TLS_SHOWN_CERTIFICATES_MAX; i++)
        ret->certificates[ret->certificate_count++] = describe(arena, sk_X509_value(chain, i));
}
