/* The inside of TLS contexts, for tls.c and stream_tls.c, and the words for what went wrong. */
#ifndef LETTERHEAD_RUNTIME_TLS_INSIDE_H
#define LETTERHEAD_RUNTIME_TLS_INSIDE_H

#include "runtime/tls.h"

#include <openssl/ssl.h>

struct tls_context {
    SSL_CTX *openssl;
    bool verify;
};

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
