#include "deliver/source.h"

#include "base/log.h"
#include "deliver/inside.h"
#include "runtime/world.h"

#include <stdlib.h>

static const uint64_t BROKEN_US = 60 * SECOND_US;
/* The day may change by the clock being set, too. */
static const uint64_t LOOK_US = 30 * SECOND_US;

void sources_init(struct sources *s)
{
    list_init(&s->all);
}

static void forget_file(struct sources *s)
{
    table_done(&s->sites);
    arena_done(&s->arena);
    s->sites = (struct table){0};
    s->pools = s->others = NULL;
    LIST_FOREACH (link, &s->all) {
        struct source *source = LIST_ENTRY(link, struct source, link);

        source->entry = NULL;
        source->plan = NULL;
        source->broken_until_us = 0;
    }
}

void sources_done(struct sources *s)
{
    forget_file(s);
    LIST_FOREACH_SAFE (link, &s->all)
        free(LIST_ENTRY(link, struct source, link));
}

/* NULL: that is no address. */
static struct source *source_get(struct sources *s, struct slice text)
{
    struct endpoint address;
    struct source *source;

    LIST_FOREACH (link, &s->all)
        if (slice_equal(slice_text(LIST_ENTRY(link, struct source, link)->text), text))
            return LIST_ENTRY(link, struct source, link);
    if (endpoint_parse_address(text, &address) < 0)
        return NULL;
    source = base_allocate(sizeof *source);
    source->address = address;
    endpoint_format_address(&address, source->text);
    list_add_last(&s->all, &source->link);
    return source;
}

static void add_sites(struct sources *s, struct source_pool *pool, const struct shaping_pool *entry)
{
    struct source_site *sites = ARENA_ARRAY(&s->arena, struct source_site, entry->site_count);

    for (size_t i = 0; i < entry->site_count; i++) {
        sites[i].name = entry->sites[i];
        sites[i].pool = pool;
        table_add(&s->sites, &sites[i].item, table_hash(entry->sites[i]));
    }
}

static void add_pool(struct sources *s, struct source_pool *pool, const struct shaping_pool *entry)
{
    pool->name = entry->name;
    pool->sources = ARENA_ARRAY(&s->arena, struct source *, entry->address_count);
    for (size_t i = 0; i < entry->address_count; i++) {
        struct source *source = source_get(s, entry->addresses[i]);

        if (source)
            pool->sources[pool->source_count++] = source;
    }
    if (slice_equal(entry->name, SLICE("default")))
        s->others = pool;
    add_sites(s, pool, entry);
}

static void unpark(struct deliver *d)
{
    if (!d->sources.parked)
        return;
    d->sources.parked = false;
    clock_unset(d, &d->source_timer);
    queue_unpark_all(d->queue);
}

void sources_reload(struct deliver *d)
{
    const struct shaping *shaping = &d->shaping;
    struct sources *s = &d->sources;

    forget_file(s);
    for (size_t i = 0; i < shaping->source_count; i++) {
        const struct shaping_source *entry = &shaping->sources[i];
        struct source *source = source_get(s, entry->address);

        if (!source)
            continue;
        source->entry = entry;
        source->plan = entry->plan.size ? shaping_plan_by_name(shaping, entry->plan) : NULL;
    }
    if (shaping->source_count)
        s->pools = ARENA_ARRAY(&s->arena, struct source_pool, shaping->pool_count);
    for (size_t i = 0; s->pools && i < shaping->pool_count; i++)
        add_pool(s, &s->pools[i], &shaping->pools[i]);
    unpark(d);
}

struct source_pool *sources_pool(const struct deliver *d, uint64_t site_id)
{
    const struct directory *directory = d->options->sign.directory;
    const struct directory_site *site =
        d->sources.pools && directory ? directory_site_by_id(directory, site_id) : NULL;
    struct table_item *item = site ? table_find(&d->sources.sites, table_hash(site->name)) : NULL;

    for (; item; item = table_find_more(item)) {
        struct source_site *one = CONTAINER_OF(item, struct source_site, item);

        if (slice_equal(one->name, site->name))
            return one->pool;
    }
    return d->sources.others;
}

static uint64_t today(const struct deliver *d)
{
    return warm_up_day(world_wall_us(d->world));
}

/* This gateway's part of what the source may send on the day. */
static uint64_t limit_of(const struct deliver *d, const struct source *source, uint64_t day)
{
    uint64_t limit =
        warm_up_limit(source->plan, source->plan ? source->entry->started_day : 0, day);

    return limit == WARM_UP_NO_LIMIT ? limit : share_of(&d->options->share, limit);
}

static bool has_more(const struct deliver *d, struct source *source, uint64_t day)
{
    const struct warm_up_count *count = warm_up_count_of(&source->counts, day);

    return count->sent + count->under_way < limit_of(d, source, day);
}

static void take(struct source *source, uint64_t day, struct source_part *ret)
{
    warm_up_count_of(&source->counts, day)->under_way++;
    *ret = (struct source_part){source, day};
}

bool sources_take(struct deliver *d, uint64_t site_id, struct source *source,
                  struct source_part *ret)
{
    const struct source_pool *pool = sources_pool(d, site_id);
    uint64_t day = today(d);

    if (!pool && !source)
        return true;
    for (size_t i = 0; pool && i < pool->source_count; i++)
        if (pool->sources[i] == source && has_more(d, source, day)) {
            take(source, day, ret);
            return true;
        }
    return false;
}

static bool is_usable(const struct deliver *d, const struct source *source, uint8_t family)
{
    return (family == 0 || source->address.family == family) &&
           source->broken_until_us <= world_now_us(d->world);
}

bool sources_choose(struct deliver *d, uint64_t site_id, uint8_t family, struct source_part *ret)
{
    struct source_pool *pool = sources_pool(d, site_id);
    uint64_t day = today(d);

    *ret = (struct source_part){.source = NULL};
    for (size_t i = 0; pool && i < pool->source_count; i++) {
        size_t at = (pool->next + i) % pool->source_count;
        struct source *source = pool->sources[at];

        if (!is_usable(d, source, family) || !has_more(d, source, day))
            continue;
        pool->next = at + 1;
        take(source, day, ret);
        return true;
    }
    return !pool;
}

static void set_clock(struct deliver *d)
{
    clock_set(d, &d->source_timer, world_now_us(d->world) + LOOK_US);
}

void sources_timer_rings(struct task *t, struct timer *timer)
{
    struct deliver *d = CONTAINER_OF(timer, struct deliver, source_timer);

    (void)t;
    if (today(d) != d->sources.parked_day)
        unpark(d);
    else
        set_clock(d);
}

bool sources_ready(struct deliver *d, uint64_t site_id)
{
    const struct source_pool *pool = sources_pool(d, site_id);
    uint64_t day = today(d);

    for (size_t i = 0; pool && i < pool->source_count; i++)
        if (has_more(d, pool->sources[i], day))
            return true;
    return !pool;
}

bool sources_admit(struct deliver *d, uint64_t site_id)
{
    if (sources_ready(d, site_id))
        return true;
    if (!d->sources.parked)
        set_clock(d);
    d->sources.parked = true;
    d->sources.parked_day = today(d);
    queue_park(d->queue, site_id);
    return false;
}

static struct warm_up_count *put_back(struct source_part *part)
{
    struct warm_up_count *count = warm_up_count_of(&part->source->counts, part->day);

    if (count->under_way) /* none is when four days have passed since it was taken */
        count->under_way--;
    part->source = NULL;
    return count;
}

void sources_keep(struct deliver *d, struct source_part *part)
{
    if (!part->source)
        return;
    put_back(part)->sent++;
    condition_broadcast(&d->sources.changed);
}

void sources_give_back(struct deliver *d, struct source_part *part)
{
    if (!part->source)
        return;
    put_back(part);
    unpark(d);
}

void sources_broken(struct deliver *d, struct source *source)
{
    source->broken_until_us = world_now_us(d->world) + BROKEN_US;
    log_error("nothing goes out from %s for 60 s, since this machine does not have that address; "
              "add it to an interface, or take it out of the shaping file",
              source->text);
}

struct warm_up_count *sources_count(struct sources *s, struct slice address, uint64_t day)
{
    struct source *source = source_get(s, address);

    return source ? warm_up_count_of(&source->counts, day) : NULL;
}

void sources_learn(struct deliver *d, struct slice address, uint64_t day, uint64_t sent)
{
    struct warm_up_count *count = sources_count(&d->sources, address, day);

    if (count && count->sent < sent)
        count->sent = count->told = sent;
}

static void add_plan(const struct deliver *d, struct source *source, uint64_t day,
                     struct buffer *ret)
{
    uint64_t limit = warm_up_limit(source->plan, source->entry->started_day, day);

    if (day < source->entry->started_day) {
        buffer_printf(ret, "%s sends nothing before ", source->text);
        warm_up_day_write(ret, source->entry->started_day);
        buffer_printf(ret, ", the first day of its plan %.*s", SLICE_ARG(source->plan->name));
        return;
    }
    buffer_printf(ret, "%s has sent the %llu messages that day %llu of its plan %.*s allows",
                  source->text, (unsigned long long)limit,
                  (unsigned long long)(day - source->entry->started_day + 1),
                  SLICE_ARG(source->plan->name));
    if (d->options->share.count > 1)
        buffer_printf(ret, " (this gateway its %llu of them)",
                      (unsigned long long)limit_of(d, source, day));
    buffer_add(ret, SLICE("; more on "));
    warm_up_day_write(ret, day + 1);
    buffer_add(ret, SLICE(" UTC"));
}

void sources_why_not(struct deliver *d, uint64_t site_id, uint8_t family, struct buffer *ret)
{
    const struct source_pool *pool = sources_pool(d, site_id);
    size_t before = ret->size;
    uint64_t day = today(d);

    for (size_t i = 0; pool && i < pool->source_count; i++) {
        struct source *source = pool->sources[i];

        if (family && source->address.family != family)
            continue;
        if (ret->size > before)
            buffer_add(ret, SLICE(", "));
        if (!has_more(d, source, day))
            add_plan(d, source, day, ret);
        else if (!is_usable(d, source, family))
            buffer_printf(ret, "this machine does not have %s", source->text);
    }
    if (pool && ret->size == before)
        buffer_printf(ret, "the source pool %.*s has no IPv%u address", SLICE_ARG(pool->name),
                      family);
}
