/* Carries the queue's events to the steward: batch after batch by IPC_EVENTS, moving on when the
 * steward says that it has stored them. What it cannot deliver it tries again; nothing is
 * dropped. */
#ifndef LETTERHEAD_QUEUE_PUMP_H
#define LETTERHEAD_QUEUE_PUMP_H

#include "queue/queue.h"
#include "runtime/peer.h"

/* Whether no message is left in the queue, and no event that the steward does not have. */
bool queue_pump_is_done(const struct queue *q);

/* Runs until cancelled. One a queue. */
MUST_CHECK int queue_pump_run(struct task *t, struct queue *q, struct peer *steward);

#endif
