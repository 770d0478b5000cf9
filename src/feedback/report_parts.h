/* A message taken apart: what a report's reader needs of it, and no more. MIME is GMime's. */
#ifndef LETTERHEAD_FEEDBACK_REPORT_PARTS_H
#define LETTERHEAD_FEEDBACK_REPORT_PARTS_H

#include "base/arena.h"

/* All in the arena; what is not there is empty. Texts are UTF-8. */
struct feedback_parts {
    /* of the report's own header, unfolded and decoded */
    struct slice from, to, subject, auto_submitted, precedence, autoreply, in_reply_to;
    struct slice text;     /* what a person would read */
    struct slice status;   /* message/delivery-status: fields, groups parted by an empty line */
    struct slice feedback; /* message/feedback-report: fields */
    struct slice returned; /* the header of the message that it is about */
};

void feedback_parts_read(struct arena *a, struct slice message, struct feedback_parts *ret);

#endif
