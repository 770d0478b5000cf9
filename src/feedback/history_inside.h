/* What the files of history share; for them only. */
#ifndef LETTERHEAD_FEEDBACK_HISTORY_INSIDE_H
#define LETTERHEAD_FEEDBACK_HISTORY_INSIDE_H

#include "feedback/days.h"
#include "feedback/history.h"
#include "feedback/history_feedback.h"
#include "store/store.h"

enum {
    HISTORY_KEY_BYTES = 22, /* of a message: its time in six bytes, big-endian, and its UUID */
    HISTORY_SPOOLS_MAX = 64,
};

/* How far a spool's events have been stored. */
struct history_position {
    uint64_t spool_id, sequence;
};

struct history {
    char *directory;
    uint32_t keep_days;
    /* Of the writer, which is always the same helper thread. */
    struct day newest;   /* being written, or the last there is; "" for none */
    struct store *store; /* of the newest; NULL: not open */
    struct day older;    /* the last one before it that was looked into; "" for none */
    struct store *older_store;
    history_classifier *classify;
    void *classify_context;
    struct history_position positions[HISTORY_SPOOLS_MAX];
    size_t position_count;
};

struct slice history_key(const struct message_id *id, char out[static HISTORY_KEY_BYTES]);
void history_key_read(struct slice key, struct message_id *ret);

/* Puts a new event on the list of what came back, if it belongs there; on the writer's thread. */
MUST_CHECK int history_feedback_add(const struct history *h, struct slice key,
                                    const struct queue_event *event);

/* The spool's place, made at 0 if there is none. */
struct history_position *history_position(struct history *h, uint64_t spool_id);
MUST_CHECK int history_open_day(const struct history *h, const struct day *day, bool read_only,
                                struct store **ret, char **ret_problem);

#endif
