/* The message that has gone without progress for longest, as `status` tells it. */
#ifndef LETTERHEAD_FEEDBACK_STALEST_H
#define LETTERHEAD_FEEDBACK_STALEST_H

#include "queue/remote.h"
#include "store/store.h"

#include <jansson.h>

/* {message_id, site, destination, state, since_s, waits, lost}; null when there is none. */
json_t *stalest_describe(struct store *store, const struct queue_status *status);
/* Which of two descriptions an operator has to look at first. */
const json_t *stalest_first(const json_t *one, const json_t *other);
/* Adds the problem, if nothing explains why it makes no progress. */
void stalest_judge(const json_t *stalest, json_t *problems);

#endif
