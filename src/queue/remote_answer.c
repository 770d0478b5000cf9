/* The gateway's side of queue/remote.h: answers what operators ask. */
#include "base/limits.h"
#include "queue/inside.h"
#include "wire/ipc.h"

/* A page, while it is filled. */
struct page {
    const struct queue_list_request *request;
    struct queue_list_reply reply;
    struct buffer entries;
    uint64_t now_us;
};

enum { PAGE_BYTES_MAX = LIMIT_FRAME_BYTES - IPC_HEADER_BYTES - 4096 };

enum queue_entry_state queue_state_of(const struct queue *q, const struct queue_message *m,
                                      const struct queue_recipient_entry *r, uint64_t now_us)
{
    if (queue_recipient_is(r, RECIPIENT_BUSY))
        return QUEUE_ENTRY_BUSY;
    if (queue_recipient_is(r, RECIPIENT_HELD))
        return QUEUE_ENTRY_HELD;
    if (queue_schedule_is_paused(&q->schedule, m->site_id))
        return QUEUE_ENTRY_PAUSED;
    if (queue_recipient_is(r, RECIPIENT_WITHHELD))
        return QUEUE_ENTRY_WITHHELD;
    return r->due_us > now_us ? QUEUE_ENTRY_WAITING : QUEUE_ENTRY_READY;
}

/* The destination of each recipient is that of the group whose chain it is in. */
const struct queue_group *queue_group_of(const struct queue_message *m, uint32_t recipient)
{
    for (uint32_t i = 0; i < m->group_count; i++)
        for (uint32_t at = m->groups[i].first; at <= recipient; at = m->recipients[at].next)
            if (at == recipient)
                return &m->groups[i];
    return NULL;
}

void queue_holding(const struct queue *q, const struct queue_group *g, struct buffer *ret)
{
    if (q->options.holding)
        q->options.holding(q->options.context, queue_pool_key(g->lane->flow->pool),
                           g->message->site_id, ret);
}

static void add_entry(struct queue *q, struct page *page, const struct queue_group *g,
                      uint32_t recipient)
{
    CLEANUP(buffer_done) struct buffer holding = BUFFER_NONE;
    const struct queue_message *m = g->message;
    const struct queue_recipient_entry *r = &m->recipients[recipient];
    struct queue_list_entry entry = {
        .id = m->id,
        .site_id = m->site_id,
        .recipient = recipient,
        .state = queue_state_of(q, m, r, page->now_us),
        .attempts = r->attempts,
        .reply_code = r->reply_code,
        .accepted_us = m->accepted_us,
        .expires_us = m->expires_us,
        .size = m->place.content_size,
        .bulk = m->bulk,
        .address = queue_message_address(m, recipient),
        .destination = queue_destination_key(g->lane->destination),
    };

    if (entry.state == QUEUE_ENTRY_WAITING)
        entry.due_us = queue_stamp(q, r->due_us);
    if (entry.state == QUEUE_ENTRY_READY)
        queue_holding(q, g, &holding);
    entry.holding = slice_part(buffer_slice(&holding), 0, QUEUE_TEXT_BYTES);
    queue_list_entry_write(&page->entries, &entry);
    page->reply.count++;
    page->reply.next = (struct queue_list_place){m->number, recipient};
}

static bool is_full(const struct page *page)
{
    return page->reply.count == page->request->max || page->entries.size > PAGE_BYTES_MAX;
}

/* False when the page is full and there is more. */
static bool list_message(struct queue *q, struct queue_message *m, void *context)
{
    struct page *page = context;
    const struct queue_list_request *request = page->request;

    if (m->number < request->after.number || (request->site_id && request->site_id != m->site_id))
        return true;
    for (uint32_t i = 0; i < m->recipient_count; i++) {
        const struct queue_group *g;

        if (queue_recipient_is(&m->recipients[i], RECIPIENT_FINISHED) ||
            (m->number == request->after.number && i <= request->after.recipient))
            continue;
        g = queue_group_of(m, i);
        if (!g || (request->destination.size &&
                   !slice_equal(request->destination, queue_destination_key(g->lane->destination))))
            continue;
        if (is_full(page)) {
            page->reply.more = true;
            return false;
        }
        add_entry(q, page, g, i);
    }
    return true;
}

static int answer_list(struct task *t, struct queue *q, struct slice body, struct buffer *reply)
{
    static const struct message_id none;
    struct queue_list_request request;
    struct page page = {.request = &request, .now_us = queue_now_us(q)};
    struct queue_message *m;
    int r = queue_list_request_read(body, &request);

    if (r < 0)
        return r;
    if (request.max == 0 || request.max > QUEUE_LIST_MAX)
        request.max = QUEUE_LIST_MAX;
    m = queue_message_find(&q->messages, &request.id);
    if (m)
        list_message(q, m, &page);
    else if (message_id_compare(&request.id, &none) == 0)
        r = queue_walk(t, q, list_message, &page);
    page.reply.entries = buffer_slice(&page.entries);
    if (r == 0)
        queue_list_reply_write(reply, &page.reply);
    buffer_done(&page.entries);
    return r;
}

static int answer_act(struct task *t, struct queue *q, struct slice body, struct buffer *reply)
{
    struct queue_act_request request;
    uint64_t recipients;
    int r = queue_act_request_read(body, &request);

    if (r == 0)
        r = queue_act(t, q, &request, &recipients);
    if (r == 0)
        buffer_add_u64(reply, recipients);
    return r;
}

static bool count_states(struct queue *q, struct queue_message *m, void *context)
{
    struct queue_status *status = context;
    uint64_t now_us = queue_now_us(q);

    for (uint32_t i = 0; i < m->recipient_count; i++) {
        enum queue_entry_state state;

        if (queue_recipient_is(&m->recipients[i], RECIPIENT_FINISHED))
            continue;
        state = queue_state_of(q, m, &m->recipients[i], now_us);
        status->ready += state == QUEUE_ENTRY_READY;
        status->busy += state == QUEUE_ENTRY_BUSY;
        status->waiting += state == QUEUE_ENTRY_WAITING || state == QUEUE_ENTRY_WITHHELD;
        status->held += state == QUEUE_ENTRY_HELD;
        status->paused += state == QUEUE_ENTRY_PAUSED;
    }
    return true;
}

static void fill_status(const struct queue *q, struct queue_status *status)
{
    struct queue_spool_status spool;
    const char *why = NULL;

    queue_spool_status(q->spool, &spool);
    status->destinations = q->schedule.destinations.count;
    status->memory_bytes = q->memory_bytes;
    status->spool_bytes = spool.bytes;
    status->spool_live_bytes = spool.live_bytes;
    status->commits = spool.commits;
    status->syncs_failed = spool.failures;
    status->events_next = spool.next_event;
    status->events_acknowledged = spool.acknowledged;
    status->accepting = queue_accepting(q, &why);
    status->why_not = status->accepting ? SLICE_NONE : slice_text(why);
}

int queue_status(struct task *t, struct queue *q, struct buffer *texts, struct queue_status *ret)
{
    struct queue_status status = q->counts;
    int r;

    status.ready = status.busy = status.waiting = status.held = status.paused = 0;
    r = queue_walk(t, q, count_states, &status);
    if (r < 0)
        return r;
    fill_status(q, &status);
    queue_stale_tell(q, texts, &status);
    *ret = status;
    return 0;
}

static int answer_status(struct task *t, struct queue *q, struct buffer *reply)
{
    CLEANUP(buffer_done) struct buffer texts = BUFFER_NONE;
    struct queue_status status;
    int r = queue_status(t, q, &texts, &status);

    if (r == 0)
        queue_status_write(reply, &status);
    return r;
}

int queue_remote_request(struct task *t, struct queue *q, uint8_t type, struct slice body,
                         struct buffer *reply)
{
    switch (type) {
    case IPC_QUEUE_LIST:
        return answer_list(t, q, body, reply);
    case IPC_QUEUE_ACT:
        return answer_act(t, q, body, reply);
    case IPC_GATEWAY_STATUS:
        return answer_status(t, q, reply);
    default:
        return -EOPNOTSUPP;
    }
}
