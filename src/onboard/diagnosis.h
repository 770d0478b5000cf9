/* What the domain's own servers add to what the resolver found of a record: that they disagree,
 * that none of them serves the domain, that all have the record already; and at which server it
 * was seen. Pure. */
#ifndef LETTERHEAD_ONBOARD_DIAGNOSIS_H
#define LETTERHEAD_ONBOARD_DIAGNOSIS_H

#include "onboard/authority.h"

/* `which` is the record's place among the questions of the look. Changes the finding's cause and
 * words, and sets its server. What the resolver took for proven is taken back when none of the
 * servers serves the zone (resolvers believe an empty answer of a lame one), and when all of them
 * that answer have the record. */
void diagnosis_refine(struct arena *arena, const struct authority_look *look, size_t which,
                      const struct record_expected *expected, struct record_finding *finding);

#endif
