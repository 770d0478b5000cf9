#include "onboard/due.h"

#include "runtime/world.h"

struct clock;

struct running {
    struct clock *clock;
    int64_t id; /* 0: free */
};

struct clock {
    struct store *store;
    const struct due_options *options;
    struct scope looks;
    struct running running[DUE_AT_ONCE_MAX];
};

static int look(struct task *t, void *argument)
{
    struct running *running = argument;
    const struct due_options *o = running->clock->options;
    int r = o->look(t, o->context, running->id);

    running->id = 0;
    return r == -ECANCELED ? r : 0;
}

static bool is_running(const struct clock *clock, int64_t id)
{
    for (size_t i = 0; i < clock->options->at_once_max; i++)
        if (clock->running[i].id == id)
            return true;
    return false;
}

/* The first that is due and not being looked at; 0: none. */
static int64_t next_due(struct clock *clock, int64_t now_us)
{
    CLEANUP(query_done)
    struct query q = store_query(clock->store, clock->options->statement);

    query_bind_int(&q, now_us);
    query_bind_int(&q, (int64_t)clock->options->at_once_max + 1);
    while (query_step(&q) == 1)
        if (!is_running(clock, query_int(&q, 0)))
            return query_int(&q, 0);
    return 0;
}

static struct running *free_place(struct clock *clock)
{
    for (size_t i = 0; i < clock->options->at_once_max; i++)
        if (clock->running[i].id == 0)
            return &clock->running[i];
    return NULL;
}

static int start_due(struct task *t, struct clock *clock)
{
    struct running *place;
    int r = 0;

    for (size_t i = 0; i < clock->options->starts_max && r == 0 && (place = free_place(clock));
         i++) {
        int64_t id = next_due(clock, task_wall_us(t));

        if (id == 0)
            return 0;
        *place = (struct running){clock, id};
        r = scope_spawn(&clock->looks, clock->options->name, look, place);
    }
    return r;
}

int due_run(struct task *t, struct store *store, const struct due_options *options)
{
    struct clock clock = {.store = store, .options = options};
    int r = 0;

    assert(options->at_once_max <= DUE_AT_ONCE_MAX);
    scope_open(&clock.looks, t);
    while (r == 0) {
        r = start_due(t, &clock);
        if (r == 0)
            r = task_sleep(t, SECOND_US);
    }
    scope_close(&clock.looks);
    return r;
}
