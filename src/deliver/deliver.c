#include "deliver/deliver.h"

#include "base/log.h"
#include "deliver/inside.h"
#include "runtime/world.h"

#include <stdlib.h>

struct deliver *deliver_new(const struct deliver_options *options)
{
    struct deliver *d = base_allocate(sizeof *d);

    d->options = options;
    list_init(&d->line);
    list_init(&d->line_urgent);
    list_init(&d->searches);
    list_init(&d->searches_urgent);
    list_init(&d->providers_all);
    list_init(&d->destinations_all);
    list_init(&d->accounts);
    sources_init(&d->sources);
    d->source_timer.rings = sources_timer_rings;
    return d;
}

void deliver_free(struct deliver *d)
{
    if (!d)
        return;
    destination_free_all(d);
    LIST_FOREACH_SAFE (link, &d->providers_all)
        provider_free(LIST_ENTRY(link, struct provider, link));
    table_done(&d->destinations);
    table_done(&d->providers);
    accounts_done(d);
    sources_done(&d->sources);
    heap_done(&d->timers);
    arena_done(&d->shaping_arena);
    arena_done(&d->suspension_arena);
    free(d);
}

void deliver_destination(void *context, uint64_t site_id, struct slice domain,
                         struct buffer *ret_key)
{
    const struct deliver *d = context;

    if (is_simulator(d, domain))
        buffer_add(ret_key, domain);
    else if (relay_is_wanted(d, site_id))
        relay_key_write(site_id, ret_key);
    else
        route_destination(&d->options->route, domain, ret_key);
}

bool deliver_suppressed(void *context, uint64_t site_id, struct slice address)
{
    const struct deliver *d = context;

    return directory_suppresses(d->options->sign.directory, site_id, address);
}

void deliver_pool(void *context, struct slice destination, struct buffer *ret_key)
{
    struct deliver *d = context;
    const struct destination *dest = relay_is_key(destination) ? destination_get(d, destination)
                                                               : destination_find(d, destination);

    if (dest) {
        destination_pool(dest, ret_key);
    } else if (d->options->route.next_hop.size || is_simulator(d, destination)) {
        buffer_add(ret_key, destination); /* known without asking DNS */
    } else {
        buffer_add_byte(ret_key, '?');
        buffer_add(ret_key, destination);
    }
}

/* Through a relay all of a message's recipients go together, unless each has a return path. */
size_t deliver_job_recipients(void *context, struct slice destination)
{
    const struct deliver *d = context;
    const struct directory_relay *relay = relay_of_key(d, destination);

    if (!relay)
        return 0;
    return relay->return_path_ours ? 1 : QUEUE_JOB_RECIPIENTS_MAX;
}

void deliver_due(void *context, struct slice pool, size_t waiting)
{
    struct deliver *d = context;
    struct provider *p;

    if (slice_starts(pool, SLICE("!"))) /* the end of its rest will look */
        return;
    if (slice_starts(pool, SLICE("?"))) {
        destination_search(destination_get(d, slice_part(pool, 1, pool.size)));
        return;
    }
    p = provider_get(d, pool);
    p->waiting = waiting;
    provider_staff(p);
}

void deliver_start(struct deliver *d, struct scope *scope, struct queue *queue)
{
    if (scope_spawn(scope, "delivery clock", clock_main, d) < 0) {
        log_error("delivery cannot start: there are too many tasks");
        return;
    }
    d->scope = scope;
    d->queue = queue;
    d->world = task_world(scope->owner);
    LIST_FOREACH (link, &d->providers_all)
        provider_staff(LIST_ENTRY(link, struct provider, link));
    destination_search_begin(d);
}

void deliver_wake(struct deliver *d)
{
    if (!d->scope)
        return;
    LIST_FOREACH (link, &d->destinations_all)
        destination_wake(LIST_ENTRY(link, struct destination, link));
    LIST_FOREACH (link, &d->providers_all)
        provider_wake(LIST_ENTRY(link, struct provider, link));
}

int deliver_stop(struct task *t, struct deliver *d, uint64_t grace_us)
{
    uint64_t until_us = task_now_us(t) + grace_us;
    int r = 0;

    d->stopping = true;
    LIST_FOREACH (link, &d->providers_all)
        condition_broadcast(&LIST_ENTRY(link, struct provider, link)->more);
    while (r == 0 && d->connections > 0 && task_now_us(t) < until_us)
        r = condition_wait_for(t, &d->worker_left, until_us - task_now_us(t));
    return r;
}
