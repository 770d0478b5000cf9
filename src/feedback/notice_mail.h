/* Makes mail of a notice: to the operators, and to the contacts of the site that it is about. */
#ifndef LETTERHEAD_FEEDBACK_NOTICE_MAIL_H
#define LETTERHEAD_FEEDBACK_NOTICE_MAIL_H

#include "feedback/own_mail_sender.h"

/* Writes down the mail for the next notice of which there is something to be told, and that it was
 * told, in one transaction. 1: there may be more; 0: there was none. */
MUST_CHECK int notice_mail_next(struct own_mail_sender *sender, int64_t now_us);

#endif
