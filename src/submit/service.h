/* What all of submission shares: options, counters, the memory that messages in reception may take,
 * who is connected, who has failed to log in. One service a gateway; listener.h feeds it with SMTP
 * sessions, remote.h with what the steward submits, and both end in accept.h.
 *
 * The service borrows directory, vault, queue and TLS context: they outlive it. Its fields are for
 * this folder; others use the functions. All on the gateway's loop. */
#ifndef LETTERHEAD_SUBMIT_SERVICE_H
#define LETTERHEAD_SUBMIT_SERVICE_H

#include "queue/queue.h"
#include "runtime/peer.h"
#include "runtime/task.h"
#include "site/directory.h"
#include "submit/admission.h"
#include "submit/auth_limit.h"
#include "submit/board.h"
#include "submit/budget.h"
#include "submit/meter.h"

struct tls_context;

/* submit_limits_default() fills all; the configuration changes some. */
struct submit_limits {
    uint64_t message_size_max_bytes; /* offered as SIZE */
    bool lenient;          /* content need not be clean, and is cut to that size: it goes nowhere */
    size_t recipients_max; /* a message; at least 100 (RFC 5321 §4.5.3.1.8) */
    uint64_t memory_max_bytes; /* content of all messages in reception */
    struct submit_admission_limits admission;
    struct submit_auth_limits auth;

    uint64_t handshake_us;        /* TLS */
    uint64_t early_talk_us;       /* how long the greeting waits for those who cannot */
    uint64_t login_us;            /* from the connection to a successful AUTH */
    uint64_t login_crowded_us;    /* the same when connections are nearly used up */
    uint64_t command_us;          /* RFC 5321 §4.5.3.2.7 */
    uint64_t data_us;             /* all of DATA */
    uint64_t session_us;          /* all of a session; ends it between two messages */
    uint64_t data_grace_us;       /* before data_rate_min counts (RFC 5321 §4.5.3.2.5) */
    uint64_t data_rate_min_bytes; /* a second, on average */
    uint64_t farewell_us;         /* for a last reply to get out */
    unsigned errors_max;          /* refused commands without a message accepted in between */
    unsigned idle_commands_max;   /* NOOP, RSET and the like, counted in the same way */
    unsigned login_failures_max;  /* in a session */
    uint64_t login_delay_us;      /* before the answer to the first failure; doubles each time */
    uint64_t stop_grace_us;       /* for messages in reception when the gateway stops */
};

void submit_limits_default(struct submit_limits *ret);

struct submit_options {
    struct slice host_name; /* in the greeting, Received and new Message-IDs */
    struct slice region;    /* "eu-west-1", for the SES text of a refusal */
    struct submit_limits limits;
    struct tls_context *tls; /* NULL if no listener has TLS */
    struct directory *directory;
    struct peer *vault;
    struct queue *queue;
    struct submit_board *board; /* shared with other gateways; NULL: there are none */
    struct meters *meters;      /* likewise; NULL: some of its own are made */
};

/* Since the start, for status and metrics. */
struct submit_counters {
    uint64_t connections;
    uint64_t connections_refused; /* by a limit */
    uint64_t logins;
    uint64_t logins_failed;
    uint64_t messages_accepted;
    uint64_t messages_refused;  /* after DATA: 5xx */
    uint64_t messages_deferred; /* after DATA: 4xx */
    uint64_t sessions_cut;      /* by a time limit or too many errors */
};

struct submit_service {
    struct submit_options options;
    struct arena texts; /* what options point to */
    struct submit_counters counters;
    struct submit_budget budget;
    struct submit_admission admission;
    struct submit_auth_limit *auth_limit;
    struct meters *meters, *own_meters; /* the latter NULL when they are shared */
    size_t busy;                        /* sessions with a transaction open */
    struct condition quiet;             /* none is left */
    bool stopping;
};

struct submit_service *submit_service_new(struct task *t, const struct submit_options *options);
/* After all sessions have ended; accepts NULL. */
void submit_service_free(struct submit_service *service);

const struct submit_counters *submit_service_counters(const struct submit_service *service);
/* Connections now, and those of them that have logged in. */
void submit_service_connections(const struct submit_service *service, size_t *ret_all,
                                size_t *ret_logged_in);

#endif
