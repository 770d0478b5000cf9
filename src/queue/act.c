/* What operators do to mail in the queue: retry, hold, release, cancel. */
#include "base/log.h"
#include "queue/inside.h"

struct act {
    const struct queue_act_request *request;
    uint64_t touched;
};

static bool is_idle(const struct queue_recipient_entry *r)
{
    return !queue_recipient_is(r, RECIPIENT_BUSY | RECIPIENT_FINISHED);
}

static struct queue_event event_of(const struct queue *q, const struct act *act,
                                   enum queue_event_type type, const struct queue_message *m,
                                   uint32_t recipient)
{
    struct queue_event event = queue_event_of(q, type, m, recipient);

    event.reason = QUEUE_REASON_OPERATOR;
    event.text = slice_part(act->request->text, 0, QUEUE_TEXT_BYTES);
    return event;
}

static bool retry(struct queue *q, struct queue_message *m, uint32_t recipient, struct act *act)
{
    struct queue_recipient_entry *r = &m->recipients[recipient];

    if (is_idle(r) && !queue_recipient_is(r, RECIPIENT_HELD)) {
        queue_unwithhold(q, m, r);
        r->due_us = queue_now_us(q);
        act->touched++;
    }
    return true;
}

/* A recipient in a job is held from then on: its job may still end it. */
static bool hold(struct queue *q, struct queue_message *m, uint32_t recipient, struct act *act)
{
    struct queue_recipient_entry *r = &m->recipients[recipient];
    struct queue_event event = event_of(q, act, QUEUE_EVENT_HELD, m, recipient);

    if (queue_recipient_is(r, RECIPIENT_HELD | RECIPIENT_FINISHED))
        return true;
    r->flags |= RECIPIENT_HELD;
    queue_post_event(q, &event);
    act->touched++;
    return true;
}

static bool release(struct queue *q, struct queue_message *m, uint32_t recipient, struct act *act)
{
    struct queue_recipient_entry *r = &m->recipients[recipient];
    struct queue_event event = event_of(q, act, QUEUE_EVENT_RELEASED, m, recipient);

    if (!queue_recipient_is(r, RECIPIENT_HELD) || queue_recipient_is(r, RECIPIENT_FINISHED))
        return true;
    r->flags &= (uint8_t)~RECIPIENT_HELD;
    r->due_us = queue_now_us(q);
    if (m->jobs == 0)
        m->crashes = 0; /* the operator knows better; a job under way is counted as it began */
    queue_post_event(q, &event);
    act->touched++;
    return true;
}

/* False: the message is gone. */
static bool cancel(struct queue *q, struct queue_message *m, uint32_t recipient, struct act *act)
{
    struct queue_recipient_entry *r = &m->recipients[recipient];
    struct queue_event event = event_of(q, act, QUEUE_EVENT_CANCELLED, m, recipient);

    if (queue_recipient_is(r, RECIPIENT_FINISHED))
        return true;
    act->touched++;
    if (queue_recipient_is(r, RECIPIENT_BUSY)) {
        r->flags |= RECIPIENT_CANCEL;
        return true;
    }
    return !queue_end(q, m, recipient, &event);
}

static bool act_on(struct queue *q, struct queue_message *m, void *context)
{
    static bool (*const acts[])(struct queue *, struct queue_message *, uint32_t, struct act *) = {
        [QUEUE_ACT_RETRY] = retry,
        [QUEUE_ACT_HOLD] = hold,
        [QUEUE_ACT_RELEASE] = release,
        [QUEUE_ACT_CANCEL] = cancel,
    };
    struct act *act = context;
    const struct queue_act_request *request = act->request;

    if (request->site_id && request->site_id != m->site_id)
        return true;
    for (uint32_t i = 0, count = m->recipient_count; i < count; i++) {
        if (request->recipient != QUEUE_EVENT_ALL_RECIPIENTS && request->recipient != i)
            continue;
        if (!acts[request->act](q, m, i, act))
            return true;
    }
    queue_schedule_update_all(&q->schedule, m, queue_now_us(q));
    queue_drop_body(q, m);
    return true;
}

static bool count_open(struct queue *q, struct queue_message *m, void *context)
{
    struct act *act = context;

    (void)q;
    if (m->site_id == act->request->site_id)
        act->touched += m->open;
    return true;
}

/* The event has no message: it is about the site. Mail that comes later is concerned, too. */
static int pause_site(struct task *t, struct queue *q, struct act *act)
{
    const struct queue_act_request *request = act->request;
    bool paused = request->act == QUEUE_ACT_HOLD;
    struct queue_event event = {
        .time_us = queue_wall_us(q),
        .type = paused ? QUEUE_EVENT_HELD : QUEUE_EVENT_RELEASED,
        .site_id = request->site_id,
        .recipient = QUEUE_EVENT_ALL_RECIPIENTS,
        .reason = QUEUE_REASON_OPERATOR,
        .text = slice_part(request->text, 0, QUEUE_TEXT_BYTES),
    };

    if (queue_schedule_pause(&q->schedule, request->site_id, paused))
        queue_post_event(q, &event);
    return queue_walk(t, q, count_open, act);
}

int queue_act(struct task *t, struct queue *q, const struct queue_act_request *request,
              uint64_t *ret_recipients)
{
    static const struct message_id none;
    struct act act = {.request = request};
    struct queue_message *m = queue_message_find(&q->messages, &request->id);
    bool all = message_id_compare(&request->id, &none) == 0;
    bool site_wide = all && request->site_id &&
                     (request->act == QUEUE_ACT_HOLD || request->act == QUEUE_ACT_RELEASE);
    int r = 0;

    if (site_wide)
        r = pause_site(t, q, &act);
    else if (all)
        r = queue_walk(t, q, act_on, &act);
    else if (m)
        act_on(q, m, &act);
    queue_rescheduled(q);
    if (r == 0 && request->act != QUEUE_ACT_RETRY)
        r = queue_spool_flush(t, q->spool);
    if (r == 0)
        *ret_recipients = act.touched;
    return r;
}
