/* The inside of TLS, for tls*.c and stream_tls.c: contexts, what a handshake demands and came to,
 * and the words for what went wrong. */
#ifndef LETTERHEAD_RUNTIME_TLS_INSIDE_H
#define LETTERHEAD_RUNTIME_TLS_INSIDE_H

#include "runtime/tls.h"
#include "runtime/tls_sessions.h"
#include "runtime/tls_shown.h"
#include "wire/tls_session.h"

#include <openssl/ssl.h>

struct tls_context {
    SSL_CTX *openssl;
    bool verify;
    struct tls_sessions *sessions; /* NULL: none are kept */
};

/* Names as OpenSSL wants them: ended by NUL, without the final dot. */
struct tls_name {
    char text[256];
};
/* -EINVAL for what cannot be a name: too long, or with a NUL. */
MUST_CHECK int tls_name_set(struct tls_name *name, struct slice text);

/* Tells a client's SSL what is demanded: SNI, names, authorities or TLSA records, strength, and a
 * session to resume; *ret_key is the key of the sessions that it may make. -EINVAL. */
MUST_CHECK int tls_demand_apply(SSL *ssl, struct tls_context *context,
                                const struct tls_demand *demand, struct tls_name *ret_name,
                                struct tls_session_key *ret_key);

/* The certificates that the server sent, its own first; NULL: none are known. Borrowed. */
const STACK_OF(X509) * stream_tls_chain(const struct stream *s);

/* Has the client's streams keep the sessions that servers give them (stream_tls.c). */
void stream_tls_keep_sessions(struct tls_context *context, size_t max);

/* What a verification came to, in TLS-RPT's words. */
enum wire_tls_result tls_result_of(long verify_result);

/* The same in ours (runtime/tls_shown.h), and for OpenSSL's reason when no certificate was at
 * fault; 0: the other side went away. */
enum tls_fault tls_fault_of_verification(long verify_result);
enum tls_fault tls_fault_of_protocol(int reason);

/* What is known of a handshake that failed. */
struct tls_failure {
    unsigned long code; /* OpenSSL's; 0: the other side went away */
    long verify_result; /* X509_V_OK: the certificate was not the trouble */
    X509 *certificate;  /* that was refused; may be NULL */
    const char *name;   /* of the server, as expected */
};
/* Says in a sentence or two why; from malloc. */
char *tls_explain(const struct tls_failure *failure);
/* The first error of OpenSSL's queue as text from malloc, the queue emptied; for settings. */
char *tls_explain_settings(const char *what);

#endif
