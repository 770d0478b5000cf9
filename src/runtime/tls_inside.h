/* The inside of TLS contexts, for tls.c and stream_tls.c, and the words for what went wrong. */
#ifndef LETTERHEAD_RUNTIME_TLS_INSIDE_H
#define LETTERHEAD_RUNTIME_TLS_INSIDE_H

#include "runtime/tls.h"

#include <openssl/ssl.h>

struct tls_context {
    SSL_CTX *openssl;
    bool verify;
};

/* Says in a sentence or two why a handshake failed; from malloc. `code` is OpenSSL's error, 0: none, and
 * `name` the server's name as it was expected. */
char *tls_explain(SSL *ssl, unsigned long code, const char *name);
/* The first error of OpenSSL's queue as text from malloc, the queue emptied; for settings. */
char *tls_explain_settings(const char *what);

#endif
