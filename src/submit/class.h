/* The class of a message: bulk gives way to the same site's transactional mail on its way out
 * (queue/turn.h). Whatever the sender says explicitly counts; otherwise the signs that mailing
 * lists and newsletters carry. Pure.
 *
 * In this order:
 *   1. X-Letterhead-Priority: bulk | transactional (taken out by submit/rewrite);
 *   2. the tag letterhead-priority=bulk|transactional in X-SES-MESSAGE-TAGS (taken out, too);
 *   3. List-Id, List-Unsubscribe or List-Unsubscribe-Post (RFC 2919, RFC 2369, RFC 8058), or
 *      Precedence: bulk | list | junk: bulk;
 *   4. more than SUBMIT_TRANSACTIONAL_RECIPIENTS_MAX recipients: bulk.
 *
 * Auto-Submitted (RFC 3834) says nothing about it: a hold notice and a newsletter are both
 * "auto-generated". */
#ifndef LETTERHEAD_SUBMIT_CLASS_H
#define LETTERHEAD_SUBMIT_CLASS_H

#include "wire/header.h"

enum { SUBMIT_TRANSACTIONAL_RECIPIENTS_MAX = 20 };

/* False: the explicit word is none of the two, or is there twice; *ret_problem is a sentence for
 * the sender. */
bool submit_class_judge(const struct wire_header *header, size_t recipient_count, bool *ret_bulk,
                        const char **ret_problem);

#endif
