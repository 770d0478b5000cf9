/* Does a site's mail pass DMARC? Drawn from the policies that receivers find (onboard/dmarc.h), the
 * domain that signs, and the one that bounces go to. Pure.
 *
 * DMARC asks that a signature or SPF passes for a domain that aligns with the From. Ours is the
 * signature: its d= is the identity's domain, which aligns even strictly with a From of that very
 * domain. SPF is judged by the envelope's sender, which is in the platform's bounce domain and
 * aligns with nobody's From, unless the site has a MAIL FROM domain of its own. One of the two
 * is enough.
 *
 * The states are those of identities; none of them keeps mail back:
 *
 *   NOT_STARTED        nobody has looked yet
 *   SUCCESS            there is a policy, and the site's mail passes
 *   PENDING            there is none: nothing fails, but large receivers want one; or the identity
 *                      is not verified yet
 *   TEMPORARY_FAILURE  was SUCCESS, and is not any more; for `grace_s`
 *   FAILED             the site's mail does not pass, or the records contradict each other */
#ifndef LETTERHEAD_ONBOARD_DMARC_VERDICT_H
#define LETTERHEAD_ONBOARD_DMARC_VERDICT_H

#include "onboard/dmarc.h"
#include "onboard/identity_state.h"

enum dmarc_alignment { DMARC_NOT_ALIGNED, DMARC_RELAXED, DMARC_STRICT };

struct dmarc_mail {
    struct slice from;                /* the domain of the From */
    struct slice signer;              /* d=; the From's domain or one above it */
    struct slice envelope;            /* the domain of the envelope's sender */
    bool verified;                    /* the identity may send: what signs is in the DNS */
    struct slice signer_organization; /* by the walk from `signer` */
};

struct dmarc_look {
    enum identity_state state; /* before */
    int64_t since_us, now_us;
    uint32_t grace_s;
    struct dmarc_mail mail;
    struct dmarc_finding finding; /* proven */
};

struct dmarc_verdict {
    enum identity_state state;
    int64_t since_us;
    enum dmarc_alignment dkim, spf; /* the closest that holds */
    bool passes;
    struct slice why, next_step; /* for people; from the arena */
};

void dmarc_verdict(struct arena *arena, const struct dmarc_look *look, struct dmarc_verdict *ret);

/* "none", "relaxed", "strict". */
const char *dmarc_alignment_name(enum dmarc_alignment alignment);

#endif
