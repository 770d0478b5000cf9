/* Looks whether an identity's mail passes DMARC, for each domain that it comes from, and stores
 * what was found (site/alignment.h). Nothing is kept back for it. */
#ifndef LETTERHEAD_ONBOARD_DMARC_CHECK_H
#define LETTERHEAD_ONBOARD_DMARC_CHECK_H

#include "onboard/dmarc_verdict.h"
#include "site/identity.h"

enum { DMARC_CHECK_S = 20 /* for all questions of one identity */ };

struct dmarc_check_options {
    struct slice bounce_domain; /* of the envelope's sender */
    uint32_t grace_s;
};

/* 0 also when the world did not answer; errors: the store's, -ECANCELED. */
MUST_CHECK int dmarc_check(struct task *t, struct store *store,
                           const struct dmarc_check_options *options, int64_t identity_id);
/* The same for all identities of a site. */
MUST_CHECK int dmarc_check_site(struct task *t, struct store *store,
                                const struct dmarc_check_options *options, int64_t site_id);

#endif
