/* What people are told of a relay: that it is in trouble, once, and once more when it is mended. */
#ifndef LETTERHEAD_ONBOARD_RELAY_NOTICE_H
#define LETTERHEAD_ONBOARD_RELAY_NOTICE_H

#include "site/relay.h"

/* By what the last test found and the state after it. A host that once did not answer is not worth
 * a word. In the caller's transaction. */
MUST_CHECK int relay_notice_raise(struct store *s, const struct relay *relay,
                                  enum relay_finding finding, int64_t now_us);

#endif
