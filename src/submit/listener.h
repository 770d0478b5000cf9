/* Takes SMTP connections on listening sockets, gives each a session in a task of its own, and ends
 * them in an orderly way. */
#ifndef LETTERHEAD_SUBMIT_LISTENER_H
#define LETTERHEAD_SUBMIT_LISTENER_H

#include "submit/service.h"

enum submit_tls {
    SUBMIT_TLS_STARTTLS, /* in clear until STARTTLS; nothing of use before it (RFC 8314 §3.3) */
    SUBMIT_TLS_IMPLICIT, /* RFC 8314 §3.3 */
    SUBMIT_TLS_NONE,     /* loopback only: each session acts as one credential */
};

struct submit_listener {
    const char *name; /* for logs: "0.0.0.0:587" */
    int socket;       /* listening; stays the caller's */
    enum submit_tls tls;
    struct slice access_key_id; /* SUBMIT_TLS_NONE: the credential */
};

/* Serves the listeners until the task is cancelled; then no more connections are taken, idle
 * sessions are told 421 4.3.2, and messages in reception get stop_grace_us to finish. Returns
 * -ECANCELED after that, or the error that made it impossible to go on. */
MUST_CHECK int submit_serve(struct task *t, struct submit_service *service,
                            const struct submit_listener *listeners, size_t count);

#endif
