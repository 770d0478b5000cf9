#include "fairness.h"

#include "queue/queue.h"
#include "queue/roster.h"

#include <stdlib.h>

enum { SITES = 8, POOLS_MAX = 400 };

/* What two sites were served since both had mail due: the first less the second. */
struct account {
    bool open;
    int64_t now, least, most;
};

struct watched {
    char key[64];
    uint64_t clock;
    struct account pairs[SITES][SITES];
    uint64_t cost_max[SITES];
    uint64_t clocks[SITES][QUEUE_CLASSES]; /* of the sites' flows, as they were left */
    /* Where both classes of a site were due. */
    int64_t transactional[SITES], bulk[SITES];
};

static struct {
    struct ledger *ledger;
    struct watched pools[POOLS_MAX];
    size_t pool_count;
    uint64_t contested;
} watch;

struct queue_group *__real_queue_schedule_take(struct queue_schedule *s, struct slice pool,
                                               struct slice prefer, uint64_t now_us);
struct queue_group *__wrap_queue_schedule_take(struct queue_schedule *s, struct slice pool,
                                               struct slice prefer, uint64_t now_us);

void fairness_begin(struct ledger *ledger)
{
    memset(&watch, 0, sizeof watch);
    watch.ledger = ledger;
}

uint64_t fairness_end(void)
{
    watch.ledger = NULL;
    return watch.contested;
}

/* A pool that is new, or has been forgotten meanwhile, begins again at 0. That of a domain without
 * a known provider is forgotten each time that one of its messages was told why. */
static struct watched *find(const struct queue_pool *pool)
{
    struct slice key = queue_pool_key(pool);
    struct watched *w = watch.pools;

    while (w < watch.pools + watch.pool_count && !slice_equal(slice_text(w->key), key))
        w++;
    if (w == watch.pools + POOLS_MAX || key.size >= sizeof w->key)
        abort();
    if (w == watch.pools + watch.pool_count)
        watch.pool_count++;
    else if (pool->clock >= w->clock && !slice_starts(key, SLICE("?")))
        return w;
    memset(w, 0, sizeof *w);
    memcpy(w->key, key.data, key.size);
    return w;
}

/* By the lanes themselves: whether something of the site and class is due in the pool. */
static bool is_due(const struct queue_schedule *s, const struct queue_pool *pool, unsigned site_id,
                   enum queue_class class)
{
    const struct queue_site *site = queue_roster_find_site(s, site_id);

    if (!site || site->paused)
        return false;
    LIST_FOREACH (link, &site->lanes) {
        const struct queue_lane *lane = LIST_ENTRY(link, struct queue_lane, of_site);

        if (lane->destination->pool == pool && !list_empty(&lane->ready[class]))
            return true;
    }
    return false;
}

static const struct queue_flow *flow_of(const struct queue_schedule *s,
                                        const struct queue_pool *pool, unsigned site_id)
{
    const struct queue_site *site = queue_roster_find_site(s, site_id);

    if (site)
        LIST_FOREACH (link, &site->lanes) {
            const struct queue_lane *lane = LIST_ENTRY(link, struct queue_lane, of_site);

            if (lane->flow && lane->flow->pool == pool)
                return lane->flow;
        }
    return NULL;
}

/* A flow whose clock was set since had nothing due for a while, unseen by us: nobody saves up
 * turns, so its accounts begin anew. */
static void note_returns(struct watched *w, const struct queue_schedule *s,
                         const struct queue_pool *pool)
{
    for (unsigned i = 0; i < SITES; i++) {
        const struct queue_flow *flow = flow_of(s, pool, i);

        if (flow && memcmp(flow->clock, w->clocks[i], sizeof flow->clock) == 0)
            continue;
        for (unsigned j = 0; j < SITES; j++)
            w->pairs[i][j].open = w->pairs[j][i].open = false;
    }
}

static void note_clocks(struct watched *w, const struct queue_schedule *s,
                        const struct queue_pool *pool)
{
    for (unsigned i = 0; i < SITES; i++) {
        const struct queue_flow *flow = flow_of(s, pool, i);

        if (flow)
            memcpy(w->clocks[i], flow->clock, sizeof flow->clock);
    }
}

static uint64_t cost_of(const struct queue_schedule *s, const struct queue_group *g,
                        uint64_t now_us)
{
    const struct queue_message *m = g->message;
    uint64_t cost = 0;

    for (uint32_t i = g->first; i != RECIPIENT_NONE; i = m->recipients[i].next)
        cost += m->recipients[i].due_us <= now_us &&
                !queue_recipient_is(&m->recipients[i],
                                    RECIPIENT_BUSY | RECIPIENT_HELD | RECIPIENT_FINISHED);
    return (cost < s->job_recipients_max ? cost : s->job_recipients_max) +
           m->place.content_size / QUEUE_COST_BYTES;
}

static void judge_pair(struct watched *w, unsigned one, unsigned other, int64_t served)
{
    struct account *a = &w->pairs[one][other];
    int64_t bound = 2 * (int64_t)(w->cost_max[one] + w->cost_max[other]);

    a->now += served;
    if (a->now < a->least)
        a->least = a->now;
    if (a->now > a->most)
        a->most = a->now;
    if (a->most - a->least > bound)
        ledger_fail(watch.ledger, "in %s, sites %u and %u drifted apart by %lld; %lld is fair",
                    w->key, one, other, (long long)(a->most - a->least), (long long)bound);
}

/* Opens accounts of those who both wait; closes others. */
static void note_waiting(struct watched *w, const bool *due)
{
    unsigned waiting = 0;

    for (unsigned i = 0; i < SITES; i++) {
        waiting += due[i];
        for (unsigned j = i + 1; j < SITES; j++) {
            struct account *a = &w->pairs[i][j];
            bool both = due[i] && due[j];

            if (both != a->open)
                *a = (struct account){.open = both};
        }
    }
    watch.contested += waiting > 1;
}

static void judge_sites(struct watched *w, unsigned site, uint64_t cost)
{
    for (unsigned i = 0; i < SITES; i++) {
        if (i < site && w->pairs[i][site].open)
            judge_pair(w, i, site, -(int64_t)cost);
        if (i > site && w->pairs[site][i].open)
            judge_pair(w, site, i, (int64_t)cost);
    }
}

static void judge_classes(struct watched *w, unsigned site, bool bulk, uint64_t cost)
{
    int64_t slack = (QUEUE_BULK_SHARE + 1) * (int64_t)w->cost_max[site], ahead;

    *(bulk ? &w->bulk[site] : &w->transactional[site]) += (int64_t)cost;
    ahead = w->bulk[site] * QUEUE_BULK_SHARE - w->transactional[site];
    if (ahead > slack || ahead < -slack)
        ledger_fail(watch.ledger, "in %s, site %u's bulk has had %lld, its transactional mail %lld",
                    w->key, site, (long long)w->bulk[site], (long long)w->transactional[site]);
}

struct queue_group *__wrap_queue_schedule_take(struct queue_schedule *s, struct slice key,
                                               struct slice prefer, uint64_t now_us)
{
    struct queue_pool *pool = queue_roster_find_pool(s, key);
    bool due[SITES], both[SITES];
    struct queue_group *g;
    struct watched *w;
    unsigned site;
    uint64_t cost;

    if (!watch.ledger || !pool)
        return __real_queue_schedule_take(s, key, prefer, now_us);
    w = find(pool);
    for (unsigned i = 0; i < SITES; i++) {
        bool transactional = is_due(s, pool, i, QUEUE_TRANSACTIONAL);
        bool bulk = is_due(s, pool, i, QUEUE_BULK);

        due[i] = transactional || bulk;
        both[i] = transactional && bulk;
        if (!both[i])
            w->bulk[i] = w->transactional[i] = 0;
    }
    note_returns(w, s, pool);
    note_waiting(w, due);
    g = __real_queue_schedule_take(s, key, prefer, now_us);
    if (!g)
        return NULL;
    site = (unsigned)g->message->site_id;
    cost = cost_of(s, g, now_us);
    w->clock = pool->clock;
    note_clocks(w, s, pool);
    if (w->cost_max[site] < cost)
        w->cost_max[site] = cost;
    judge_sites(w, site, cost);
    if (both[site])
        judge_classes(w, site, g->message->bulk, cost);
    return g;
}
