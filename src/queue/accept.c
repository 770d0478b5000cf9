/* Accepting: a message becomes a record, and one of the queue's when the record is durable. */
#include "base/limits.h"
#include "queue/inside.h"

/* Who waits for a message to become durable; lies on its stack. */
struct accept_wait {
    struct condition ended;
    bool done;
    int result;
};

bool queue_accepting(const struct queue *q, const char **ret_why)
{
    return queue_spool_room(q->spool, ret_why) == 0;
}

int queue_room(const struct queue *q)
{
    const char *why;

    return queue_spool_room(q->spool, &why);
}

static void encode_recipients(const struct queue *q, const struct queue_submission *submission,
                              struct buffer *b)
{
    for (size_t i = 0; i < submission->recipient_count; i++) {
        const struct queue_recipient *r = &submission->recipients[i];
        struct queue_envelope_recipient recipient = {
            .address = r->address,
            .domain = r->domain,
            .orcpt = r->orcpt,
            .notify = r->notify,
            .suppressed = queue_suppresses(q, submission->site_id, r->address),
        };

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
        .bulk = submission->bulk,
        .tls_required = submission->tls_required,
        .tls_relaxed = submission->tls_relaxed,
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
    encode_recipients(q, submission, &recipients);
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

static void forget(struct queue *q, struct queue_body *body)
{
    struct queue_message *m = body->message;

    queue_spool_forget(q->spool, &m->place);
    m->body = NULL;
    queue_body_free(body);
    queue_message_free(m);
}

void queue_accepted(struct queue *q, struct queue_body *body, int result)
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
    q->counts.accepted += m->recipient_count;
    tell_waiter(body, 0);
    if (m->open == 0) { /* every recipient is suppressed: it has ended with its acceptance */
        forget(q, body);
        return;
    }
    q->memory_bytes += queue_body_bytes(body);
    list_add_last(&q->bodies, &body->link);
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
    if (queue_message_find(&q->messages, &submission->id)) { /* it was told 0, and did not hear */
        buffer_done(&submission->content);
        return 0;
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
