#include "base/limits.h"
#include "runtime/loop.h"

#include <stdlib.h>

static void line_up(struct task *t)
{
    t->state = TASK_READY;
    list_add_last(&t->loop->ready, &t->in_line);
    t->loop->ready_count++;
}

static void task_main(void *argument)
{
    struct task *t = argument;

    t->result = t->function(t, t->argument);
}

struct task *task_new(struct loop *loop, struct scope *scope, const char *name,
                      task_function *function, void *argument)
{
    struct task *t;

    if (loop->task_count >= LIMIT_TASKS)
        return NULL;
    t = base_allocate(sizeof *t);
    *t = (struct task){.loop = loop,
                       .name = name,
                       .function = function,
                       .argument = argument,
                       .scope = scope,
                       .deadline_us = WORLD_NEVER,
                       .wake_us = WORLD_NEVER};
    t->fiber = fiber_new(&loop->fibers, task_main, t);
    if (!t->fiber) {
        free(t);
        return NULL;
    }
    loop->task_count++;
    line_up(t);
    return t;
}

/* A timer that is early enough is left alone: it fires, finds that the time has not come, and is
 * set anew. So the many short waits under one long deadline do not touch the heap. */
static void set_timer(struct task *t, uint64_t until_us)
{
    if (until_us == WORLD_NEVER)
        return;
    if (!heap_linked(&t->timer) || t->timer.key > until_us)
        heap_set(&t->loop->timers, &t->timer, until_us);
}

static void suspend(struct task *t, struct list *waiters, uint64_t until_us)
{
    assert(t->loop->current == t);
    t->state = TASK_WAITING;
    t->wake_us = until_us;
    set_timer(t, until_us);
    if (waiters)
        list_add_last(waiters, &t->in_line);
    fiber_suspend(t->fiber);
}

enum wake task_suspend(struct task *t, struct list *waiters, uint64_t until_us)
{
    suspend(t, waiters, until_us);
    return t->woken_by;
}

void task_suspend_deaf(struct task *t, struct list *waiters)
{
    t->deaf = true;
    suspend(t, waiters, WORLD_NEVER);
    t->deaf = false;
}

void task_wake(struct task *t, enum wake why)
{
    if (t->state != TASK_WAITING)
        return;
    list_remove(&t->in_line);
    t->woken_by = why;
    line_up(t);
}

void task_cancel(struct task *t)
{
    if (t->graces) {
        t->cancelled_meanwhile = true;
        return;
    }
    t->cancelled = true;
    if (!t->deaf)
        task_wake(t, WAKE_CANCEL);
}

struct world *task_world(struct task *t)
{
    return t->loop->world;
}

const char *task_name(struct task *t)
{
    return t->name;
}

uint64_t task_now_us(struct task *t)
{
    struct loop *loop = t->loop;

    loop->now_us = loop->world->ops->monotonic_us(loop->world);
    return loop->now_us;
}

int64_t task_wall_us(struct task *t)
{
    struct world *w = t->loop->world;

    return w->ops->wall_us(w);
}

/* By the loop's clock, which may be a turn late: this is asked many times for each message. */
int task_check(struct task *t)
{
    if (t->cancelled)
        return -ECANCELED;
    if (t->deadline_us != WORLD_NEVER && t->loop->now_us >= t->deadline_us)
        return -ETIMEDOUT;
    return 0;
}

/* `duration_us` from now, or never. */
static uint64_t later(struct task *t, uint64_t duration_us)
{
    uint64_t now_us = task_now_us(t);

    return duration_us > WORLD_NEVER - now_us ? WORLD_NEVER : now_us + duration_us;
}

static uint64_t earlier(uint64_t a_us, uint64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

int task_sleep(struct task *t, uint64_t duration_us)
{
    int r = task_check(t);

    if (r < 0)
        return r;
    task_suspend(t, NULL, earlier(later(t, duration_us), t->deadline_us));
    return task_check(t);
}

int task_yield(struct task *t)
{
    assert(t->loop->current == t);
    line_up(t);
    fiber_suspend(t->fiber);
    return task_check(t);
}

int task_offload(struct task *t, enum task_lane lane, int (*function)(void *argument),
                 void *argument)
{
    struct world *w = t->loop->world;
    struct world_job job = {.function = function, .argument = argument, .task = t};

    w->ops->offload(w, lane, &job);
    while (!job.ended)
        task_suspend_deaf(t, NULL);
    return job.result;
}

struct task_deadline task_deadline_after(struct task *t, uint64_t duration_us)
{
    struct task_deadline limit = {t, t->deadline_us};

    t->deadline_us = earlier(t->deadline_us, later(t, duration_us));
    return limit;
}

void task_deadline_end(struct task_deadline *limit)
{
    limit->task->deadline_us = limit->previous_us;
}

struct task_grace task_grace_begin(struct task *t, uint64_t duration_us)
{
    struct task_grace grace = {t, t->deadline_us, t->cancelled};

    t->graces++;
    t->cancelled = false;
    t->deadline_us = later(t, duration_us);
    return grace;
}

void task_grace_end(struct task_grace *grace)
{
    struct task *t = grace->task;

    t->graces--;
    t->deadline_us = grace->previous_us;
    t->cancelled = grace->cancelled || (t->cancelled_meanwhile && t->graces == 0);
}

static struct list *waiters_of(struct condition *c)
{
    if (!c->waiters.next)
        list_init(&c->waiters);
    return &c->waiters;
}

int condition_wait(struct task *t, struct condition *c)
{
    int r = task_check(t);

    if (r < 0)
        return r;
    if (task_suspend(t, waiters_of(c), t->deadline_us) == WAKE_EVENT)
        return 0;
    return t->cancelled ? -ECANCELED : -ETIMEDOUT;
}

int condition_wait_for(struct task *t, struct condition *c, uint64_t duration_us)
{
    int r = task_check(t);
    uint64_t until_us;

    if (r < 0)
        return r;
    until_us = later(t, duration_us);
    if (task_suspend(t, waiters_of(c), earlier(until_us, t->deadline_us)) == WAKE_EVENT)
        return 0;
    return task_check(t);
}

void condition_wait_deaf(struct task *t, struct condition *c)
{
    task_suspend_deaf(t, waiters_of(c));
}

void condition_signal(struct condition *c)
{
    if (!list_empty(&c->waiters))
        task_wake(LIST_FIRST(&c->waiters, struct task, in_line), WAKE_EVENT);
}

/* Only those that wait now: a woken task may come back and wait again before the others have
 * run. */
void condition_broadcast(struct condition *c)
{
    LIST_FOREACH_SAFE (link, &c->waiters) {
        task_wake(LIST_ENTRY(link, struct task, in_line), WAKE_EVENT);
    }
}
