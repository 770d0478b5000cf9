/* The list of what came back, in each day's file: written with the events, read newest first. */
#include "feedback/history_feedback.h"

#include "base/log.h"
#include "feedback/history_inside.h"

#include <stdio.h>
#include <stdlib.h>

bool history_feedback_is(enum queue_event_type type)
{
    return type == QUEUE_EVENT_BOUNCED || type == QUEUE_EVENT_EXPIRED ||
           type == QUEUE_EVENT_SUPPRESSED || type == QUEUE_EVENT_RETURNED ||
           type == QUEUE_EVENT_COMPLAINED || type == QUEUE_EVENT_ANSWERED;
}

static int add_row(const struct history *h, struct slice key, const struct queue_event *event,
                   const char *class)
{
    CLEANUP(query_done) struct query q = store_query(h->store, STORE_HISTORY_FEEDBACK_ADD);

    query_bind_int(&q, (int64_t)event->site_id);
    query_bind_blob(&q, key);
    query_bind_int(&q, (int64_t)event->sequence);
    query_bind_int(&q, event->type);
    if (class)
        query_bind_text(&q, slice_text(class));
    else
        query_bind_null(&q);
    return query_run(&q);
}

int history_feedback_add(const struct history *h, struct slice key, const struct queue_event *event)
{
    if (!history_feedback_is(event->type))
        return 0;
    return add_row(h, key, event, h->classify ? h->classify(h->classify_context, event) : NULL);
}

void history_set_classifier(struct history *h, history_classifier *classify, void *context)
{
    h->classify = classify;
    h->classify_context = context;
}

struct listing {
    const struct history *history;
    const struct history_feedback_listing *wanted;
    struct arena *arena;
    struct history_feedback *found;
    size_t count;
};

static void read_row(struct listing *l, const struct day *day, struct query *q)
{
    struct history_feedback *item = &l->found[l->count++];

    *item = (struct history_feedback){
        .place = arena_printf(l->arena, "%.10s/%lld", day->name + sizeof "events-" - 1,
                              (long long)query_int(q, 0)),
        .sequence = (uint64_t)query_int(q, 2),
        .type = (enum queue_event_type)query_int(q, 3),
        .class_then = arena_copy(l->arena, query_text(q, 4)),
    };
    history_key_read(query_blob(q, 1), &item->id);
}

static int read_rows(struct listing *l, const struct day *day, struct store *s, int64_t before)
{
    uint64_t site_id = l->wanted->site_id;
    CLEANUP(query_done)
    struct query q = store_query(s, site_id ? STORE_HISTORY_FEEDBACK_OF_SITE_BEFORE
                                            : STORE_HISTORY_FEEDBACK_BEFORE);
    int r;

    if (site_id)
        query_bind_int(&q, (int64_t)site_id);
    query_bind_int(&q, before);
    query_bind_int(&q, (int64_t)(l->wanted->max - l->count));
    while ((r = query_step(&q)) == 1)
        read_row(l, day, &q);
    return r;
}

static int read_day(struct listing *l, const struct day *day, int64_t before)
{
    CLEANUP(base_free_pointer) char *problem = NULL;
    CLEANUP(store_close_pointer) struct store *s = NULL;
    int r = history_open_day(l->history, day, true, &s, &problem);

    if (r < 0) {
        log_error("history: %s", problem);
        return r;
    }
    return read_rows(l, day, s, before);
}

/* "2026-11-23/17": the day, and the number within it. */
static int read_place(struct slice place, struct day *ret_day, int64_t *ret_number)
{
    struct slice date;
    uint64_t number;

    if (!slice_cut(&place, '/', &date) || date.size != 10 ||
        slice_to_u64(place, INT64_MAX, &number) < 0)
        return -EINVAL;
    (void)snprintf(ret_day->name, sizeof ret_day->name, "events-%.*s.db", SLICE_ARG(date));
    *ret_number = (int64_t)number;
    return 0;
}

static int read_days(struct listing *l, const struct day *days, size_t count)
{
    struct day last = {""};
    int64_t number = INT64_MAX;
    int r = l->wanted->before.size ? read_place(l->wanted->before, &last, &number) : 0;

    for (size_t i = count; i-- > 0 && r == 0 && l->count < l->wanted->max;) {
        int order = l->wanted->before.size ? day_compare(&days[i], &last) : -1;

        if (order <= 0)
            r = read_day(l, &days[i], order == 0 ? number : INT64_MAX);
    }
    return r;
}

static int list_all(void *argument)
{
    struct listing *l = argument;
    struct day *days;
    size_t count;
    int r = days_list(l->history->directory, &days, &count);

    if (r < 0)
        return r;
    r = read_days(l, days, count);
    free(days);
    return r;
}

int history_feedback_list(struct task *t, struct history *h, struct arena *arena,
                          const struct history_feedback_listing *listing,
                          struct history_feedback **ret, size_t *ret_count)
{
    struct listing l = {h, listing, arena, NULL, 0};
    int r;

    assert(listing->max > 0 && listing->max <= HISTORY_LIST_MAX);
    l.found = ARENA_ARRAY(arena, struct history_feedback, listing->max);
    r = task_offload(t, TASK_LANE_READ, list_all, &l);
    if (r < 0)
        return r;
    *ret = l.found;
    *ret_count = l.count;
    return 0;
}
