/* What the spool tells the queue: this is durable, that has moved, this is damaged. */
#include "queue/inside.h"

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

static void committed(void *context, struct queue_append *append, int result)
{
    struct queue *q = context;

    if (result == 0)
        publish(q, append);
    if (append->fresh) {
        queue_accepted(q, CONTAINER_OF(append, struct queue_body, append), result);
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
        .under_way = queue_recipient_is(r, RECIPIENT_BUSY),
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

struct queue_spool_client queue_spool_client(struct queue *q)
{
    return (struct queue_spool_client){
        .context = q,
        .restore = queue_replay,
        .committed = committed,
        .moved = moved,
        .damaged = damaged,
        .copy = copy,
        .paused = paused,
        .recovered = recovered,
    };
}
