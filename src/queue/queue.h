/* The queue: every accepted message until each recipient of it is settled.
 *
 * submit puts messages in (queue_accept returns when they are on stable storage); deliver takes
 * jobs out and settles them. Behind stand the spool (queue/spool.h: a log on disk, group commit),
 * the schedule (who is due where) and the sweeper (every recipient has a deadline). All calls are
 * made on the gateway's loop.
 *
 * Never lost: what queue_accept returned 0 for is in the spool until its last recipient has a
 * terminal event in the event log and the steward has acknowledged that. Rarely twice: a delivery
 * is repeated only when the process died, or the link broke, between the end of DATA and the
 * receiver's answer, or within the milliseconds that the answer waits for the disk. An event says
 * so before it is repeated (DEFERRED, ambiguous), and it is counted. */
#ifndef LETTERHEAD_QUEUE_QUEUE_H
#define LETTERHEAD_QUEUE_QUEUE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "queue/event.h"
#include "runtime/disk.h"
#include "runtime/task.h"
#include "wire/message_id.h"

struct queue;

/* What a recipient asked for by the DSN extension (RFC 3461); kept for the next hop. */
struct queue_recipient {
    struct slice address; /* canonical, as wire_address_format writes it */
    struct slice domain;  /* of the address: A-label, lower case */
    uint8_t notify;       /* bits of RFC 3461 §4.1; 0: not given */
    struct slice orcpt;   /* as received, xtext; empty: not given */
};

/* A message as submit hands it over. Borrowed: everything is copied or written before queue_accept
 * returns, except `content`, which is taken. */
struct queue_submission {
    struct message_id id;
    uint64_t site_id;
    uint64_t credential_id;     /* 0: by the steward */
    struct slice from_domain;   /* of the header's From: the identity that signs */
    struct slice header_from;   /* canonical address, for people */
    struct slice envelope_from; /* as the client gave it; empty: null path */
    struct slice subject;       /* raw, cut to QUEUE_SUBJECT_BYTES, for people; may be empty */
    struct slice envid;         /* decoded; empty: not given */
    uint8_t ret;                /* 0 not given, 1 FULL, 2 HDRS */
    bool eight_bit;             /* 8BITMIME needed */
    bool smtputf8;
    bool bulk;                      /* gives way to the same site's transactional mail */
    bool tls_required, tls_relaxed; /* RFC 8689: REQUIRETLS, "TLS-Required: No"; one at most */
    unsigned char body_hash[32];    /* SHA-256 of the relaxed body (RFC 6376 §3.4.4) */
    uint32_t header_size;           /* bytes of content before the body, blank line included */
    struct buffer content; /* header and body as they will leave, CR LF lines, no dot-stuffing */
    const struct queue_recipient *recipients;
    size_t recipient_count;
};
enum { QUEUE_SUBJECT_BYTES = 200 };

/* Durable when it returns 0; so it is, unchanged, when a message with this id waits already: who
 * submits by an id of its own may do so again. Otherwise nothing was accepted, and nothing will be
 * sent:
 *   -ENOSPC  no room on disk, or the configured maximum is queued: 452 4.3.1
 *   -EIO     a sync failed; accepting has stopped until the operator acts: 451 4.3.0
 * (queue_accepting says why) -ECANCELED  shutting down (the message may or may not be stored; the
 * client was not told 250) */
MUST_CHECK int queue_accept(struct task *t, struct queue *q, struct queue_submission *submission);
/* False when accepting has stopped; then *ret_why is a sentence for the operator. */
bool queue_accepting(const struct queue *q, const char **ret_why);
/* What queue_accept would say to a message now, without one: 0, -ENOSPC, -EIO, -ECANCELED. */
MUST_CHECK int queue_room(const struct queue *q);

/* One transaction's worth: recipients of one message that share a destination. */
enum queue_result {
    QUEUE_DELIVERED = 1,
    QUEUE_DEFERRED,   /* 4xx, or no answer: try again */
    QUEUE_BOUNCED,    /* 5xx */
    QUEUE_SUPPRESSED, /* as if the recipient were suppressed: by the mailbox simulator */
};

struct queue_outcome {
    enum queue_result result;
    bool ambiguous; /* the data went out and no answer came */
    bool withheld; /* DEFERRED: not tried, and to wait for queue_release_withheld, not for a time */
    uint16_t reply_code; /* 0: no reply */
    uint8_t enhanced[3]; /* class, subject, detail; 0.0.0: none (detail over 255: kept as 255) */
    struct slice text; /* reply or cause, made harmless (wire_reply_escape), <= QUEUE_TEXT_BYTES */
    struct slice remote; /* "mx.example.org [192.0.2.1]:25"; empty: none was reached */
    struct slice tls;    /* "TLSv1.3"; empty: in clear or not reached */
    struct slice
        signed_by; /* "s1._domainkey.example.org", whose key signed what went out; or empty */
    struct slice tls_sessions;  /* as in queue/event.h; at most WIRE_TLS_SESSIONS_BYTES */
    bool simulated;             /* by the mailbox simulator (QUEUE_REASON_SIMULATED) */
    enum queue_event_type then; /* COMPLAINED or ANSWERED, which follows at once; 0: nothing does */
    struct slice then_text;
};
enum { QUEUE_TEXT_BYTES = 500, QUEUE_JOB_RECIPIENTS_MAX = 50 };

struct queue_job_recipient {
    uint32_t index; /* within the message */
    struct slice address, domain, orcpt;
    uint8_t notify;
    uint32_t attempts; /* before this one */
    bool ambiguous_before;
};

struct queue_job {
    struct message_id id;
    uint64_t site_id;
    struct slice destination; /* the key that all its recipients have in common */
    struct slice from_domain, envelope_from, envid;
    uint8_t ret;
    bool eight_bit, smtputf8;
    bool bulk; /* gives way to the same site's transactional mail */
    bool tls_required, tls_relaxed;
    unsigned char body_hash[32];
    uint32_t header_size;
    int64_t accepted_us, expires_us; /* Unix time */
    struct slice content;            /* all of it; good until queue_settle */
    struct slice
        signature; /* a DKIM-Signature field made before (queue_keep_signature); may be empty */
    struct queue_job_recipient recipients[QUEUE_JOB_RECIPIENTS_MAX];
    size_t recipient_count;
};

/* The next job that is due in `pool`, fair between sites; NULL in *ret when there is none. `prefer`
 * is a destination that the caller has a connection for, or empty: it is taken among equals, those
 * of the same site and class, and never out of turn. May read the content from disk. The job is the
 * caller's until queue_settle or queue_return. */
MUST_CHECK int queue_take(struct task *t, struct queue *q, struct slice pool, struct slice prefer,
                          struct queue_job **ret);
/* Waits until it is on disk that the job is being tried. To be called before anything of the
 * message goes out: whatever crashes after that, its next try is known to be perhaps a repeat.
 * -EIO: it cannot be written now; -ECANCELED. The job is still the caller's, and to be given
 * back. */
MUST_CHECK int queue_attempt(struct task *t, struct queue *q, struct queue_job *job);
/* How many transactional jobs are due in `pool`; bulk may be kept waiting for them. Callbacks of
 * queue_options may ask, too. */
size_t queue_transactional(const struct queue *q, struct slice pool);
/* How many bulk jobs are. */
size_t queue_bulk(const struct queue *q, struct slice pool);
/* Records what became of each recipient (outcomes[i] belongs to recipients[i]) and frees the job.
 * Does not wait for the disk: the spool writes the result with the next commit; a crash before that
 * repeats the delivery, which is then marked ambiguous (queue_attempt). */
void queue_settle(struct queue *q, struct queue_job *job, const struct queue_outcome *outcomes);
/* Gives a job back untried (shutting down, or the destination has just closed); no attempt is
 * counted. */
void queue_return(struct queue *q, struct queue_job *job);
/* Keeps a signature in memory with the message, so that other recipients and tries need not sign
 * again. */
void queue_keep_signature(struct queue *q, const struct message_id *id,
                          struct slice signature_field);

/* The destination belongs to another pool from now on, with all that waits for it: `due` is called
 * for that one. Costs one step for each site with mail to the destination. What is under way stays
 * with who took it. Does nothing for a destination without mail: `pool` is asked when it comes. */
void queue_pool_move(struct queue *q, struct slice destination, struct slice pool);

/* Nothing of the site is handed out until queue_unpark_all, in any pool; what is in a job stays
 * there. It is not remembered over a restart. `due` is called for what can be taken again. */
void queue_park(struct queue *q, uint64_t site_id);
void queue_unpark_all(struct queue *q);

/* The site may send again: what is withheld of it (queue_outcome.withheld) is due now. Costs a walk
 * over the queue when there is any. -ECANCELED */
MUST_CHECK int queue_release_withheld(struct task *t, struct queue *q, uint64_t site_id);

/* A *destination* is where a recipient's mail goes, by its key: the recipient's domain, or a next
 * hop. A *pool* is what shares connections and limits: a receiving provider, or a relay. Every
 * destination belongs to one pool at a time. Callbacks must not suspend, and must not call the
 * queue, unless it is said that they may. */
struct queue_options {
    struct disk *disk;
    uint64_t lifetime_s; /* a recipient's deadline after acceptance */
    const uint32_t
        *retry_delays_s; /* before the 2nd, 3rd, … attempt; the last one repeats; jitter is added */
    size_t retry_delay_count;
    uint64_t memory_max_bytes; /* content kept in memory for messages on their way */
    uint64_t spool_max_bytes;
    uint64_t spool_reserve_bytes; /* kept free on disk so that results can always be written */
    uint64_t segment_bytes;       /* of the spool's files; 0: as the spool sees fit */
    size_t job_recipients_max;    /* 1 to QUEUE_JOB_RECIPIENTS_MAX; 0: as many */
    /* The same for one destination, asked with each job; 0: as many as for all. NULL: so it is
     * everywhere. */
    size_t (*job_recipients)(void *context, struct slice destination);
    /* The key of a recipient's destination. From deliver/route. */
    void (*destination)(void *context, uint64_t site_id, struct slice domain,
                        struct buffer *ret_key);
    /* The key of the pool that a destination belongs to, asked when the first mail for it comes.
     * NULL: every destination is a pool of its own. */
    void (*pool)(void *context, struct slice destination, struct buffer *ret_key);
    /* A job has become due in the pool; `ready` are due now, this one included. Called once for
     * each such job, not when jobs are taken; and when a destination with mail that is due has
     * moved there. */
    void (*due)(void *context, struct slice pool, size_t ready);
    /* Writes which limit keeps this site's mail in the pool waiting now: a sentence without a full
     * stop, "20 of 20 connections to google.com are in use"; nothing if none does. NULL: nothing
     * ever does. */
    void (*holding)(void *context, struct slice pool, uint64_t site_id, struct buffer *ret);
    /* Whether mail of this site to the address is to end untried, as SUPPRESSED: asked when it is
     * accepted, and before each attempt. NULL: never. */
    bool (*suppressed)(void *context, uint64_t site_id, struct slice address);
    void *context;
};

/* The events (queue/event.h) that the steward has not acknowledged yet, for the pump. */
uint64_t queue_spool_id(const struct queue *q);
/* Waits until there are some, and adds as many as fit max_bytes to `batch`, at least one. They stay
 * until they are acknowledged; after a restart they come again. */
MUST_CHECK int queue_events_next(struct task *t, struct queue *q, struct buffer *batch,
                                 size_t max_bytes, uint64_t *ret_last);
void queue_events_acknowledge(struct queue *q, uint64_t sequence);
/* Bytes of them in memory. */
size_t queue_events_waiting(const struct queue *q);

/* Opens the spool, recovers what is in it, and starts the committer and the sweeper in `scope`. */
MUST_CHECK int queue_open(struct task *t, struct scope *scope, const struct queue_options *options,
                          struct queue **ret);
/* Commits what is pending. Call after all sessions and workers have ended. Accepts NULL. */
void queue_close(struct task *t, struct queue *q);

#endif
