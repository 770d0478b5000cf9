/* Tells the operators and the site's contacts how its mail is received, when that changes. */
#ifndef LETTERHEAD_FEEDBACK_REPUTATION_NOTICE_H
#define LETTERHEAD_FEEDBACK_REPUTATION_NOTICE_H

#include "feedback/reputation.h"

/* In the transaction that stores the new state. */
MUST_CHECK int reputation_notice_raise(struct store *s, int64_t site_id,
                                       const struct reputation_finding *finding, int64_t now_us);

/* "7.5 %", in the arena. */
struct slice reputation_percent(struct arena *arena, uint64_t millionths);

#endif
