#include "queue/queue.h"

#include "base/log.h"
#include "queue/inside.h"

#include <stdlib.h>

enum { ROOM_TRIES = 64 }; /* bodies looked at for each that came */

uint64_t queue_now_us(const struct queue *q)
{
    return world_now_us(q->world);
}

int64_t queue_wall_us(const struct queue *q)
{
    return world_wall_us(q->world);
}

int64_t queue_stamp(const struct queue *q, uint64_t monotonic_us)
{
    return queue_wall_us(q) + (int64_t)(monotonic_us - queue_now_us(q));
}

/* --- messages in and out of the queue --- */

static void set_body(struct queue *q, struct queue_message *m, struct queue_body *body)
{
    q->memory_bytes -= queue_body_bytes(m->body);
    queue_body_free(m->body);
    m->body = body;
    q->memory_bytes += queue_body_bytes(body);
    if (!body)
        return;
    body->message = m;
    list_add_last(&q->bodies, &body->link);
}

static bool is_under_way(const struct queue_message *m)
{
    if (m->jobs)
        return true;
    for (uint32_t i = 0; i < m->group_count; i++)
        if (list_linked(&m->groups[i].link))
            return true;
    return false;
}

/* What has just come goes out first, if anything does; so room is made by what has waited longest,
 * as far as no job uses it. */
static void make_room(struct queue *q)
{
    for (int i = 0; i < ROOM_TRIES && q->memory_bytes > q->options.memory_max_bytes; i++) {
        struct queue_body *oldest = LIST_FIRST(&q->bodies, struct queue_body, link);
        struct queue_message *m = oldest->message;

        if (!m->jobs) {
            set_body(q, m, NULL);
            continue;
        }
        list_remove(&oldest->link);
        list_add_last(&q->bodies, &oldest->link);
    }
}

void queue_drop_body(struct queue *q, struct queue_message *m)
{
    if (m->body && !is_under_way(m))
        set_body(q, m, NULL);
    make_room(q);
}

void queue_keep_body(struct queue *q, struct queue_message *m, struct queue_body *body)
{
    set_body(q, m, body);
}

void queue_admit(struct queue *q, struct queue_message *m)
{
    m->number = ++q->next_number;
    table_add(&q->messages, &m->item, queue_message_hash(&m->id));
    list_add_last(&q->order, &m->link);
    q->counts.messages++;
    q->counts.recipients += m->open;
    queue_schedule_add(&q->schedule, m, queue_now_us(q));
}

static void count_final(struct queue *q, enum queue_event_type type)
{
    q->counts.recipients--;
    if (type == QUEUE_EVENT_DELIVERED)
        q->counts.delivered++;
    if (type == QUEUE_EVENT_BOUNCED)
        q->counts.bounced++;
    if (type == QUEUE_EVENT_EXPIRED)
        q->counts.expired++;
    if (type == QUEUE_EVENT_CANCELLED)
        q->counts.cancelled++;
}

bool queue_finish(struct queue *q, struct queue_message *m, uint32_t recipient,
                  enum queue_event_type type, struct queue_append *append)
{
    struct queue_recipient_entry *r = &m->recipients[recipient];

    assert(!queue_recipient_is(r, RECIPIENT_BUSY | RECIPIENT_FINISHED) && m->open);
    queue_unwithhold(q, m, r);
    r->flags |= RECIPIENT_FINISHED;
    count_final(q, type);
    if (--m->open)
        return false;
    queue_schedule_remove(&q->schedule, m);
    set_body(q, m, NULL);
    table_remove(&q->messages, &m->item);
    queue_walk_leave(q, m);
    list_remove(&m->turn);
    list_remove(&m->link);
    list_add_last(&append->finished, &m->link);
    q->counts.messages--;
    return true;
}

/* --- events --- */

uint64_t queue_spool_id(const struct queue *q)
{
    struct queue_spool_status status;

    queue_spool_status(q->spool, &status);
    return status.id;
}

int queue_events_next(struct task *t, struct queue *q, struct buffer *batch, size_t max_bytes,
                      uint64_t *ret_last)
{
    return queue_outbox_next(t, &q->outbox, batch, max_bytes, ret_last);
}

void queue_events_acknowledge(struct queue *q, uint64_t sequence)
{
    queue_outbox_acknowledge(&q->outbox, sequence);
}

size_t queue_events_waiting(const struct queue *q)
{
    return queue_outbox_waiting(&q->outbox);
}

/* --- opening and closing --- */

static void task_ended(struct queue *q)
{
    q->tasks--;
    condition_broadcast(&q->ended);
}

/* Moves what has become due to where it is taken from. Timers that fall into the same tick go
 * together. */
static int scheduler(struct task *t, void *argument)
{
    struct queue *q = argument;
    int r = 0;

    while (r == 0 && !q->closing) {
        uint64_t now_us = queue_now_us(q);

        q->wake_us = queue_schedule_advance(&q->schedule, now_us);
        if (q->wake_us <= now_us)
            r = task_yield(t);
        else if (q->wake_us == UINT64_MAX)
            r = condition_wait(t, &q->sooner);
        else
            r = condition_wait_for(t, &q->sooner, q->wake_us - now_us);
    }
    task_ended(q);
    return r;
}

void queue_rescheduled(struct queue *q)
{
    const struct heap_item *first = heap_first(&q->schedule.timers);

    if (first && first->key < q->wake_us)
        condition_signal(&q->sooner);
}

static int sweeper(struct task *t, void *argument)
{
    struct queue *q = argument;
    int r = 0;

    while (r == 0 && !q->closing) {
        uint64_t wait_us = 0;

        r = queue_sweep(t, q, &wait_us);
        if (r == 0 && !q->closing)
            r = condition_wait_for(t, &q->stopping, wait_us);
    }
    task_ended(q);
    return r;
}

static int start(struct queue *q, struct scope *scope, const char *name, task_function *function)
{
    int r = scope_spawn(scope, name, function, q);

    if (r == 0)
        q->tasks++;
    return r;
}

static struct queue *queue_new(struct task *t, const struct queue_options *options)
{
    struct queue *q = base_allocate(sizeof(*q));
    size_t delays = options->retry_delay_count * sizeof(*options->retry_delays_s);

    assert(options->retry_delay_count);
    q->options = *options;
    q->world = task_world(t);
    q->retry_delays_s = base_allocate(delays);
    memcpy(q->retry_delays_s, options->retry_delays_s, delays);
    list_init(&q->order);
    list_init(&q->bodies);
    list_init(&q->walks);
    list_init(&q->suspects_waiting);
    queue_schedule_init(&q->schedule);
    if (options->job_recipients_max)
        q->schedule.job_recipients_max = options->job_recipients_max;
    q->schedule.job_recipients = options->job_recipients;
    q->schedule.destination = options->destination;
    q->schedule.pool = options->pool;
    q->schedule.due = options->due;
    q->schedule.context = options->context;
    return q;
}

static void queue_free(struct queue *q)
{
    LIST_FOREACH_SAFE (link, &q->order) {
        struct queue_message *m = LIST_ENTRY(link, struct queue_message, link);

        queue_schedule_remove(&q->schedule, m);
        table_remove(&q->messages, &m->item);
        list_remove(&m->link);
        queue_message_free(m);
    }
    queue_outbox_done(&q->outbox);
    queue_schedule_done(&q->schedule);
    table_done(&q->messages);
    free(q->retry_delays_s);
    free(q);
}

static int open_spool(struct task *t, struct scope *scope, struct queue *q)
{
    const struct queue_spool_options options = {
        .disk = q->options.disk,
        .client = queue_spool_client(q),
        .segment_bytes = q->options.segment_bytes,
        .max_bytes = q->options.spool_max_bytes,
        .reserve_bytes = q->options.spool_reserve_bytes,
    };
    int r = queue_spool_open(t, scope, &options, &q->spool);

    if (r == 0) {
        queue_outbox_init(&q->outbox, q->spool, QUEUE_OUTBOX_BYTES);
        r = queue_replay_end(t, q);
    }
    return r;
}

int queue_open(struct task *t, struct scope *scope, const struct queue_options *options,
               struct queue **ret)
{
    struct queue *q = queue_new(t, options);
    int r = open_spool(t, scope, q);

    if (r == 0)
        r = start(q, scope, "queue schedule", scheduler);
    if (r == 0)
        r = start(q, scope, "queue sweep", sweeper);
    if (r < 0) {
        queue_close(t, q);
        return r;
    }
    *ret = q;
    return 0;
}

void queue_close(struct task *t, struct queue *q)
{
    if (!q)
        return;
    q->closing = true;
    condition_broadcast(&q->sooner);
    condition_broadcast(&q->stopping);
    while (q->tasks) {
        CLEANUP(task_grace_end) struct task_grace grace = task_grace_begin(t, 60 * SECOND_US);
        int r = condition_wait(t, &q->ended);

        assert(r == 0);
    }
    queue_spool_close(t, q->spool);
    queue_free(q);
}
