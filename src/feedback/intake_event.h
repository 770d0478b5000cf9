/* From a report that came back to the event of its recipient. Whom it is about is known from the
 * signed return path; the report says what happened, and why. Pure. */
#ifndef LETTERHEAD_FEEDBACK_INTAKE_EVENT_H
#define LETTERHEAD_FEEDBACK_INTAKE_EVENT_H

#include "feedback/report.h"
#include "queue/event.h"

/* Sets type, reply, text and remote of *ret (texts in the arena, harmless, at most
 * QUEUE_TEXT_BYTES); the rest is the caller's. `address`: of the recipient, as we sent to it; a
 * report may speak of several, and of others. */
void intake_event(struct arena *a, const struct feedback_report *report, struct slice address,
                  struct queue_event *ret);

#endif
