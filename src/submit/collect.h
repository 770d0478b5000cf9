/* Receives the content of DATA (RFC 5321 §4.1.1.4) into a buffer that the queue will take: decoded
 * once, copied once, paid for out of the budget, within time and at a minimum rate. */
#ifndef LETTERHEAD_SUBMIT_COLLECT_H
#define LETTERHEAD_SUBMIT_COLLECT_H

#include "submit/accept.h"
#include "submit/talk.h"

/* Reads up to the true end of the data, whatever is wrong with it, so that one reply follows and
 * what comes next is a command. 0 with *ret_refusal.code 0 when the content is whole, or the
 * refusal. -ETIMEDOUT also when it comes too slowly; -EFBIG: what is cut has no end. */
MUST_CHECK int submit_collect(struct task *t, struct submit_talk *talk,
                              const struct submit_limits *limits, struct arena *arena,
                              struct submit_content *content, struct wire_reply *ret_refusal);

#endif
