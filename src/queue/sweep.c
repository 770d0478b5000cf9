/* The sweeper: nothing sits for ever. It looks at every recipient of every message, whatever the
 * schedule believes, ends those whose lifetime is over, and finds out what has waited longest.
 *
 * Lifetimes are measured by the monotonic clock from acceptance, or from the start for what was
 * found in the log; so a jump of the date while we run ends nothing. A wrong date at the start
 * might: therefore a sweep that would end a large part of a large queue first tells the operator,
 * and waits. */
#include "base/log.h"
#include "queue/inside.h"

#include <stdio.h>

static const uint64_t SWEEP_US = 30 * SECOND_US;
static const uint64_t MASS_WAIT_US = 600 * SECOND_US;
static const uint64_t UNTRIED_US =
    86400 * SECOND_US; /* beyond the lifetime, for what was never tried */
enum { MASS_RECIPIENTS = 1000, MASS_SHARE = 5 };

struct look {
    uint64_t now_us;
    uint64_t recipients, overdue;
    int64_t oldest_us; /* acceptance, Unix time */
};

/* What was tried, or is kept from being tried on purpose, ends with its lifetime. What was never
 * tried gets another day: it is not the message's fault. */
static bool is_overdue(const struct queue *q, const struct queue_message *m,
                       const struct queue_recipient_entry *r, uint64_t now_us)
{
    if (queue_recipient_is(r, RECIPIENT_BUSY | RECIPIENT_FINISHED) || now_us < m->deadline_us)
        return false;
    return r->attempts > 0 || queue_recipient_is(r, RECIPIENT_HELD | RECIPIENT_WITHHELD) ||
           queue_schedule_is_paused(&q->schedule, m->site_id) ||
           now_us - m->deadline_us >= UNTRIED_US;
}

static bool count(struct queue *q, struct queue_message *m, void *context)
{
    struct look *look = context;

    for (uint32_t i = 0; i < m->recipient_count; i++)
        look->overdue += is_overdue(q, m, &m->recipients[i], look->now_us);
    look->recipients += m->open;
    if (m->accepted_us < look->oldest_us)
        look->oldest_us = m->accepted_us;
    queue_stale_look(q, m);
    return true;
}

static bool expire(struct queue *q, struct queue_message *m, void *context)
{
    const struct look *look = context;
    char text[80];

    snprintf(text, sizeof(text), "not delivered within %llu hours",
             (unsigned long long)((m->expires_us - m->accepted_us) / (int64_t)(3600 * SECOND_US)));
    for (uint32_t i = 0, all = m->recipient_count; i < all; i++) {
        struct queue_event event;

        if (!is_overdue(q, m, &m->recipients[i], look->now_us))
            continue;
        event = queue_event_of(q, QUEUE_EVENT_EXPIRED, m, i);
        event.text = slice_text(text);
        if (queue_end(q, m, i, &event))
            return true;
    }
    queue_schedule_update_all(&q->schedule, m, look->now_us);
    queue_drop_body(q, m);
    return true;
}

/* More than a fifth of a large queue at once is rather a wrong clock than a wrong queue. */
static bool may_expire(struct queue *q, const struct look *look, uint64_t *ret_wait_us)
{
    if (look->recipients <= MASS_RECIPIENTS || look->overdue <= look->recipients / MASS_SHARE) {
        q->warned_us = 0;
        return true;
    }
    if (q->warned_us && look->now_us - q->warned_us >= MASS_WAIT_US) {
        q->warned_us = 0;
        return true;
    }
    if (!q->warned_us) {
        log_error(
            "%llu of %llu recipients in the queue are over their lifetime at once; is the clock right? "
            "They end in ten minutes; to keep them, stop Letterhead and set the clock",
            (unsigned long long)look->overdue, (unsigned long long)look->recipients);
        q->warned_us = look->now_us;
    }
    *ret_wait_us = q->warned_us + MASS_WAIT_US - look->now_us;
    return false;
}

static uint64_t seconds_between(int64_t then_us, int64_t now_us)
{
    return then_us < now_us ? (uint64_t)(now_us - then_us) / SECOND_US : 0;
}

int queue_sweep(struct task *t, struct queue *q, uint64_t *ret_wait_us)
{
    struct look look = {.now_us = queue_now_us(q), .oldest_us = INT64_MAX};
    int r;

    queue_stale_begin(q);
    r = queue_walk(t, q, count, &look);
    *ret_wait_us = SWEEP_US;
    if (r < 0)
        return r;
    q->counts.oldest_age_s = seconds_between(look.oldest_us, queue_wall_us(q));
    queue_stale_end(q);
    if (!look.overdue || !may_expire(q, &look, ret_wait_us))
        return 0;
    return queue_walk(t, q, expire, &look);
}
