/* The history of events: what became of every message, a day at a time.
 *
 * The gateway's events (queue/event.h) arrive in batches over the steward's peer and are stored
 * as they came, in the file of the day on which they arrived: one transaction a batch, with the
 * cursor of the spool in it, so each event is there exactly once whatever crashes. Writing is
 * one insert an event (two for an acceptance) into trees that grow at their ends, on a helper
 * thread; nothing is updated ever. What a message's state is, follows from its events when
 * somebody asks (feedback/timeline.h).
 *
 * When a day is too old its file is removed whole; few at once, should the clock be wrong. */
#ifndef LETTERHEAD_FEEDBACK_HISTORY_H
#define LETTERHEAD_FEEDBACK_HISTORY_H

#include "base/arena.h"
#include "feedback/timeline.h"
#include "runtime/task.h"

struct history;

enum {
    HISTORY_LIST_MAX = 1000,
    HISTORY_USES_MAX = 64,
};

struct history_options {
    const char *directory; /* made if it is not there */
    uint32_t keep_days;
};

/* Opens every day that is there, brings it to this version and learns how far each spool is.
 * Blocks, for a moment a day: for the time before the loop. On failure *ret_problem (from
 * malloc) says what to do. */
MUST_CHECK int history_open(const struct history_options *options, struct history **ret,
                            char **ret_problem);
/* Accepts NULL. */
void history_close(struct history *h);

/* A credential that mail was accepted with. */
struct history_use {
    uint64_t credential_id;
    int64_t time_us;
};

/* Stores a batch (the body of IPC_EVENTS). On 0 it is durable, and *ret_cursor is how far that
 * spool is; the credentials of what it accepted are in `ret_uses`, HISTORY_USES_MAX at most.
 * -EBADMSG: not a batch. */
MUST_CHECK int history_apply(struct task *t, struct history *h, struct slice batch,
                             uint64_t *ret_cursor, struct history_use *ret_uses,
                             size_t *ret_use_count);

/* Gathers the events of a message. -ENOENT: none are known. All memory is from the arena. */
MUST_CHECK int history_message(struct task *t, struct history *h, struct arena *arena,
                               const struct message_id *id, struct timeline *ret);

/* The address of a message's recipient, copied into the arena. -ENOENT: its acceptance is not
 * known, or not any more. For functions on TASK_LANE_COMMIT, where history is written: it blocks,
 * most of the time for one look into the day at hand. */
MUST_CHECK int history_recipient(struct history *h, struct arena *arena,
                                 const struct message_id *id, uint32_t recipient,
                                 struct slice *ret_address);

/* The newest messages, newest first: of a site, or of all (site_id 0); accepted before `before`,
 * unless its ms is 0. At most HISTORY_LIST_MAX. */
struct history_listing {
    uint64_t site_id;
    struct message_id before;
    size_t max;
};
MUST_CHECK int history_list(struct task *t, struct history *h, struct arena *arena,
                            const struct history_listing *listing, struct message_id **ret,
                            size_t *ret_count);

#endif
