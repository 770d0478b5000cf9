/* What has gone without progress for longest, so that no message sits in limbo. The sweeper looks
 * at all messages, whatever the schedule believes of them. Most of what makes no progress is
 * explained: it waits for its next try, which has a longest delay, or deliver says which limit
 * holds it. What is neither, for longer than any try could be away, is lost, and the operator is
 * told. */
#include "base/log.h"
#include "queue/inside.h"

static const struct queue_stale_found NOTHING = {.since_us = UINT64_MAX};

static uint64_t lost_after_us(const struct queue *q)
{
    uint64_t longest_s = 0;

    for (size_t i = 0; i < q->options.retry_delay_count; i++)
        if (q->retry_delays_s[i] > longest_s)
            longest_s = q->retry_delays_s[i];
    return (longest_s + longest_s / 4 + QUEUE_LOST_S) * SECOND_US;
}

void queue_stale_begin(struct queue *q)
{
    q->stale = (struct queue_stale){.now_us = queue_now_us(q),
                                    .lost_after_us = lost_after_us(q),
                                    .oldest = NOTHING,
                                    .lost = NOTHING};
}

/* The first recipient that nobody holds back on purpose; RECIPIENT_NONE: there is none. */
static uint32_t first_open(const struct queue *q, const struct queue_message *m)
{
    if (queue_schedule_is_paused(&q->schedule, m->site_id))
        return RECIPIENT_NONE;
    for (uint32_t i = 0; i < m->recipient_count; i++)
        if (!queue_recipient_is(&m->recipients[i],
                                RECIPIENT_HELD | RECIPIENT_WITHHELD | RECIPIENT_FINISHED))
            return i;
    return RECIPIENT_NONE;
}

/* Deliver is asked once for neighbours in the same lane, of which there may be a million. */
static bool is_explained(struct queue *q, const struct queue_message *m, uint32_t recipient)
{
    CLEANUP(buffer_done) struct buffer holding = BUFFER_NONE;
    const struct queue_recipient_entry *r = &m->recipients[recipient];
    const struct queue_group *g = queue_group_of(m, recipient);

    if (!g || queue_state_of(q, m, r, q->stale.now_us) != QUEUE_ENTRY_READY)
        return false;
    if (g->lane != q->stale.asked) {
        queue_holding(q, g, &holding);
        q->stale.asked = g->lane;
        q->stale.explained = holding.size > 0;
    }
    return q->stale.explained;
}

void queue_stale_look(struct queue *q, const struct queue_message *m)
{
    struct queue_stale *s = &q->stale;
    uint32_t recipient;

    if (m->progress_us >= s->oldest.since_us &&
        (m->progress_us >= s->lost.since_us || m->progress_us + s->lost_after_us > s->now_us))
        return;
    recipient = first_open(q, m);
    if (recipient == RECIPIENT_NONE)
        return;
    if (m->progress_us < s->oldest.since_us)
        s->oldest = (struct queue_stale_found){m->id, m->progress_us, false};
    if (m->progress_us < s->lost.since_us && m->progress_us + s->lost_after_us <= s->now_us &&
        !is_explained(q, m, recipient))
        s->lost = (struct queue_stale_found){m->id, m->progress_us, true};
}

static void warn(struct queue *q)
{
    char id[MESSAGE_ID_LENGTH + 1];

    if (q->stalest.lost && !q->lost_told) {
        message_id_format(&q->stalest.id, id);
        log_warning("message %s has made no progress for %llu hours, and nothing explains it: look "
                    "at it with letterhead message show",
                    id, (unsigned long long)(q->counts.oldest_without_progress_s / 3600));
    }
    q->lost_told = q->stalest.lost;
}

void queue_stale_end(struct queue *q)
{
    struct queue_stale *s = &q->stale;

    q->stalest = s->lost.lost ? s->lost : s->oldest;
    q->counts.oldest_without_progress_s =
        q->stalest.since_us < s->now_us ? (s->now_us - q->stalest.since_us) / SECOND_US : 0;
    warn(q);
}

void queue_stale_tell(const struct queue *q, struct buffer *texts, struct queue_status *ret)
{
    const struct queue_message *m = queue_message_find(&q->messages, &q->stalest.id);
    uint32_t recipient = m ? first_open(q, m) : RECIPIENT_NONE;
    const struct queue_group *g = recipient != RECIPIENT_NONE ? queue_group_of(m, recipient) : NULL;
    uint64_t now_us = queue_now_us(q);

    ret->lost_after_s = lost_after_us(q) / SECOND_US;
    if (!g)
        return;
    ret->stalest = (struct queue_stalest){
        .id = m->id,
        .site_id = m->site_id,
        .state = queue_state_of(q, m, &m->recipients[recipient], now_us),
        .lost = q->stalest.lost,
        .destination = queue_destination_key(g->lane->destination),
    };
    if (ret->stalest.state == QUEUE_ENTRY_WAITING)
        ret->stalest.due_us = queue_stamp(q, m->recipients[recipient].due_us);
    if (ret->stalest.state == QUEUE_ENTRY_READY)
        queue_holding(q, g, texts);
    ret->stalest.holding = slice_part(buffer_slice(texts), 0, QUEUE_TEXT_BYTES);
}
