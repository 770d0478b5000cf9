#include "world_sim.h"

#include "world_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2027-01-15: where simulated time begins. */
static const int64_t WALL_START_US = 1800000000ll * 1000000;

static struct sim_world *self(struct world *w)
{
    return CONTAINER_OF(w, struct sim_world, world);
}

void sim_schedule(struct sim_world *w, struct sim_event *event, uint64_t at_us,
                  void (*happen)(struct sim_world *w, struct sim_event *event))
{
    event->happen = happen;
    heap_set(&w->events, &event->item, at_us > w->now_us ? at_us : w->now_us);
}

void sim_unschedule(struct sim_world *w, struct sim_event *event)
{
    heap_remove(&w->events, &event->item);
}

static uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3;
    return hash;
}

void sim_trace(struct sim_world *w, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    int used = snprintf(line, sizeof line, "%12.6f ", (double)w->now_us / 1e6), length;

    va_start(arguments, format);
    length = vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    w->trace_hash = hash_bytes(w->trace_hash, line, strlen(line));
    if (w->options.verbose)
        puts(line);
}

uint64_t sim_world_trace_hash(const struct sim_world *w)
{
    return w->trace_hash;
}

static uint64_t monotonic_us(struct world *base)
{
    return self(base)->now_us;
}

static int64_t wall_us(struct world *base)
{
    struct sim_world *w = self(base);

    return WALL_START_US + (int64_t)w->now_us + w->wall_offset_us;
}

static void fill_random(struct world *base, void *memory, size_t size)
{
    struct sim_world *w = self(base);
    unsigned char *bytes = memory;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)chance_next(&w->secrets);
}

static size_t choose(struct world *base, size_t count)
{
    return (size_t)chance_below(&self(base)->chance, count);
}

struct job_event {
    struct sim_event event;
    struct world_job *job;
};

static void job_runs(struct sim_world *w, struct sim_event *event)
{
    struct job_event *e = CONTAINER_OF(event, struct job_event, event);

    e->job->result = e->job->function(e->job->argument);
    list_add_last(&w->jobs, &e->job->link);
    free(e);
}

/* Each lane does one job after the other. */
static void offload(struct world *base, enum task_lane lane, struct world_job *job)
{
    struct sim_world *w = self(base);
    struct job_event *e = base_allocate(sizeof *e);
    uint64_t begin_us = w->lane_free_us[lane] > w->now_us ? w->lane_free_us[lane] : w->now_us;
    uint64_t most_us = chance_ppm(&w->chance, w->faults.slow_job) ? 1000000 : 3000;

    e->job = job;
    w->lane_free_us[lane] = begin_us + 20 + chance_skewed(&w->chance, most_us);
    sim_schedule(w, &e->event, w->lane_free_us[lane], job_runs);
}

struct query_event {
    struct sim_event event;
    struct world_query *query;
};

static void query_answered(struct sim_world *w, struct sim_event *event)
{
    struct query_event *e = CONTAINER_OF(event, struct query_event, event);

    list_add_last(&w->queries, &e->query->link);
    e->query->own = NULL;
    free(e);
}

static void query_start(struct world *base, struct world_query *query)
{
    struct sim_world *w = self(base);
    struct query_event *e = base_allocate(sizeof *e);
    uint64_t delay_us = 0;

    e->query = query;
    query->own = e;
    query->answer = (struct dns_answer){.status = DNS_TEMPORARY};
    w->options.resolve(w->options.context, query, &delay_us);
    sim_trace(w, "dns: %s type %d: status %d, %zu records", query->name, (int)query->type,
              (int)query->answer.status, query->answer.count);
    sim_schedule(w, &e->event, w->now_us + delay_us, query_answered);
}

static void query_cancel(struct world *base, struct world_query *query)
{
    struct query_event *e = query->own;

    if (!e) {
        list_remove(&query->link);
        return;
    }
    sim_unschedule(self(base), &e->event);
    free(e);
}

static bool has_news(const struct sim_world *w)
{
    return sim_network_has_news(w) || !list_empty(&w->jobs) || !list_empty(&w->queries);
}

static void move_all(struct list *from, struct list *to)
{
    LIST_FOREACH_SAFE (link, from) {
        list_remove(link);
        list_add_last(to, link);
    }
}

static void take_news(struct sim_world *w, struct world_news *news)
{
    sim_network_take_news(w, news);
    move_all(&w->jobs, &news->jobs);
    move_all(&w->queries, &news->queries);
}

static void happen_next(struct sim_world *w, struct heap_item *item)
{
    struct sim_event *event = CONTAINER_OF(item, struct sim_event, item);

    if (item->key > w->now_us)
        w->now_us = item->key;
    heap_remove(&w->events, item);
    event->happen(w, event);
}

/* Everything waits for something that will never come: a bug of the code, or of the scenario. */
static NORETURN void deadlock(struct sim_world *w)
{
    printf("at %.6f s all tasks wait, and nothing is left to happen\n", (double)w->now_us / 1e6);
    abort();
}

/* The clock moves a little even when nothing is waited for, so that who watches it in a loop gets
 * on. */
static void wait_for_news(struct world *base, uint64_t until_us, struct world_news *ret_news)
{
    struct sim_world *w = self(base);
    struct heap_item *next;

    if (until_us <= w->now_us)
        until_us = ++w->now_us;
    while (!has_news(w) && (next = heap_first(&w->events)) && next->key <= until_us)
        happen_next(w, next);
    if (has_news(w))
        take_news(w, ret_news);
    else if (until_us == WORLD_NEVER)
        deadlock(w);
    else if (until_us > w->now_us)
        w->now_us = until_us;
}

static void world_sim_free(struct world *base)
{
    sim_world_free(self(base));
}

static struct world_ops sim_ops;

static void make_ops(void)
{
    sim_ops = sim_network_ops;
    sim_ops.free = world_sim_free;
    sim_ops.monotonic_us = monotonic_us;
    sim_ops.wall_us = wall_us;
    sim_ops.random = fill_random;
    sim_ops.choose = choose;
    sim_ops.offload = offload;
    sim_ops.query_start = query_start;
    sim_ops.query_cancel = query_cancel;
    sim_ops.wait = wait_for_news;
}

struct sim_world *sim_world_new(const struct sim_world_options *options)
{
    struct sim_world *w = base_allocate(sizeof *w);

    make_ops();
    w->options = *options;
    w->chance.state = options->seed * 2 + 1;
    w->secrets.state = options->seed * 2 + 2;
    w->trace_hash = 0xcbf29ce484222325;
    w->now_us = 1000000;
    w->faults.latency_most_us = 1000;
    list_init(&w->changed);
    list_init(&w->jobs);
    list_init(&w->queries);
    w->disk = sim_disk_new(w);
    w->world = (struct world){&sim_ops, sim_disk_base(w->disk)};
    return w;
}

/* What has not happened by now belongs to sockets; jobs and queries end with their tasks. */
void sim_world_free(struct sim_world *w)
{
    sim_network_free(w);
    sim_disk_free(w->disk);
    heap_done(&w->events);
    free(w);
}

struct world *sim_world_base(struct sim_world *w)
{
    return &w->world;
}

struct sim_disk *sim_world_disk(struct sim_world *w)
{
    return w->disk;
}

struct sim_faults *sim_world_faults(struct sim_world *w)
{
    return &w->faults;
}

struct chance *sim_world_chance(struct sim_world *w)
{
    return &w->chance;
}

void sim_world_crash(struct sim_world *w)
{
    if (w->crashed)
        return;
    sim_trace(w, "crash");
    w->crashed = true;
    w->crash_at_sync = 0;
    sim_disk_crash(w->disk);
    sim_network_crash(w);
    w->options.crashed(w->options.context);
}

void sim_world_crash_at_sync(struct sim_world *w, unsigned syncs)
{
    w->crash_at_sync = syncs;
}

bool sim_world_is_crashed(const struct sim_world *w)
{
    return w->crashed;
}

void sim_world_revive(struct sim_world *w)
{
    sim_trace(w, "revived");
    w->crashed = false;
    sim_disk_revive(w->disk);
    sim_network_revive(w);
}

void sim_world_jump(struct sim_world *w, int64_t by_us)
{
    sim_trace(w, "the date jumps by %lld s", (long long)(by_us / 1000000));
    w->wall_offset_us += by_us;
}
