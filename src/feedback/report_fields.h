/* "Name: value" lines, folded as in a header: the inside of message/delivery-status (RFC 3464 §2.1)
 * and message/feedback-report (RFC 5965 §3), and such lines in plain text. */
#ifndef LETTERHEAD_FEEDBACK_REPORT_FIELDS_H
#define LETTERHEAD_FEEDBACK_REPORT_FIELDS_H

#include "base/arena.h"

struct feedback_field {
    struct slice name;  /* empty: an empty line, a group ends */
    struct slice value; /* one line, in the arena */
};

/* Takes the next field or empty line off the front; lines that are neither are passed over. False
 * at the end. */
bool feedback_field_next(struct arena *a, struct slice *rest, struct feedback_field *ret);

/* The first field of this name; empty if there is none. */
struct slice feedback_field_find(struct arena *a, struct slice fields, struct slice name);

/* What follows "rfc822;" or the like; the value itself where there is no type. */
struct slice feedback_field_untyped(struct slice value);

/* The address in "<a@b>", "Name <a@b>" or "a@b". */
struct slice feedback_field_address(struct slice value);

#endif
