/* A function with a stack of its own that can be left in its middle and gone on with later.
 *
 * Only the loop uses this; everything else sees tasks. One thread's fibers are resumed by that
 * thread's own stack and suspend back to it. An ended fiber is kept, stack and all, for the next
 * one: beginning a fiber then costs no more than a switch. */
#ifndef LETTERHEAD_RUNTIME_FIBER_H
#define LETTERHEAD_RUNTIME_FIBER_H

#include "base/base.h"

struct fiber;

/* Fibers that have ended and wait for their next function. Zeroed memory is an empty pool. */
struct fiber_pool {
    struct fiber *idle;
    size_t idle_count;
};
enum { FIBER_POOL_IDLE_MAX = 512 };

/* NULL when the system gives no more stacks. `function` runs at the first fiber_resume. */
struct fiber *fiber_new(struct fiber_pool *pool, void (*function)(void *argument), void *argument);
/* Runs the fiber until it suspends or its function returns; true when it has returned: the fiber is
 * then back in the pool. */
bool fiber_resume(struct fiber_pool *pool, struct fiber *f);
/* Called by the fiber itself: returns to whoever resumed it, and comes back at the next
 * fiber_resume. */
void fiber_suspend(struct fiber *f);
size_t fiber_stack_used(const struct fiber *f);

/* Frees what is idle; no fiber of the pool may be running any more. */
void fiber_pool_done(struct fiber_pool *pool);

#endif
