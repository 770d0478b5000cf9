#include "feedback/reputation_keeper.h"

#include "base/log.h"
#include "feedback/reputation_notice.h"
#include "runtime/task.h"
#include "site/pusher.h"
#include "site/site.h"

enum { ROUND_S = 5, HOUR_S = 3600 };

int reputation_of_site(struct store *s, struct arena *arena, int64_t site_id,
                       struct reputation *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPUTATION_OF_SITE);
    int r;

    query_bind_int(&q, site_id);
    r = query_step(&q);
    *ret = (struct reputation){.effect = SLICE("none")};
    if (r < 1)
        return r;
    ret->since_us = query_int(&q, 1);
    ret->effect = arena_copy(arena, query_text(&q, 3));
    ret->messages_per_hour = (uint32_t)query_int(&q, 4);
    ret->override_until_us = query_int(&q, 5);
    ret->override_why = arena_copy(arena, query_text(&q, 6));
    return reputation_state_parse(query_text(&q, 0), &ret->state);
}

int reputation_find(const struct reputation_service *service, struct arena *arena, int64_t site_id,
                    int64_t now_us, struct reputation_finding *ret)
{
    int64_t from_hour = volume_hour(now_us) - (int64_t)(service->limits.window_s / HOUR_S);
    struct volume *volumes;
    size_t count;
    int r = volume_list(service->store, arena, site_id, from_hour, &volumes, &count);

    if (r == 0)
        reputation_judge(&service->limits, volumes, count, ret);
    return r;
}

/* What follows from the state, unless an operator has said otherwise for now. */
static struct slice effect_of(const struct reputation *before, enum reputation_state state,
                              int64_t now_us)
{
    if (before->override_until_us > now_us || state < REPUTATION_SLOWED)
        return SLICE("none");
    return state == REPUTATION_SLOWED ? SLICE("slow") : SLICE("pause");
}

static int store_judged(struct store *s, int64_t site_id, const struct reputation *now)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPUTATION_JUDGED);

    query_bind_int(&q, site_id);
    query_bind_text(&q, slice_text(reputation_state_name(now->state)));
    query_bind_int(&q, now->since_us);
    query_bind_text(&q, now->effect);
    query_bind_int(&q, now->messages_per_hour);
    return query_run(&q);
}

static int keep_within(struct reputation_service *service, struct arena *arena, int64_t site_id,
                       int64_t now_us, bool *ret_changed)
{
    struct reputation_finding finding;
    struct reputation before, now;
    int r = reputation_of_site(service->store, arena, site_id, &before);

    if (r == 0)
        r = reputation_find(service, arena, site_id, now_us, &finding);
    if (r < 0)
        return r;
    now = before;
    now.state = finding.state;
    if (now.state != before.state)
        now.since_us = now_us;
    now.effect = effect_of(&before, now.state, now_us);
    if (!slice_equal(before.effect, SLICE("slow"))) /* it would shrink by itself otherwise */
        now.messages_per_hour = finding.messages_per_hour;
    *ret_changed = !slice_equal(now.effect, before.effect);
    r = store_judged(service->store, site_id, &now);
    if (r == 0 && now.state != before.state)
        r = reputation_notice_raise(service->store, site_id, &finding, now_us);
    return r;
}

int reputation_keep(struct reputation_service *service, int64_t site_id, int64_t now_us,
                    bool *ret_changed)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(service->store, &all);

    if (r == 0)
        r = keep_within(service, &arena, site_id, now_us, ret_changed);
    return r < 0 ? r : store_transaction_commit(&all);
}

/* The first site behind `after` that has to be judged; 0: none. */
static int next_due(struct store *s, int64_t after, int64_t *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPUTATION_NEXT);
    int r;

    query_bind_int(&q, after);
    r = query_step(&q);
    *ret = r == 1 ? query_int(&q, 0) : 0;
    return r < 0 ? r : 0;
}

/* A gateway that is away hears of it when it is back. */
static int keep_one(struct task *t, struct reputation_service *service, int64_t site_id)
{
    bool changed = false;
    int r = reputation_keep(service, site_id, task_wall_us(t), &changed);

    if (r == 0 && changed)
        r = site_pusher_push(t, service->pusher, site_id);
    return r == -ECANCELED ? r : r == -ETIMEDOUT ? 0 : r;
}

static int keep_due(struct task *t, struct reputation_service *service)
{
    int64_t site_id = 0;
    int r = next_due(service->store, 0, &site_id);

    while (r == 0 && site_id) {
        r = keep_one(t, service, site_id);
        if (r == 0)
            r = next_due(service->store, site_id, &site_id);
    }
    return r;
}

int reputation_run(struct task *t, struct reputation_service *service)
{
    int r = 0;

    while (r != -ECANCELED) {
        r = keep_due(t, service);
        if (r == 0)
            r = volume_forget(service->store, volume_hour(task_wall_us(t)) - VOLUME_KEEP_DAYS * 24);
        if (r < 0 && r != -ECANCELED)
            log_error("reputations could not be judged: %s", store_error(service->store));
        if (r != -ECANCELED)
            r = task_sleep(t, ROUND_S * SECOND_US);
    }
    return r;
}
