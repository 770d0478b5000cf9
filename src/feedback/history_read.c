/* Reading history, day after day, on the helper thread for reads: each request opens the files
 * that it needs. */
#include "base/limits.h"
#include "base/log.h"
#include "feedback/history_inside.h"

#include <stdlib.h>

/* Calls visit(context, store) for each day, the oldest or the newest first, until it returns
 * other than 0: 1 for enough, or an error. */
struct walk {
    const struct history *history;
    bool newest_first;
    struct day from;  /* not before this one */
    struct day until; /* up to this one nothing is enough */
    int (*visit)(void *context, struct store *s);
    void *context;
};

static int visit_day(const struct walk *w, const struct day *day)
{
    CLEANUP(base_free_pointer) char *problem = NULL;
    CLEANUP(store_close_pointer) struct store *s = NULL;
    int r;

    if (day_compare(day, &w->from) < 0)
        return 0;
    r = history_open_day(w->history, day, true, &s, &problem);
    if (r < 0) {
        log_error("history: %s", problem);
        return r;
    }
    r = w->visit(w->context, s);
    return r == 1 && day_compare(day, &w->until) <= 0 ? 0 : r;
}

static int walk_days(const struct walk *w)
{
    struct day *days;
    size_t count;
    int r = days_list(w->history->directory, &days, &count);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count && r == 0; i++)
        r = visit_day(w, &days[w->newest_first ? count - 1 - i : i]);
    free(days);
    return r < 0 ? r : 0;
}

/* --- One message. --- */

enum { QUEUE_DAYS_MAX = 14 }; /* the longest lifetime that may be configured */

struct gathering {
    const struct history *history;
    struct arena *arena;
    const struct message_id *id;
    struct timeline *timeline;
};

static int add_row(struct gathering *g, struct slice data)
{
    struct cursor c = cursor_of(arena_copy(g->arena, data));
    struct queue_event event;
    int r = queue_event_read(&c, &event);

    if (r == 0)
        timeline_add(g->timeline, &event);
    return r;
}

static int gather_day(void *context, struct store *s)
{
    struct gathering *g = context;
    char key[HISTORY_KEY_BYTES];
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_EVENTS_OF);
    int r;

    query_bind_blob(&q, history_key(g->id, key));
    while ((r = query_step(&q)) == 1) {
        r = add_row(g, query_blob(&q, 0));
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    return timeline_is_settled(g->timeline) ? 1 : 0;
}

/* What comes back comes after the end: until its return path is not taken any more. */
static const int64_t REPORTS_COME_US =
    (QUEUE_DAYS_MAX + LIMIT_RETURN_PATH_DAYS + 1) * 86400 * (int64_t)1000000;

static int gather(void *argument)
{
    struct gathering *g = argument;
    /* The gateway's clock may be a little behind or ahead of ours. */
    int64_t accepted_us = (int64_t)g->id->ms * 1000;
    struct walk w = {
        .history = g->history,
        .from = day_of(accepted_us - 3600 * (int64_t)1000000),
        .until = day_of(accepted_us + REPORTS_COME_US),
        .visit = gather_day,
        .context = g,
    };

    return walk_days(&w);
}

int history_message(struct task *t, struct history *h, struct arena *arena,
                    const struct message_id *id, struct timeline *ret)
{
    struct gathering g = {h, arena, id, ret};
    int r;

    timeline_init(ret, arena);
    r = task_offload(t, TASK_LANE_READ, gather, &g);
    if (r < 0)
        return r;
    return ret->event_count ? 0 : -ENOENT;
}

/* --- The newest messages. --- */

struct collection {
    const struct history *history;
    const struct history_listing *listing;
    struct message_id *found; /* newest first */
    size_t count;
};

/* Puts an id in its place; the oldest falls out when there are enough. False: it is older than
 * all. */
static bool insert(struct collection *c, const struct message_id *id)
{
    size_t i = c->count;

    while (i > 0 && message_id_compare(&c->found[i - 1], id) < 0)
        i--;
    if (i == c->listing->max)
        return false;
    if (c->count == c->listing->max)
        c->count--;
    memmove(&c->found[i + 1], &c->found[i], (c->count - i) * sizeof *id);
    c->found[i] = *id;
    c->count++;
    return true;
}

static int collect_site(struct collection *c, struct store *s, uint64_t site_id)
{
    static const struct message_id end = {.ms = ((uint64_t)1 << 48) - 1};
    char key[HISTORY_KEY_BYTES];
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_MESSAGES_BEFORE);
    struct message_id id;
    int r;

    query_bind_int(&q, (int64_t)site_id);
    query_bind_blob(&q, history_key(c->listing->before.ms ? &c->listing->before : &end, key));
    query_bind_int(&q, (int64_t)c->listing->max);
    while ((r = query_step(&q)) == 1) {
        history_key_read(query_blob(&q, 0), &id);
        if (!insert(c, &id))
            break;
    }
    return r < 0 ? r : 0;
}

/* 1 with the next site that has messages on this day; 0: no more. */
static int next_site(struct store *s, uint64_t *site_id)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_SITES_AFTER);
    int r;

    query_bind_int(&q, (int64_t)*site_id);
    r = query_step(&q);
    if (r < 1 || query_is_null(&q, 0))
        return r < 0 ? r : 0;
    *site_id = (uint64_t)query_int(&q, 0);
    return 1;
}

static int collect_day(void *context, struct store *s)
{
    struct collection *c = context;
    uint64_t site_id = 0;
    int r = 0;

    if (c->listing->site_id)
        r = collect_site(c, s, c->listing->site_id);
    else
        while ((r = next_site(s, &site_id)) == 1) {
            r = collect_site(c, s, site_id);
            if (r < 0)
                return r;
        }
    if (r < 0)
        return r;
    return c->count == c->listing->max ? 1 : 0;
}

static int collect(void *argument)
{
    struct collection *c = argument;
    struct walk w = {
        .history = c->history, .newest_first = true, .visit = collect_day, .context = c};

    return walk_days(&w);
}

int history_list(struct task *t, struct history *h, struct arena *arena,
                 const struct history_listing *listing, struct message_id **ret, size_t *ret_count)
{
    struct collection c = {h, listing, NULL, 0};
    int r;

    assert(listing->max > 0 && listing->max <= HISTORY_LIST_MAX);
    c.found = ARENA_ARRAY(arena, struct message_id, listing->max);
    r = task_offload(t, TASK_LANE_READ, collect, &c);
    if (r < 0)
        return r;
    *ret = c.found;
    *ret_count = c.count;
    return 0;
}
