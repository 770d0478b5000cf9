/* Which DMARC policy receivers find for a From domain, by both of their rules: the tree walk of RFC
 * 9989 §4.10, and the public suffix list of RFC 7489 §3.2 that many will go by for years. Asks the
 * DNS; what the finding means for our mail is the business of dmarc_verdict.h. */
#ifndef LETTERHEAD_ONBOARD_DMARC_H
#define LETTERHEAD_ONBOARD_DMARC_H

#include "base/arena.h"
#include "runtime/task.h"
#include "wire/dmarc.h"

enum { DMARC_TEXT_BYTES = 300 };

/* What receivers of one kind find. */
struct dmarc_policy {
    bool found;
    struct slice domain; /* whose record it is */
    struct slice text;   /* of the record, harmless, cut to DMARC_TEXT_BYTES */
    struct wire_dmarc_record record;
    enum wire_dmarc_policy policy; /* for the From domain */
    struct slice organization;     /* the From domain's, where relaxed alignment counts; may be
                                    * empty, see dmarc_find */
};

struct dmarc_finding {
    struct slice trouble; /* a sentence: the answers prove nothing. Empty: they do */
    struct slice several; /* a domain with more than one record, which count as none; or empty */
    struct dmarc_policy walk; /* RFC 9989 */
    struct dmarc_policy list; /* RFC 7489 */
};

/* With `organization` walks to the end; without, stops at the domain's own record, and the
 * organization that the walk would find remains empty then: what signs for the very domain needs no
 * more. 0; -ECANCELED, -ETIMEDOUT. Slices are from the arena. */
MUST_CHECK int dmarc_find(struct task *t, struct arena *arena, struct slice domain,
                          bool organization, struct dmarc_finding *ret);

/* The organizational domain by the public suffix list; the domain itself if it has none. */
struct slice dmarc_organization(struct arena *arena, struct slice domain);

#endif
