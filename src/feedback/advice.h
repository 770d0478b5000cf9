/* What to do about what came back, by its class. */
#ifndef LETTERHEAD_FEEDBACK_ADVICE_H
#define LETTERHEAD_FEEDBACK_ADVICE_H

#include "feedback/report_rules.h"

/* A sentence or two for the site's people and the operator. */
const char *feedback_advice(const struct feedback_verdict *verdict);

#endif
