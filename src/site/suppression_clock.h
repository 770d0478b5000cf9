/* What came of bounces and passes with time goes by itself: suppressions that have expired,
 * breakers that have been open for long enough, the trouble of a site whose mail is taken again. */
#ifndef LETTERHEAD_SITE_SUPPRESSION_CLOCK_H
#define LETTERHEAD_SITE_SUPPRESSION_CLOCK_H

#include "site/service.h"

enum { SUPPRESSION_CLOCK_S = 60 };

/* Removes what has expired. *ret_more: there may be more at this moment. */
MUST_CHECK int suppression_clock_tick(struct task *t, struct site_service *service, bool *ret_more);
/* Runs until cancelled; one in a steward. */
MUST_CHECK int suppression_clock_run(struct task *t, struct site_service *service);

#endif
