/* glibc's fortified longjmp takes a jump to another stack for an attack and aborts. This file does
 * little else than such jumps, so it alone does without. Must come before any header. */
#undef _FORTIFY_SOURCE
#define _FORTIFY_SOURCE 0

#include "runtime/fiber.h"

#include "runtime/stack.h"

#include <setjmp.h>
#include <stdlib.h>
#include <ucontext.h>

#ifdef FIBER_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBER_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

/* AddressSanitizer wipes the red zones of all frames that a longjmp may leave, thus of every local
 * that lives across a suspension. It does not see the compiler's own jumps, which clang has not on
 * every machine. */
#if defined(FIBER_ADDRESS_SANITIZER) && defined(__x86_64__)
typedef void *jump_point[5];
#define JUMP_MARK(point) __builtin_setjmp(point)
#define JUMP_TO(point) __builtin_longjmp(point, 1)
#else
typedef sigjmp_buf jump_point;
#define JUMP_MARK(point) sigsetjmp(point, 0)
#define JUMP_TO(point) siglongjmp(point, 1)
#endif
#define UNSEEN_BY_SANITIZER __attribute__((no_sanitize("address"), noinline))

struct fiber {
    jump_point self;    /* where the fiber goes on */
    jump_point resumer; /* where its resumer goes on */
    struct stack stack;
    struct fiber *next_idle;
    void (*function)(void *argument); /* NULL: ended */
    void *argument;
    bool begun;
    /* What the sanitizers want to know about the other side of a switch. */
    void *self_fake_stack, *resumer_fake_stack;
    const void *resumer_bottom;
    size_t resumer_size;
    void *self_thread, *resumer_thread;
};

/* Before a switch and after it: sanitizers must learn that the stack changes. */
#ifdef FIBER_ADDRESS_SANITIZER
static void announce(void **save_fake_stack, const void *bottom, size_t size)
{
    __sanitizer_start_switch_fiber(save_fake_stack, bottom, size);
}

static void arrive(void *fake_stack, const void **ret_bottom, size_t *ret_size)
{
    __sanitizer_finish_switch_fiber(fake_stack, ret_bottom, ret_size);
}
#else
static void announce(void **save_fake_stack, const void *bottom, size_t size)
{
    (void)save_fake_stack, (void)bottom, (void)size;
}

static void arrive(void *fake_stack, const void **ret_bottom, size_t *ret_size)
{
    (void)fake_stack, (void)ret_bottom, (void)ret_size;
}
#endif

#ifdef FIBER_THREAD_SANITIZER
static void thread_create(struct fiber *f)
{
    f->self_thread = __tsan_create_fiber(0);
}

static void thread_destroy(struct fiber *f)
{
    __tsan_destroy_fiber(f->self_thread);
}

static void thread_enter(struct fiber *f)
{
    f->resumer_thread = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(f->self_thread, 0);
}

static void thread_leave(struct fiber *f)
{
    __tsan_switch_to_fiber(f->resumer_thread, 0);
}
#else
static void thread_create(struct fiber *f)
{
    (void)f;
}

static void thread_destroy(struct fiber *f)
{
    (void)f;
}

static void thread_enter(struct fiber *f)
{
    (void)f;
}

static void thread_leave(struct fiber *f)
{
    (void)f;
}
#endif

UNSEEN_BY_SANITIZER void fiber_suspend(struct fiber *f)
{
    announce(&f->self_fake_stack, f->resumer_bottom, f->resumer_size);
    if (JUMP_MARK(f->self) == 0) {
        thread_leave(f); /* TSan looks for the target among those of the stack it believes in */
        JUMP_TO(f->resumer);
    }
    arrive(f->self_fake_stack, &f->resumer_bottom, &f->resumer_size);
}

/* The bottom of every fiber's stack: runs one function after the other, and never returns. */
static void fiber_main(unsigned high, unsigned low)
{
    struct fiber *f = (struct fiber *)(uintptr_t)((uint64_t)high << 32 | low);

    arrive(NULL, &f->resumer_bottom, &f->resumer_size);
    for (;;) {
        f->function(f->argument);
        f->function = NULL;
        fiber_suspend(f);
    }
}

/* makecontext passes only ints, hence the pointer in two halves. The frame is left and never
 * returned to, so no red zones may be painted around it. */
static NORETURN UNSEEN_BY_SANITIZER void fiber_begin(struct fiber *f)
{
    ucontext_t context;
    uint64_t self = (uint64_t)(uintptr_t)f;

    f->begun = true;
    if (getcontext(&context) != 0)
        abort();
    context.uc_stack.ss_sp = f->stack.bottom;
    context.uc_stack.ss_size = STACK_BYTES;
    context.uc_link = NULL;
    makecontext(&context, (void (*)(void))(void *)fiber_main, 2, (unsigned)(self >> 32),
                (unsigned)self);
    setcontext(&context);
    abort();
}

static UNSEEN_BY_SANITIZER void fiber_enter(struct fiber *f)
{
    announce(&f->resumer_fake_stack, f->stack.bottom, STACK_BYTES);
    if (JUMP_MARK(f->resumer) == 0) {
        thread_enter(f);
        if (f->begun)
            JUMP_TO(f->self);
        fiber_begin(f);
    }
    arrive(f->resumer_fake_stack, NULL, NULL);
}

static struct fiber *fiber_make(void)
{
    struct fiber *f = base_allocate(sizeof *f);

    if (stack_take(&f->stack) != 0) {
        free(f);
        return NULL;
    }
    thread_create(f);
    return f;
}

static void fiber_free(struct fiber *f)
{
    thread_destroy(f);
    stack_give(&f->stack);
    free(f);
}

static struct fiber *pool_take(struct fiber_pool *pool)
{
    struct fiber *f = pool->idle;

    if (!f)
        return NULL;
    pool->idle = f->next_idle;
    pool->idle_count--;
    return f;
}

static void pool_give(struct fiber_pool *pool, struct fiber *f)
{
    if (pool->idle_count >= FIBER_POOL_IDLE_MAX) {
        fiber_free(f);
        return;
    }
    f->next_idle = pool->idle;
    pool->idle = f;
    pool->idle_count++;
}

struct fiber *fiber_new(struct fiber_pool *pool, void (*function)(void *argument), void *argument)
{
    struct fiber *f = pool_take(pool);

    if (!f)
        f = fiber_make();
    if (!f)
        return NULL;
    f->function = function;
    f->argument = argument;
    return f;
}

bool fiber_resume(struct fiber_pool *pool, struct fiber *f)
{
    fiber_enter(f);
    if (f->function)
        return false;
    pool_give(pool, f);
    return true;
}

size_t fiber_stack_used(const struct fiber *f)
{
    return stack_high_water(&f->stack);
}

void fiber_pool_done(struct fiber_pool *pool)
{
    struct fiber *f;

    while ((f = pool_take(pool)))
        fiber_free(f);
}
