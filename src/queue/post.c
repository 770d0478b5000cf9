/* Events into the log: they become true with the record that holds them. */
#include "base/log.h"
#include "queue/inside.h"

struct queue_event queue_event_of(const struct queue *q, enum queue_event_type type,
                                  const struct queue_message *m, uint32_t recipient)
{
    struct queue_event event = {
        .time_us = queue_wall_us(q),
        .type = type,
        .id = m->id,
        .site_id = m->site_id,
        .recipient = recipient,
    };

    if (recipient != QUEUE_EVENT_ALL_RECIPIENTS) {
        event.attempts = m->recipients[recipient].attempts;
        event.reply_code = m->recipients[recipient].reply_code;
    }
    return event;
}

struct queue_append *queue_post_written(struct queue *q, uint64_t sequence, size_t count,
                                        struct slice body)
{
    struct queue_record record = {
        .type = QUEUE_RECORD_EVENTS,
        .event_count = (uint16_t)count,
        .sequence = sequence,
        .body = body,
    };

    return queue_spool_post(q->spool, &record);
}

struct queue_append *queue_post_event(struct queue *q, struct queue_event *event)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    event->sequence = queue_spool_number(q->spool, 1);
    queue_event_write(&body, event);
    return queue_post_written(q, event->sequence, 1, buffer_slice(&body));
}

bool queue_end(struct queue *q, struct queue_message *m, uint32_t recipient,
               struct queue_event *event)
{
    struct queue_append *append = queue_post_event(q, event);

    return queue_finish(q, m, recipient, event->type, append);
}

bool queue_suppresses(const struct queue *q, uint64_t site_id, struct slice address)
{
    return q->options.suppressed && q->options.suppressed(q->options.context, site_id, address);
}

void queue_bounce_damaged(struct queue *q, struct queue_message *m)
{
    char id[MESSAGE_ID_LENGTH + 1];

    message_id_format(&m->id, id);
    log_error(
        "message %s cannot be read back from the spool: its bytes on disk are damaged; it has failed",
        id);
    for (uint32_t i = 0, count = m->recipient_count; i < count; i++) {
        struct queue_event event = queue_event_of(q, QUEUE_EVENT_BOUNCED, m, i);

        if (queue_recipient_is(&m->recipients[i], RECIPIENT_BUSY | RECIPIENT_FINISHED))
            continue;
        event.reason = QUEUE_REASON_DAMAGED;
        event.text = SLICE("the message was damaged on our disk and cannot be sent");
        if (queue_end(q, m, i, &event))
            return;
    }
}
