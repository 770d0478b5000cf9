/* Jobs that come back: outcomes become events, and what is deferred gets its next time. */
#include "queue/job_inside.h"

static uint64_t random_below(struct queue *q, uint64_t limit)
{
    uint64_t number;

    world_random(q->world, &number, sizeof(number));
    return limit ? number % limit : 0;
}

/* The configured delay, a quarter more or less, so that what failed together does not come back
 * together. */
static uint64_t retry_delay_us(struct queue *q, uint32_t attempts)
{
    size_t last = q->options.retry_delay_count - 1, which = attempts > last ? last : attempts - 1;
    uint64_t delay_us = q->retry_delays_s[which] * SECOND_US;

    return delay_us - delay_us / 4 + random_below(q, delay_us / 2 + 1);
}

static struct queue_event event_of_outcome(const struct queue *q, const struct queue_message *m,
                                           uint32_t recipient, const struct queue_outcome *outcome)
{
    static const enum queue_event_type types[] = {
        [QUEUE_DELIVERED] = QUEUE_EVENT_DELIVERED,
        [QUEUE_DEFERRED] = QUEUE_EVENT_DEFERRED,
        [QUEUE_BOUNCED] = QUEUE_EVENT_BOUNCED,
        [QUEUE_SUPPRESSED] = QUEUE_EVENT_SUPPRESSED,
    };
    struct queue_event event = queue_event_of(q, types[outcome->result], m, recipient);

    event.ambiguous = outcome->ambiguous;
    event.reply_code = outcome->reply_code;
    memcpy(event.enhanced, outcome->enhanced, sizeof(event.enhanced));
    event.text = slice_part(outcome->text, 0, QUEUE_TEXT_BYTES);
    event.remote = slice_part(outcome->remote, 0, QUEUE_TEXT_BYTES);
    event.tls = slice_part(outcome->tls, 0, QUEUE_TEXT_BYTES);
    event.signed_by = slice_part(outcome->signed_by, 0, QUEUE_TEXT_BYTES);
    event.tls_sessions = outcome->tls_sessions;
    event.reason = outcome->simulated ? QUEUE_REASON_SIMULATED : QUEUE_REASON_NONE;
    return event;
}

/* Takes the outcome into the recipient's entry. Returns its event. */
static struct queue_event record_outcome(struct queue *q, struct queue_message *m,
                                         uint32_t recipient, const struct queue_outcome *outcome)
{
    struct queue_recipient_entry *r = &m->recipients[recipient];
    struct queue_event event;

    r->flags &= (uint8_t) ~(RECIPIENT_BUSY | RECIPIENT_AMBIGUOUS);
    if (r->attempts < UINT16_MAX && !outcome->withheld)
        r->attempts++;
    r->reply_code = outcome->reply_code;
    if (outcome->ambiguous) {
        r->flags |= RECIPIENT_AMBIGUOUS;
        q->counts.ambiguous++;
    }
    event = event_of_outcome(q, m, recipient, outcome);
    if (outcome->withheld) {
        assert(outcome->result == QUEUE_DEFERRED);
        queue_withhold(q, m, r);
    } else if (outcome->result == QUEUE_DEFERRED) {
        r->due_us = queue_now_us(q) + retry_delay_us(q, r->attempts);
        event.due_us = queue_stamp(q, r->due_us);
        q->counts.deferred++;
    }
    return event;
}

static size_t count_followers(const struct queue_outcome *outcomes, size_t count)
{
    size_t followers = 0;

    for (size_t i = 0; i < count; i++)
        followers += outcomes[i].then != 0;
    return followers;
}

static struct queue_event follower_of(const struct queue *q, const struct queue_message *m,
                                      uint32_t recipient, const struct queue_outcome *outcome)
{
    struct queue_event event = queue_event_of(q, outcome->then, m, recipient);

    event.reply_code = 0;
    event.reason = outcome->simulated ? QUEUE_REASON_SIMULATED : QUEUE_REASON_NONE;
    event.text = slice_part(outcome->then_text, 0, QUEUE_TEXT_BYTES);
    return event;
}

/* All outcomes as one record, and behind them what follows. Notes the types of their events. */
static struct queue_append *post_outcomes(struct queue *q, struct job *j,
                                          const struct queue_outcome *outcomes,
                                          enum queue_event_type *ret_types)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    size_t count = j->job.recipient_count, all = count + count_followers(outcomes, count);
    uint64_t sequence = queue_spool_number(q->spool, (uint32_t)all), next = sequence + count;

    for (size_t i = 0; i < count; i++) {
        struct queue_event event =
            record_outcome(q, j->message, j->job.recipients[i].index, &outcomes[i]);

        event.sequence = sequence + i;
        queue_event_write(&body, &event);
        ret_types[i] = event.type;
    }
    for (size_t i = 0; i < count; i++)
        if (outcomes[i].then) {
            struct queue_event event =
                follower_of(q, j->message, j->job.recipients[i].index, &outcomes[i]);

            event.sequence = next++;
            queue_event_write(&body, &event);
        }
    return queue_post_written(q, sequence, all, buffer_slice(&body));
}

/* Ends what has its final event in `append`. True if the message is gone. */
static bool finish_all(struct queue *q, struct job *j, const enum queue_event_type *types,
                       struct queue_append *append)
{
    bool gone = false;

    for (size_t i = 0; i < j->job.recipient_count; i++)
        if (queue_event_is_final(types[i]))
            gone = queue_finish(q, j->message, j->job.recipients[i].index, types[i], append);
    return gone;
}

/* The operator's wish from while it was being delivered. True if the message is gone. */
static bool cancel_marked(struct queue *q, struct job *j)
{
    struct queue_message *m = j->message;

    for (size_t i = 0; i < j->job.recipient_count; i++) {
        uint32_t recipient = j->job.recipients[i].index;
        struct queue_event event = queue_event_of(q, QUEUE_EVENT_CANCELLED, m, recipient);

        if (!queue_recipient_is(&m->recipients[recipient], RECIPIENT_CANCEL) ||
            queue_recipient_is(&m->recipients[recipient], RECIPIENT_FINISHED))
            continue;
        event.reason = QUEUE_REASON_OPERATOR;
        event.text = SLICE("cancelled while it was being delivered");
        if (queue_end(q, m, recipient, &event))
            return true;
    }
    return false;
}

void queue_settle(struct queue *q, struct queue_job *job, const struct queue_outcome *outcomes)
{
    enum queue_event_type types[QUEUE_JOB_RECIPIENTS_MAX];
    struct job *j = CONTAINER_OF(job, struct job, job);
    struct queue_message *m = j->message;
    struct queue_append *append = post_outcomes(q, j, outcomes, types);

    m->progress_us = queue_now_us(q);
    queue_schedule_release(&q->schedule, j->group, queue_now_us(q));
    if (!finish_all(q, j, types, append) && !cancel_marked(q, j)) {
        queue_schedule_update(&q->schedule, j->group, queue_now_us(q));
        queue_drop_body(q, m);
    }
    queue_rescheduled(q);
    queue_job_free(q, j);
}

void queue_return(struct queue *q, struct queue_job *job)
{
    struct job *j = CONTAINER_OF(job, struct job, job);
    struct queue_message *m = j->message;

    queue_job_note(q, j, QUEUE_RECORD_RETURN);
    queue_job_give_back(q, j);
    if (!cancel_marked(q, j))
        queue_drop_body(q, m);
    queue_job_free(q, j);
}

void queue_keep_signature(struct queue *q, const struct message_id *id,
                          struct slice signature_field)
{
    struct queue_message *m = queue_message_find(&q->messages, id);

    if (!m || !m->body ||
        m->body->signature.size) /* another job may be using the one that is there */
        return;
    q->memory_bytes -= queue_body_bytes(m->body);
    buffer_add(&m->body->signature, signature_field);
    q->memory_bytes += queue_body_bytes(m->body);
}
