/* What an answer of the DNS means for one record of an identity: its state, and words for the
 * client's IT staff about what was seen and what to do. Pure. */
#ifndef LETTERHEAD_ONBOARD_RECORD_H
#define LETTERHEAD_ONBOARD_RECORD_H

#include "onboard/identity_state.h"
#include "runtime/resolver.h"

enum { RECORD_SEEN_BYTES = 300 };

struct record_finding {
    bool proven;             /* false: the answer proves nothing, and `trouble` says why */
    enum record_state state; /* when proven */
    struct slice seen;       /* what is published, cut to RECORD_SEEN_BYTES; may be empty */
    struct slice advice;     /* what to do; empty when all is right */
    struct slice trouble;
};

/* Compares the answer for a key's name with what should be there. The texts are from the arena,
 * or static. */
void record_judge(struct arena *arena, const struct dns_answer *answer, struct slice expected,
                  struct record_finding *ret);

/* The DMARC policy of a name (RFC 9989): "found" with the record, "absent", "invalid" (several,
 * or not to be read), or "" when the answer proves nothing. */
void dmarc_judge(struct arena *arena, const struct dns_answer *answer, struct slice *ret_state,
                 struct slice *ret_record);

#endif
