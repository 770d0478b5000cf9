/* The queue as the steward sees it, for operators: list what waits, act on it, count. Bodies of
 * IPC_QUEUE_LIST, IPC_QUEUE_ACT and IPC_GATEWAY_STATUS (both ends), and the gateway's side, which
 * answers them. Bodies are read with every size checked: -EBADMSG. Strings point into what was
 * read. */
#ifndef LETTERHEAD_QUEUE_REMOTE_H
#define LETTERHEAD_QUEUE_REMOTE_H

#include "queue/event.h"
#include "runtime/task.h"

struct queue;

/* --- IPC_QUEUE_LIST: recipients that are not finished, oldest message first, page by page. --- */

enum { QUEUE_LIST_MAX = 200 };

struct queue_list_request {
    uint64_t site_id;         /* 0: all */
    struct slice destination; /* empty: all; otherwise the key, "example.org" */
    struct message_id id;     /* zero: all; otherwise this message only */
    uint32_t max;             /* entries a page, at most QUEUE_LIST_MAX */
    struct queue_list_place { /* where the page before ended (its `next`); zero: from the start */
        uint64_t number;
        uint32_t recipient;
    } after;
};

enum queue_entry_state {
    QUEUE_ENTRY_READY = 1, /* due; waits for a connection */
    QUEUE_ENTRY_WAITING,   /* until due_us */
    QUEUE_ENTRY_BUSY,      /* being delivered */
    QUEUE_ENTRY_HELD,      /* until released */
    QUEUE_ENTRY_PAUSED,    /* its site is paused in the queue */
    QUEUE_ENTRY_WITHHELD,  /* its site may not send as its From at present */
};

struct queue_list_entry {
    struct message_id id;
    uint64_t site_id;
    uint32_t recipient;
    enum queue_entry_state state;
    uint32_t attempts;
    uint16_t reply_code;                     /* of the last attempt; 0: none, or no reply */
    int64_t accepted_us, due_us, expires_us; /* Unix time; due_us is 0 unless WAITING */
    uint32_t size;                           /* of the content */
    bool bulk;
    struct slice address, destination;
    struct slice holding; /* READY: which limit holds it now, a sentence; empty: none known */
};

struct queue_list_reply {
    uint32_t count;
    bool more;
    struct queue_list_place next;
    struct slice entries; /* read with queue_list_entry_read */
};

void queue_list_request_write(struct buffer *body, const struct queue_list_request *request);
MUST_CHECK int queue_list_request_read(struct slice body, struct queue_list_request *ret);
void queue_list_entry_write(struct buffer *entries, const struct queue_list_entry *entry);
void queue_list_reply_write(struct buffer *body, const struct queue_list_reply *reply);
MUST_CHECK int queue_list_reply_read(struct slice body, struct queue_list_reply *ret);
/* Takes the next one off reply.entries; false: no more. */
bool queue_list_entry_read(struct slice *entries, struct queue_list_entry *ret);

/* --- IPC_QUEUE_ACT: durable when answered. --- */

enum queue_act {
    QUEUE_ACT_RETRY = 1, /* due now, whatever its delay; not what is held */
    QUEUE_ACT_HOLD, /* not tried until released; what is being delivered is held if it is deferred.
                          * With a site alone: the site is paused, what comes later too */
    QUEUE_ACT_RELEASE, /* the opposite; due now */
    QUEUE_ACT_CANCEL,  /* never tried again; what is being delivered, if it is deferred */
};

struct queue_act_request {
    enum queue_act act;
    struct message_id id; /* zero: all messages of the site, or all */
    uint64_t site_id;     /* 0: any. With both: only if the message is of this site */
    uint32_t recipient;   /* of the message; QUEUE_EVENT_ALL_RECIPIENTS: all of it */
    struct slice text;    /* who and why, for the event */
};

/* The reply: u64, how many recipients it touched (0: there was nothing of the kind). */
void queue_act_request_write(struct buffer *body, const struct queue_act_request *request);
MUST_CHECK int queue_act_request_read(struct slice body, struct queue_act_request *ret);
MUST_CHECK int queue_act_reply_read(struct slice body, uint64_t *ret_recipients);

/* --- IPC_GATEWAY_STATUS: the queue's part of the reply. --- */

/* Without progress for longer than the longest delay between two tries, and this: something is
 * wrong, unless a limit is known to hold it. */
enum { QUEUE_LOST_S = 2 * 3600 };

/* The message that has gone without progress for longest, as the sweeper found it, and how it
 * stands now. */
struct queue_stalest {
    struct message_id id; /* zero: there is none, or it has gone meanwhile */
    uint64_t site_id;
    enum queue_entry_state state; /* of the recipient that waits longest */
    bool lost;                    /* longer than lost_after_s, and nothing explains it */
    int64_t due_us;               /* Unix time; 0 unless WAITING */
    struct slice destination, holding;
};

struct queue_status {
    uint64_t messages;                           /* not finished */
    uint64_t recipients;                         /* not finished */
    uint64_t ready, busy, waiting, held, paused; /* of these */
    uint64_t destinations;
    uint64_t oldest_age_s;              /* since acceptance */
    uint64_t oldest_without_progress_s; /* since acceptance or the last attempt; not of held ones */
    uint64_t lost_after_s;              /* nothing may go on for longer without an explanation */
    uint64_t memory_bytes;              /* contents in memory */
    uint64_t spool_bytes;               /* on disk, allocated */
    uint64_t spool_live_bytes;          /* of messages not finished */
    uint64_t commits, syncs_failed;     /* since the start */
    uint64_t accepted, delivered, deferred, bounced, expired,
        cancelled;      /* recipients, since the start */
    uint64_t ambiguous; /* attempts with unknown end, since the start */
    uint64_t events_next, events_acknowledged;
    bool accepting;
    struct slice why_not; /* a sentence, when not accepting */
    struct queue_stalest stalest;
};

void queue_status_write(struct buffer *body, const struct queue_status *status);
/* Reads the queue's part off the front. */
MUST_CHECK int queue_status_read(struct cursor *c, struct queue_status *ret);

/* --- The gateway's side. --- */

/* Looks at all messages, letting others run. What the slices point to is in `texts`, or good until
 * the next suspension. */
MUST_CHECK int queue_status(struct task *t, struct queue *q, struct buffer *texts,
                            struct queue_status *ret);
/* Answers a request of one of the three types: for peer_handlers.request. -EBADMSG; -EOPNOTSUPP for
 * another type. */
MUST_CHECK int queue_remote_request(struct task *t, struct queue *q, uint8_t type,
                                    struct slice body, struct buffer *reply);

#endif
