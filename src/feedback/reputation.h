/* How a site's mail is received: counted by the hour out of outcomes (feedback/outcome.h). */
#ifndef LETTERHEAD_FEEDBACK_REPUTATION_H
#define LETTERHEAD_FEEDBACK_REPUTATION_H

#include "feedback/outcome.h"

/* Counts an outcome, in its transaction. */
MUST_CHECK int reputation_note(struct store *s, const struct outcome *outcome);

#endif
