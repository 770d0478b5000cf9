/* Takes what comes back, on port 25: reports to the return paths of what was sent
 * (wire/return_path.h), and to the address of feedback loops. Anything else is refused at RCPT, in
 * the same words whoever asks for what. Nothing is ever sent from here, and after RCPT only the
 * want of room refuses, for a while: a report that is not taken is lost.
 *
 * What is taken is on disk before it is answered 250: a message in the queue, for the pool
 * INBOUND_POOL, from which submit/report_sender.h carries it to the steward. It is of no site
 * (INBOUND_SITE), and no site's history shows it. MIME is not read here.
 *
 * No login, and so none of what submission offers; the pieces of the dialogue are shared
 * (submit/talk.h, collect.h, admission.h). The options' texts, keys, queue and TLS context are
 * borrowed and outlive the service. All on the gateway's loop. */
#ifndef LETTERHEAD_SUBMIT_INBOUND_H
#define LETTERHEAD_SUBMIT_INBOUND_H

#include "submit/service.h"
#include "wire/return_path.h"

struct stream;

#define INBOUND_POOL "@steward"
enum { INBOUND_SITE = 0 };

struct inbound_options {
    struct slice host_name;
    struct slice bounce_domain;        /* lower case */
    const struct directory *directory; /* whose sites may have MAIL FROM domains; NULL: none has */
    struct slice feedback_address;     /* complaints come to it as well; lower case; may be empty */
    struct submit_limits limits; /* inbound_limits_default, and what the configuration changes */
    struct tls_context *tls;     /* for STARTTLS; NULL: not offered */
    const struct return_path_keys *keys; /* they may change */
    struct queue *queue;
};

/* connections_max counts all; there are no sites here. */
void inbound_limits_default(struct submit_limits *ret);

/* Since the start. */
struct inbound_counters {
    uint64_t connections;
    uint64_t connections_refused; /* by a limit */
    uint64_t recipients_refused;
    uint64_t reports_taken;
    uint64_t reports_deferred; /* for want of room */
};

struct inbound_service {
    struct inbound_options options;
    struct inbound_counters counters;
    struct submit_admission admission;
    struct submit_budget budget;
    size_t busy;            /* transactions */
    struct condition quiet; /* none is left */
    bool stopping;
};

void inbound_init(struct inbound_service *s, const struct inbound_options *options);

struct inbound_listener {
    const char *name; /* for logs */
    int socket;       /* listening; stays the caller's */
};

/* Serves until cancelled, then lets reports that are coming in come to their end, as submit_serve.
 */
MUST_CHECK int inbound_serve(struct task *t, struct inbound_service *s,
                             const struct inbound_listener *listeners, size_t count);

/* One session, from greeting to farewell. */
void inbound_session_run(struct task *t, struct inbound_service *s, struct stream *stream);

#endif
