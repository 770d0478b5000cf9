/* Reads a segment of the log from front to back, past whatever is damaged. For recovery, and for
 * events that have left memory. Waits for the disk: helper threads only.
 *
 * Contents of messages are passed over unread; bodies are checked against their sums. */
#ifndef LETTERHEAD_QUEUE_SCAN_H
#define LETTERHEAD_QUEUE_SCAN_H

#include "queue/record.h"
#include "runtime/disk.h"

struct queue_scan {
    struct disk *disk;
    int file;
    uint32_t seed;
    uint64_t end;    /* nothing from here on counts */
    uint64_t offset; /* of the next record, or of the next commit's block */
    uint64_t left;   /* bytes of records left in this commit */
    uint64_t commit; /* where the present commit begins */
    uint64_t number; /* of the present commit; 0: none yet */
    struct buffer window;
    uint64_t window_at; /* where the window lies in the file */
};

enum queue_scan_result {
    QUEUE_SCAN_END = 0,
    QUEUE_SCAN_COMMIT, /* a commit begins: scan->number, scan->commit */
    QUEUE_SCAN_RECORD,
    QUEUE_SCAN_DAMAGE, /* something could not be read; scanning goes on behind it */
};

struct queue_scanned {
    struct queue_record record; /* good until the next call */
    uint64_t offset;            /* of the record, or of the damage */
    uint64_t size;              /* of the record with its content, or of the damage */
};

/* `end`: the file's size, or where a void begins. */
void queue_scan_open(struct queue_scan *s, struct disk *disk, int file, uint32_t seed,
                     uint64_t end);
/* For CLEANUP. The file stays open. */
void queue_scan_close(struct queue_scan *s);

/* The next thing. What the disk cannot read counts as damage. */
enum queue_scan_result queue_scan_next(struct queue_scan *s, struct queue_scanned *ret);
/* Passes over what is left of the present commit, without reading it. */
void queue_scan_skip_commit(struct queue_scan *s);

/* True if the commit at `offset` can be read whole, contents too. Moves the scan to its start. */
bool queue_scan_is_whole(struct queue_scan *s, uint64_t offset);
/* The bytes of one record's content; good until the next call. Empty if they cannot be read. */
struct slice queue_scan_content(struct queue_scan *s, const struct queue_scanned *record);

#endif
