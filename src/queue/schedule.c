#include "queue/schedule.h"

#include "queue/queue.h"
#include "queue/roster.h"

#include <stdlib.h>

void queue_schedule_init(struct queue_schedule *s)
{
    *s = (struct queue_schedule){0};
    list_init(&s->pools_all);
    list_init(&s->sites_all);
    s->job_recipients_max = QUEUE_JOB_RECIPIENTS_MAX;
}

void queue_schedule_done(struct queue_schedule *s)
{
    queue_roster_done(s);
    heap_done(&s->timers);
}

/* --- ready or not --- */

static void announce(struct queue_schedule *s, const struct queue_pool *pool)
{
    if (pool->ready && !s->silent)
        s->due(s->context, queue_pool_key(pool), pool->ready);
}

static enum queue_class class_of(const struct queue_group *g)
{
    return g->message->bulk ? QUEUE_BULK : QUEUE_TRANSACTIONAL;
}

static void count_ready(struct queue_pool *pool, enum queue_class class, size_t more, size_t less)
{
    pool->ready += more - less;
    if (class == QUEUE_TRANSACTIONAL)
        pool->ready_transactional += more - less;
}

static bool is_closed(const struct queue_site *site)
{
    return site->paused || site->parked;
}

/* What is ready in the lane can be taken from its pool; or, with its site closed, cannot. */
static void open_lane(struct queue_lane *lane)
{
    if (is_closed(lane->flow->site))
        return;
    for (unsigned class = 0; class < QUEUE_CLASSES; class ++) {
        if (lane->ready_count[class])
            queue_turn_enter(lane->flow, class, &lane->link[class]);
        count_ready(lane->flow->pool, class, lane->ready_count[class], 0);
    }
}

static void close_lane(struct queue_lane *lane)
{
    if (is_closed(lane->flow->site))
        return;
    for (unsigned class = 0; class < QUEUE_CLASSES; class ++) {
        queue_turn_leave(lane->flow, &lane->link[class]);
        count_ready(lane->flow->pool, class, 0, lane->ready_count[class]);
    }
}

static void make_ready(struct queue_schedule *s, struct queue_group *g)
{
    enum queue_class class = class_of(g);
    struct queue_lane *lane = g->lane;
    struct queue_flow *f = lane->flow;

    list_add_last(&lane->ready[class], &g->link);
    lane->ready_count[class]++;
    if (is_closed(f->site))
        return;
    if (!list_linked(&lane->link[class]))
        queue_turn_enter(f, class, &lane->link[class]);
    count_ready(f->pool, class, 1, 0);
    announce(s, f->pool);
}

static void make_unready(struct queue_group *g)
{
    enum queue_class class = class_of(g);
    struct queue_lane *lane = g->lane;

    if (!list_linked(&g->link))
        return;
    list_remove(&g->link);
    lane->ready_count[class]--;
    if (is_closed(lane->flow->site))
        return;
    count_ready(lane->flow->pool, class, 0, 1);
    if (lane->ready_count[class] == 0)
        queue_turn_leave(lane->flow, &lane->link[class]);
}

/* When the first of the group's recipients may be tried; UINT64_MAX: none. */
static uint64_t group_due(const struct queue_group *g)
{
    const struct queue_message *m = g->message;
    uint64_t due_us = UINT64_MAX;

    for (uint32_t i = g->first; i != RECIPIENT_NONE; i = m->recipients[i].next) {
        const struct queue_recipient_entry *r = &m->recipients[i];

        if (!queue_recipient_is(r, RECIPIENT_NOT_NOW) && r->due_us < due_us)
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
    unsigned moved = 0;

    while ((first = heap_first(&s->timers)) && first->key <= now_us && moved++ < QUEUE_ADVANCE_MAX)
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
    if ((m->group_count & (m->group_count - 1)) == 0) /* doubles; make_groups gives the rest back */
        m->groups =
            base_resize(m->groups, (m->group_count ? 2 * m->group_count : 1) * sizeof(*m->groups));
    m->groups[m->group_count] =
        (struct queue_group){.lane = lane, .message = m, .first = RECIPIENT_NONE};
    lane->groups++;
    return &m->groups[m->group_count++];
}

/* From the last to the first, so that each group's chain is in order. */
static void make_groups(struct queue_schedule *s, struct queue_message *m)
{
    CLEANUP(buffer_done) struct buffer key = BUFFER_NONE;

    for (uint32_t i = m->recipient_count; i-- > 0;) {
        struct queue_group *g;

        if (queue_recipient_is(&m->recipients[i], RECIPIENT_FINISHED))
            continue;
        key.size = 0;
        s->destination(s->context, m->site_id, domain_of(queue_message_address(m, i)), &key);
        g = need_group(m, queue_roster_need_lane(s, m->site_id, buffer_slice(&key)));
        m->recipients[i].next = g->first;
        g->first = i;
    }
    if (m->group_count > 1)
        m->groups = base_resize(m->groups, m->group_count * sizeof(*m->groups));
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
            queue_roster_drop_lane(s, g->lane);
    }
    free(m->groups);
    m->groups = NULL;
    m->group_count = 0;
}

/* --- jobs --- */

/* The flow's lane whose turn it is, or that of a destination the caller has a connection for. */
static struct queue_lane *choose_lane(const struct queue_schedule *s, const struct queue_flow *f,
                                      enum queue_class class, struct slice prefer)
{
    struct queue_lane *first = LIST_FIRST(&f->lanes[class], struct queue_lane, link[class]);
    struct queue_lane *preferred;
    struct queue_destination *d;

    if (!prefer.size || f->passed_over >= QUEUE_PASSED_OVER_MAX ||
        slice_equal(queue_destination_key(first->destination), prefer))
        return first;
    d = queue_roster_find_destination(s, prefer);
    preferred = d ? queue_roster_find_lane(s, d, f->site) : NULL;
    return preferred && preferred->flow == f && list_linked(&preferred->link[class]) ? preferred
                                                                                     : first;
}

static bool is_due(const struct queue_recipient_entry *r, uint64_t now_us)
{
    return r->due_us <= now_us && !queue_recipient_is(r, RECIPIENT_NOT_NOW);
}

size_t queue_schedule_job_max(const struct queue_schedule *s, const struct queue_group *g)
{
    size_t own = 0;

    if (s->job_recipients)
        own = s->job_recipients(s->context, queue_destination_key(g->lane->destination));
    assert(own <= QUEUE_JOB_RECIPIENTS_MAX);
    return own ? own : s->job_recipients_max;
}

static uint64_t cost_of(const struct queue_schedule *s, const struct queue_group *g,
                        uint64_t now_us)
{
    const struct queue_message *m = g->message;
    uint64_t recipients = 0, max = queue_schedule_job_max(s, g);

    for (uint32_t i = g->first; i != RECIPIENT_NONE && recipients < max; i = m->recipients[i].next)
        recipients += is_due(&m->recipients[i], now_us);
    return recipients + m->place.content_size / QUEUE_COST_BYTES;
}

struct queue_group *queue_schedule_take(struct queue_schedule *s, struct slice key,
                                        struct slice prefer, uint64_t now_us)
{
    struct queue_pool *pool = queue_roster_find_pool(s, key);
    enum queue_class class;
    struct queue_flow *f = pool ? queue_turn_next(pool, &class) : NULL;
    struct queue_lane *lane;
    struct queue_group *g;

    if (!f)
        return NULL;
    lane = choose_lane(s, f, class, prefer);
    g = LIST_FIRST(&lane->ready[class], struct queue_group, link);
    queue_turn_serve(f, class, &lane->link[class], cost_of(s, g, now_us));
    make_unready(g);
    g->busy = true;
    g->message->jobs++;
    return g;
}

size_t queue_schedule_transactional(const struct queue_schedule *s, struct slice key)
{
    const struct queue_pool *pool = queue_roster_find_pool(s, key);

    return pool ? pool->ready_transactional : 0;
}

size_t queue_schedule_bulk(const struct queue_schedule *s, struct slice key)
{
    const struct queue_pool *pool = queue_roster_find_pool(s, key);

    return pool ? pool->ready - pool->ready_transactional : 0;
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
    struct queue_destination *d = queue_roster_find_destination(s, destination);
    struct queue_pool *to;

    if (!d || slice_equal(queue_pool_key(d->pool), pool))
        return;
    to = queue_roster_need_pool(s, pool);
    LIST_FOREACH (link, &d->lanes) {
        struct queue_lane *lane = LIST_ENTRY(link, struct queue_lane, of_destination);

        close_lane(lane);
        queue_roster_join(s, lane, to);
        open_lane(lane);
    }
    queue_roster_assign(s, d, to);
    announce(s, to);
}

static void resume_lane(struct queue_schedule *s, struct queue_lane *lane)
{
    open_lane(lane);
    if (lane->ready_count[QUEUE_TRANSACTIONAL] + lane->ready_count[QUEUE_BULK])
        announce(s, lane->flow->pool);
}

/* Frees the site if nothing is left to be remembered. */
static void set_closed(struct queue_schedule *s, struct queue_site *site, bool paused, bool parked)
{
    bool was = is_closed(site), will = paused || parked;

    if (!was && will)
        LIST_FOREACH (link, &site->lanes)
            close_lane(LIST_ENTRY(link, struct queue_lane, of_site));
    site->paused = paused;
    site->parked = parked;
    if (was && !will)
        LIST_FOREACH (link, &site->lanes)
            resume_lane(s, LIST_ENTRY(link, struct queue_lane, of_site));
    queue_roster_drop_site(s, site);
}

bool queue_schedule_pause(struct queue_schedule *s, uint64_t site_id, bool paused)
{
    struct queue_site *site = queue_roster_need_site(s, site_id);
    bool changed = site->paused != paused;

    set_closed(s, site, paused, site->parked);
    return changed;
}

void queue_schedule_park(struct queue_schedule *s, uint64_t site_id)
{
    struct queue_site *site = queue_roster_need_site(s, site_id);

    set_closed(s, site, site->paused, true);
}

void queue_schedule_unpark_all(struct queue_schedule *s)
{
    LIST_FOREACH_SAFE (link, &s->sites_all) {
        struct queue_site *site = LIST_ENTRY(link, struct queue_site, link);

        if (site->parked)
            set_closed(s, site, site->paused, false);
    }
}

bool queue_schedule_is_paused(const struct queue_schedule *s, uint64_t site_id)
{
    struct queue_site *site = queue_roster_find_site(s, site_id);

    return site && site->paused;
}

void queue_schedule_announce(struct queue_schedule *s)
{
    LIST_FOREACH (link, &s->pools_all)
        announce(s, LIST_ENTRY(link, struct queue_pool, link));
}
