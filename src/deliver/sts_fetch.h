/* What the answer of a policy's host means (RFC 8461 §3.3): a policy, or why there is none in the
 * words of RFC 8460 §4.3.2.2. Pure. */
#ifndef LETTERHEAD_DELIVER_STS_FETCH_H
#define LETTERHEAD_DELIVER_STS_FETCH_H

#include "base/arena.h"
#include "deliver/https.h"
#include "wire/mta_sts.h"
#include "wire/tls_session.h"

struct sts_fetched {
    enum wire_tls_result failure;      /* WIRE_TLS_SUCCESS: `policy` is one */
    struct slice why;                  /* with a failure: a sentence without a full stop */
    struct wire_mta_sts_policy policy; /* its slices lie in the answer's body */
};

/* The request for the policy of a domain; texts are from the arena. */
struct https_request sts_fetch_request(struct arena *arena, struct slice domain);
void sts_fetch_judge(struct arena *arena, const struct https_answer *answer,
                     struct sts_fetched *ret);

#endif
