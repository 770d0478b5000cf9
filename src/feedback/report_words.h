/* The words of a reply or report in the form in which rules are compared with them, and the few
 * facts that stand in them: reply code, enhanced status, the command that was refused. */
#ifndef LETTERHEAD_FEEDBACK_REPORT_WORDS_H
#define LETTERHEAD_FEEDBACK_REPORT_WORDS_H

#include "feedback/report_rules.h"

/* Lower case, any white space as one space, addresses as "@", codes that are repeated on the lines
 * of a long reply left out. Bytes that are not ASCII stay. At most LIMIT_REPORT_WORDS_BYTES are
 * taken. */
void feedback_words_fold(struct slice text, struct buffer *ret);

/* True if `pattern` (folded; "*" is a gap) occurs in `words` (folded), at the edges of words. */
bool feedback_words_match(struct slice words, struct slice pattern);

/* The first SMTP reply in the text, and its enhanced status; a status may stand alone. What is not
 * there is left at 0. */
void feedback_words_reply(struct slice text, uint16_t *ret_code, struct smtp_status *ret_status);

/* The part of a text that is a server's reply: from its code to the end of the paragraph. Empty if
 * there is none. */
struct slice feedback_words_find_reply(struct slice text);

/* What was refused last, by the usual words for it. */
enum feedback_command feedback_words_command(struct slice text);

#endif
