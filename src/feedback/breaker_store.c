#include "feedback/breaker_store.h"

#include "base/limits.h"
#include "base/log.h"
#include "site/suppression_breaker.h"

static const int64_t EVENT_SECOND_US = 1000000;
static const int64_t WINDOW_US = 2 * 3600 * (int64_t)1000000;
static const int64_t KEEP_US = 28 * 86400 * (int64_t)1000000;

int breaker_store_load(struct breaker *b, struct store *s)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_DOMAIN_RECORD_LIST);
    int r;

    query_bind_int(&q, LIMIT_BREAKER_DOMAINS);
    while ((r = query_step(&q)) == 1)
        breaker_remember(b, query_text(&q, 0), (uint64_t)query_int(&q, 1),
                         (uint64_t)query_int(&q, 2));
    return r;
}

struct keeping {
    struct store *store;
    int64_t now_us;
};

static int keep_one(void *context, struct slice domain, uint64_t sent, uint64_t unknown)
{
    const struct keeping *k = context;
    CLEANUP(query_done) struct query q = store_query(k->store, STORE_DOMAIN_RECORD_SET);

    if (sent < BREAKER_PAST_SENT_MIN)
        return 0;
    query_bind_text(&q, domain);
    query_bind_int(&q, (int64_t)sent);
    query_bind_int(&q, (int64_t)unknown);
    query_bind_int(&q, k->now_us);
    return query_run(&q);
}

int breaker_store_keep(struct breaker *b, struct store *s, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_DOMAIN_RECORD_FORGET);
    struct keeping keeping = {s, now_us};
    int r;

    query_bind_int(&q, now_us - KEEP_US);
    r = query_run(&q);
    return r == 0 ? breaker_keep(b, keep_one, &keeping) : r;
}

/* What came onto the lists just before it tripped is as doubtful as what comes now. */
static int hold_recent(struct store *s, struct arena *arena, struct slice domain, int64_t since_us,
                       struct suppression **ret, size_t *ret_count)
{
    struct suppression *found;
    size_t count = 0, held = 0;
    int r = suppression_list_of_domain(s, arena, domain, false, since_us, SUPPRESSION_LIST_MAX,
                                       &found, &count);

    for (size_t i = 0; i < count && r == 0; i++) {
        if (found[i].reason != SUPPRESSION_BOUNCE)
            continue;
        r = suppression_set_held(s, found[i].site_id, found[i].address, true);
        found[held++] = found[i];
    }
    *ret = found;
    *ret_count = held;
    return r;
}

static int open_breaker(struct store *s, struct slice domain, int64_t since_us, int64_t time_us,
                        const struct breaker_counts *counts)
{
    const struct suppression_breaker breaker = {
        .domain = domain,
        .since_us = since_us,
        .until_us = time_us + BREAKER_OPEN_S * EVENT_SECOND_US,
        .sent = (int64_t)counts->sent,
        .unknown = (int64_t)counts->unknown,
    };

    return suppression_breaker_set(s, &breaker, time_us);
}

static struct slice domain_of(struct slice address)
{
    return slice_part(address, (size_t)(slice_find_last(address, '@') + 1), address.size);
}

int breaker_store_ask(struct breaker *b, struct store *s, struct arena *arena, struct slice address,
                      int64_t time_us, bool *ret_held, struct suppression **ret_released,
                      size_t *ret_released_count)
{
    struct slice domain = domain_of(address);
    struct suppression_breaker there;
    struct breaker_counts counts;
    bool trips = breaker_note_unknown(b, domain, time_us, &counts);
    int r = suppression_breaker_find(s, arena, domain, &there);
    bool known = r == 0 && time_us < there.until_us;

    *ret_held = known ? !there.approved : trips;
    *ret_released_count = 0;
    if ((r < 0 && r != -ENOENT) || !trips || (known && there.approved))
        return r == -ENOENT ? 0 : r;
    if (!known)
        log_warning("%.*s says \"unknown user\" of %llu recipients; new suppressions are held for "
                    "review (letterhead suppression review list)",
                    SLICE_ARG(domain), (unsigned long long)counts.unknown);
    r = open_breaker(s, domain, known ? there.since_us : time_us, time_us, &counts);
    if (r == 0 && !known)
        r = hold_recent(s, arena, domain, time_us - WINDOW_US, ret_released, ret_released_count);
    return r;
}
