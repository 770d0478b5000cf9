/* Carries what inbound has taken to the steward: out of the queue's pool INBOUND_POOL, one report
 * after the other, in frames of a bounded size (submit/report_frame.h). It is settled when the
 * steward has stored what it came to; until then it is in the spool, and comes again after a crash
 * of either side. Names stay the same, so that the steward knows what it has had.
 *
 * A steward that was started anew in the middle has forgotten what came before: -ESTALE. The report
 * then comes once more, with a note that this has happened; one that kills the steward is not read
 * for ever. */
#ifndef LETTERHEAD_SUBMIT_REPORT_SENDER_H
#define LETTERHEAD_SUBMIT_REPORT_SENDER_H

#include "queue/queue.h"
#include "runtime/peer.h"

struct report_sender {
    struct queue *queue;
    struct peer *steward;
    struct condition more; /* something is due in the pool */
};

/* Runs until cancelled. */
MUST_CHECK int report_sender_run(struct task *t, struct report_sender *h);

#endif
