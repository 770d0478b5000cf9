/* Events: what became true of a message, numbered in the order in which it became so.
 *
 * An event is part of the record that makes it true, so the spool's log is also the outbox: events
 * are shown (queue_events_next) only once that record is on stable storage, and the log keeps them
 * until the steward has acknowledged them, whatever crashes in between. The gateway sends them in
 * batches (IPC_EVENTS, queue/pump.h); the steward stores a batch and its cursor in one transaction
 * and ignores what it has seen: exactly once.
 *
 * Sequence numbers increase by at least one and are never used twice in one spool; there may be
 * gaps. Spools have a random id, so the steward keeps one cursor a spool id: a new spool starts
 * again at 1.
 *
 * A message's life: ACCEPTED once (long recipient lists come in several events), then for each
 * recipient any number of DEFERRED, HELD and RELEASED, then exactly one of DELIVERED, BOUNCED,
 * EXPIRED, CANCELLED, SUPPRESSED. What comes back later follows it: any number of RETURNED,
 * COMPLAINED, ANSWERED and REPORTED, which the steward makes of reports (feedback/intake.h) and
 * stores like a gateway's batch, under a spool id of its own. They end nothing, and may come for a
 * recipient without an end, whose receiver took it while the link broke.
 *
 * The codec is the same on disk and between processes; it is pure. */
#ifndef LETTERHEAD_QUEUE_EVENT_H
#define LETTERHEAD_QUEUE_EVENT_H

#include "base/buffer.h"
#include "wire/message_id.h"

enum queue_event_type {
    QUEUE_EVENT_ACCEPTED = 1,
    QUEUE_EVENT_DEFERRED,  /* tried in vain; `due_us` says when it is tried again. 0: not tried,
                            * since its site may not send as its From; it is when it may */
    QUEUE_EVENT_DELIVERED, /* the receiver took it */
    QUEUE_EVENT_BOUNCED,   /* the receiver refused it for good */
    QUEUE_EVENT_EXPIRED, /* its lifetime is over; `text` and the reply are those of the last attempt
                          */
    QUEUE_EVENT_HELD,    /* not tried until released; `text` says who and why */
    QUEUE_EVENT_RELEASED,
    QUEUE_EVENT_CANCELLED,
    QUEUE_EVENT_SUPPRESSED, /* on the site's suppression list: not tried; `text` says why */
    QUEUE_EVENT_RETURNED,   /* a report says that it bounced later; the rest as in BOUNCED */
    QUEUE_EVENT_COMPLAINED, /* somebody called it spam; `text` is the feedback type */
    QUEUE_EVENT_ANSWERED,   /* an automatic reply */
    QUEUE_EVENT_REPORTED,   /* a report that it is late, or was passed on; nothing is decided */
};

enum queue_reason {
    QUEUE_REASON_NONE = 0,
    QUEUE_REASON_OPERATOR,  /* by IPC_QUEUE_ACT */
    QUEUE_REASON_CRASHES,   /* held: it was being delivered when the gateway crashed, three times */
    QUEUE_REASON_DAMAGED,   /* held: its content cannot be read back from the disk */
    QUEUE_REASON_UNCLAIMED, /* cancelled: the client gave up before it was told 250 */
    QUEUE_REASON_SIMULATED, /* by the mailbox simulator: it says nothing about anybody */
    QUEUE_REASON_INTERRUPTED, /* deferred, ambiguous: the gateway ended while it was being sent */
};

enum {
    QUEUE_EVENT_ALL_RECIPIENTS = 0xffffffff, /* as recipient: of the message, or of the site */
    QUEUE_EVENT_BYTES_MAX = 32768,           /* one event, written */
};

/* Why a recipient that is SUPPRESSED was not tried. */
#define QUEUE_SUPPRESSED_TEXT "the address is on the site's suppression list"

struct queue_event {
    uint64_t sequence;
    int64_t time_us; /* Unix time */
    enum queue_event_type type;
    struct message_id id; /* all zero: the event is about the whole site (HELD, RELEASED) */
    uint64_t site_id;
    uint32_t recipient; /* index in the message, or QUEUE_EVENT_ALL_RECIPIENTS */

    /* ACCEPTED. A message's first such event has first_recipient 0; when the recipients do not fit,
     * more follow that differ in sequence, first_recipient and addresses only. */
    struct {
        uint64_t credential_id;
        int64_t expires_us;
        uint32_t size; /* of the content */
        struct slice from_domain, header_from, envelope_from, subject, envid;
        uint32_t recipient_count; /* of the whole message */
        uint32_t first_recipient; /* the index that the first address belongs to */
        uint32_t address_count;
        struct slice addresses; /* read with queue_event_address */
        bool bulk;
    } accepted;

    /* All others. */
    uint32_t attempts;   /* made so far, this one included */
    bool ambiguous;      /* the data went out and no answer came */
    uint16_t reply_code; /* 0: no reply */
    uint8_t enhanced[3]; /* class, subject, detail; 0.0.0: none */
    int64_t due_us;      /* DEFERRED: not before (Unix time); otherwise 0 */
    enum queue_reason reason;
    struct slice text;      /* the reply or the cause: harmless UTF-8, <= QUEUE_TEXT_BYTES */
    struct slice remote;    /* "mx.example.org [192.0.2.1]:25"; empty: none was reached */
    struct slice tls;       /* "TLSv1.3"; empty: in clear or not reached */
    struct slice signed_by; /* selector and domain of the DKIM key, "s1._domainkey.example.org"; may
                               be empty */
    /* What the connections made for this attempt came to (wire/tls_session.h), for TLS reports.
     * Each is told once: in the first event after it was made or failed, and in no other. */
    struct slice tls_sessions;
};

/* True for the five that end a recipient. */
bool queue_event_is_final(enum queue_event_type type);
/* True for those that come back after it was taken: RETURNED to REPORTED. */
bool queue_event_is_report(enum queue_event_type type);
/* A word for people and JSON: "accepted", "deferred" … */
const char *queue_event_name(enum queue_event_type type);

/* The slices of what was read point into the bytes that were read. -EBADMSG: no such event. */
void queue_event_write(struct buffer *b, const struct queue_event *event);
MUST_CHECK int queue_event_read(struct cursor *c, struct queue_event *ret);

/* Adds one address to what becomes accepted.addresses; takes the next one off its front (false: no
 * more). */
void queue_event_address_write(struct buffer *addresses, struct slice address);
bool queue_event_address(struct slice *addresses, struct slice *ret_address);

/* The body of IPC_EVENTS: u16 format · u64 spool id · events to the end. The reply's body is the
 * cursor (u64), the highest sequence stored: all up to it may be forgotten. */
enum { QUEUE_EVENT_FORMAT = 1 };
void queue_event_batch_begin(struct buffer *body, uint64_t spool_id);
/* Reads the head of a batch; then queue_event_read until cursor_done says 0. -EBADMSG, or
 * -EPROTONOSUPPORT for a format that this version does not know. */
MUST_CHECK int queue_event_batch_read(struct cursor *c, uint64_t *ret_spool_id);

#endif
