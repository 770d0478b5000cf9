/* A message that is not finished, as it lies in memory: small, since millions may wait. Everything
 * that only a delivery needs is in the body, which is dropped while the message waits and read back
 * from the log.
 *
 * Size for one recipient, on 64 bits: message 176, recipient 24, group 64, address about 25, and
 * the slots of table and heap about 32: some 340 bytes with the allocator's share. */
#ifndef LETTERHEAD_QUEUE_MESSAGE_H
#define LETTERHEAD_QUEUE_MESSAGE_H

#include "base/heap.h"
#include "base/table.h"
#include "queue/envelope.h"
#include "queue/spool.h"

struct queue_lane;

enum queue_recipient_flags {
    RECIPIENT_BUSY = 1,         /* in a job */
    RECIPIENT_HELD = 2,         /* not tried until released */
    RECIPIENT_FINISHED = 4,     /* has its final event */
    RECIPIENT_AMBIGUOUS = 8,    /* the last attempt's end is not known */
    RECIPIENT_CANCEL = 16,      /* to be cancelled when it comes back from its job */
    RECIPIENT_WITHHELD = 32,    /* not tried until its site may send as its From again */
    RECIPIENT_INTERRUPTED = 64, /* replay: it was in a job at the crash, and no event says so yet */
};

/* What has one of these cannot be taken out to be delivered. */
enum {
    RECIPIENT_NOT_NOW = RECIPIENT_BUSY | RECIPIENT_HELD | RECIPIENT_FINISHED | RECIPIENT_WITHHELD
};

enum { RECIPIENT_NONE = 0xffffffff };

struct queue_recipient_entry {
    uint64_t due_us; /* monotonic */
    uint32_t next;   /* of the same group; RECIPIENT_NONE */
    uint32_t address_at;
    uint16_t address_size;
    uint16_t attempts;
    uint16_t reply_code; /* of the last attempt */
    uint8_t flags;
};

/* The recipients of one message that share a destination: what is scheduled, and delivered by one
 * job at a time. */
struct queue_group {
    struct list link;       /* in lane->ready */
    struct heap_item timer; /* or in the schedule's heap */
    struct queue_lane *lane;
    struct queue_message *message;
    uint32_t first; /* recipient */
    bool busy;      /* a job has it */
};

/* What a delivery needs, and its way to the disk. */
struct queue_body {
    struct list link; /* in queue->bodies, those in memory for longest first */
    struct queue_append append;
    struct queue_message *message;
    struct accept_wait *waiter; /* who is to be told that it is durable */
    bool abandoned;             /* nobody is to be told: cancel it */
    struct buffer record;       /* head and envelope */
    struct buffer content;
    struct buffer signature;
};

struct queue_message {
    struct table_item item; /* in queue->messages */
    struct list link;       /* in queue->order; once finished, in the append that says so */
    struct list turn;       /* in queue->suspects_waiting */
    struct queue_place place;
    struct message_id id;
    uint64_t site_id;
    uint64_t number;         /* in order of acceptance, or of recovery */
    int64_t accepted_us;     /* Unix time */
    int64_t expires_us;      /* Unix time */
    uint64_t deadline_us;    /* the same, monotonic */
    uint64_t progress_us;    /* monotonic: acceptance, or the last attempt's end */
    struct queue_body *body; /* NULL: on disk only */
    struct queue_group *groups;
    uint32_t group_count;
    uint32_t recipient_count;
    uint32_t open;   /* recipients not finished */
    uint16_t jobs;   /* under way */
    uint8_t crashes; /* while a job of it was under way */
    bool survivor;   /* was there when the last process crashed */
    bool expecting;  /* replay only: jobs under way */
    bool bulk;       /* gives way to the same site's transactional mail */
    struct queue_recipient_entry recipients[];
    /* the addresses follow */
};

/* From an envelope whose recipients have been checked. All recipients are open and due at once, but
 * for those that are suppressed. */
struct queue_message *queue_message_new(const struct queue_envelope *envelope);
/* Must be in no table, list or schedule any more. Accepts NULL. */
void queue_message_free(struct queue_message *m);
struct slice queue_message_address(const struct queue_message *m, uint32_t recipient);

/* The hash that messages are found by: their ids are random already. */
uint64_t queue_message_hash(const struct message_id *id);
struct queue_message *queue_message_find(const struct table *messages, const struct message_id *id);

/* Bytes of memory that a body takes. Accepts NULL. */
size_t queue_body_bytes(const struct queue_body *b);
void queue_body_free(struct queue_body *b);

static inline bool queue_recipient_is(const struct queue_recipient_entry *r, unsigned flags)
{
    return (r->flags & flags) != 0;
}

#endif
