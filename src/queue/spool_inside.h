/* The inside of the spool, for spool.c (what is asked of it), commit.c (writing), recover.c (the
 * start), clean.c (removing) and indexer.c. All of it belongs to the loop; helper threads get jobs
 * of their own. */
#ifndef LETTERHEAD_QUEUE_SPOOL_INSIDE_H
#define LETTERHEAD_QUEUE_SPOOL_INSIDE_H

#include "queue/spool.h"
#include "runtime/world.h"

enum spool_health {
    SPOOL_GOOD,
    SPOOL_FULL,   /* messages are refused until there is room */
    SPOOL_FAILED, /* messages are refused until the next start */
};

struct queue_spool {
    struct queue_spool_options options;
    struct world *world;
    uint64_t id;

    struct list segments;         /* oldest first */
    struct queue_segment *active; /* takes commits; NULL: the next commit begins a new one */
    uint64_t next_segment;
    uint64_t bytes;      /* of all segments' files */
    struct buffer voids; /* queue_void_*, of segments that still exist */

    struct list pending;          /* queue_append.link */
    struct queue_append *results; /* the last of pending, if it is open for posts */
    struct list writing;          /* in the commit under way; older than all that is pending */
    uint64_t next_ticket;
    uint64_t urgent_ticket; /* somebody waits for appends up to this one */
    uint64_t
        results_due_us; /* when posted records are committed even without company; 0: none wait */
    bool roll;          /* begin a new segment with the next commit, even an empty one */

    uint64_t next_commit, next_event;
    uint64_t acknowledged, acknowledged_written;

    enum spool_health health;
    char why[200];
    bool stuck;
    bool low; /* the active segment stands on the reserve */
    unsigned failures_in_row;
    uint64_t retry_us; /* when stuck or full: not before */
    bool was_closed;
    uint64_t commits, failures;
    uint64_t commit_started_us;
    struct commit_job *job; /* the committer's */

    unsigned copies; /* appended and not yet durable */
    bool open;       /* the log has been read, and a new segment begun */
    bool closing, stopped;
    unsigned tasks;
    struct condition work;     /* for the committer */
    struct condition cleaning; /* for the cleaner */
    struct condition indexing; /* for the indexer: to end */
    struct condition progress; /* a commit has ended, well or badly; or a task has */
};

/* --- commit.c --- */

/* The committer's body. */
int spool_committer(struct task *t, void *spool);
/* Writes one commit of what is pending, and tells the client. */
void spool_commit(struct task *t, struct queue_spool *s);
/* True if there is nothing to commit. */
bool spool_is_idle(const struct queue_spool *s);
struct commit_job *commit_job_new(void);
void commit_job_free(struct commit_job *job);
/* Takes halves of *size, at least `least`, while a new segment would leave less than that and the
 * reserve free. Asks the disk: helper threads only. -ENOSPC: there is not even the reserve and
 * *size. */
MUST_CHECK int spool_choose_size(struct disk *disk, uint64_t reserve_bytes, uint64_t least,
                                 uint64_t *size);
/* Less than the reserve is free: what is written stands on it. Asks the disk, like the above. */
bool spool_stands_on_reserve(struct disk *disk, uint64_t reserve_bytes);
/* Of this segment nothing from `size` on counts. */
void spool_void(struct queue_spool *s, uint64_t segment, uint64_t size);

/* --- recover.c --- */

/* Reads the log. On a helper thread, before any other task knows the spool. */
int spool_recover(void *spool);

/* --- clean.c --- */

/* The cleaner's body. */
int spool_cleaner(struct task *t, void *spool);
/* An append with `copy` set has ended. */
void spool_copy_ended(struct queue_spool *s, struct queue_append *append, int result);

/* --- indexer.c --- */

/* The indexer's body. */
int spool_indexer(struct task *t, void *spool);
/* Reads a segment's index file as it is. Waits for the disk, as the next one does. */
MUST_CHECK int spool_index_load(struct disk *disk, uint64_t number, struct buffer *file);
/* Nothing happens if there is none. */
void spool_index_remove(struct disk *disk, uint64_t number);

/* --- spool.c --- */

struct queue_segment *spool_first(const struct queue_spool *s);
struct queue_segment *spool_find(const struct queue_spool *s, uint64_t number);
uint64_t spool_live_bytes(const struct queue_spool *s);
/* The STATE record of the segment that begins with the next commit. */
void spool_write_state(struct queue_spool *s, struct buffer *b);
uint64_t spool_segment_bytes(const struct queue_spool *s);
void spool_task_ended(struct queue_spool *s);
/* Gives an append back to whom it belongs; it is in no list any more. */
void spool_end_append(struct queue_spool *s, struct queue_append *append, int result);

/* How long results wait for company now. */
static inline uint64_t spool_post_wait_us(const struct queue_spool *s)
{
    return s->low || s->health == SPOOL_FULL ? QUEUE_POST_WAIT_FULL_US : QUEUE_POST_WAIT_US;
}

#endif
