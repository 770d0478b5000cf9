#include "queue/roster.h"

#include <stdlib.h>

struct slice queue_destination_key(const struct queue_destination *d)
{
    return slice_of(d->key, d->key_size);
}

struct slice queue_pool_key(const struct queue_pool *pool)
{
    return slice_of(pool->key, pool->key_size);
}

/* --- pools --- */

struct queue_pool *queue_roster_find_pool(const struct queue_schedule *s, struct slice key)
{
    struct table_item *item = table_find(&s->pools, table_hash(key));

    for (; item; item = table_find_more(item)) {
        struct queue_pool *pool = CONTAINER_OF(item, struct queue_pool, item);

        if (slice_equal(queue_pool_key(pool), key))
            return pool;
    }
    return NULL;
}

struct queue_pool *queue_roster_need_pool(struct queue_schedule *s, struct slice key)
{
    struct queue_pool *pool = queue_roster_find_pool(s, key);

    if (pool)
        return pool;
    pool = base_allocate(sizeof(*pool) + key.size);
    pool->key_size = key.size;
    memcpy(pool->key, key.data, key.size);
    table_add(&s->pools, &pool->item, table_hash(key));
    list_add_last(&s->pools_all, &pool->link);
    return pool;
}

static void enter_pool(struct queue_destination *d, struct queue_pool *pool)
{
    d->pool = pool;
    pool->destinations++;
}

static void leave_pool(struct queue_schedule *s, struct queue_destination *d)
{
    struct queue_pool *pool = d->pool;

    d->pool = NULL;
    if (--pool->destinations)
        return;
    heap_done(&pool->flows);
    table_remove(&s->pools, &pool->item);
    list_remove(&pool->link);
    free(pool);
}

/* --- destinations --- */

struct queue_destination *queue_roster_find_destination(const struct queue_schedule *s,
                                                        struct slice key)
{
    struct table_item *item = table_find(&s->destinations, table_hash(key));

    for (; item; item = table_find_more(item)) {
        struct queue_destination *d = CONTAINER_OF(item, struct queue_destination, item);

        if (slice_equal(queue_destination_key(d), key))
            return d;
    }
    return NULL;
}

static struct queue_destination *need_destination(struct queue_schedule *s, struct slice key)
{
    CLEANUP(buffer_done) struct buffer pool = BUFFER_NONE;
    struct queue_destination *d = queue_roster_find_destination(s, key);

    if (d)
        return d;
    d = base_allocate(sizeof(*d) + key.size);
    list_init(&d->lanes);
    d->key_size = key.size;
    memcpy(d->key, key.data, key.size);
    table_add(&s->destinations, &d->item, table_hash(key));
    if (s->pool)
        s->pool(s->context, key, &pool);
    else
        buffer_add(&pool, key);
    enter_pool(d, queue_roster_need_pool(s, buffer_slice(&pool)));
    return d;
}

/* --- sites --- */

struct queue_site *queue_roster_find_site(const struct queue_schedule *s, uint64_t id)
{
    struct table_item *item = table_find(&s->sites, id);

    return item ? CONTAINER_OF(item, struct queue_site, item) : NULL;
}

struct queue_site *queue_roster_need_site(struct queue_schedule *s, uint64_t id)
{
    struct queue_site *site = queue_roster_find_site(s, id);

    if (site)
        return site;
    site = base_allocate(sizeof(*site));
    site->id = id;
    list_init(&site->lanes);
    table_add(&s->sites, &site->item, id);
    list_add_last(&s->sites_all, &site->link);
    return site;
}

void queue_roster_drop_site(struct queue_schedule *s, struct queue_site *site)
{
    if (site->paused || site->parked || !list_empty(&site->lanes))
        return;
    table_remove(&s->sites, &site->item);
    list_remove(&site->link);
    free(site);
}

/* --- flows and lanes --- */

static uint64_t pair_hash(const void *one, const void *other)
{
    const void *key[2] = {one, other};

    return table_hash(slice_of(key, sizeof(key)));
}

static struct queue_flow *need_flow(struct queue_schedule *s, struct queue_pool *pool,
                                    struct queue_site *site)
{
    struct table_item *item = table_find(&s->flows, pair_hash(pool, site));
    struct queue_flow *f;

    for (; item; item = table_find_more(item)) {
        f = CONTAINER_OF(item, struct queue_flow, item);
        if (f->pool == pool && f->site == site)
            return f;
    }
    f = base_allocate(sizeof(*f));
    f->pool = pool;
    f->site = site;
    list_init(&f->lanes[QUEUE_TRANSACTIONAL]);
    list_init(&f->lanes[QUEUE_BULK]);
    table_add(&s->flows, &f->item, pair_hash(pool, site));
    return f;
}

static void enter_flow(struct queue_lane *lane, struct queue_flow *f)
{
    lane->flow = f;
    f->lane_count++;
}

static void leave_flow(struct queue_schedule *s, struct queue_lane *lane)
{
    struct queue_flow *f = lane->flow;

    lane->flow = NULL;
    if (--f->lane_count)
        return;
    table_remove(&s->flows, &f->item);
    free(f);
}

struct queue_lane *queue_roster_find_lane(const struct queue_schedule *s,
                                          const struct queue_destination *d,
                                          const struct queue_site *site)
{
    struct table_item *item = table_find(&s->lanes, pair_hash(d, site));

    for (; item; item = table_find_more(item)) {
        struct queue_lane *lane = CONTAINER_OF(item, struct queue_lane, item);

        if (lane->destination == d && lane->flow->site == site)
            return lane;
    }
    return NULL;
}

struct queue_lane *queue_roster_need_lane(struct queue_schedule *s, uint64_t site_id,
                                          struct slice destination)
{
    struct queue_site *site = queue_roster_need_site(s, site_id);
    struct queue_destination *d = need_destination(s, destination);
    struct queue_lane *lane = queue_roster_find_lane(s, d, site);

    if (lane)
        return lane;
    lane = base_allocate(sizeof(*lane));
    lane->destination = d;
    list_init(&lane->ready[QUEUE_TRANSACTIONAL]);
    list_init(&lane->ready[QUEUE_BULK]);
    list_add_last(&site->lanes, &lane->of_site);
    list_add_last(&d->lanes, &lane->of_destination);
    enter_flow(lane, need_flow(s, d->pool, site));
    table_add(&s->lanes, &lane->item, pair_hash(d, site));
    return lane;
}

static void drop_destination(struct queue_schedule *s, struct queue_destination *d)
{
    leave_pool(s, d);
    table_remove(&s->destinations, &d->item);
    free(d);
}

/* The last of a destination takes the destination along. */
void queue_roster_drop_lane(struct queue_schedule *s, struct queue_lane *lane)
{
    struct queue_site *site = lane->flow->site;

    table_remove(&s->lanes, &lane->item);
    list_remove(&lane->of_site);
    list_remove(&lane->of_destination);
    leave_flow(s, lane);
    queue_roster_drop_site(s, site);
    if (list_empty(&lane->destination->lanes))
        drop_destination(s, lane->destination);
    free(lane);
}

void queue_roster_join(struct queue_schedule *s, struct queue_lane *lane, struct queue_pool *pool)
{
    struct queue_flow *f = need_flow(s, pool, lane->flow->site);

    leave_flow(s, lane);
    enter_flow(lane, f);
}

void queue_roster_assign(struct queue_schedule *s, struct queue_destination *d,
                         struct queue_pool *pool)
{
    leave_pool(s, d);
    enter_pool(d, pool);
}

/* --- all --- */

void queue_roster_done(struct queue_schedule *s)
{
    while (!list_empty(&s->sites_all)) {
        struct queue_site *site = LIST_FIRST(&s->sites_all, struct queue_site, link);

        site->paused = site->parked = false;
        queue_roster_drop_site(s, site);
    }
    assert(list_empty(&s->pools_all));
    table_done(&s->pools);
    table_done(&s->destinations);
    table_done(&s->flows);
    table_done(&s->lanes);
    table_done(&s->sites);
}
