/* The inside of the queue, for the files of this folder: queue.c (opening, messages in and
 * out), accept.c, durable.c (the spool's word), job.c and settle.c (jobs out and back), post.c
 * (events), replay.c (what the log says at the start), walk.c, sweep.c and act.c. All on the loop,
 * but for replay. */
#ifndef LETTERHEAD_QUEUE_INSIDE_H
#define LETTERHEAD_QUEUE_INSIDE_H

#include "queue/outbox.h"
#include "queue/queue.h"
#include "queue/remote.h"
#include "queue/schedule.h"
#include "runtime/world.h"

enum { QUEUE_CRASHES_MAX = 3 };

/* Of a message: which, and since when it has made no progress (monotonic; UINT64_MAX: none). */
struct queue_stale_found {
    struct message_id id;
    uint64_t since_us;
    bool lost; /* for longer than it may, and nothing explains it */
};

struct queue_stale {
    uint64_t now_us, lost_after_us;
    struct queue_stale_found oldest; /* of all that are not held back on purpose */
    struct queue_stale_found lost;   /* of those that nothing explains */
    const struct queue_lane *asked;  /* the lane that `explained` was found out for last */
    bool explained;
};

struct queue {
    struct queue_options options;
    uint32_t *retry_delays_s;
    struct world *world;
    struct queue_spool *spool;
    struct queue_schedule schedule;
    struct queue_outbox outbox;

    struct table messages; /* queue_message.item, by id */
    struct list order;     /* queue_message.link, oldest first */
    uint64_t next_number;
    uint64_t memory_bytes; /* of bodies */
    struct list bodies;    /* queue_body.link */
    struct list walks;     /* queue_walk_place.link */
    bool suspect_busy;     /* a job is under way of a message that may be why the gateway crashes */
    struct list suspects_waiting; /* queue_message.turn: for its end */
    int64_t last_stamp_us;        /* replay: the latest time that the log speaks of */
    size_t expecting;             /* replay: messages with jobs under way */
    uint64_t warned_us;           /* sweep: when it would have expired too many; 0: not */
    struct queue_stale stale;     /* sweep: as far as the look at hand has come */
    struct queue_stale_found stalest;
    bool lost_told; /* sweep: the operator has been told that something is lost */

    struct queue_status counts; /* those "since the start", and what the last sweep found */
    bool closing;
    unsigned tasks;
    uint64_t wake_us;          /* when the scheduler wakes by itself */
    struct condition sooner;   /* for the scheduler: something is due before that */
    struct condition stopping; /* for the sweeper */
    struct condition ended;    /* a task has */
};

/* --- queue.c --- */

/* Monotonic, and Unix time. Waiting is measured by the first alone: the second may jump. */
uint64_t queue_now_us(const struct queue *q);
int64_t queue_wall_us(const struct queue *q);
/* What the wall clock will say, as far as we know now, at a monotonic time. */
int64_t queue_stamp(const struct queue *q, uint64_t monotonic_us);

/* A message that is in the log becomes one of the queue's; its progress has been set. */
void queue_admit(struct queue *q, struct queue_message *m);
/* Keeps what a delivery needs in memory. Takes the body. */
void queue_keep_body(struct queue *q, struct queue_message *m, struct queue_body *body);
/* Frees it, if nothing of the message is under way or due, or memory is short. */
void queue_drop_body(struct queue *q, struct queue_message *m);
/* Takes notice of a recipient's final event, which is in `append`. Returns true if it was the last:
 * the message is gone then, and its memory goes when the event is durable. It must be in no job. */
bool queue_finish(struct queue *q, struct queue_message *m, uint32_t recipient,
                  enum queue_event_type type, struct queue_append *append);
/* The schedule has changed: the scheduler may have to wake earlier. */
void queue_rescheduled(struct queue *q);

/* --- withhold.c --- */

/* The recipient is not tried until queue_release_withheld; or is, again. */
void queue_withhold(struct queue *q, const struct queue_message *m,
                    struct queue_recipient_entry *r);
void queue_unwithhold(struct queue *q, const struct queue_message *m,
                      struct queue_recipient_entry *r);

/* --- walk.c --- */

/* Calls visit for each message, oldest first, until it returns false. Lets others run now and then;
 * messages may come and go meanwhile, and visit may end the one it is at. 0, also when stopped by
 * visit. */
MUST_CHECK int queue_walk(struct task *t, struct queue *q,
                          bool (*visit)(struct queue *q, struct queue_message *m, void *context),
                          void *context);
/* The message is about to leave the list. */
void queue_walk_leave(struct queue *q, struct queue_message *m);

/* --- accept.c --- */

/* A message's record is durable (0), or was refused. */
void queue_accepted(struct queue *q, struct queue_body *body, int result);

/* --- durable.c --- */

struct queue_spool_client queue_spool_client(struct queue *q);

/* --- post.c --- */

/* An event of one recipient (or all) with what is known of it filled in. */
struct queue_event queue_event_of(const struct queue *q, enum queue_event_type type,
                                  const struct queue_message *m, uint32_t recipient);
/* Puts `count` events into the log that have been written to `body`, numbered from `sequence`; they
 * ride along. */
struct queue_append *queue_post_written(struct queue *q, uint64_t sequence, size_t count,
                                        struct slice body);
/* Numbers the event and puts it into the log. */
struct queue_append *queue_post_event(struct queue *q, struct queue_event *event);
/* The message cannot be read back: all its recipients that are in no job have failed. */
void queue_bounce_damaged(struct queue *q, struct queue_message *m);
/* Ends a recipient that is in no job: posts the event and finishes it. True if the message is
 * gone. */
bool queue_end(struct queue *q, struct queue_message *m, uint32_t recipient,
               struct queue_event *event);

/* Whether the site's mail to the address is to end untried. */
bool queue_suppresses(const struct queue *q, uint64_t site_id, struct slice address);

/* --- replay.c --- */

/* For queue_spool_client.restore. */
void queue_replay(void *context, const struct queue_restored *restored);
/* On the loop, when the log has been read: schedules all that was found. */
MUST_CHECK int queue_replay_end(struct task *t, struct queue *q);

/* --- remote_answer.c --- */

/* How a recipient that is not finished stands. */
enum queue_entry_state queue_state_of(const struct queue *q, const struct queue_message *m,
                                      const struct queue_recipient_entry *r, uint64_t now_us);
/* The group whose chain the recipient is in; NULL for one that had finished before the group was
 * made. */
const struct queue_group *queue_group_of(const struct queue_message *m, uint32_t recipient);
/* Which limit holds the group's mail back, as options.holding says. */
void queue_holding(const struct queue *q, const struct queue_group *g, struct buffer *ret);

/* --- stale.c: what has gone without progress for longest --- */

/* Begins a look at all messages; takes one into it; ends it. */
void queue_stale_begin(struct queue *q);
void queue_stale_look(struct queue *q, const struct queue_message *m);
void queue_stale_end(struct queue *q);
/* Fills in `stalest` and the bound. */
void queue_stale_tell(const struct queue *q, struct buffer *texts, struct queue_status *ret);

/* --- sweep.c --- */

int queue_sweeper(struct task *t, void *queue);
/* One look at all recipients; returns how long to wait until the next. May suspend. */
MUST_CHECK int queue_sweep(struct task *t, struct queue *q, uint64_t *ret_wait_us);

/* --- act.c --- */

MUST_CHECK int queue_act(struct task *t, struct queue *q, const struct queue_act_request *request,
                         uint64_t *ret_recipients);

#endif
