/* What one attempt to speak TLS with a mail host came to, in the words of TLS-RPT (RFC 8460): which
 * policy applied, and whether it was kept. The gateway writes it into the events of delivery
 * (queue/event.h), the steward tallies it into daily reports. A compact, pure codec. */
#ifndef LETTERHEAD_WIRE_TLS_SESSION_H
#define LETTERHEAD_WIRE_TLS_SESSION_H

#include "base/buffer.h"

/* RFC 8460 §4.2, "policy-type". */
enum wire_tls_policy {
    WIRE_TLS_NO_POLICY = 1, /* "no-policy-found" */
    WIRE_TLS_STS,           /* "sts" */
    WIRE_TLS_TLSA,          /* "tlsa" */
};

/* RFC 8460 §4.3, "result-type". */
enum wire_tls_result {
    WIRE_TLS_SUCCESS = 0,
    WIRE_TLS_STARTTLS_NOT_SUPPORTED,
    WIRE_TLS_CERTIFICATE_HOST_MISMATCH,
    WIRE_TLS_CERTIFICATE_EXPIRED,
    WIRE_TLS_CERTIFICATE_NOT_TRUSTED,
    WIRE_TLS_VALIDATION_FAILURE, /* all that has no word of its own: `reason` says more */
    WIRE_TLS_TLSA_INVALID,
    WIRE_TLS_DNSSEC_INVALID,
    WIRE_TLS_DANE_REQUIRED,
    WIRE_TLS_STS_POLICY_FETCH_ERROR,
    WIRE_TLS_STS_POLICY_INVALID,
    WIRE_TLS_STS_WEBPKI_INVALID,
};

enum {
    WIRE_TLS_REASON_BYTES = 200, /* of `reason`; longer ones are cut */
    WIRE_TLS_SESSIONS_BYTES = 4096,
};

/* One session, or an attempt that became none. Texts are ASCII or UTF-8 without control characters;
 * all but the domain may be empty. */
struct wire_tls_session {
    enum wire_tls_policy policy;
    enum wire_tls_result result;
    struct slice domain;       /* of the recipients: RPT's "policy-domain"; <= 255 bytes */
    struct slice mx_host;      /* <= 255 bytes */
    struct slice sending_ip;   /* ours, as text; <= 45 bytes */
    struct slice receiving_ip; /* <= 45 bytes */
    struct slice reason;       /* for people */
};

/* Adds one session; several stand one after the other. Adds nothing when they would come to more
 * than WIRE_TLS_SESSIONS_BYTES; texts that are too long are cut. */
void wire_tls_session_write(struct buffer *out, const struct wire_tls_session *session);
/* Takes the next one off the front; its texts lie in what is read. False: no more, or not of this
 * codec; what is left is then kept in *sessions. */
bool wire_tls_session_read(struct slice *sessions, struct wire_tls_session *ret);

/* The words of RFC 8460. The result must not be SUCCESS, which has none. */
const char *wire_tls_policy_name(enum wire_tls_policy policy);
const char *wire_tls_result_name(enum wire_tls_result result);

#endif
