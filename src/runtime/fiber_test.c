#include "runtime/fiber.h"

#include "runtime/stack.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct counter {
    struct fiber *fiber;
    int count, until;
};

static void count(void *argument)
{
    struct counter *c = argument;

    while (c->count < c->until) {
        c->count++;
        fiber_suspend(c->fiber);
    }
}

static void fibers_alternate(void **state)
{
    CLEANUP(fiber_pool_done) struct fiber_pool pool = {0};
    struct counter a = {.until = 1000}, b = {.until = 1000};

    (void)state;
    a.fiber = fiber_new(&pool, count, &a);
    b.fiber = fiber_new(&pool, count, &b);
    for (int i = 1; i <= 1000; i++) {
        assert_false(fiber_resume(&pool, a.fiber));
        assert_int_equal(a.count, i);
        assert_int_equal(b.count, i - 1);
        assert_false(fiber_resume(&pool, b.fiber));
    }
    assert_true(fiber_resume(&pool, a.fiber));
    assert_true(fiber_resume(&pool, b.fiber));
}

static void ended_fibers_are_used_again(void **state)
{
    CLEANUP(fiber_pool_done) struct fiber_pool pool = {0};
    struct fiber *first = NULL;

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct counter c = {.until = i};

        c.fiber = fiber_new(&pool, count, &c);
        if (!first)
            first = c.fiber;
        assert_ptr_equal(c.fiber, first);
        while (!fiber_resume(&pool, c.fiber))
            continue;
        assert_int_equal(c.count, i);
    }
    assert_int_equal(pool.idle_count, 1);
}

enum { OVER_POOL = FIBER_POOL_IDLE_MAX + 50 };

static void the_pool_is_bounded(void **state)
{
    CLEANUP(fiber_pool_done) struct fiber_pool pool = {0};
    static struct counter counters[OVER_POOL];

    (void)state;
    for (int i = 0; i < OVER_POOL; i++) {
        counters[i] = (struct counter){.until = 1};
        counters[i].fiber = fiber_new(&pool, count, &counters[i]);
        assert_false(fiber_resume(&pool, counters[i].fiber));
    }
    for (int i = 0; i < OVER_POOL; i++)
        assert_true(fiber_resume(&pool, counters[i].fiber));
    assert_int_equal(pool.idle_count, FIBER_POOL_IDLE_MAX);
}

static void use_some_stack(void *argument)
{
    volatile char memory[3000];

    memset((void *)(uintptr_t)memory, 1, sizeof memory);
    *(char *)argument = memory[100];
}

static void stack_use_is_measured(void **state)
{
    CLEANUP(fiber_pool_done) struct fiber_pool pool = {0};
    struct fiber *f;
    char result = 0;

    (void)state;
    f = fiber_new(&pool, use_some_stack, &result);
    assert_true(fiber_resume(&pool, f));
    assert_int_equal(result, 1);
    assert_in_range(fiber_stack_used(f), 3000, 32000);
}

/* Not a tail call, and nothing that an optimiser could turn into a loop. */
static int recurse(volatile int *depth)
{
    volatile char memory[512];

    memory[0] = (char)++*depth;
    if (*depth > 1000000)
        return 0;
    return recurse(depth) + memory[0];
}

static void overflow(void *argument)
{
    struct counter *c = argument;
    volatile int depth = 0;

    c->count = recurse(&depth);
}

/* Runs a fiber to its end in a process of its own, which must die of it. */
static void assert_deadly(void (*function)(void *argument), struct counter *argument)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct fiber_pool pool = {0};

        close(STDERR_FILENO);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        argument->fiber = fiber_new(&pool, function, argument);
        while (!fiber_resume(&pool, argument->fiber))
            continue;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void running_over_the_end_is_a_crash(void **state)
{
    struct counter c = {0};

    (void)state;
    assert_deadly(overflow, &c);
}

#ifdef FIBER_ADDRESS_SANITIZER
static void write_past_a_local(void *argument)
{
    struct counter *c = argument;
    volatile char memory[16];

    fiber_suspend(c->fiber);
    for (size_t i = 0; i <= sizeof memory; i++)
        memory[i] = 1;
    c->count = memory[0];
}

/* Switching must not wipe what the sanitizer knows of the frames that wait. */
static void the_sanitizer_sees_through_a_suspension(void **state)
{
    struct counter c = {0};

    (void)state;
    assert_deadly(write_past_a_local, &c);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fibers_alternate),
        cmocka_unit_test(ended_fibers_are_used_again),
        cmocka_unit_test(the_pool_is_bounded),
        cmocka_unit_test(stack_use_is_measured),
        cmocka_unit_test(running_over_the_end_is_a_crash),
#ifdef FIBER_ADDRESS_SANITIZER
        cmocka_unit_test(the_sanitizer_sees_through_a_suspension),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
