/* The spool's recovery while it is under way: recover_find.c (what is there, and where it ends),
 * recover.c (what it says) and recover_index.c (what its indexes say). On a helper thread. */
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

/* --- recover_index.c --- */

/* Reads one segment by its index. False: there is none that is right, and nothing was told. Also
 * returns the numbers of its first and last commit. */
bool recover_by_index(struct recovery *r, struct queue_segment *segment, uint64_t *ret_first,
                      uint64_t *ret_last);

/* --- recover.c --- */

/* Takes notice of one record and tells the client. */
void recover_record(struct recovery *r, const struct queue_restored *restored);

#endif
