/* The inside of tasks and the loop, for the files of this folder. */
#ifndef LETTERHEAD_RUNTIME_LOOP_H
#define LETTERHEAD_RUNTIME_LOOP_H

#include "base/buffer.h"
#include "base/heap.h"
#include "runtime/fiber.h"
#include "runtime/task.h"
#include "runtime/world.h"

enum task_state { TASK_READY, TASK_RUNNING, TASK_WAITING };

enum wake {
    WAKE_EVENT,  /* what was waited for, or something that might be */
    WAKE_TIME,   /* wake_us has come */
    WAKE_CANCEL, /* the scope was cancelled */
};

struct task {
    struct loop *loop;
    struct fiber *fiber;
    const char *name;
    task_function *function;
    void *argument;
    struct scope *scope; /* NULL: the loop's first task */
    struct list in_scope;
    struct list in_line; /* the loop's ready tasks, or a condition's waiters */
    struct heap_item timer;
    uint64_t deadline_us; /* the earliest in force */
    uint64_t wake_us;     /* while waiting */
    enum task_state state;
    enum wake woken_by;
    bool cancelled;
    bool cancelled_meanwhile; /* within a grace */
    unsigned graces;          /* in force */
    bool deaf;                /* this wait heeds neither cancellation nor time */
    int result;
};

struct loop {
    struct world *world;
    struct task *current;
    uint64_t now_us;     /* when somebody last looked at the clock; a turn ago at most */
    struct buffer block; /* for reading, while no stream has it: loop_block_take */
    struct list ready;
    size_t ready_count;
    struct heap timers;
    struct fiber_pool fibers;
    size_t task_count;
};

/* A task that is ready to run; NULL when there are too many or no more stacks. */
struct task *task_new(struct loop *loop, struct scope *scope, const char *name,
                      task_function *function, void *argument);

/* Memory for a large read, LOOP_BLOCK_BYTES of it. Streams hand one from each to the next, since a
 * stream needs it only until what was read has been looked at; so it stays in the cache. */
enum { LOOP_BLOCK_BYTES = 65536 };
struct buffer loop_block_take(struct loop *loop);
/* Takes what is in `block`, and frees it if there is one already. */
void loop_block_give(struct loop *loop, struct buffer *block);

/* Suspends the running task until task_wake, cancellation, or until_us. `waiters` may be NULL. */
enum wake task_suspend(struct task *t, struct list *waiters, uint64_t until_us);
/* Suspends until task_wake, whatever else happens. */
void task_suspend_deaf(struct task *t, struct list *waiters);
/* Makes a waiting task ready; nothing when it is ready already. */
void task_wake(struct task *t, enum wake why);
/* Tells a task to stop: its waits end with -ECANCELED from now on. */
void task_cancel(struct task *t);
/* As condition_wait, deaf. */
void condition_wait_deaf(struct task *t, struct condition *c);
/* Tells the child's scope; the task is not used again. */
void scope_child_ended(struct task *child);

#endif
