/* Who a message's recipient is: its acceptance says. Runs where history is written, so that it sees
 * what has just been stored. */
#include "base/log.h"
#include "feedback/history_inside.h"

#include <stdlib.h>

/* The gateway's clock may be a little ahead of ours. */
static const int64_t CLOCK_SLACK_US = 3600 * (int64_t)1000000;

struct search {
    const struct message_id *id;
    uint32_t recipient;
    struct arena *arena;
    struct slice *ret_address;
};

/* 1: it was among this acceptance's addresses. */
static int look_into_event(const struct search *s, struct slice data)
{
    struct cursor c = cursor_of(data);
    struct queue_event event;
    struct slice address;
    int r = queue_event_read(&c, &event);

    if (r < 0 || event.type != QUEUE_EVENT_ACCEPTED)
        return r;
    for (uint32_t i = event.accepted.first_recipient;
         queue_event_address(&event.accepted.addresses, &address); i++)
        if (i == s->recipient) {
            *s->ret_address = arena_copy(s->arena, address);
            return 1;
        }
    return 0;
}

static int look_into_day(const struct search *s, struct store *day)
{
    CLEANUP(query_done) struct query q = store_query(day, STORE_HISTORY_EVENTS_OF);
    char key[HISTORY_KEY_BYTES];
    int r, found = 0;

    query_bind_blob(&q, history_key(s->id, key));
    while (found == 0 && (r = query_step(&q)) == 1)
        found = look_into_event(s, query_blob(&q, 0));
    return found ? found : r;
}

/* Reports come for mail of the same few days, so the day that was asked last stays open. */
static int open_older(struct history *h, const struct day *day)
{
    CLEANUP(base_free_pointer) char *problem = NULL;
    struct store *s;
    int r;

    if (h->older_store && day_compare(day, &h->older) == 0)
        return 0;
    r = history_open_day(h, day, true, &s, &problem);
    if (r < 0) {
        log_error("history: %s", problem);
        return r;
    }
    store_close(h->older_store);
    h->older_store = s;
    h->older = *day;
    return 0;
}

static int look_into_older(struct history *h, const struct search *s)
{
    struct day first = day_of((int64_t)s->id->ms * 1000 - CLOCK_SLACK_US), *days;
    size_t count;
    int r = days_list(h->directory, &days, &count);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count && r == 0; i++) {
        if (day_compare(&days[i], &first) < 0 ||
            (h->store && day_compare(&days[i], &h->newest) == 0))
            continue;
        r = open_older(h, &days[i]);
        if (r == 0)
            r = look_into_day(s, h->older_store);
    }
    free(days);
    return r;
}

int history_recipient(struct history *h, struct arena *arena, const struct message_id *id,
                      uint32_t recipient, struct slice *ret_address)
{
    const struct search s = {id, recipient, arena, ret_address};
    int r = h->store ? look_into_day(&s, h->store) : 0;

    if (r == 0)
        r = look_into_older(h, &s);
    if (r < 0)
        return r;
    return r == 1 ? 0 : -ENOENT;
}
