/* Delivery: takes what is due out of the queue and carries it to its destinations.
 *
 * Whoever receives mail for many domains is one *provider* (deliver/provider_name.h), and limits
 * hold towards that. Each has workers, tasks with at most one connection: take a job, have it
 * signed, offer it, settle it, take the next. The queue says when something is due (deliver_due); a
 * worker that finds nothing more waits a moment, its connection at the disposal of the others, and
 * leaves. How many there may be follows the answers (deliver/provider_pace.h, deliver/shaping.h).
 * When nobody there can be talked to, one job is deferred with the reason and the provider, or the
 * domain alone, rests, twice as long each time; nothing is tried one by one against a dead host
 * (RFC 5321 §4.5.4.1). */
#ifndef LETTERHEAD_DELIVER_DELIVER_H
#define LETTERHEAD_DELIVER_DELIVER_H

#include "base/share.h"
#include "deliver/relay.h"
#include "deliver/route.h"
#include "deliver/sign.h"
#include "deliver/tls_policy.h"
#include "queue/queue.h"
#include "wire/return_path.h"

struct deliver;

struct deliver_options {
    struct route_options route;
    struct sign_options sign;
    struct slice hostname; /* for EHLO */
    struct slice bounce_domain;
    const struct return_path_keys *return_keys; /* there when delivery starts; they may change */
    struct tls_context *tls_context;            /* NULL: never TLS (simulator) */
    struct tls_context *relay_tls_context; /* the same for clients' servers: fewer authorities */
    struct tls_policy tls_policy;          /* whom to ask what TLS must come to */
    size_t connections_per_provider_max;   /* unless deliver/shaping.h has a limit for it */
    size_t connections_max;
    size_t messages_per_connection_max; /* likewise */
    struct share share;                 /* of these limits, when there are several gateways */
    relay_reply_judge *judge_relay;     /* NULL: by where in the dialogue it was said */
};

/* Options are borrowed for good, with all that they point to. */
struct deliver *deliver_new(const struct deliver_options *options);
/* Begins to work in `scope`; the queue may have been open, and calling deliver_due, before. */
void deliver_start(struct deliver *d, struct scope *scope, struct queue *queue);
/* Ends the rest of all destinations, since an operator wants them tried now. */
void deliver_wake(struct deliver *d);
/* No more jobs are taken; waits up to `grace_us` for those that are being offered. */
MUST_CHECK int deliver_stop(struct task *t, struct deliver *d, uint64_t grace_us);
/* After the scope has been closed. Accepts NULL. */
void deliver_free(struct deliver *d);

/* For queue_options: `context` is the struct deliver. */
void deliver_destination(void *context, uint64_t site_id, struct slice domain,
                         struct buffer *ret_key);
void deliver_pool(void *context, struct slice destination, struct buffer *ret_key);
size_t deliver_job_recipients(void *context, struct slice destination);
void deliver_due(void *context, struct slice pool, size_t waiting);
bool deliver_suppressed(void *context, uint64_t site_id, struct slice address);
void deliver_holding(void *context, struct slice pool, uint64_t site_id, struct buffer *ret);

#endif
