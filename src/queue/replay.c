/* What the log says at the start becomes messages again. Record after record on a helper thread, in
 * the order in which they were written; then, on the loop, what is left is scheduled. */
#include "base/log.h"
#include "queue/inside.h"

enum { YIELD_EVERY = 500 };

/* --- one record after the other --- */

static void forget(struct queue *q, struct queue_message *m)
{
    q->expecting -= m->expecting;
    table_remove(&q->messages, &m->item);
    list_remove(&m->link);
    queue_message_free(m);
}

static void begin_attempt(struct queue *q, struct queue_message *m, uint32_t recipient)
{
    m->recipients[recipient].flags |= RECIPIENT_BUSY;
    q->expecting += !m->expecting;
    m->expecting = true;
}

/* Until queue_replay_end, due_us is Unix time. */
static void apply_progress(struct queue *q, struct queue_message *m, struct slice progresses,
                           uint8_t crashes)
{
    struct queue_progress progress;

    m->crashes = crashes;
    m->open = 0;
    for (uint32_t i = 0; queue_progress_read(&progresses, &progress); i++) {
        struct queue_recipient_entry *r = &m->recipients[i];

        r->attempts = progress.attempts < UINT16_MAX ? (uint16_t)progress.attempts : UINT16_MAX;
        r->reply_code = progress.reply_code;
        r->due_us = (uint64_t)progress.due_us;
        r->flags = progress.ambiguous ? RECIPIENT_AMBIGUOUS : 0;
        if (progress.state == QUEUE_PROGRESS_HELD)
            r->flags |= RECIPIENT_HELD;
        if (progress.state == QUEUE_PROGRESS_FINISHED)
            r->flags |= RECIPIENT_FINISHED;
        if (progress.under_way)
            begin_attempt(q, m, i);
        m->open += progress.state != QUEUE_PROGRESS_FINISHED;
    }
}

static void note_stamp(struct queue *q, int64_t time_us)
{
    if (time_us > q->last_stamp_us)
        q->last_stamp_us = time_us;
}

/* A message that is known already has been moved, or written again. */
static void replay_message(struct queue *q, const struct queue_restored *restored)
{
    const struct queue_record *record = restored->record;
    bool copy = (record->flags & QUEUE_RECORD_COPY) != 0;
    struct queue_envelope envelope;
    struct queue_message *m;
    struct slice progress;
    uint8_t crashes;

    if (queue_envelope_read(record->body, copy, &envelope, &crashes, &progress) < 0) {
        log_error(
            "a message in the spool makes no sense although its checksum is right; it is passed over");
        restored->segment->damaged = true;
        return;
    }
    m = queue_message_find(&q->messages, &envelope.id);
    if (!m) {
        m = queue_message_new(&envelope);
        table_add(&q->messages, &m->item, queue_message_hash(&m->id));
        list_add_last(&q->order, &m->link);
        if (copy)
            apply_progress(q, m, progress, crashes);
    }
    queue_place_set(&m->place, restored->segment, restored->offset, restored->body_size,
                    record->content_size);
    m->place.copied = copy;
    note_stamp(q, envelope.accepted_us);
    if (!m->open)
        forget(q, m);
}

static void set_flag(struct queue_message *m, uint32_t recipient, uint8_t flag, bool on)
{
    for (uint32_t i = 0; i < m->recipient_count; i++) {
        if (i != recipient && recipient != QUEUE_EVENT_ALL_RECIPIENTS)
            continue;
        if (on)
            m->recipients[i].flags |= flag;
        else
            m->recipients[i].flags &= (uint8_t)~flag;
    }
}

/* The recipient's attempt has ended, one way or another. */
static void end_attempt(struct queue *q, struct queue_message *m, uint32_t recipient)
{
    m->recipients[recipient].flags &= (uint8_t)~RECIPIENT_BUSY;
    if (!m->expecting)
        return;
    for (uint32_t i = 0; i < m->recipient_count; i++)
        if (queue_recipient_is(&m->recipients[i], RECIPIENT_BUSY))
            return;
    m->expecting = false;
    q->expecting--;
}

static void replay_deferred(struct queue *q, struct queue_message *m,
                            const struct queue_event *event)
{
    struct queue_recipient_entry *r = &m->recipients[event->recipient];

    end_attempt(q, m, event->recipient);
    set_flag(m, event->recipient, RECIPIENT_INTERRUPTED, false);
    if (event->reason != QUEUE_REASON_INTERRUPTED)
        m->crashes = 0; /* only those in a row accuse it */
    r->attempts = event->attempts < UINT16_MAX ? (uint16_t)event->attempts : UINT16_MAX;
    r->reply_code = event->reply_code;
    r->due_us = (uint64_t)event->due_us;
    set_flag(m, event->recipient, RECIPIENT_AMBIGUOUS, event->ambiguous);
}

static void replay_final(struct queue *q, struct queue_message *m, uint32_t recipient)
{
    end_attempt(q, m, recipient);
    if (queue_recipient_is(&m->recipients[recipient], RECIPIENT_FINISHED))
        return;
    m->recipients[recipient].flags |= RECIPIENT_FINISHED;
    if (--m->open == 0)
        forget(q, m);
}

static void replay_event(struct queue *q, const struct queue_event *event)
{
    static const struct message_id none;
    struct queue_message *m = queue_message_find(&q->messages, &event->id);
    bool hold = event->type == QUEUE_EVENT_HELD;

    note_stamp(q, event->time_us);
    if (message_id_compare(&event->id, &none) == 0) {
        queue_schedule_pause(&q->schedule, event->site_id, hold);
        return;
    }
    if (!m ||
        (event->recipient >= m->recipient_count && event->recipient != QUEUE_EVENT_ALL_RECIPIENTS))
        return;
    if (event->type == QUEUE_EVENT_RELEASED)
        m->crashes = 0;
    if (hold || event->type == QUEUE_EVENT_RELEASED)
        set_flag(m, event->recipient, RECIPIENT_HELD, hold);
    else if (event->recipient == QUEUE_EVENT_ALL_RECIPIENTS)
        return;
    else if (event->type == QUEUE_EVENT_DEFERRED)
        replay_deferred(q, m, event);
    else if (queue_event_is_final(event->type))
        replay_final(q, m, event->recipient);
}

static void replay_events(struct queue *q, struct slice body)
{
    struct cursor c = cursor_of(body);
    struct queue_event event;

    while (c.rest.size) {
        if (queue_event_read(&c, &event) < 0) {
            log_error(
                "events in the spool make no sense although their checksum is right; they are passed "
                "over");
            return;
        }
        replay_event(q, &event);
    }
}

static void replay_attempt(struct queue *q, const struct queue_record *record)
{
    struct queue_attempt attempt;
    struct queue_message *m;
    struct cursor c;

    if (queue_attempt_read(record->body, &attempt) < 0)
        return;
    m = queue_message_find(&q->messages, &attempt.id);
    for (c = cursor_of(attempt.recipients); m && c.rest.size;) {
        uint32_t recipient = cursor_u32(&c);

        if (recipient >= m->recipient_count)
            continue;
        if (record->type == QUEUE_RECORD_RETURN) {
            end_attempt(q, m, recipient);
            continue;
        }
        begin_attempt(q, m, recipient);
    }
}

/* Whatever was under way when the process before ended without saying so: nobody knows how far it
 * came. */
static void replay_open(struct queue *q)
{
    if (!q->expecting)
        return;
    LIST_FOREACH (link, &q->order) {
        struct queue_message *m = LIST_ENTRY(link, struct queue_message, link);

        if (!m->expecting)
            continue;
        if (m->crashes < UINT8_MAX)
            m->crashes++;
        for (uint32_t i = 0; i < m->recipient_count; i++) {
            struct queue_recipient_entry *r = &m->recipients[i];

            if (!queue_recipient_is(r, RECIPIENT_BUSY))
                continue;
            r->attempts += r->attempts < UINT16_MAX;
            r->flags = (uint8_t)((r->flags & ~RECIPIENT_BUSY) | RECIPIENT_AMBIGUOUS |
                                 RECIPIENT_INTERRUPTED);
        }
        m->expecting = false;
    }
    q->expecting = 0;
}

static void replay_state(struct queue *q, struct slice body)
{
    struct queue_state state;
    struct cursor c;

    if (queue_state_read(body, &state) < 0)
        return;
    for (c = cursor_of(state.paused); c.rest.size;)
        queue_schedule_pause(&q->schedule, cursor_u64(&c), true);
}

void queue_replay(void *context, const struct queue_restored *restored)
{
    const struct queue_record *record = restored->record;
    struct queue *q = context;

    if (record->type == QUEUE_RECORD_MESSAGE)
        replay_message(q, restored);
    if (record->type == QUEUE_RECORD_EVENTS)
        replay_events(q, record->body);
    if (record->type == QUEUE_RECORD_ATTEMPT || record->type == QUEUE_RECORD_RETURN)
        replay_attempt(q, record);
    if (record->type == QUEUE_RECORD_OPEN)
        replay_open(q);
    if (record->type == QUEUE_RECORD_STATE)
        replay_state(q, record->body);
}

/* --- then, on the loop --- */

/* The date may have jumped while we were away. It is never earlier than what was written last, and
 * no wait is longer than the longest that could have been given. */
struct clocks {
    uint64_t now_us;
    int64_t wall_us;
    uint64_t delay_max_us;
};

static uint64_t monotonic(const struct clocks *clocks, int64_t wall_us, uint64_t max_us)
{
    int64_t left_us = wall_us - clocks->wall_us;

    if (left_us <= 0)
        return clocks->now_us;
    return clocks->now_us + ((uint64_t)left_us < max_us ? (uint64_t)left_us : max_us);
}

static struct clocks read_clocks(const struct queue *q)
{
    struct clocks clocks = {queue_now_us(q), queue_wall_us(q), 0};

    if (clocks.wall_us < q->last_stamp_us) {
        log_warning(
            "the clock is earlier than the last entry in the spool; that entry's time is taken instead");
        clocks.wall_us = q->last_stamp_us;
    }
    for (size_t i = 0; i < q->options.retry_delay_count; i++)
        if (q->retry_delays_s[i] * SECOND_US > clocks.delay_max_us)
            clocks.delay_max_us = q->retry_delays_s[i] * SECOND_US;
    return clocks;
}

static bool is_held(const struct queue_message *m)
{
    for (uint32_t i = 0; i < m->recipient_count; i++)
        if (!queue_recipient_is(&m->recipients[i], RECIPIENT_HELD | RECIPIENT_FINISHED))
            return false;
    return true;
}

/* Three crashes with the message under way are no accident. */
static void quarantine(struct queue *q, struct queue_message *m)
{
    struct queue_event event = queue_event_of(q, QUEUE_EVENT_HELD, m, QUEUE_EVENT_ALL_RECIPIENTS);
    char id[MESSAGE_ID_LENGTH + 1];

    message_id_format(&m->id, id);
    log_error(
        "message %s was being delivered at each of the last %d crashes; it is held. Look at it, then "
        "release or cancel it",
        id, m->crashes);
    event.reason = QUEUE_REASON_CRASHES;
    event.text = SLICE("Letterhead crashed three times while this message was being delivered");
    set_flag(m, QUEUE_EVENT_ALL_RECIPIENTS, RECIPIENT_HELD, true);
    queue_post_event(q, &event);
}

/* Says of each recipient that was in a job at the crash that the next try may be a repeat. */
static void tell_interrupted(struct queue *q, struct queue_message *m)
{
    for (uint32_t i = 0; i < m->recipient_count; i++) {
        struct queue_recipient_entry *r = &m->recipients[i];
        struct queue_event event = queue_event_of(q, QUEUE_EVENT_DEFERRED, m, i);

        if (!queue_recipient_is(r, RECIPIENT_INTERRUPTED))
            continue;
        r->flags &= (uint8_t)~RECIPIENT_INTERRUPTED;
        event.ambiguous = true;
        event.reason = QUEUE_REASON_INTERRUPTED;
        event.text =
            SLICE("Letterhead was interrupted while this was being delivered, and does not "
                  "know whether the receiver has it");
        event.due_us = queue_stamp(q, r->due_us);
        queue_post_event(q, &event);
        q->counts.ambiguous++;
        q->counts.deferred++;
    }
}

static void schedule(struct queue *q, struct queue_message *m, const struct clocks *clocks,
                     bool crashed)
{
    m->number = ++q->next_number;
    m->survivor = crashed || m->crashes > 0;
    m->deadline_us = monotonic(clocks, m->expires_us, UINT64_MAX / 2);
    m->progress_us = clocks->now_us;
    for (uint32_t i = 0; i < m->recipient_count; i++)
        m->recipients[i].due_us =
            monotonic(clocks, (int64_t)m->recipients[i].due_us, clocks->delay_max_us / 4 * 5);
    tell_interrupted(q, m);
    if (m->crashes >= QUEUE_CRASHES_MAX && !is_held(m))
        quarantine(q, m);
    q->counts.messages++;
    q->counts.recipients += m->open;
    queue_schedule_add(&q->schedule, m, clocks->now_us);
}

int queue_replay_end(struct task *t, struct queue *q)
{
    struct clocks clocks = read_clocks(q);
    struct queue_spool_status status;
    size_t done = 0;
    int r = 0;

    queue_spool_status(q->spool, &status);
    LIST_FOREACH (link, &q->order) {
        schedule(q, LIST_ENTRY(link, struct queue_message, link), &clocks, !status.was_closed);
        if (++done % YIELD_EVERY == 0 && (r = task_yield(t)) < 0)
            return r;
    }
    if (done)
        log_info("%zu messages for %llu recipients were in the spool", done,
                 (unsigned long long)q->counts.recipients);
    return 0;
}
