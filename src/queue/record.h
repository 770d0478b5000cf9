/* The form of the spool's log: what stands in a segment, byte by byte. Pure; all integers
 * big-endian.
 *
 *   segment  = head block · commit · commit · …            each commit begins at a multiple of 4096
 *   commit   = frame (32 bytes) · records · zeros up to the next multiple of 4096
 *   record   = head (32 bytes) · body · content
 *
 * A commit is what one write and one sync made durable: it counts whole or not at all. Commits are
 * numbered without gap through all segments, and the next one is written only after the one before
 * it is known to be durable. So a commit that cannot be read is the torn end of the log if nothing
 * follows it, and damage if something does; and a gap in the numbers means that something is gone.
 * No block that holds a durable commit is ever written again.
 *
 * Every checksum is CRC-32C. Those of frames and record heads are seeded with the spool's id and
 * the segment's number, so that bytes of another segment or spool, wherever they come from, are
 * never taken for ours. A record's content has a sum of its own: recovery reads heads and bodies
 * only, and contents are checked when they are used. */
#ifndef LETTERHEAD_QUEUE_RECORD_H
#define LETTERHEAD_QUEUE_RECORD_H

#include "base/buffer.h"
#include "wire/message_id.h"

enum {
    QUEUE_BLOCK_BYTES = 4096,
    QUEUE_SEGMENT_HEAD_BYTES = 52,
    QUEUE_FRAME_BYTES = 32,
    QUEUE_RECORD_HEAD_BYTES = 32,
    QUEUE_SEGMENT_VERSION = 1,
};

/* At the start of each segment; the rest of the block is zero. */
struct queue_segment_head {
    uint64_t spool_id; /* random; made with the spool */
    uint64_t number;   /* 1, 2, 3 … */
    int64_t created_us;
};
void queue_segment_head_write(char out[static QUEUE_SEGMENT_HEAD_BYTES],
                              const struct queue_segment_head *head);
/* -EBADMSG: not the head of a segment; -EPROTONOSUPPORT: of a later version than this program's. */
MUST_CHECK int queue_segment_head_read(struct slice bytes, struct queue_segment_head *ret);

/* What the sums of one segment's frames and record heads start from. */
uint32_t queue_record_seed(uint64_t spool_id, uint64_t segment_number);

struct queue_frame {
    uint64_t number;
    uint64_t size; /* of the records that follow; the zeros not counted */
};
void queue_frame_write(char out[static QUEUE_FRAME_BYTES], uint32_t seed,
                       const struct queue_frame *frame);
/* -EBADMSG: no frame of this segment. */
MUST_CHECK int queue_frame_read(struct slice bytes, uint32_t seed, struct queue_frame *ret);

enum queue_record_type {
    QUEUE_RECORD_STATE = 1, /* the first record of each segment: struct queue_state */
    QUEUE_RECORD_MESSAGE,   /* body: queue/envelope.h; content: the message */
    QUEUE_RECORD_EVENTS,    /* body: events (queue/event.h), one after the other */
    QUEUE_RECORD_ATTEMPT, /* a job begins (struct queue_attempt); its events, or a RETURN, end it */
    QUEUE_RECORD_RETURN,  /* the job was given back untried */
    QUEUE_RECORD_CURSOR,  /* u64: events up to this one are acknowledged */
    QUEUE_RECORD_CLOSE,   /* the spool was closed in order */
    QUEUE_RECORD_OPEN,    /* a process has started; what was under way before is not any more */
};

enum queue_record_flags {
    QUEUE_RECORD_COPY =
        1, /* MESSAGE: moved here from an older segment, with its progress; no events */
};

struct queue_record {
    enum queue_record_type type;
    uint8_t flags;
    uint16_t event_count; /* events that become true by this record */
    uint64_t sequence;    /* of the first of them; or of the next event when there are none */
    struct slice body;
    uint32_t content_size;
    uint32_t content_sum;
};

/* Writes head and body. The sums are left for queue_record_seal. */
void queue_record_write(struct buffer *b, const struct queue_record *record);
/* Sums up the record at the start of `bytes` (head and body; `content` is what follows it in the
 * log) and returns its size, content not counted. */
size_t queue_record_seal(char *bytes, uint32_t seed, struct slice content);
/* Reads a head. body.data is NULL; its size is set. -EBADMSG. */
MUST_CHECK int queue_record_read_head(struct slice bytes, uint32_t seed, struct queue_record *ret);
/* Reads head and body of a record that was written but not yet sealed, or is known to be good; the
 * remaining bytes are left in *rest. */
struct queue_record queue_record_take(struct slice *rest);
/* Judges the body against the head that stands before it. -EBADMSG. */
MUST_CHECK int queue_record_check_body(struct slice head, struct slice body);

/* What the log must tell before anything else, once a segment, so that older segments can go. */
struct queue_state {
    uint64_t acknowledged; /* events up to this one */
    /* Segments whose end was never made durable: nothing from `size` on counts. */
    struct slice voids;  /* queue_void_* */
    struct slice paused; /* u64 site ids */
};
void queue_state_write(struct buffer *b, const struct queue_state *state);
MUST_CHECK int queue_state_read(struct slice body, struct queue_state *ret);

struct queue_void {
    uint64_t segment;
    uint64_t size;
};
void queue_void_write(struct buffer *b, const struct queue_void *v);
/* Takes the first one off; false: no more. */
bool queue_void_read(struct slice *voids, struct queue_void *ret);

struct queue_attempt {
    struct message_id id;
    struct slice recipients; /* u32 indexes */
};
void queue_attempt_write(struct buffer *b, const struct queue_attempt *attempt);
MUST_CHECK int queue_attempt_read(struct slice body, struct queue_attempt *ret);

#endif
