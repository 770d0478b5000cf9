/* Reports in plain words, as many servers write them: what of the text is the report, and which
 * lines of it speak of which recipient. */
#ifndef LETTERHEAD_FEEDBACK_REPORT_TEXT_H
#define LETTERHEAD_FEEDBACK_REPORT_TEXT_H

#include "base/limits.h"
#include "base/slice.h"

/* Up to where the returned message starts, as far as that can be told. */
struct slice feedback_text_report(struct slice text, struct slice *ret_returned);

struct feedback_block {
    struct slice address;
    struct slice words; /* from the line with the address to the next one's */
};

/* The recipients that the text names at the start of a line, or after words like "could not be
 * delivered to:"; each once, the sender to whom the report went left out. Returns how many; at most
 * LIMIT_REPORT_RECIPIENTS. */
size_t feedback_text_blocks(struct slice text, struct slice sender, struct feedback_block *ret);

#endif
