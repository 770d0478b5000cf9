/* TLS settings, made once and shared by many streams: OpenSSL contexts with our rules.
 * TLS 1.2 is the oldest version, no renegotiation, no compression, no 0-RTT. */
#ifndef LETTERHEAD_RUNTIME_TLS_H
#define LETTERHEAD_RUNTIME_TLS_H

#include "base/slice.h"

struct tls_context;

/* A server's context from PEM texts (certificate chain, private key). On failure *ret_problem (from
 * malloc, the caller frees) says what is wrong in words. -EINVAL. */
MUST_CHECK int tls_context_new_server(struct slice certificate_pem, struct slice key_pem,
                                      struct tls_context **ret, char **ret_problem);
/* A client's context. verify: the chain must lead to an authority in `authorities_pem_path` and the
 * name must match (a SAN; the CN is not looked at). Not verify: opportunistic, RFC 7435. */
struct tls_client_options {
    bool verify;
    const char *authorities_pem_path;
};
MUST_CHECK int tls_context_new_client(const struct tls_client_options *options,
                                      struct tls_context **ret, char **ret_problem);
void tls_context_free(struct tls_context *context);

#endif
