#include "queue/schedule.h"

#include <stdlib.h>

void queue_schedule_init(struct queue_schedule *s)
{
    *s = (struct queue_schedule){0};
    list_init(&s->pools_all);
    list_init(&s->sites_all);
}

struct slice queue_destination_key(const struct queue_destination *d)
{
    return slice_of(d->key, d->key_size);
}

struct slice queue_pool_key(const struct queue_pool *pool)
{
    return slice_of(pool->key, pool->key_size);
}

/* --- pools, destinations, sites, lanes: made when first needed, freed when empty --- */

static struct queue_pool *find_pool(const struct queue_schedule *s, struct slice key)
{
    struct table_item *item = table_find(&s->pools, table_hash(key));

    for (; item; item = table_find_more(item)) {
        struct queue_pool *pool = CONTAINER_OF(item, struct queue_pool, item);

        if (slice_equal(queue_pool_key(pool), key))
            return pool;
    }
    return NULL;
}

static struct queue_pool *need_pool(struct queue_schedule *s, struct slice key)
{
    struct queue_pool *pool = find_pool(s, key);

    if (pool)
        return pool;
    pool = base_allocate(sizeof(*pool) + key.size);
    list_init(&pool->lanes);
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
    table_remove(&s->pools, &pool->item);
    list_remove(&pool->link);
    free(pool);
}

static struct queue_destination *find_destination(const struct queue_schedule *s, struct slice key)
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
    struct queue_destination *d = find_destination(s, key);

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
    enter_pool(d, need_pool(s, buffer_slice(&pool)));
    return d;
}

static struct queue_site *find_site(const struct queue_schedule *s, uint64_t id)
{
    struct table_item *item = table_find(&s->sites, id);

    return item ? CONTAINER_OF(item, struct queue_site, item) : NULL;
}

static struct queue_site *need_site(struct queue_schedule *s, uint64_t id)
{
    struct queue_site *site = find_site(s, id);

    if (site)
        return site;
    site = base_allocate(sizeof(*site));
    site->id = id;
    list_init(&site->lanes);
    table_add(&s->sites, &site->item, id);
    list_add_last(&s->sites_all, &site->link);
    return site;
}

static void drop_site_if_idle(struct queue_schedule *s, struct queue_site *site)
{
    if (site->paused || !list_empty(&site->lanes))
        return;
    table_remove(&s->sites, &site->item);
    list_remove(&site->link);
    free(site);
}

static uint64_t lane_hash(const struct queue_destination *d, const struct queue_site *site)
{
    const void *key[2] = {d, site};

    return table_hash(slice_of(key, sizeof(key)));
}

static struct queue_lane *find_lane(const struct queue_schedule *s,
                                    const struct queue_destination *d,
                                    const struct queue_site *site)
{
    struct table_item *item = table_find(&s->lanes, lane_hash(d, site));

    for (; item; item = table_find_more(item)) {
        struct queue_lane *lane = CONTAINER_OF(item, struct queue_lane, item);

        if (lane->destination == d && lane->site == site)
            return lane;
    }
    return NULL;
}

static struct queue_lane *need_lane(struct queue_schedule *s, struct queue_destination *d,
                                    struct queue_site *site)
{
    struct queue_lane *lane = find_lane(s, d, site);

    if (lane)
        return lane;
    lane = base_allocate(sizeof(*lane));
    lane->destination = d;
    lane->site = site;
    list_init(&lane->ready);
    list_add_last(&site->lanes, &lane->of_site);
    list_add_last(&d->lanes, &lane->of_destination);
    table_add(&s->lanes, &lane->item, lane_hash(d, site));
    return lane;
}

static void drop_destination(struct queue_schedule *s, struct queue_destination *d)
{
    leave_pool(s, d);
    table_remove(&s->destinations, &d->item);
    free(d);
}

/* The last of a destination takes the destination along. */
static void drop_lane(struct queue_schedule *s, struct queue_lane *lane)
{
    table_remove(&s->lanes, &lane->item);
    list_remove(&lane->of_site);
    list_remove(&lane->of_destination);
    list_remove(&lane->link);
    drop_site_if_idle(s, lane->site);
    if (list_empty(&lane->destination->lanes))
        drop_destination(s, lane->destination);
    free(lane);
}

void queue_schedule_done(struct queue_schedule *s)
{
    while (!list_empty(&s->sites_all)) {
        struct queue_site *site = LIST_FIRST(&s->sites_all, struct queue_site, link);

        site->paused = false;
        drop_site_if_idle(s, site);
    }
    assert(list_empty(&s->pools_all));
    table_done(&s->pools);
    table_done(&s->destinations);
    table_done(&s->lanes);
    table_done(&s->sites);
    heap_done(&s->timers);
}

/* --- ready or not --- */

static void announce(struct queue_schedule *s, const struct queue_pool *pool)
{
    if (pool->ready && !s->silent)
        s->due(s->context, queue_pool_key(pool), pool->ready);
}

/* What is ready in the lane can be taken from its pool; or, with its site paused, cannot. */
static void open_lane(struct queue_lane *lane)
{
    struct queue_pool *pool = lane->destination->pool;

    if (lane->site->paused || !lane->ready_count)
        return;
    list_add_last(&pool->lanes, &lane->link);
    pool->ready += lane->ready_count;
}

static void close_lane(struct queue_lane *lane)
{
    if (!list_linked(&lane->link))
        return;
    list_remove(&lane->link);
    lane->destination->pool->ready -= lane->ready_count;
}

static void make_ready(struct queue_schedule *s, struct queue_group *g)
{
    struct queue_lane *lane = g->lane;
    struct queue_pool *pool = lane->destination->pool;

    list_add_last(&lane->ready, &g->link);
    lane->ready_count++;
    if (lane->site->paused)
        return;
    if (!list_linked(&lane->link))
        list_add_last(&pool->lanes, &lane->link);
    pool->ready++;
    announce(s, pool);
}

static void make_unready(struct queue_group *g)
{
    struct queue_lane *lane = g->lane;

    if (!list_linked(&g->link))
        return;
    list_remove(&g->link);
    lane->ready_count--;
    if (lane->site->paused)
        return;
    lane->destination->pool->ready--;
    if (lane->ready_count == 0)
        list_remove(&lane->link);
}

/* When the first of the group's recipients may be tried; UINT64_MAX: none. */
static uint64_t group_due(const struct queue_group *g)
{
    const struct queue_message *m = g->message;
    uint64_t due_us = UINT64_MAX;

    for (uint32_t i = g->first; i != RECIPIENT_NONE; i = m->recipients[i].next) {
        const struct queue_recipient_entry *r = &m->recipients[i];

        if (!queue_recipient_is(r, RECIPIENT_BUSY | RECIPIENT_HELD | RECIPIENT_FINISHED) &&
            r->due_us < due_us)
            due_us = r->due_us;
    }
    return due_us;
}

void queue_schedule_update(struct queue_schedule *s, struct queue_group *g, uint64_t now_us)
{
    uint64_t due_us = g->busy ? UINT64_MAX : group_due(g);

    if (due_us <= now_us) {
        heap_remove(&s->timers, &g->timer);
        if (!list_linked(&g->link))
            make_ready(s, g);
        return;
    }
    make_unready(g);
    if (due_us == UINT64_MAX)
        heap_remove(&s->timers, &g->timer);
    else
        heap_set(&s->timers, &g->timer, due_us);
}

void queue_schedule_update_all(struct queue_schedule *s, struct queue_message *m, uint64_t now_us)
{
    for (uint32_t i = 0; i < m->group_count; i++)
        queue_schedule_update(s, &m->groups[i], now_us);
}

uint64_t queue_schedule_advance(struct queue_schedule *s, uint64_t now_us)
{
    struct heap_item *first;

    while ((first = heap_first(&s->timers)) && first->key <= now_us)
        queue_schedule_update(s, CONTAINER_OF(first, struct queue_group, timer), now_us);
    return first ? first->key : UINT64_MAX;
}

/* --- messages in and out --- */

static struct slice domain_of(struct slice address)
{
    return slice_part(address, (size_t)(slice_find_last(address, '@') + 1), address.size);
}

/* The message's group for the lane; made if it has none yet. */
static struct queue_group *need_group(struct queue_message *m, struct queue_lane *lane)
{
    for (uint32_t i = 0; i < m->group_count; i++)
        if (m->groups[i].lane == lane)
            return &m->groups[i];
    m->groups = base_resize(m->groups, (m->group_count + 1) * sizeof(*m->groups));
    m->groups[m->group_count] =
        (struct queue_group){.lane = lane, .message = m, .first = RECIPIENT_NONE};
    lane->groups++;
    return &m->groups[m->group_count++];
}

/* From the last to the first, so that each group's chain is in order. */
static void make_groups(struct queue_schedule *s, struct queue_message *m)
{
    CLEANUP(buffer_done) struct buffer key = BUFFER_NONE;
    struct queue_site *site = need_site(s, m->site_id);

    for (uint32_t i = m->recipient_count; i-- > 0;) {
        struct queue_group *g;

        if (queue_recipient_is(&m->recipients[i], RECIPIENT_FINISHED))
            continue;
        key.size = 0;
        s->destination(s->context, m->site_id, domain_of(queue_message_address(m, i)), &key);
        g = need_group(m, need_lane(s, need_destination(s, buffer_slice(&key)), site));
        m->recipients[i].next = g->first;
        g->first = i;
    }
    drop_site_if_idle(s, site);
}

void queue_schedule_add(struct queue_schedule *s, struct queue_message *m, uint64_t now_us)
{
    assert(m->group_count == 0);
    make_groups(s, m);
    queue_schedule_update_all(s, m, now_us);
}

void queue_schedule_remove(struct queue_schedule *s, struct queue_message *m)
{
    for (uint32_t i = 0; i < m->group_count; i++) {
        struct queue_group *g = &m->groups[i];

        assert(!g->busy);
        heap_remove(&s->timers, &g->timer);
        make_unready(g);
        if (--g->lane->groups == 0)
            drop_lane(s, g->lane);
    }
    free(m->groups);
    m->groups = NULL;
    m->group_count = 0;
}

/* --- jobs --- */

struct queue_group *queue_schedule_take(struct queue_schedule *s, struct slice key,
                                        struct slice prefer)
{
    struct queue_pool *pool = find_pool(s, key);
    struct queue_lane *lane;
    struct queue_group *g;

    if (!pool || list_empty(&pool->lanes))
        return NULL;
    (void)prefer;
    lane = LIST_FIRST(&pool->lanes, struct queue_lane, link);
    g = LIST_FIRST(&lane->ready, struct queue_group, link);
    make_unready(g);
    if (list_linked(&lane->link)) { /* more of this site: behind the others */
        list_remove(&lane->link);
        list_add_last(&pool->lanes, &lane->link);
    }
    g->busy = true;
    g->message->jobs++;
    return g;
}

void queue_schedule_release(struct queue_schedule *s, struct queue_group *g, uint64_t now_us)
{
    assert(g->busy && g->message->jobs);
    g->busy = false;
    g->message->jobs--;
    queue_schedule_update(s, g, now_us);
}

/* --- whole destinations and sites --- */

void queue_schedule_move(struct queue_schedule *s, struct slice destination, struct slice pool)
{
    struct queue_destination *d = find_destination(s, destination);
    struct queue_pool *to;

    if (!d || slice_equal(queue_pool_key(d->pool), pool))
        return;
    to = need_pool(s, pool);
    LIST_FOREACH (link, &d->lanes)
        close_lane(LIST_ENTRY(link, struct queue_lane, of_destination));
    leave_pool(s, d);
    enter_pool(d, to);
    LIST_FOREACH (link, &d->lanes)
        open_lane(LIST_ENTRY(link, struct queue_lane, of_destination));
    announce(s, to);
}

static void lane_pause(struct queue_schedule *s, struct queue_lane *lane)
{
    if (lane->site->paused) {
        close_lane(lane);
        return;
    }
    open_lane(lane);
    if (lane->ready_count)
        announce(s, lane->destination->pool);
}

bool queue_schedule_pause(struct queue_schedule *s, uint64_t site_id, bool paused)
{
    struct queue_site *site = need_site(s, site_id);
    bool changed = site->paused != paused;

    site->paused = paused;
    if (changed)
        LIST_FOREACH (link, &site->lanes)
            lane_pause(s, LIST_ENTRY(link, struct queue_lane, of_site));
    drop_site_if_idle(s, site);
    return changed;
}

bool queue_schedule_is_paused(const struct queue_schedule *s, uint64_t site_id)
{
    struct queue_site *site = find_site(s, site_id);

    return site && site->paused;
}

void queue_schedule_announce(struct queue_schedule *s)
{
    LIST_FOREACH (link, &s->pools_all)
        announce(s, LIST_ENTRY(link, struct queue_pool, link));
}
