/* What to do about one record of the platform's zone: from what is wanted, what we may have put
 * there, and what the server has. Pure.
 *
 * Ours is a single TXT record that says what was last published, or what was offered in an update
 * whose end nobody knows (a crash, a lost answer). All else was put there by somebody, by hand or
 * by another program, and stays: a clash, told with what is there. */
#ifndef LETTERHEAD_DOMAIN_PUBLICATION_PLAN_H
#define LETTERHEAD_DOMAIN_PUBLICATION_PLAN_H

#include "site/publication.h"
#include "wire/dns_update.h"

enum publication_step {
    PUBLICATION_IS_SO,  /* the server has what is wanted, or nothing of ours is left to take away */
    PUBLICATION_UPDATE, /* send an update */
    PUBLICATION_CLASH,  /* somebody else's record is in the way */
};

struct publication_plan {
    enum publication_step step;
    struct slice present; /* of an update: RDATA that is there and ours; empty: nothing is there */
    struct slice clash;   /* what is there, and what to do; from the arena */
};

void publication_plan(struct arena *arena, const struct publication *row,
                      const struct wire_dns_txt_answer *there, struct publication_plan *ret);

#endif
