/* What an answer of the DNS means for one record of an identity: its state, and words for the
 * client's IT staff about what was seen and what to do. Pure. */
#ifndef LETTERHEAD_ONBOARD_RECORD_H
#define LETTERHEAD_ONBOARD_RECORD_H

#include "onboard/cause.h"
#include "onboard/identity_state.h"
#include "runtime/resolver.h"

enum { RECORD_SEEN_BYTES = 300 };

/* What should stand at a name: a TXT with this text; or, with an alias, a CNAME to that name, which
 * has the text. */
struct record_expected {
    struct slice name;  /* lower case */
    struct slice text;  /* empty: any key */
    struct slice alias; /* empty: the text itself */
};

struct record_finding {
    bool proven;             /* false: the answer proves nothing, and `trouble` says why */
    enum record_state state; /* when proven */
    enum record_cause cause; /* proven or not */
    struct slice seen;       /* what is published, cut to RECORD_SEEN_BYTES; may be empty */
    struct slice advice;     /* what to do; empty when all is right */
    struct slice trouble;
    struct slice server; /* which of the domain's own said so; empty: only the resolver was asked */
};

/* Compares the resolver's answer for the TXT records at the name with what should be there. The
 * texts are from the arena, or static. */
void record_judge(struct arena *arena, const struct dns_answer *answer,
                  const struct record_expected *expected, struct record_finding *ret);

/* True when a published text is the one expected; order, spacing and unknown tags make no
 * difference. */
bool record_text_is(const struct record_expected *expected, struct slice published);

/* What was seen, harmless and cut to RECORD_SEEN_BYTES. */
struct slice record_seen_text(struct arena *arena, struct slice text);

#endif
