#include "queue/queue.h"

#include "base/limits.h"
#include "base/log.h"
#include "queue/inside.h"

#include <stdlib.h>

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

void queue_drop_body(struct queue *q, struct queue_message *m)
{
    if (m->body &&
        (!is_under_way(m) || (!m->jobs && q->memory_bytes > q->options.memory_max_bytes)))
        set_body(q, m, NULL);
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

/* --- the spool's client --- */

static void publish(struct queue *q, const struct queue_append *append)
{
    struct slice rest = slice_of(append->bytes, append->size);

    while (rest.size) {
        struct queue_record record = queue_record_take(&rest);

        queue_outbox_add(&q->outbox, &record, append);
    }
}

static void free_finished(struct queue *q, struct queue_append *append)
{
    LIST_FOREACH_SAFE (link, &append->finished) {
        struct queue_message *m = LIST_ENTRY(link, struct queue_message, link);

        list_remove(&m->link);
        queue_spool_forget(q->spool, &m->place);
        queue_message_free(m);
    }
}

static void tell_waiter(struct queue_body *body, int result)
{
    if (!body->waiter)
        return;
    body->waiter->done = true;
    body->waiter->result = result;
    condition_signal(&body->waiter->ended);
    body->waiter = NULL;
}

/* The client gave up waiting while the message was being written: it was told no 250, and will come
 * again. */
static void cancel_unclaimed(struct queue *q, struct queue_message *m)
{
    for (uint32_t i = 0, count = m->recipient_count; i < count; i++) {
        struct queue_event event = queue_event_of(q, QUEUE_EVENT_CANCELLED, m, i);

        event.reason = QUEUE_REASON_UNCLAIMED;
        event.text = SLICE("the client was gone before the message was accepted");
        if (queue_end(q, m, i, &event))
            return;
    }
}

static void message_committed(struct queue *q, struct queue_body *body, int result)
{
    struct queue_message *m = body->message;
    struct queue_append *append = &body->append;

    if (result < 0) {
        tell_waiter(body, result);
        m->body = NULL;
        queue_body_free(body);
        queue_message_free(m);
        return;
    }
    queue_place_set(&m->place, append->segment, append->offset,
                    (uint32_t)(append->size - QUEUE_RECORD_HEAD_BYTES),
                    (uint32_t)append->content.size);
    q->memory_bytes += queue_body_bytes(body);
    q->counts.accepted += m->recipient_count;
    tell_waiter(body, 0);
    if (body->abandoned)
        q->schedule.silent = true;
    queue_admit(q, m);
    if (body->abandoned) {
        q->schedule.silent = false;
        cancel_unclaimed(q, m);
        return;
    }
    queue_drop_body(q, m);
}

static void committed(void *context, struct queue_append *append, int result)
{
    struct queue *q = context;

    if (result == 0)
        publish(q, append);
    if (append->fresh) {
        message_committed(q, CONTAINER_OF(append, struct queue_body, append), result);
        return;
    }
    free_finished(q, append);
    queue_append_free(append);
}

/* The message that a MESSAGE record is about; NULL if it is not in the queue any more. */
static struct queue_message *message_of(const struct queue *q, struct slice body, bool copy,
                                        struct queue_envelope *ret_envelope)
{
    struct slice progress;
    uint8_t crashes;

    if (queue_envelope_read(body, copy, ret_envelope, &crashes, &progress) < 0)
        return NULL;
    return queue_message_find(&q->messages, &ret_envelope->id);
}

static void moved(void *context, const struct queue_append *append)
{
    struct slice rest = slice_of(append->bytes, append->size);
    struct queue_record record = queue_record_take(&rest);
    struct queue_envelope envelope;
    struct queue_message *m = message_of(context, record.body, true, &envelope);

    if (!m)
        return;
    queue_place_set(&m->place, append->segment, append->offset, (uint32_t)record.body.size,
                    record.content_size);
    m->place.copied = true;
}

static struct queue_progress progress_of(const struct queue *q,
                                         const struct queue_recipient_entry *r)
{
    struct queue_progress progress = {
        .ambiguous = queue_recipient_is(r, RECIPIENT_AMBIGUOUS),
        .reply_code = r->reply_code,
        .attempts = r->attempts,
        .due_us = queue_stamp(q, r->due_us),
    };

    if (queue_recipient_is(r, RECIPIENT_HELD))
        progress.state = QUEUE_PROGRESS_HELD;
    if (queue_recipient_is(r, RECIPIENT_FINISHED))
        progress.state = QUEUE_PROGRESS_FINISHED;
    return progress;
}

/* The record that stands at `place` may itself be a copy; what is fixed of it is the same in
 * both. */
static bool copy(void *context, const struct queue_place *place, struct slice body,
                 struct buffer *ret_record)
{
    CLEANUP(buffer_done) struct buffer copied = BUFFER_NONE;
    const struct queue *q = context;
    struct queue_envelope envelope;
    struct queue_record record = {.type = QUEUE_RECORD_MESSAGE, .flags = QUEUE_RECORD_COPY};
    struct queue_message *m = message_of(q, body, place->copied, &envelope);

    if (!m || m->place.segment != place->segment || m->place.offset != place->offset)
        return false;
    queue_envelope_write_copy(&copied, envelope.fixed, m->crashes);
    for (uint32_t i = 0; i < m->recipient_count; i++) {
        struct queue_progress progress = progress_of(q, &m->recipients[i]);

        queue_progress_write(&copied, &progress);
    }
    record.sequence = queue_spool_number(q->spool, 0);
    record.body = buffer_slice(&copied);
    record.content_size = place->content_size;
    queue_record_write(ret_record, &record);
    return true;
}

static void damaged(void *context, struct queue_place *place)
{
    queue_bounce_damaged(context, CONTAINER_OF(place, struct queue_message, place));
}

static void paused(void *context, struct buffer *ids)
{
    const struct queue *q = context;

    LIST_FOREACH (link, &q->schedule.sites_all) {
        const struct queue_site *site = LIST_ENTRY(link, struct queue_site, link);

        if (site->paused)
            buffer_add_u64(ids, site->id);
    }
}

static void recovered(void *context)
{
    struct queue *q = context;

    queue_schedule_announce(&q->schedule);
}

/* --- accepting --- */

bool queue_accepting(const struct queue *q, const char **ret_why)
{
    return queue_spool_room(q->spool, ret_why) == 0;
}

int queue_room(const struct queue *q)
{
    const char *why;

    return queue_spool_room(q->spool, &why);
}

static void encode_recipients(const struct queue_submission *submission, struct buffer *b)
{
    for (size_t i = 0; i < submission->recipient_count; i++) {
        const struct queue_recipient *r = &submission->recipients[i];
        struct queue_envelope_recipient recipient = {r->address, r->domain, r->orcpt, r->notify};

        queue_envelope_recipient_write(b, &recipient);
    }
}

static struct queue_envelope
describe(const struct queue *q, const struct queue_submission *submission, struct slice recipients)
{
    struct queue_envelope envelope = {
        .id = submission->id,
        .site_id = submission->site_id,
        .credential_id = submission->credential_id,
        .accepted_us = queue_wall_us(q),
        .from_domain = submission->from_domain,
        .header_from = submission->header_from,
        .envelope_from = submission->envelope_from,
        .subject = slice_part(submission->subject, 0, QUEUE_SUBJECT_BYTES),
        .envid = submission->envid,
        .ret = submission->ret,
        .eight_bit = submission->eight_bit,
        .smtputf8 = submission->smtputf8,
        .header_size = submission->header_size,
        .content_size = (uint32_t)submission->content.size,
        .recipient_count = (uint32_t)submission->recipient_count,
        .recipients = recipients,
    };

    envelope.expires_us = envelope.accepted_us + (int64_t)(q->options.lifetime_s * SECOND_US);
    memcpy(envelope.body_hash, submission->body_hash, sizeof(envelope.body_hash));
    return envelope;
}

/* The message and its record, ready to be appended. Takes the content. */
static struct queue_body *prepare(struct queue *q, struct queue_submission *submission)
{
    CLEANUP(buffer_done) struct buffer recipients = BUFFER_NONE, encoded = BUFFER_NONE;
    struct queue_body *body = base_allocate(sizeof(*body));
    struct queue_record record = {.type = QUEUE_RECORD_MESSAGE};
    struct queue_envelope envelope;

    assert(submission->recipient_count > 0 && submission->recipient_count <= LIMIT_RECIPIENTS);
    encode_recipients(submission, &recipients);
    envelope = describe(q, submission, buffer_slice(&recipients));
    queue_envelope_write(&encoded, &envelope);
    body->message = queue_message_new(&envelope);
    body->message->body = body;
    body->message->progress_us = queue_now_us(q);
    body->message->deadline_us = queue_now_us(q) + q->options.lifetime_s * SECOND_US;
    body->content = submission->content;
    submission->content = BUFFER_NONE;

    record.event_count = queue_envelope_events(&envelope, 0, NULL);
    record.sequence = queue_spool_number(q->spool, record.event_count);
    record.body = buffer_slice(&encoded);
    record.content_size = (uint32_t)body->content.size;
    queue_record_write(&body->record, &record);
    body->append = (struct queue_append){
        .fresh = true,
        .bytes = body->record.data,
        .size = body->record.size,
        .content = buffer_slice(&body->content),
    };
    return body;
}

/* The task cannot wait any more. What the disk has not begun is taken back; the rest is cancelled
 * when it is there. */
static void abandon(struct queue *q, struct queue_body *body)
{
    struct queue_message *m = body->message;

    body->waiter = NULL;
    if (!queue_spool_withdraw(q->spool, &body->append)) {
        body->abandoned = true;
        return;
    }
    m->body = NULL;
    queue_body_free(body);
    queue_message_free(m);
}

int queue_accept(struct task *t, struct queue *q, struct queue_submission *submission)
{
    struct accept_wait wait = {0};
    struct queue_body *body;
    const char *why;
    int r = queue_spool_room(q->spool, &why);

    if (r < 0) {
        buffer_done(&submission->content);
        return r;
    }
    body = prepare(q, submission);
    body->waiter = &wait;
    queue_spool_append(q->spool, &body->append);
    while (r == 0 && !wait.done)
        r = condition_wait(t, &wait.ended);
    if (wait.done)
        return wait.result;
    abandon(q, body);
    return r;
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
        r = q->wake_us == UINT64_MAX ? condition_wait(t, &q->sooner)
                                     : condition_wait_for(t, &q->sooner, q->wake_us - now_us);
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
    list_init(&q->walks);
    list_init(&q->suspects_waiting);
    queue_schedule_init(&q->schedule);
    q->schedule.destination = options->destination;
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
        .client =
            {
                .context = q,
                .restore = queue_replay,
                .committed = committed,
                .moved = moved,
                .damaged = damaged,
                .copy = copy,
                .paused = paused,
                .recovered = recovered,
            },
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
