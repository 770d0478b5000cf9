/* What the operator and the site's contact are told of an identity's life: that records are
 * missing, that sending has stopped, that all is well again. An identity that only waits for its
 * records is no trouble. */
#ifndef LETTERHEAD_ONBOARD_IDENTITY_NOTICE_H
#define LETTERHEAD_ONBOARD_IDENTITY_NOTICE_H

#include "onboard/identity_state.h"
#include "site/identity.h"

/* In the caller's transaction. `identity` is as it is now, `before` what it was. */
MUST_CHECK int identity_notice_raise(struct store *s, const struct identity *identity,
                                     enum identity_state before,
                                     const struct identity_verdict *verdict, int64_t now_us);

#endif
