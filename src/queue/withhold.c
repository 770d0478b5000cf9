/* Mail that may not go out at present, since its site may not send as its From: it waits for no
 * time, and for nobody to release it, but until its site may send again. What is withheld is known
 * in memory alone: after a restart it is tried, and withheld again. Its deadline stands. */
#include "queue/inside.h"
#include "queue/roster.h"

/* The site is in the roster as long as mail of it waits. */
static struct queue_site *site_of(struct queue *q, const struct queue_message *m)
{
    struct queue_site *site = queue_roster_find_site(&q->schedule, m->site_id);

    assert(site);
    return site;
}

void queue_withhold(struct queue *q, const struct queue_message *m, struct queue_recipient_entry *r)
{
    if (queue_recipient_is(r, RECIPIENT_WITHHELD))
        return;
    r->flags |= RECIPIENT_WITHHELD;
    site_of(q, m)->withheld++;
}

void queue_unwithhold(struct queue *q, const struct queue_message *m,
                      struct queue_recipient_entry *r)
{
    if (!queue_recipient_is(r, RECIPIENT_WITHHELD))
        return;
    r->flags &= (uint8_t)~RECIPIENT_WITHHELD;
    site_of(q, m)->withheld--;
}

static bool let_go(struct queue *q, struct queue_message *m, void *context)
{
    const uint64_t *site_id = context;
    uint64_t now_us = queue_now_us(q);
    bool changed = false;

    if (m->site_id != *site_id)
        return true;
    for (uint32_t i = 0; i < m->recipient_count; i++) {
        if (!queue_recipient_is(&m->recipients[i], RECIPIENT_WITHHELD))
            continue;
        queue_unwithhold(q, m, &m->recipients[i]);
        m->recipients[i].due_us = now_us;
        changed = true;
    }
    if (changed)
        queue_schedule_update_all(&q->schedule, m, now_us);
    return true;
}

int queue_release_withheld(struct task *t, struct queue *q, uint64_t site_id)
{
    const struct queue_site *site = queue_roster_find_site(&q->schedule, site_id);
    int r;

    if (!site || site->withheld == 0)
        return 0;
    r = queue_walk(t, q, let_go, &site_id);
    queue_rescheduled(q);
    return r;
}
