/* What came back, as a list: refusals in the dialogue, reports, complaints, automatic replies, and
 * recipients that were suppressed. The list lies beside the events in each day's file and goes with
 * it; what an entry says in full is its event's. */
#ifndef LETTERHEAD_FEEDBACK_HISTORY_FEEDBACK_H
#define LETTERHEAD_FEEDBACK_HISTORY_FEEDBACK_H

#include "feedback/history.h"

/* The class that an event that came back is taken for now, a constant; NULL: there is nothing to
 * judge. Called on the helper thread that writes history. */
typedef const char *history_classifier(void *context, const struct queue_event *event);

/* Before the first batch. Without one no classes are kept. */
void history_set_classifier(struct history *h, history_classifier *classify, void *context);

/* Whether events of this type are on the list. */
bool history_feedback_is(enum queue_event_type type);

struct history_feedback {
    struct slice place; /* names the entry: the day and a number in it */
    struct message_id id;
    uint64_t sequence; /* of the event, among those of the message */
    enum queue_event_type type;
    struct slice class_then; /* when it came; may be empty */
};

struct history_feedback_listing {
    uint64_t site_id;    /* 0: of all */
    struct slice before; /* the place of an entry: only older ones; empty: from the newest */
    size_t max;          /* at most HISTORY_LIST_MAX */
};

/* Newest first, all in the arena. -EINVAL: `before` is no place. */
MUST_CHECK int history_feedback_list(struct task *t, struct history *h, struct arena *arena,
                                     const struct history_feedback_listing *listing,
                                     struct history_feedback **ret, size_t *ret_count);

#endif
