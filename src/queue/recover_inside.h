/* The spool's recovery while it is under way, for recover_find.c (what is there, and where it
 * ends) and recover.c (what it says). On a helper thread. */
#ifndef LETTERHEAD_QUEUE_RECOVER_INSIDE_H
#define LETTERHEAD_QUEUE_RECOVER_INSIDE_H

#include "queue/scan.h"
#include "queue/spool_inside.h"

struct recovery {
    struct queue_spool *spool;
    struct disk *disk;
    struct queue_segment *last; /* the last with commits */
    uint64_t last_commit_at;    /* where its last commit begins */
    uint64_t last_number;       /* of that commit */
    enum queue_record_type previous;
    struct buffer again; /* what is written again: its records, with their contents */
};

/* Opens the segments, sets aside what is not ours, cuts off what was torn or never became durable.
 * Afterwards r->last and the two fields after it say where the log ends. -EPROTONOSUPPORT, or the
 * disk's errors. */
MUST_CHECK int recover_find(struct recovery *r);

#endif
