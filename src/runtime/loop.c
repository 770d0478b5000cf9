#include "runtime/loop.h"

#include "runtime/io.h"

#include <stdlib.h>

/* How many tasks may run before the outside is looked at again. */
enum { LOOP_TURN = 256 };

static struct task *next_ready(struct loop *loop)
{
    struct world *w = loop->world;
    struct list *link = loop->ready.next;

    if (w->ops->choose && loop->ready_count > 1)
        for (size_t skip = w->ops->choose(w, loop->ready_count); skip; skip--)
            link = link->next;
    list_remove(link);
    loop->ready_count--;
    return LIST_ENTRY(link, struct task, in_line);
}

static void task_ended(struct task *t)
{
    struct loop *loop = t->loop;

    heap_remove(&loop->timers, &t->timer);
    loop->task_count--;
    if (t->scope)
        scope_child_ended(t);
}

/* The first task is freed by loop_run, which wants its result. */
static void run_one(struct loop *loop, struct task *first)
{
    struct task *t = next_ready(loop);
    bool ended;

    loop->current = t;
    t->state = TASK_RUNNING;
    ended = fiber_resume(&loop->fibers, t->fiber);
    loop->current = NULL;
    if (!ended)
        return;
    task_ended(t);
    if (t != first)
        free(t);
    else
        first->fiber = NULL;
}

static void fire_timers(struct loop *loop)
{
    uint64_t now_us = loop->world->ops->monotonic_us(loop->world);
    struct heap_item *item;

    loop->now_us = now_us;
    while ((item = heap_first(&loop->timers)) && item->key <= now_us) {
        struct task *t = CONTAINER_OF(item, struct task, timer);

        heap_remove(&loop->timers, item);
        if (t->state != TASK_WAITING || t->wake_us == WORLD_NEVER)
            continue;
        if (t->wake_us <= now_us)
            task_wake(t, WAKE_TIME);
        else
            heap_set(&loop->timers, item, t->wake_us);
    }
}

static void take_news(struct world_news *news)
{
    for (size_t i = 0; i < news->ready_count; i++)
        io_changed(news->ready[i].watcher, news->ready[i].what);
    LIST_FOREACH_SAFE (link, &news->jobs) {
        struct world_job *job = LIST_ENTRY(link, struct world_job, link);

        list_remove(link);
        job->ended = true;
        task_wake(job->task, WAKE_EVENT);
    }
    LIST_FOREACH_SAFE (link, &news->queries) {
        struct world_query *query = LIST_ENTRY(link, struct world_query, link);

        list_remove(link);
        query->ended = true;
        task_wake(query->task, WAKE_EVENT);
    }
}

/* Tasks wait only after `wait` has told all its news to the tasks, so no news is ever about a
 * socket, job or query that has gone meanwhile. */
static void look_outside(struct loop *loop)
{
    struct heap_item *first = heap_first(&loop->timers);
    uint64_t until_us = first ? first->key : WORLD_NEVER;
    struct world_news news;

    news.ready_count = 0;
    list_init(&news.jobs);
    list_init(&news.queries);
    loop->world->ops->wait(loop->world, loop->ready_count ? 0 : until_us, &news);
    take_news(&news);
    fire_timers(loop);
}

static void turn(struct loop *loop, struct task *first)
{
    for (size_t left = LOOP_TURN; left && loop->ready_count && first->fiber; left--)
        run_one(loop, first);
}

struct buffer loop_block_take(struct loop *loop)
{
    struct buffer block = loop->block;

    loop->block = BUFFER_NONE;
    buffer_reserve(&block, LOOP_BLOCK_BYTES);
    return block;
}

void loop_block_give(struct loop *loop, struct buffer *block)
{
    block->size = 0;
    if (loop->block.data)
        buffer_done(block);
    else
        loop->block = *block;
    *block = BUFFER_NONE;
}

int loop_run(struct world *w, task_function *main_function, void *argument)
{
    struct loop loop = {.world = w, .now_us = w->ops->monotonic_us(w)};
    struct task *first;
    int result;

    list_init(&loop.ready);
    first = task_new(&loop, NULL, "main", main_function, argument);
    if (!first)
        return -ENOMEM;
    for (;;) {
        turn(&loop, first);
        if (!first->fiber)
            break;
        look_outside(&loop);
    }
    assert(loop.task_count == 0); /* every scope was closed */
    result = first->result;
    free(first);
    heap_done(&loop.timers);
    buffer_done(&loop.block);
    fiber_pool_done(&loop.fibers);
    return result;
}
