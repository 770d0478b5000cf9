/* What SPF (RFC 7208) says of an address that sends for a domain: whether the records that we ask
 * operators and clients to publish do what they are for. Asks the DNS.
 *
 * Not for judging strangers' mail: exp= is checked but not asked for. */
#ifndef LETTERHEAD_ONBOARD_SPF_H
#define LETTERHEAD_ONBOARD_SPF_H

#include "base/arena.h"
#include "runtime/endpoint.h"
#include "runtime/task.h"

enum spf_result {
    SPF_NONE, /* no record */
    SPF_NEUTRAL,
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_TEMPERROR, /* the DNS gave no answer: nothing is proven */
    SPF_PERMERROR, /* the records cannot be understood, or ask for too much */
};

enum { SPF_LOOKUPS_MAX = 10 /* RFC 7208 §4.6.4 */, SPF_TEXT_BYTES = 300 };

/* What a receiver sees. */
struct spf_sender {
    struct slice domain; /* of the envelope's sender */
    struct slice local;  /* before its @; empty: "postmaster" (RFC 7208 §4.3) */
    struct slice helo;
    const struct endpoint *address;
};

struct spf_finding {
    enum spf_result result;
    struct slice record; /* of the domain itself; harmless, cut to SPF_TEXT_BYTES; may be empty */
    struct slice why;    /* with TEMPERROR and PERMERROR: a sentence without a full stop */
};

/* 0; -ECANCELED, -ETIMEDOUT. Slices are from the arena. */
MUST_CHECK int spf_check(struct task *t, struct arena *arena, const struct spf_sender *sender,
                         struct spf_finding *ret);

/* "none", "pass" … as in RFC 8601. */
const char *spf_result_name(enum spf_result result);

#endif
