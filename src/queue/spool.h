/* The spool: a log on disk that says what became of every message. It knows records, segments and
 * places; what they mean is the queue's business (struct queue_spool_client).
 *
 * Group commit: whatever is appended while a commit is being written goes into the next one: one
 * write and one sync for all. A lone message is committed at once; results (queue_spool_post) ride
 * along, or are committed by themselves after QUEUE_POST_WAIT_US: for so long, and a sync, a crash
 * can make us repeat a delivery whose end we knew.
 *
 * When a write or sync fails, that segment is never written or synced again: the kernel may have
 * dropped what it could not write and call the next sync a success. Everything up to the failed
 * commit is known to be durable and goes on counting; the failed commit does not count, whatever of
 * it can be read (the next segment's first record says so). Messages in it are refused (-EIO), and
 * accepting stops until the gateway is started again by an operator who has looked at the disk.
 * Results in it are written again to a new segment, so deliveries go on. If that fails too, the
 * spool is stuck: results stay in memory, new deliveries stop (they would have to be repeated), and
 * a new segment is tried now and then.
 *
 * When the disk is full, messages are refused (-ENOSPC) and results are written to room that
 * messages may not take: the last sixteenth of each segment, and the operator's reserve. Accepting
 * resumes by itself.
 *
 * Segments are removed from the front, when no message in them is open and all their events are
 * acknowledged. If the segment in front is mostly dead, or old, or the log has become four times as
 * large as what lives in it, its messages are copied to the end, so that nothing stays for ever. */
#ifndef LETTERHEAD_QUEUE_SPOOL_H
#define LETTERHEAD_QUEUE_SPOOL_H

#include "queue/segment.h"
#include "runtime/task.h"

struct queue_spool;

enum {
    QUEUE_SEGMENT_BYTES = 64 << 20,
    QUEUE_SEGMENT_BYTES_MIN = 1 << 20, /* when the disk or the configuration allows no more */
    QUEUE_POST_WAIT_US = 5000,         /* results wait so long for company */
    QUEUE_POST_WAIT_FULL_US = 500000,  /* and on a full disk, since each commit takes a block */
};

/* Records on their way to disk. Its owner keeps it until the client's `committed`. */
struct queue_append {
    struct list link;
    bool fresh;      /* a message that may still be refused */
    bool writing;    /* handed to the disk */
    bool copy;       /* the spool's own: a message that is moved */
    uint64_t ticket; /* counts appends */
    char *bytes;     /* heads and bodies, one record after the other */
    size_t size;
    struct slice content;          /* of the one record, if it is a message; borrowed */
    struct list finished;          /* the client's: what may be forgotten once this is durable */
    struct queue_segment *segment; /* where it was written */
    uint64_t commit_offset, offset;
};

/* A record as a start finds it: from the log itself, or what a segment's index keeps of it. */
struct queue_restored {
    const struct queue_record *record;
    struct queue_segment *segment;
    uint64_t offset;
    uint32_t body_size; /* in the log */
};

struct queue_spool_client {
    void *context;
    /* At the start, on a helper thread: what the log says, record by record, in order. */
    void (*restore)(void *context, const struct queue_restored *restored);
    /* The append is durable (0) or was refused (fresh ones only; -ECANCELED: the spool closes). It
     * is the client's again. */
    void (*committed)(void *context, struct queue_append *append, int result);
    /* The message of this COPY record is at a new place now, if it is still open. */
    void (*moved)(void *context, const struct queue_append *append);
    /* What stands at the place cannot be read any more. */
    void (*damaged)(void *context, struct queue_place *place);
    /* Adds the ids (u64) of the sites that are paused. */
    void (*paused)(void *context, struct buffer *ids);
    /* Writes the record of a copy, made from the body of the record at `place`; false: its message
     * has been finished, or is elsewhere by now. */
    bool (*copy)(void *context, const struct queue_place *place, struct slice body,
                 struct buffer *ret_record);
    /* The spool was stuck and is not any more. */
    void (*recovered)(void *context);
};

struct queue_spool_options {
    struct disk *disk;
    struct queue_spool_client client;
    uint64_t segment_bytes; /* 0: QUEUE_SEGMENT_BYTES */
    uint64_t max_bytes;     /* 0: as the disk has */
    uint64_t reserve_bytes;
    uint64_t
        keep_us; /* how long the dead may lie beside the living: segments are cleaned when older */
};

struct queue_spool_status {
    uint64_t id;
    uint64_t bytes, live_bytes;
    uint64_t commits, failures;
    uint64_t next_event, acknowledged;
    bool was_closed; /* the last process closed the spool in order */
};

/* Reads the log that is there, or begins one, and makes a new segment. Errors: the disk's;
 * -EPROTONOSUPPORT: a later version wrote this spool. Starts tasks in `scope`. */
MUST_CHECK int queue_spool_open(struct task *t, struct scope *scope,
                                const struct queue_spool_options *options,
                                struct queue_spool **ret);
/* Waits for the tasks, commits what is pending and frees the spool. Appends that cannot be written
 * any more are lost with it. Accepts NULL. */
void queue_spool_close(struct task *t, struct queue_spool *s);

/* May a message be appended? 0, -ENOSPC, -EIO (with a sentence for the operator), or -ECANCELED
 * when closing. */
MUST_CHECK int queue_spool_room(const struct queue_spool *s, const char **ret_why);
/* True while results cannot be made durable. */
bool queue_spool_is_stuck(const struct queue_spool *s);

/* Sequence numbers for `count` events; the first is returned. Records must be appended in that
 * order. */
uint64_t queue_spool_number(struct queue_spool *s, uint32_t count);
/* Commits soon. */
void queue_spool_append(struct queue_spool *s, struct queue_append *append);
/* Takes an append back; false: too late, it is being written. */
bool queue_spool_withdraw(struct queue_spool *s, struct queue_append *append);
/* Adds a record to those that ride along and returns the append they are in, to put what is
 * finished by it on its list. */
struct queue_append *queue_spool_post(struct queue_spool *s, const struct queue_record *record);
/* For appends made by queue_spool_post, when the client has been told. */
void queue_append_free(struct queue_append *append);
/* What has this ticket, and all before it, is committed soon. */
void queue_spool_hurry(struct queue_spool *s, uint64_t ticket);
/* Waits until it is durable. -EIO: it cannot be now; it will be tried. */
MUST_CHECK int queue_spool_await(struct task *t, struct queue_spool *s, uint64_t ticket);
/* Both, for everything appended or posted so far. */
MUST_CHECK int queue_spool_flush(struct task *t, struct queue_spool *s);

/* Events up to `sequence` need not be kept. */
void queue_spool_acknowledge(struct queue_spool *s, uint64_t sequence);
/* The message is done with: its segment may be, too. */
void queue_spool_forget(struct queue_spool *s, struct queue_place *place);

/* Reads a message's record (head and body) and content. -EBADMSG: damaged; -EIO and others: the
 * disk's. */
MUST_CHECK int queue_spool_read(struct task *t, struct queue_spool *s,
                                const struct queue_place *place, struct buffer *record,
                                struct buffer *content);

/* Where a reader of events stands in the log. Zero: at its beginning. */
struct queue_spool_position {
    uint64_t segment;
    uint64_t offset; /* of a commit */
};
/* Reads on from *position: calls found(context, record) for records that make events, until about
 * `bytes` of their bodies have been seen, and moves *position. Returns 1, or 0 when all that is
 * durable has been read. `found` runs on a helper thread. */
MUST_CHECK int queue_spool_read_events(
    struct task *t, struct queue_spool *s, struct queue_spool_position *position, uint64_t bytes,
    void (*found)(void *context, const struct queue_record *record), void *context);

void queue_spool_status(const struct queue_spool *s, struct queue_spool_status *ret);

#endif
