/* What OpenSSL says about a failed handshake, in words for people: which certificate, what is wrong
 * with it, what was expected. */
#include "runtime/tls_inside.h"

#include "base/buffer.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* How many of a certificate's names are told. */
enum { NAMES_MAX = 5 };

static void free_names(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

/* The DNS names that the certificate is for. They are a stranger's text: whoever shows them escapes
 * them. */
static void add_names(struct buffer *text, X509 *certificate)
{
    CLEANUP(free_names) GENERAL_NAMES *names = NULL;
    int told = 0;

    names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && told < NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type != GEN_DNS)
            continue;
        buffer_printf(text, "%s%.*s", told++ ? ", " : "", ASN1_STRING_length(name->d.dNSName),
                      (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    }
    if (told == 0)
        buffer_add(text, SLICE("no name at all"));
}

static void add_day(struct buffer *text, const ASN1_TIME *when)
{
    struct tm day;

    if (when && ASN1_TIME_to_tm(when, &day) == 1)
        buffer_printf(text, "%04d-%02d-%02d", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
    else
        buffer_add(text, SLICE("an unreadable date"));
}

static void explain_name(struct buffer *text, X509 *certificate, const char *name)
{
    buffer_printf(text, "The certificate is not for %s. It is for ", name);
    add_names(text, certificate);
    buffer_add_byte(text, '.');
}

static void explain_time(struct buffer *text, X509 *certificate, bool expired)
{
    buffer_printf(text, "%s ",
                  expired ? "The certificate expired on" : "The certificate is not valid before");
    add_day(text, expired ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate));
    buffer_add_byte(text, '.');
}

static const char *verify_sentence(long result)
{
    switch (result) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "The certificate is self-signed: no authority vouches for it.";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "The certificate leads to an authority that is not trusted here.";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "The certificate comes from an unknown authority, or the server does not send the "
               "intermediate certificates that lead to a known one.";
    case X509_V_ERR_CERT_REVOKED:
        return "The certificate was revoked.";
    case X509_V_ERR_DANE_NO_MATCH:
        return "The certificate matches none of the TLSA records that the domain publishes (DANE).";
    case X509_V_ERR_INVALID_PURPOSE:
        return "The certificate is not meant for servers.";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return "The certificate's key or signature is too weak.";
    default:
        return NULL;
    }
}

static void explain_certificate(struct buffer *text, const struct tls_failure *failure)
{
    const char *sentence = verify_sentence(failure->verify_result);
    X509 *certificate = failure->certificate;
    long result = failure->verify_result;

    if (sentence)
        buffer_add(text, slice_text(sentence));
    else if (certificate &&
             (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH))
        explain_name(text, certificate, failure->name);
    else if (certificate &&
             (result == X509_V_ERR_CERT_HAS_EXPIRED || result == X509_V_ERR_CERT_NOT_YET_VALID))
        explain_time(text, certificate, result == X509_V_ERR_CERT_HAS_EXPIRED);
    else
        buffer_printf(text, "The certificate is refused: %s.",
                      X509_verify_cert_error_string(result));
}

static const char *protocol_sentence(int reason)
{
    switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
        return "The two sides have no TLS version in common; 1.2 is the oldest that is allowed.";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
        return "The other side did not answer in TLS.";
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_NO_CIPHERS_AVAILABLE:
        return "The two sides have no encryption method in common.";
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return "The other side closed the connection during the handshake.";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return "The other side does not know the authority of our certificate.";
    case SSL_R_DH_KEY_TOO_SMALL:
    case SSL_R_EE_KEY_TOO_SMALL:
        return "The other side's key is too weak.";
    default:
        return NULL;
    }
}

static void explain_protocol(struct buffer *text, unsigned long code)
{
    const char *sentence = protocol_sentence(ERR_GET_REASON(code));
    const char *reason = ERR_reason_error_string(code);

    if (code == 0)
        buffer_add(text, SLICE("The other side closed the connection during the handshake."));
    else if (sentence)
        buffer_add(text, slice_text(sentence));
    else
        buffer_printf(text, "The TLS handshake failed: %s.", reason ? reason : "unknown cause");
}

char *tls_explain(const struct tls_failure *failure)
{
    struct buffer text = BUFFER_NONE;

    if (failure->verify_result != X509_V_OK)
        explain_certificate(&text, failure);
    else
        explain_protocol(&text, failure->code);
    buffer_add_byte(&text, 0);
    return text.data;
}

char *tls_explain_settings(const char *what)
{
    struct buffer text = BUFFER_NONE;
    unsigned long code = ERR_peek_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    buffer_add(&text, slice_text(what));
    if (reason)
        buffer_printf(&text, " (%s)", reason);
    buffer_add(&text, SLICE("."));
    buffer_add_byte(&text, 0);
    ERR_clear_error();
    return text.data;
}
