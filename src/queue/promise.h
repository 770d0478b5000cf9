/* The queue's promise, as something that tests can hold it to: of what was accepted each recipient
 * is queued, the message whole, or has exactly one final event; whatever is queued or ended was
 * told as accepted, once; what the steward has stored is never told differently.
 *
 * `promise_live` is a small life of a queue, in which all that the world outside learns is noted as
 * marks between the operations of the fake disk. `promise_judge` opens a queue on a disk that such
 * a life has left behind, in whatever state, and compares. */
#ifndef LETTERHEAD_QUEUE_PROMISE_H
#define LETTERHEAD_QUEUE_PROMISE_H

#include "queue/bed.h"

enum { PROMISE_MESSAGES = 24 };

/* What the world outside knew. */
struct promise_ledger {
    bool accepted[PROMISE_MESSAGES + 1];
    unsigned delivered[PROMISE_MESSAGES + 1]; /* recipients that an MX host took */
    uint64_t told[4096];                      /* by sequence: type and message of the event */
    uint64_t stored;                          /* the steward's cursor */
};

/* A queue for `disk`, made for this: small segments, a long lifetime. */
void promise_init(struct bed *bed, struct disk *disk);
/* Two processes one after the other on bed->disk; errors of the disk are borne. What was accepted,
 * delivered and stored is marked. */
int promise_live(struct task *t, void *bed);
/* The second half alone: the process that comes after a crash. */
int promise_live_on(struct task *t, void *bed);
/* How many messages had been moved by the spool at the end of a process, in all. */
extern unsigned promise_copies;

/* Submits message `number` (1 …), and marks it if it is accepted. Returns what queue_accept
 * says. */
int promise_submit(struct task *t, struct bed *bed, unsigned number);
/* Delivers one job with this result, if there is one. */
void promise_deliver(struct task *t, struct bed *bed, const char *destination,
                     enum queue_result result);
/* Lets the steward store the next events, if there are any. */
void promise_store(struct task *t, struct bed *bed, size_t max_bytes);

/* What was known after the first `length` operations of the disk. */
void promise_read(struct disk *disk, size_t length, struct promise_ledger *ret);
/* Opens a queue on the disk and fails the test if the promise is broken. Changes the disk. */
void promise_judge(struct task *t, struct disk *disk, const struct promise_ledger *ledger);

#endif
