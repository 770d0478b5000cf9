/* Notifications of Amazon SES as SNS mails them: JSON in the text. Sites that moved from SES, or
 * relay through it, have them come back. */
#ifndef LETTERHEAD_FEEDBACK_REPORT_SES_H
#define LETTERHEAD_FEEDBACK_REPORT_SES_H

#include "feedback/report.h"

/* False: the text is no such notification, and nothing was changed. */
bool feedback_ses_read(struct arena *a, struct slice text, const struct feedback_rules *rules,
                       struct feedback_report *ret);

#endif
