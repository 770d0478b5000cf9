/* Writing history: a batch of events, in one transaction with the place that the spool has come
 * to. Runs on the helper thread for commits. */
#include "base/log.h"
#include "feedback/history_inside.h"
#include "feedback/tls_tally.h"

#include <stdlib.h>

static const int64_t DAY_US = 86400 * (int64_t)1000000;

/* Each day one falls out. A clock that jumps ahead costs no more than this. */
enum { DAYS_DROPPED_AT_ONCE = 2 };

struct batch {
    struct history *history;
    struct slice body;
    int64_t now_us;
    uint64_t spool_id;
    uint64_t sequence; /* the last one stored */
    struct history_use *uses;
    size_t use_count;
};

static void drop_old_days(const struct history *h, int64_t now_us)
{
    struct day *days, oldest = day_of(now_us - h->keep_days * DAY_US);
    size_t count;

    if (days_list(h->directory, &days, &count) < 0)
        return;
    if (count > DAYS_DROPPED_AT_ONCE)
        count = DAYS_DROPPED_AT_ONCE;
    for (size_t i = 0; i < count && day_compare(&days[i], &oldest) < 0; i++) {
        int r = day_remove(h->directory, &days[i]);

        if (r < 0)
            log_error("history: %s cannot be removed: %s", days[i].name, strerror(-r));
        else
            log_info("history: %s was removed, it is older than %u days", days[i].name,
                     h->keep_days);
    }
    free(days);
}

static int set_position(struct store *s, uint64_t spool_id, uint64_t sequence)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_POSITION_SET);

    query_bind_int(&q, (int64_t)spool_id);
    query_bind_int(&q, (int64_t)sequence);
    return query_run(&q);
}

/* Today, or the day that was begun already if the clock went back a little. A day further ahead was
 * begun by a clock that was wrong. */
static struct day day_to_write(const struct history *h, int64_t now_us)
{
    struct day today = day_of(now_us), tomorrow = day_of(now_us + DAY_US);
    bool goes_on = day_compare(&h->newest, &today) > 0 && day_compare(&h->newest, &tomorrow) <= 0;

    return goes_on ? h->newest : today;
}

static int open_today(struct history *h, int64_t now_us)
{
    CLEANUP(base_free_pointer) char *problem = NULL;
    struct day today = day_to_write(h, now_us);
    struct store *s;
    int r;

    if (h->store && day_compare(&today, &h->newest) == 0)
        return 0;
    r = history_open_day(h, &today, false, &s, &problem);
    if (r < 0) {
        log_error("history: %s", problem);
        return r;
    }
    store_close(h->store);
    h->store = s;
    h->newest = today;
    drop_old_days(h, now_us);
    return 0;
}

/* 1: it is new; 0: it is there already, stored before the spool's place was lost, by a restored
 * backup say. */
static int run_once(struct query *q)
{
    int r = query_run(q);

    return r == 0 ? 1 : r == -EEXIST ? 0 : r;
}

static int add_event(struct store *s, struct slice key, uint64_t sequence, struct slice data)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_EVENT_ADD);

    query_bind_blob(&q, key);
    query_bind_int(&q, (int64_t)sequence);
    query_bind_blob(&q, data);
    return run_once(&q);
}

static int add_message(struct store *s, uint64_t site_id, struct slice key)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_HISTORY_MESSAGE_ADD);

    query_bind_int(&q, (int64_t)site_id);
    query_bind_blob(&q, key);
    return run_once(&q);
}

static bool is_of_whole_site(const struct queue_event *event)
{
    static const struct message_id none;

    return message_id_compare(&event->id, &none) == 0;
}

/* No message has the time 0, so the sites' own events lie before all messages. */
static struct slice event_key(const struct batch *b, const struct queue_event *event,
                              char out[static HISTORY_KEY_BYTES])
{
    struct message_id place = event->id;

    for (int i = 0; i < 8 && is_of_whole_site(event); i++) {
        place.uuid[i] = (uint8_t)(event->site_id >> (56 - 8 * i));
        place.uuid[8 + i] = (uint8_t)(b->spool_id >> (56 - 8 * i));
    }
    return history_key(&place, out);
}

static void note_use(struct batch *b, const struct queue_event *event)
{
    uint64_t id = event->accepted.credential_id;

    for (size_t i = 0; i < b->use_count; i++)
        if (b->uses[i].credential_id == id) {
            b->uses[i].time_us = event->time_us;
            return;
        }
    if (id && b->use_count < HISTORY_USES_MAX)
        b->uses[b->use_count++] = (struct history_use){id, event->time_us};
}

/* What is found by other ways than the message's. */
static int add_to_lists(const struct batch *b, struct slice key, const struct queue_event *event)
{
    int r = history_feedback_add(b->history, key, event);

    return r == 0 ? tls_tally_add(b->history->store, event) : r;
}

static int store_event(struct batch *b, const struct queue_event *event, struct slice data)
{
    char memory[HISTORY_KEY_BYTES];
    struct slice key = event_key(b, event, memory);
    int r = add_event(b->history->store, key, event->sequence, data);

    if (r == 1)
        r = add_to_lists(b, key, event);
    if (r < 0 || event->type != QUEUE_EVENT_ACCEPTED || event->accepted.first_recipient > 0)
        return r;
    note_use(b, event);
    r = add_message(b->history->store, event->site_id, key);
    return r < 0 ? r : 0;
}

static int store_events(struct batch *b, struct cursor *c)
{
    struct queue_event event;
    int r = 0;

    while (r == 0 && cursor_done(c) < 0 && !c->failed) {
        struct slice before = c->rest;

        r = queue_event_read(c, &event);
        if (r < 0 || event.sequence <= b->sequence)
            continue;
        if (event.site_id == 0) { /* of a report on its way to the steward: nobody's mail */
            b->sequence = event.sequence;
            continue;
        }
        r = store_event(b, &event, slice_part(before, 0, before.size - c->rest.size));
        b->sequence = event.sequence;
    }
    if (r == 0)
        r = cursor_done(c);
    return r;
}

/* The place of every spool goes into every day, so that the newest one knows them all. */
static int store_positions(struct batch *b)
{
    struct history *h = b->history;
    int r = 0;

    for (size_t i = 0; i < h->position_count && r == 0; i++) {
        struct history_position *position = &h->positions[i];

        r = set_position(h->store, position->spool_id,
                         position->spool_id == b->spool_id ? b->sequence : position->sequence);
    }
    return r;
}

static int store_batch(struct batch *b, struct cursor *c)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(b->history->store, &all);

    if (r == 0)
        r = store_events(b, c);
    if (r == 0)
        r = store_positions(b);
    if (r == 0)
        r = store_transaction_commit(&all);
    return r;
}

static int apply_batch(void *argument)
{
    struct batch *b = argument;
    struct history *h = b->history;
    struct cursor c = cursor_of(b->body);
    struct history_position *position;
    int r = queue_event_batch_read(&c, &b->spool_id);

    if (r == 0)
        r = open_today(h, b->now_us);
    if (r < 0)
        return r;
    position = history_position(h, b->spool_id);
    b->sequence = position->sequence;
    r = store_batch(b, &c);
    if (r == 0)
        position->sequence = b->sequence;
    else
        log_error("history: a batch of events could not be stored (%s; the database says: %s); the "
                  "gateway keeps it and sends it again",
                  strerror(-r), store_error(h->store));
    return r;
}

int history_apply(struct task *t, struct history *h, struct slice batch, uint64_t *ret_cursor,
                  struct history_use *ret_uses, size_t *ret_use_count)
{
    struct batch b = {.history = h, .body = batch, .now_us = task_wall_us(t), .uses = ret_uses};
    int r = task_offload(t, TASK_LANE_COMMIT, apply_batch, &b);

    if (r < 0)
        return r;
    *ret_cursor = b.sequence;
    *ret_use_count = b.use_count;
    return 0;
}
