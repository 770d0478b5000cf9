/* A segment of the spool's log: a file, and what is known of it. Also the places of messages in it.
 *
 * The functions that take a disk wait for it: they run on helper threads or before the loop starts.
 * A segment's struct belongs to the loop; helper threads get what they need of it by value. */
#ifndef LETTERHEAD_QUEUE_SEGMENT_H
#define LETTERHEAD_QUEUE_SEGMENT_H

#include "base/list.h"
#include "queue/record.h"
#include "runtime/disk.h"

enum { QUEUE_SEGMENT_NAME_BYTES = 32 };

struct queue_segment {
    struct list link; /* in order of their numbers */
    struct list live; /* queue_place.link: messages that are not finished */
    uint64_t number;
    int file;
    uint64_t size;          /* of the file */
    uint64_t used;          /* up to here everything is durable, and nothing beyond counts */
    uint64_t live_bytes;    /* of the records in `live` */
    uint64_t message_bytes; /* of all messages written to it, finished ones too */
    uint64_t last_event;    /* the highest sequence in it; 0: none */
    int64_t created_us;     /* as its head says; 0: the head is damaged */
    uint64_t opened_us;     /* monotonic time of its creation, or of the start that found it */
    uint64_t full_us;       /* monotonic: since then it takes no more commits */
    unsigned readers;       /* reads under way: it cannot go */
    bool damaged;           /* kept aside for inspection when it goes */
    bool indexed;           /* it has an index, or can have none */
};

/* Where a message's record is. Embedded in the message. */
struct queue_place {
    struct list link; /* in segment->live */
    struct queue_segment *segment;
    uint64_t offset;
    uint32_t body_size, content_size;
    bool copied; /* the record is a COPY */
};

struct queue_segment *queue_segment_new(uint64_t number, int file, uint64_t size);
/* Forgets all places in it; closes nothing. Accepts NULL. */
void queue_segment_free(struct queue_segment *s);

/* Puts the place into the segment; it may have been in another. */
void queue_place_set(struct queue_place *p, struct queue_segment *s, uint64_t offset,
                     uint32_t body_size, uint32_t content_size);
/* Nothing happens if it is nowhere. */
void queue_place_clear(struct queue_place *p);
uint64_t queue_place_bytes(const struct queue_place *p);

/* "000000000042.log", "000000000042.damaged", "000000000042.index". */
void queue_segment_name(uint64_t number, char out[static QUEUE_SEGMENT_NAME_BYTES]);
void queue_segment_name_damaged(uint64_t number, char out[static QUEUE_SEGMENT_NAME_BYTES]);
void queue_segment_name_index(uint64_t number, char out[static QUEUE_SEGMENT_NAME_BYTES]);
/* False: the name is not that of a segment, or of an index. */
bool queue_segment_number(const char *name, uint64_t *ret_number);
bool queue_segment_number_index(const char *name, uint64_t *ret_number);

/* Makes the file with `size` bytes reserved and its head written; nothing is synced yet. On an
 * error nothing is left behind as far as the disk lets us. */
MUST_CHECK int queue_segment_create(struct disk *disk, uint64_t size,
                                    const struct queue_segment_head *head, int *ret_file);

/* Reads the record at `offset` whole into `ret`, emptied first: head, body, content. -EBADMSG: what
 * is there is not that record, or damaged; other errors are the disk's. */
struct queue_segment_read {
    struct disk *disk;
    int file;
    uint32_t seed;
    uint64_t offset;
    uint32_t body_size, content_size;
    struct buffer *record, *content;
};
MUST_CHECK int queue_segment_read(const struct queue_segment_read *what);

#endif
