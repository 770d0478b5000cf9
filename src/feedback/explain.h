/* How a recipient stands, in words that a support person understands: why it is so, and what
 * comes next. Pure. */
#ifndef LETTERHEAD_FEEDBACK_EXPLAIN_H
#define LETTERHEAD_FEEDBACK_EXPLAIN_H

#include "feedback/timeline.h"

struct explanation {
    struct slice why;
    struct slice next_step;
};

/* What the gateway says about a recipient at this moment. */
struct explain_now {
    bool ready;           /* it waits for a connection only */
    bool busy;            /* being delivered */
    bool paused;          /* its site is paused in the queue */
    struct slice holding; /* ready: which limit keeps it waiting, a sentence; may be empty */
};

/* The texts are in the timeline's arena. */
struct explanation explain_recipient(const struct timeline *l,
                                     const struct timeline_recipient *recipient,
                                     const struct explain_now *now);

/* "mx.example.net [192.0.2.1]:25: 451 4.7.1 try later", or the cause alone. */
struct slice explain_reply(struct arena *arena, const struct queue_event *event);

#endif
