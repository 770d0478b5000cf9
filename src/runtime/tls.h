/* TLS settings, made once and shared by many streams: OpenSSL contexts with our rules.
 * TLS 1.2 is the oldest version, no renegotiation, no compression, no 0-RTT. What a client demands
 * of one server is said anew with each handshake (struct tls_demand). */
#ifndef LETTERHEAD_RUNTIME_TLS_H
#define LETTERHEAD_RUNTIME_TLS_H

#include "base/slice.h"
#include "wire/tlsa.h"

struct tls_context;

/* A server's context from PEM texts (certificate chain, private key). On failure *ret_problem (from
 * malloc, the caller frees) says what is wrong in words. -EINVAL. */
MUST_CHECK int tls_context_new_server(struct slice certificate_pem, struct slice key_pem,
                                      struct tls_context **ret, char **ret_problem);

struct tls_client_options {
    bool verify; /* what stream_start_tls_client demands; see TLS_AUTHORITIES */
    /* Whom certificates may come from: a file, or a directory whose files *.crt all count. NULL:
     * nobody, so that only TLS_ANY and TLS_DANE can succeed. */
    const char *authorities_pem_path;
    size_t sessions_max; /* remembered, of all servers, to be resumed; 0: none */
};
MUST_CHECK int tls_context_new_client(const struct tls_client_options *options,
                                      struct tls_context **ret, char **ret_problem);
void tls_context_free(struct tls_context *context);

enum tls_judge {
    TLS_ANY,     /* the certificate is not looked at: opportunistic, RFC 7435 */
    TLS_OBSERVE, /* judged as by TLS_AUTHORITIES, but the handshake goes on whatever comes out */
    TLS_AUTHORITIES, /* the chain leads to an authority, and a SAN (not the CN) is the name */
    TLS_DANE,        /* one of the TLSA records matches (RFC 7672 §3) */
};

/* What a client demands of one server. Everything is borrowed for the time of the handshake. */
struct tls_demand {
    enum tls_judge judge;
    struct slice server_name; /* sent as SNI, and the name that the certificate must carry */
    /* TLS_DANE: names that will do as well for DANE-TA(2) (RFC 7672 §3.2.2), and the records; each
     * must be usable (wire_tlsa_usable), at least one. */
    const struct slice *other_names;
    size_t other_name_count;
    const struct wire_tlsa *records;
    size_t record_count;
    /* Says which sessions may be resumed here: the address, and whatever else was demanded when
     * they were made must be in it. Names, judge and records are added to it. Empty: none. */
    struct slice session_key;
};

#endif
