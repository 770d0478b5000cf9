/* Jobs: a group of recipients goes out to deliver, and comes back with outcomes that become
 * events. */
#include "base/log.h"
#include "queue/job_inside.h"

#include <stdlib.h>

static const uint64_t READ_RETRY_US =
    300 * SECOND_US; /* when the disk does not give a message back */
/* While another suspect is being delivered; its end comes sooner as a rule. */
static const uint64_t SUSPECT_WAIT_US = 2 * SECOND_US;
/* One crash, or a power cut, finds many messages under way and says nothing about any of them.
 * Those that a second one finds are few. */
enum { SUSPECT_CRASHES = 2 };

/* Marks the group's recipients that are due as busy and notes them in the job, as far as it has
 * room. */
static void choose_recipients(struct queue *q, struct job *j)
{
    struct queue_message *m = j->message;
    uint64_t now_us = queue_now_us(q);
    size_t max = queue_schedule_job_max(&q->schedule, j->group);

    for (uint32_t i = j->group->first; i != RECIPIENT_NONE; i = m->recipients[i].next) {
        struct queue_recipient_entry *r = &m->recipients[i];

        if (j->job.recipient_count == max)
            return;
        if (r->due_us > now_us || queue_recipient_is(r, RECIPIENT_NOT_NOW))
            continue;
        r->flags |= RECIPIENT_BUSY;
        j->job.recipients[j->job.recipient_count++] = (struct queue_job_recipient){
            .index = i,
            .attempts = r->attempts,
            .ambiguous_before = queue_recipient_is(r, RECIPIENT_AMBIGUOUS),
        };
    }
}

void queue_job_give_back(struct queue *q, struct job *j)
{
    for (size_t i = 0; i < j->job.recipient_count; i++)
        j->message->recipients[j->job.recipients[i].index].flags &= (uint8_t)~RECIPIENT_BUSY;
    queue_schedule_release(&q->schedule, j->group, queue_now_us(q));
    queue_rescheduled(q);
}

/* Reads the message back from disk unless it is in memory. */
static int need_body(struct task *t, struct queue *q, struct queue_message *m)
{
    struct queue_body *body;
    int r;

    if (m->body)
        return 0;
    body = base_allocate(sizeof(*body));
    r = queue_spool_read(t, q->spool, &m->place, &body->record, &body->content);
    if (r < 0 || m->body) { /* another job of this message was faster */
        queue_body_free(body);
        return m->body ? 0 : r;
    }
    body->message = m;
    queue_keep_body(q, m, body);
    return 0;
}

/* The addresses of the chosen recipients, whose indexes rise. */
static void fill_recipients(struct queue_job *job, struct slice recipients)
{
    struct queue_envelope_recipient recipient;
    size_t next = 0;

    for (uint32_t i = 0;
         next < job->recipient_count && queue_envelope_recipient(&recipients, &recipient); i++) {
        if (i != job->recipients[next].index)
            continue;
        job->recipients[next].address = recipient.address;
        job->recipients[next].domain = recipient.domain;
        job->recipients[next].orcpt = recipient.orcpt;
        job->recipients[next].notify = recipient.notify;
        next++;
    }
    assert(next == job->recipient_count);
}

static int fill(struct job *j)
{
    const struct queue_message *m = j->message;
    const struct queue_body *body = m->body;
    struct slice record = buffer_slice(&body->record);
    struct queue_record head = queue_record_take(&record);
    struct queue_envelope envelope;
    struct slice progress;
    uint8_t crashes;
    int r = queue_envelope_read(head.body, (head.flags & QUEUE_RECORD_COPY) != 0, &envelope,
                                &crashes, &progress);

    if (r < 0 || message_id_compare(&envelope.id, &m->id) != 0)
        return -EBADMSG;
    j->job.id = m->id;
    j->job.site_id = m->site_id;
    j->job.destination = queue_destination_key(j->group->lane->destination);
    j->job.from_domain = envelope.from_domain;
    j->job.envelope_from = envelope.envelope_from;
    j->job.envid = envelope.envid;
    j->job.ret = envelope.ret;
    j->job.eight_bit = envelope.eight_bit;
    j->job.smtputf8 = envelope.smtputf8;
    j->job.bulk = m->bulk;
    j->job.tls_required = envelope.tls_required;
    j->job.tls_relaxed = envelope.tls_relaxed;
    memcpy(j->job.body_hash, envelope.body_hash, sizeof(j->job.body_hash));
    j->job.header_size = envelope.header_size;
    j->job.accepted_us = m->accepted_us;
    j->job.expires_us = m->expires_us;
    j->job.content = buffer_slice(&body->content);
    j->job.signature = buffer_slice(&body->signature);
    fill_recipients(&j->job, envelope.recipients);
    return 0;
}

uint64_t queue_job_note(struct queue *q, const struct job *j, enum queue_record_type type)
{
    CLEANUP(buffer_done) struct buffer recipients = BUFFER_NONE, body = BUFFER_NONE;
    struct queue_attempt attempt = {.id = j->message->id};
    struct queue_record record = {.type = type, .sequence = queue_spool_number(q->spool, 0)};

    for (size_t i = 0; i < j->job.recipient_count; i++)
        buffer_add_u32(&recipients, j->job.recipients[i].index);
    attempt.recipients = buffer_slice(&recipients);
    queue_attempt_write(&body, &attempt);
    record.body = buffer_slice(&body);
    return queue_spool_post(q->spool, &record)->ticket;
}

/* The note that it begins is written while the message is signed. Poison: a message that was there
 * when the gateway crashed may be the reason. Its note is on disk before anything is done with it,
 * and those that were under way at two crashes go one at a time, so that the third (replay.c)
 * points at one message and not at its neighbours. */
static int beware(struct task *t, struct queue *q, struct job *j)
{
    int r = 0;

    j->ticket = queue_job_note(q, j, QUEUE_RECORD_ATTEMPT);
    queue_spool_hurry(q->spool, j->ticket);
    if (j->message->survivor)
        r = queue_spool_await(t, q->spool, j->ticket);
    if (r < 0)
        queue_job_note(q, j, QUEUE_RECORD_RETURN);
    return r;
}

int queue_attempt(struct task *t, struct queue *q, struct queue_job *job)
{
    return queue_spool_await(t, q->spool, CONTAINER_OF(job, struct job, job)->ticket);
}

static bool is_suspect(const struct queue_message *m)
{
    return m->crashes >= SUSPECT_CRASHES;
}

static void postpone(struct queue *q, struct job *j, uint64_t delay_us)
{
    for (size_t i = 0; i < j->job.recipient_count; i++)
        j->message->recipients[j->job.recipients[i].index].due_us = queue_now_us(q) + delay_us;
    queue_job_give_back(q, j);
}

static void await_turn(struct queue *q, struct job *j)
{
    if (!list_linked(&j->message->turn))
        list_add_last(&q->suspects_waiting, &j->message->turn);
    postpone(q, j, SUSPECT_WAIT_US);
}

/* Makes what waits for its turn due at once. False: nothing does any more. */
static bool hurry(struct queue *q, struct queue_message *m)
{
    uint64_t now_us = queue_now_us(q);
    bool found = false;

    for (uint32_t i = 0; i < m->recipient_count; i++) {
        struct queue_recipient_entry *r = &m->recipients[i];

        if (r->due_us > now_us + SUSPECT_WAIT_US || queue_recipient_is(r, RECIPIENT_NOT_NOW))
            continue;
        r->due_us = now_us;
        found = true;
    }
    queue_schedule_update_all(&q->schedule, m, now_us);
    return found;
}

/* A suspect's job has ended: the next one need not wait any longer. */
static void call_next_suspect(struct queue *q)
{
    while (!list_empty(&q->suspects_waiting)) {
        struct queue_message *m = LIST_FIRST(&q->suspects_waiting, struct queue_message, turn);

        list_remove(&m->turn);
        if (hurry(q, m))
            return;
    }
}

static bool has_suppressed(const struct queue *q, const struct job *j)
{
    for (size_t i = 0; i < j->job.recipient_count; i++)
        if (queue_suppresses(q, j->job.site_id, j->job.recipients[i].address))
            return true;
    return false;
}

/* Those that have been suppressed since they were accepted, or since the last try, end. The job is
 * given back: the next one has the others. */
static void end_suppressed(struct queue *q, struct job *j)
{
    struct queue_message *m = j->message;

    queue_job_give_back(q, j);
    for (size_t i = 0; i < j->job.recipient_count; i++) {
        uint32_t recipient = j->job.recipients[i].index;
        struct queue_event event = queue_event_of(q, QUEUE_EVENT_SUPPRESSED, m, recipient);

        if (!queue_suppresses(q, m->site_id, j->job.recipients[i].address))
            continue;
        event.reply_code = 0;
        event.text = SLICE(QUEUE_SUPPRESSED_TEXT);
        if (queue_end(q, m, recipient, &event))
            return;
    }
    queue_schedule_update(&q->schedule, j->group, queue_now_us(q));
    queue_drop_body(q, m);
    queue_rescheduled(q);
}

/* What cannot be read comes later; what is damaged fails. */
static void put_off(struct queue *q, struct job *j, int error)
{
    struct queue_message *m = j->message;

    postpone(q, j, READ_RETRY_US);
    if (error == -EBADMSG) {
        m->place.segment->damaged = true;
        queue_bounce_damaged(q, m);
        return;
    }
    log_error("a message cannot be read back from the spool: %s; it is tried again later",
              strerror(-error));
}

/* The next job of the pool, with its recipients; NULL: there is none. */
static struct job *next_job(struct queue *q, struct slice pool, struct slice prefer)
{
    struct queue_group *g;

    while ((g = queue_schedule_take(&q->schedule, pool, prefer, queue_now_us(q)))) {
        struct job *j = base_allocate(sizeof(*j));

        j->group = g;
        j->message = g->message;
        choose_recipients(q, j);
        if (!is_suspect(j->message))
            return j;
        if (!q->suspect_busy) {
            q->suspect_busy = true;
            return j;
        }
        await_turn(q, j);
        free(j);
    }
    return NULL;
}

void queue_job_free(struct queue *q, struct job *j)
{
    if (is_suspect(j->message)) {
        q->suspect_busy = false;
        call_next_suspect(q);
    }
    free(j);
}

/* 0; -EAGAIN: this one was put off, take another; otherwise why the task has to stop. */
static int start_job(struct task *t, struct queue *q, struct job *j)
{
    int r = need_body(t, q, j->message);

    if (r == 0)
        r = fill(j);
    if (r == 0 && has_suppressed(q, j)) {
        end_suppressed(q, j);
        return -EAGAIN;
    }
    if (r == 0)
        r = beware(t, q, j);
    if (r == 0)
        return 0;
    if (task_check(t) < 0 || queue_spool_is_stuck(q->spool)) {
        queue_job_give_back(q, j);
        return task_check(t) < 0 ? r : -EAGAIN;
    }
    put_off(q, j, r);
    return -EAGAIN;
}

int queue_take(struct task *t, struct queue *q, struct slice pool, struct slice prefer,
               struct queue_job **ret)
{
    struct job *j;
    int r = 0;

    *ret = NULL;
    while (!queue_spool_is_stuck(q->spool) && !q->closing && (j = next_job(q, pool, prefer))) {
        r = start_job(t, q, j);
        if (r == 0) {
            *ret = &j->job;
            return 0;
        }
        queue_job_free(q, j);
        if (r != -EAGAIN)
            return r;
    }
    return 0;
}

size_t queue_transactional(const struct queue *q, struct slice pool)
{
    return queue_schedule_transactional(&q->schedule, pool);
}

size_t queue_bulk(const struct queue *q, struct slice pool)
{
    return queue_schedule_bulk(&q->schedule, pool);
}

void queue_park(struct queue *q, uint64_t site_id)
{
    queue_schedule_park(&q->schedule, site_id);
}

void queue_unpark_all(struct queue *q)
{
    queue_schedule_unpark_all(&q->schedule);
}

void queue_pool_move(struct queue *q, struct slice destination, struct slice pool)
{
    queue_schedule_move(&q->schedule, destination, pool);
}
