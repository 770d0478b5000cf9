/* What tasks cost: a switch, a task's life, memory for many that wait. Usage: fiber_bench
 * [ROUNDS] */
#include "runtime/fiber.h"
#include "runtime/world_linux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAITING_TASKS = 20000 };

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void report(const char *what, double begun_s, long count)
{
    printf("%-44s %8.1f ns\n", what, (now_s() - begun_s) / (double)count * 1e9);
}

struct ping {
    struct fiber *fiber;
    long left;
};

static void ping(void *argument)
{
    struct ping *p = argument;

    while (p->left--)
        fiber_suspend(p->fiber);
}

static void bench_switches(long rounds)
{
    CLEANUP(fiber_pool_done) struct fiber_pool pool = {0};
    struct ping p = {.left = rounds};
    double begun_s = now_s();

    p.fiber = fiber_new(&pool, ping, &p);
    while (!fiber_resume(&pool, p.fiber))
        continue;
    report("into a fiber and back (two switches)", begun_s, rounds);
}

static int yield_often(struct task *t, void *argument)
{
    for (long left = *(long *)argument; left; left--) {
        int r = task_yield(t);

        if (r < 0)
            return r;
    }
    return 0;
}

static int do_nothing(struct task *t, void *argument)
{
    (void)t, (void)argument;
    return 0;
}

static int bench_lives(struct task *t, long rounds)
{
    CLEANUP(scope_close) struct scope s;
    double begun_s = now_s();

    scope_open(&s, t);
    for (long left = rounds; left; left--) {
        int r = scope_spawn(&s, "short", do_nothing, NULL);

        if (r == 0 && left % 100 == 0)
            r = scope_wait(t, &s);
        if (r < 0)
            return r;
    }
    report("a task's whole life", begun_s, rounds);
    return 0;
}

static int bench_yields(struct task *t, long rounds)
{
    CLEANUP(scope_close) struct scope s;
    double begun_s = now_s();
    long each = rounds / 10;

    scope_open(&s, t);
    for (int i = 0; i < 10; i++) {
        int r = scope_spawn(&s, "yields", yield_often, &each);

        if (r < 0)
            return r;
    }
    begun_s = now_s();
    if (scope_wait(t, &s) < 0)
        return -EIO;
    report("a yield among ten tasks", begun_s, rounds);
    return 0;
}

static long resident_bytes(void)
{
    long pages = 0, total = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file) {
        if (fscanf(file, "%ld %ld", &total, &pages) != 2)
            pages = 0;
        fclose(file);
    }
    return pages * 4096;
}

static int sleep_long(struct task *t, void *argument)
{
    char line[512];

    memset(line, *(char *)argument, sizeof line);
    return task_sleep(t, 1000 * SECOND_US);
}

static int bench_memory(struct task *t)
{
    CLEANUP(scope_close) struct scope s;
    long before = resident_bytes();
    char byte = 'x';

    scope_open(&s, t);
    for (int i = 0; i < WAITING_TASKS; i++) {
        int r = scope_spawn(&s, "sleeper", sleep_long, &byte);

        if (r < 0)
            return r;
    }
    if (task_sleep(t, SECOND_US / 100) < 0)
        return -EIO;
    printf("%-44s %8.1f KiB\n", "a waiting task's memory",
           (double)(resident_bytes() - before) / WAITING_TASKS / 1024);
    return 0;
}

static int bench_tasks(struct task *t, void *argument)
{
    long rounds = *(long *)argument;
    int r = bench_lives(t, rounds);

    if (r == 0)
        r = bench_yields(t, rounds);
    if (r == 0)
        r = bench_memory(t);
    return r;
}

int main(int count, char **arguments)
{
    const struct world_linux_options options = {0};
    long rounds = count > 1 ? strtol(arguments[1], NULL, 10) : 1000000;
    struct world *w;
    char *problem;
    int r;

    if (rounds < 100 || world_linux_new(&options, &w, &problem) < 0) {
        fprintf(stderr, "usage: fiber_bench [ROUNDS, at least 100]\n");
        return EXIT_FAILURE;
    }
    bench_switches(rounds);
    r = loop_run(w, bench_tasks, &rounds);
    world_free(w);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
