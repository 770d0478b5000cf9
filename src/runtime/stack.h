/* Memory for a fiber's stack, with a guard page below it: running over the end is a crash, never a
 * corruption. Pages that were never
 * touched cost nothing. */
#ifndef LETTERHEAD_RUNTIME_STACK_H
#define LETTERHEAD_RUNTIME_STACK_H

#include "base/base.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ADDRESS_SANITIZER 1
#endif
#if __has_feature(thread_sanitizer)
#define FIBER_THREAD_SANITIZER 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define FIBER_ADDRESS_SANITIZER 1
#endif
#ifdef __SANITIZE_THREAD__
#define FIBER_THREAD_SANITIZER 1
#endif

#if defined(FIBER_ADDRESS_SANITIZER) || defined(FIBER_THREAD_SANITIZER)
enum { STACK_BYTES = 256 * 1024 }; /* sanitizers widen every frame */
#else
enum { STACK_BYTES = 64 * 1024 };
#endif

struct stack {
    char *bottom; /* the lowest usable address; NULL: none */
};

/* -ENOMEM when the system gives no more mappings. */
MUST_CHECK int stack_take(struct stack *ret);
void stack_give(struct stack *s);
/* How much of the stack has ever been touched, to the byte that is not zero. For tests and
 * tuning. */
size_t stack_high_water(const struct stack *s);

#endif
