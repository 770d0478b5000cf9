/* Tasks: straight-line code that may wait.
 *
 * A task is a fiber: a function with a stack of its own, run by the loop of its thread until it
 * waits. Whoever takes a `struct task *` may suspend; without one a function cannot. After a
 * suspension the world has moved on: look shared things up again. Tasks never change threads and
 * are not preempted.
 *
 * Every waiting call returns 0 (or a count), or
 *   -ECANCELED  the task's scope is being closed: clean up and return,
 *   -ETIMEDOUT  a deadline of this task has passed,
 * or an error of its own. Both conditions persist: each further wait says the same, so that
 * functions can simply return and their CLEANUPs run.
 *
 * Deadlines nest: the earliest in force counts. Scopes own their children: a scope that is closed
 * cancels them and returns when all have ended. */
#ifndef LETTERHEAD_RUNTIME_TASK_H
#define LETTERHEAD_RUNTIME_TASK_H

#include "base/list.h"

struct task;
struct world;

/* A task's body. What it returns is kept by its scope (scope_wait). */
typedef int task_function(struct task *t, void *argument);

struct world *task_world(struct task *t);
const char *task_name(struct task *t);
/* Monotonic time in microseconds; never goes back, says nothing about the date. */
uint64_t task_now_us(struct task *t);
/* Unix time in microseconds; may jump. For stamps only. */
int64_t task_wall_us(struct task *t);

/* Says whether the task must stop (-ECANCELED, -ETIMEDOUT), without suspending. */
MUST_CHECK int task_check(struct task *t);
MUST_CHECK int task_sleep(struct task *t, uint64_t duration_us);
/* Lets all others that are ready run first. */
MUST_CHECK int task_yield(struct task *t);

/* Runs function(argument) on a helper thread and waits for it, whatever happens: a cancelled task
 * still waits, since the thread uses its memory. A lane is one thread, in order of the calls; only
 * the one for fetching, whose functions wait for strangers, has TASK_FETCH_THREADS and no order.
 * Returns what the function returned. */
enum task_lane { TASK_LANE_COMMIT, TASK_LANE_READ, TASK_LANE_FETCH, TASK_LANES };
enum { TASK_FETCH_THREADS = 8 };
MUST_CHECK int task_offload(struct task *t, enum task_lane lane, int (*function)(void *argument),
                            void *argument);

/* A time limit for all waits between here and the end of the block:
 *     CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, 300 *
 * SECOND_US); */
struct task_deadline {
    struct task *task;
    uint64_t previous_us;
};
#define SECOND_US ((uint64_t)1000000)
struct task_deadline task_deadline_after(struct task *t, uint64_t duration_us);
void task_deadline_end(struct task_deadline *limit);

/* Time for a task that was cancelled, or is too late, to say goodbye: between here and the end of
 * the block its waits heed `duration_us` alone; being cancelled meanwhile counts after it.
 *     CLEANUP(task_grace_end) struct task_grace grace = task_grace_begin(t, 5 * SECOND_US); */
struct task_grace {
    struct task *task;
    uint64_t previous_us;
    bool cancelled;
};
struct task_grace task_grace_begin(struct task *t, uint64_t duration_us);
void task_grace_end(struct task_grace *grace);

/* Something to wait for. Waiters are woken in order; a wake-up with nobody waiting is lost, so
 * check the state that it stands for in a loop. Zeroed memory is a valid condition. */
struct condition {
    struct list waiters;
};
MUST_CHECK int condition_wait(struct task *t, struct condition *c);
/* As above, but also returns 0 when duration_us have passed (the caller looks at its state
 * anyway). */
MUST_CHECK int condition_wait_for(struct task *t, struct condition *c, uint64_t duration_us);
void condition_signal(struct condition *c);
void condition_broadcast(struct condition *c);

/* Owner of child tasks. Embedded in the owner's frame or object; it must outlive its children,
 * which scope_close sees to. */
struct scope {
    struct list children;
    struct condition ended;
    struct task *owner;
    size_t count;
    int first_error; /* of a child, but -ECANCELED */
    bool cancelled;
};
void scope_open(struct scope *s, struct task *owner);
/* Starts a child that begins to run at the owner's next wait. `name` must be a literal. -ECANCELED
 * when the scope was cancelled, -EAGAIN when there are too many tasks. */
MUST_CHECK int scope_spawn(struct scope *s, const char *name, task_function *function,
                           void *argument);
/* Waits until no child is left; returns the first error of a child, or why the wait ended. */
MUST_CHECK int scope_wait(struct task *t, struct scope *s);
/* Tells all children to stop; does not wait. */
void scope_cancel(struct scope *s);
/* Cancels, waits for all, and ends the scope; for CLEANUP. */
void scope_close(struct scope *s);

/* Runs `main_function` as the first task of this thread in the given world, and all that it starts,
 * until it returns; its result is returned. */
MUST_CHECK int loop_run(struct world *w, task_function *main_function, void *argument);

#endif
