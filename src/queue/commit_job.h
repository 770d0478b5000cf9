/* One commit, as the helper thread gets it: what to write, and where. It seals the records, writes
 * and syncs them, and makes the segment first if it is a new one. Knows nothing of the spool. */
#ifndef LETTERHEAD_QUEUE_COMMIT_JOB_H
#define LETTERHEAD_QUEUE_COMMIT_JOB_H

#include "queue/spool_inside.h"

enum {
    COMMIT_APPENDS_MAX = 300,
    COMMIT_PIECES_MAX = 2 * COMMIT_APPENDS_MAX + 2,
};

/* What the helper thread gets, and gives back. */
struct commit_job {
    struct disk *disk;
    uint64_t spool_id, commit_number;
    uint64_t segment_number, segment_bytes, segment_bytes_min;
    uint64_t reserve_bytes; /* must be left on disk by a new segment */
    uint64_t keep_bytes;    /* the operator's reserve, of which results may take */
    int64_t wall_us;
    bool create;
    bool denied; /* by the configured size of the spool */
    int file;
    int full_file; /* of the segment that the new one follows; -1: none */
    uint64_t full_used;
    uint64_t offset;       /* of the commit */
    struct buffer front;   /* frame, STATE, CURSOR */
    uint64_t acknowledged; /* what the front says of it */
    struct list *appends;
    uint64_t size; /* of all records */
    struct iovec pieces[COMMIT_PIECES_MAX];
    int piece_count;
    /* what came of it */
    bool made; /* the new segment's file is there */
    bool low;  /* and stands on the reserve */
    uint64_t last_event, message_bytes;
};

/* For task_offload: 0, or why it failed. If `made` is false then, nothing was written. */
int commit_job_run(void *job);
/* For task_offload: 0 if a segment of segment_bytes, or a part of that, could be made now. */
int commit_job_probe(void *job);

static inline uint64_t commit_block_up(uint64_t size)
{
    return (size + QUEUE_BLOCK_BYTES - 1) / QUEUE_BLOCK_BYTES * QUEUE_BLOCK_BYTES;
}

#endif
