/* The memory that messages in reception may take together. Whoever is about to make a buffer larger
 * asks first; a refusal means "452 4.3.1, try later", never an abort. */
#ifndef LETTERHEAD_SUBMIT_BUDGET_H
#define LETTERHEAD_SUBMIT_BUDGET_H

#include "base/buffer.h"

struct submit_budget {
    uint64_t max_bytes;
    uint64_t used_bytes;
};

/* What one holder has drawn. Zeroed: nothing. */
struct submit_draw {
    struct submit_budget *budget;
    uint64_t bytes;
};

/* Makes room for `more` bytes in the buffer, paid for by the draw. -ENOBUFS when the budget is used
 * up; the buffer is then as before. */
MUST_CHECK int submit_budget_reserve(struct submit_draw *draw, struct buffer *buffer, size_t more);
/* Gives all back; for CLEANUP. */
void submit_budget_return(struct submit_draw *draw);

#endif
