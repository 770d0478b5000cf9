/* Providers: who gets workers, how many, and when. */
#include "base/log.h"
#include "deliver/inside.h"
#include "runtime/world.h"

#include <stdlib.h>

static void timer_rings(struct task *t, struct timer *timer)
{
    struct provider *p = CONTAINER_OF(timer, struct provider, timer);

    condition_broadcast(&p->more);
    if (!provider_pace_advance(&p->pace, task_now_us(t))) {
        provider_staff(p);
        return;
    }
    if (p->kind == PROVIDER_RELAY)
        relay_rested(p);
    provider_look(p);
}

static enum provider_kind kind_of(const struct deliver *d, struct slice name)
{
    if (relay_is_key(name))
        return PROVIDER_RELAY;
    if (d->options->route.next_hop.size && slice_equal(name, d->options->route.next_hop))
        return PROVIDER_NEXT_HOP;
    if (shaping_by_name(&d->shaping, name))
        return PROVIDER_LISTED;
    return slice_find(name, '/') >= 0 ? PROVIDER_BY_NETWORK : PROVIDER_BY_DOMAIN;
}

struct shaping_limits provider_limits(const struct deliver *d, struct slice name)
{
    const struct deliver_options *o = d->options;
    const struct shaping_limits otherwise = {
        .connections_max = o->connections_per_provider_max,
        .messages_per_connection_max = o->messages_per_connection_max,
        .back_off_min_s = PROVIDER_BACK_OFF_MIN_S,
        .back_off_max_s = PROVIDER_BACK_OFF_MAX_S,
    };
    struct shaping_limits limits;

    if (relay_is_key(name))
        return relay_limits(d, name);
    limits = shaping_limits_of(shaping_by_name(&d->shaping, name), &otherwise);
    limits.connections_max = share_of(&o->share, limits.connections_max);
    limits.connections_per_minute_max = share_of(&o->share, limits.connections_per_minute_max);
    limits.messages_per_minute_max = share_of(&o->share, limits.messages_per_minute_max);
    return limits;
}

struct provider *provider_find(const struct deliver *d, struct slice name)
{
    struct table_item *item = table_find(&d->providers, table_hash(name));

    for (; item; item = table_find_more(item)) {
        struct provider *p = CONTAINER_OF(item, struct provider, item);

        if (slice_equal(provider_name(p), name))
            return p;
    }
    return NULL;
}

struct provider *provider_get(struct deliver *d, struct slice name)
{
    struct provider *p = provider_find(d, name);

    if (p)
        return p;
    p = base_allocate(sizeof *p + name.size);
    p->deliver = d;
    p->timer.rings = timer_rings;
    p->name_size = name.size;
    memcpy(p->name, name.data, name.size);
    p->kind = kind_of(d, name);
    p->limits = provider_limits(d, name);
    p->suspended = suspension_of(d, true, name);
    list_init(&p->works);
    list_add_last(&d->providers_all, &p->link);
    table_add(&d->providers, &p->item, table_hash(name));
    return p;
}

void provider_free(struct provider *p)
{
    table_remove(&p->deliver->providers, &p->item);
    clock_unset(p->deliver, &p->timer);
    list_remove(&p->link);
    list_remove(&p->in_line);
    free(p->why);
    free(p->suspended);
    free(p);
}

void provider_release(struct provider *p)
{
    if (p->destinations == 0 && p->workers == 0 && p->waiting == 0 &&
        p->pace.back_off_until_us == 0)
        provider_free(p);
}

uint64_t provider_connections(const struct provider *p)
{
    return p->suspended ? 0 : provider_pace_connections(&p->pace, &p->limits);
}

void provider_reload(struct provider *p)
{
    p->kind = kind_of(p->deliver, provider_name(p));
    p->limits = provider_limits(p->deliver, provider_name(p));
    provider_staff(p);
}

/* What bulk leaves of a limit to transactional mail. */
enum { RESERVE = 8 };

static bool is_urgent(const struct provider *p)
{
    return p->deliver->queue && queue_transactional(p->deliver->queue, provider_name(p)) > 0;
}

static uint64_t open_to(bool urgent, uint64_t limit)
{
    return urgent ? limit : limit - limit / RESERVE;
}

static bool has_room(const struct deliver *d, bool urgent)
{
    return d->connections < open_to(urgent, d->options->connections_max);
}

uint64_t provider_open(const struct provider *p, uint64_t limit)
{
    return open_to(is_urgent(p), limit);
}

static bool has_bulk(const struct provider *p)
{
    return p->deliver->queue && queue_bulk(p->deliver->queue, provider_name(p)) > 0;
}

/* Who would take bulk leaves what is kept for transactional mail. With nothing due it does no harm
 * there, and a connection that stays is one less to be opened a moment later. */
bool provider_has_surplus(const struct provider *p)
{
    bool open = is_urgent(p) || !has_bulk(p);

    return p->workers > open_to(open, provider_connections(p)) ||
           p->deliver->connections > open_to(open, p->deliver->options->connections_max);
}

void provider_line_up(struct provider *p)
{
    struct deliver *d = p->deliver;
    bool urgent = is_urgent(p);

    if (list_linked(&p->in_line) && (p->in_line_urgent || !urgent))
        return;
    list_remove(&p->in_line);
    list_add_last(urgent ? &d->line_urgent : &d->line, &p->in_line);
    p->in_line_urgent = urgent;
}

/* The next who may have a connection; NULL: none. */
static struct provider *next_in_line(const struct deliver *d)
{
    if (!list_empty(&d->line_urgent) && has_room(d, true))
        return LIST_FIRST(&d->line_urgent, struct provider, in_line);
    if (!list_empty(&d->line) && has_room(d, false))
        return LIST_FIRST(&d->line, struct provider, in_line);
    return NULL;
}

/* True if a worker more could do something; otherwise the clock is set, where time will help. */
static bool rates_allow(struct provider *p)
{
    uint64_t now_us = world_now_us(p->deliver->world);
    uint64_t wait_us =
        pace_bucket_wait_us(&p->pace.messages, p->limits.messages_per_minute_max, now_us);
    uint64_t other_us =
        pace_bucket_wait_us(&p->pace.connections, p->limits.connections_per_minute_max, now_us);

    if (other_us > wait_us)
        wait_us = other_us;
    if (wait_us)
        clock_set(p->deliver, &p->timer, now_us + wait_us);
    return wait_us == 0;
}

static bool wants_worker(const struct provider *p)
{
    return p->starting + p->lingering < p->waiting &&
           p->workers < open_to(is_urgent(p), provider_connections(p));
}

void provider_staff(struct provider *p)
{
    struct deliver *d = p->deliver;

    if (!d->scope || d->stopping || p->pace.back_off_until_us)
        return;
    condition_signal(&p->more);
    while (wants_worker(p) && rates_allow(p)) {
        if (!has_room(d, is_urgent(p))) {
            provider_line_up(p);
            return;
        }
        if (scope_spawn(d->scope, "deliver", worker_main, p) < 0)
            return;
        p->workers++;
        p->starting++;
        d->connections++;
    }
}

void provider_serve_line(struct deliver *d)
{
    struct provider *next;

    while ((next = next_in_line(d))) {
        list_remove(&next->in_line);
        provider_staff(next);
    }
}

bool provider_line_waits(const struct deliver *d)
{
    return !list_empty(&d->line) || !list_empty(&d->line_urgent);
}

void provider_back_off(struct provider *p, uint64_t pause_s, uint64_t begun_us, struct slice why)
{
    uint64_t now_us = world_now_us(p->deliver->world);

    if (!provider_pace_back_off(&p->pace, &p->limits, pause_s, begun_us, now_us))
        return;
    free(p->why);
    p->why = slice_duplicate(slice_part(why, 0, QUEUE_TEXT_BYTES));
    log_info("nothing goes to %.*s for %llu s: %s", SLICE_ARG(provider_name(p)),
             (unsigned long long)p->pace.back_off_s, p->why);
    condition_broadcast(&p->more);
    clock_set(p->deliver, &p->timer, p->pace.back_off_until_us);
}

void provider_wake(struct provider *p)
{
    p->pace.back_off_s = 0;
    if (provider_pace_advance(&p->pace, UINT64_MAX))
        provider_look(p);
}

void provider_look(struct provider *p)
{
    if (p->waiting == 0)
        p->waiting = 1;
    provider_staff(p);
}
