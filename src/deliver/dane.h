/* DANE for SMTP (RFC 7672): the TLSA records of a mail host, asked of a resolver that validates.
 * That it does is proved at the start, and again and again (deliver/dane_proof.h); without proof
 * nobody may rely on `secure`, and nothing here is called. */
#ifndef LETTERHEAD_DELIVER_DANE_H
#define LETTERHEAD_DELIVER_DANE_H

#include "runtime/resolver.h"
#include "wire/tlsa.h"

enum dane_state {
    DANE_NONE = 0, /* no TLSA records, or none that are validated */
    DANE_USABLE,
    DANE_UNUSABLE, /* records are there, all of kinds that cannot be used: TLS, unauthenticated */
    DANE_BROKEN,   /* the answer was bogus or did not come: the host must not be used */
};

struct dane_finding {
    enum dane_state state;
    struct slice base; /* the name whose records these are: SNI, and the name to check */
    const struct wire_tlsa *records; /* usable ones */
    size_t record_count;
    bool trust_anchors; /* some are DANE-TA(2), for which names count */
    bool bogus;         /* BROKEN: validation failed; otherwise there was no answer */
    struct slice why;   /* BROKEN: a sentence */
};

/* Finds the records of a host whose name was securely found and whose addresses are at `canonical`
 * (after CNAMEs; RFC 7672 §2.2.2). `secure`: that answer was validated. 0; -ECANCELED,
 * -ETIMEDOUT. */
MUST_CHECK int dane_find(struct task *t, struct arena *arena, struct slice name,
                         struct slice canonical, bool secure, uint16_t port,
                         struct dane_finding *ret);

/* What a TLSA answer means. Pure; for dane_find and its tests. */
struct dane_finding dane_judge(struct arena *arena, struct slice base,
                               const struct dns_answer *answer);

#endif
