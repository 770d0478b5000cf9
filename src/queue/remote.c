#include "queue/remote.h"

#include "base/limits.h"
#include "queue/inside.h"
#include "wire/ipc.h"

/* --- the bodies --- */

static void write_id(struct buffer *b, const struct message_id *id)
{
    buffer_add_u64(b, id->ms);
    buffer_add(b, slice_of(id->uuid, sizeof(id->uuid)));
}

static void read_id(struct cursor *c, struct message_id *ret)
{
    struct slice uuid;

    ret->ms = cursor_u64(c);
    uuid = cursor_bytes(c, sizeof(ret->uuid));
    if (uuid.size)
        memcpy(ret->uuid, uuid.data, uuid.size);
}

void queue_list_request_write(struct buffer *body, const struct queue_list_request *request)
{
    buffer_add_u64(body, request->site_id);
    buffer_add_sized(body, request->destination);
    write_id(body, &request->id);
    buffer_add_u32(body, request->max);
    buffer_add_u64(body, request->after.number);
    buffer_add_u32(body, request->after.recipient);
}

int queue_list_request_read(struct slice body, struct queue_list_request *ret)
{
    struct cursor c = cursor_of(body);
    struct queue_list_request request = {0};

    request.site_id = cursor_u64(&c);
    request.destination = cursor_sized(&c);
    read_id(&c, &request.id);
    request.max = cursor_u32(&c);
    request.after.number = cursor_u64(&c);
    request.after.recipient = cursor_u32(&c);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = request;
    return 0;
}

static void write_entry(struct buffer *b, const struct queue_list_entry *entry)
{
    write_id(b, &entry->id);
    buffer_add_u64(b, entry->site_id);
    buffer_add_u32(b, entry->recipient);
    buffer_add_u8(b, (uint8_t)entry->state);
    buffer_add_u32(b, entry->attempts);
    buffer_add_u16(b, entry->reply_code);
    buffer_add_u64(b, (uint64_t)entry->accepted_us);
    buffer_add_u64(b, (uint64_t)entry->due_us);
    buffer_add_u64(b, (uint64_t)entry->expires_us);
    buffer_add_u32(b, entry->size);
    buffer_add_sized(b, entry->address);
    buffer_add_sized(b, entry->destination);
}

bool queue_list_entry_read(struct slice *entries, struct queue_list_entry *ret)
{
    struct cursor c = cursor_of(*entries);
    struct queue_list_entry entry = {0};

    read_id(&c, &entry.id);
    entry.site_id = cursor_u64(&c);
    entry.recipient = cursor_u32(&c);
    entry.state = (enum queue_entry_state)cursor_u8(&c);
    entry.attempts = cursor_u32(&c);
    entry.reply_code = cursor_u16(&c);
    entry.accepted_us = (int64_t)cursor_u64(&c);
    entry.due_us = (int64_t)cursor_u64(&c);
    entry.expires_us = (int64_t)cursor_u64(&c);
    entry.size = cursor_u32(&c);
    entry.address = cursor_sized(&c);
    entry.destination = cursor_sized(&c);
    if (c.failed)
        return false;
    *ret = entry;
    *entries = c.rest;
    return true;
}

static void write_list(struct buffer *b, const struct queue_list_reply *reply)
{
    buffer_add_u32(b, reply->count);
    buffer_add_u8(b, reply->more);
    buffer_add_u64(b, reply->next.number);
    buffer_add_u32(b, reply->next.recipient);
    buffer_add_sized(b, reply->entries);
}

int queue_list_reply_read(struct slice body, struct queue_list_reply *ret)
{
    struct cursor c = cursor_of(body);
    struct queue_list_reply reply = {0};
    struct queue_list_entry entry;
    struct slice rest;
    uint32_t count = 0;

    reply.count = cursor_u32(&c);
    reply.more = cursor_u8(&c) != 0;
    reply.next.number = cursor_u64(&c);
    reply.next.recipient = cursor_u32(&c);
    rest = reply.entries = cursor_sized(&c);
    while (queue_list_entry_read(&rest, &entry))
        count++;
    if (cursor_done(&c) < 0 || rest.size || count != reply.count)
        return -EBADMSG;
    *ret = reply;
    return 0;
}

void queue_act_request_write(struct buffer *body, const struct queue_act_request *request)
{
    buffer_add_u8(body, (uint8_t)request->act);
    write_id(body, &request->id);
    buffer_add_u64(body, request->site_id);
    buffer_add_u32(body, request->recipient);
    buffer_add_sized(body, request->text);
}

int queue_act_request_read(struct slice body, struct queue_act_request *ret)
{
    struct cursor c = cursor_of(body);
    struct queue_act_request request = {0};

    request.act = (enum queue_act)cursor_u8(&c);
    read_id(&c, &request.id);
    request.site_id = cursor_u64(&c);
    request.recipient = cursor_u32(&c);
    request.text = cursor_sized(&c);
    if (cursor_done(&c) < 0 || request.act < QUEUE_ACT_RETRY || request.act > QUEUE_ACT_CANCEL)
        return -EBADMSG;
    *ret = request;
    return 0;
}

int queue_act_reply_read(struct slice body, uint64_t *ret_recipients)
{
    struct cursor c = cursor_of(body);
    uint64_t recipients = cursor_u64(&c);

    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret_recipients = recipients;
    return 0;
}

/* The numbers of a status, in the order in which they are sent. */
static const size_t status_numbers[] = {
    offsetof(struct queue_status, messages),
    offsetof(struct queue_status, recipients),
    offsetof(struct queue_status, ready),
    offsetof(struct queue_status, busy),
    offsetof(struct queue_status, waiting),
    offsetof(struct queue_status, held),
    offsetof(struct queue_status, paused),
    offsetof(struct queue_status, destinations),
    offsetof(struct queue_status, oldest_age_s),
    offsetof(struct queue_status, oldest_without_progress_s),
    offsetof(struct queue_status, memory_bytes),
    offsetof(struct queue_status, spool_bytes),
    offsetof(struct queue_status, spool_live_bytes),
    offsetof(struct queue_status, commits),
    offsetof(struct queue_status, syncs_failed),
    offsetof(struct queue_status, accepted),
    offsetof(struct queue_status, delivered),
    offsetof(struct queue_status, deferred),
    offsetof(struct queue_status, bounced),
    offsetof(struct queue_status, expired),
    offsetof(struct queue_status, cancelled),
    offsetof(struct queue_status, ambiguous),
    offsetof(struct queue_status, events_next),
    offsetof(struct queue_status, events_acknowledged),
};

void queue_status_write(struct buffer *body, const struct queue_status *status)
{
    for (size_t i = 0; i < ARRAY_LEN(status_numbers); i++) {
        uint64_t number;

        memcpy(&number, (const char *)status + status_numbers[i], sizeof(number));
        buffer_add_u64(body, number);
    }
    buffer_add_u8(body, status->accepting);
    buffer_add_sized(body, status->why_not);
}

int queue_status_read(struct cursor *c, struct queue_status *ret)
{
    struct queue_status status = {0};

    for (size_t i = 0; i < ARRAY_LEN(status_numbers); i++) {
        uint64_t number = cursor_u64(c);

        memcpy((char *)&status + status_numbers[i], &number, sizeof(number));
    }
    status.accepting = cursor_u8(c) != 0;
    status.why_not = cursor_sized(c);
    if (c->failed)
        return -EBADMSG;
    *ret = status;
    return 0;
}

/* --- the gateway's side --- */

/* A page, while it is filled. */
struct page {
    const struct queue_list_request *request;
    struct queue_list_reply reply;
    struct buffer entries;
    uint64_t now_us;
};

enum { PAGE_BYTES_MAX = LIMIT_FRAME_BYTES - IPC_HEADER_BYTES - 4096 };

static enum queue_entry_state state_of(const struct queue *q, const struct queue_message *m,
                                       const struct queue_recipient_entry *r, uint64_t now_us)
{
    if (queue_recipient_is(r, RECIPIENT_BUSY))
        return QUEUE_ENTRY_BUSY;
    if (queue_recipient_is(r, RECIPIENT_HELD))
        return QUEUE_ENTRY_HELD;
    if (queue_schedule_is_paused(&q->schedule, m->site_id))
        return QUEUE_ENTRY_PAUSED;
    return r->due_us > now_us ? QUEUE_ENTRY_WAITING : QUEUE_ENTRY_READY;
}

/* The destination of each recipient is that of the group whose chain it is in. */
static const struct queue_group *group_of(const struct queue_message *m, uint32_t recipient)
{
    for (uint32_t i = 0; i < m->group_count; i++)
        for (uint32_t at = m->groups[i].first; at <= recipient; at = m->recipients[at].next)
            if (at == recipient)
                return &m->groups[i];
    return NULL;
}

static void add_entry(struct queue *q, struct page *page, const struct queue_message *m,
                      uint32_t recipient, struct slice destination)
{
    const struct queue_recipient_entry *r = &m->recipients[recipient];
    struct queue_list_entry entry = {
        .id = m->id,
        .site_id = m->site_id,
        .recipient = recipient,
        .state = state_of(q, m, r, page->now_us),
        .attempts = r->attempts,
        .reply_code = r->reply_code,
        .accepted_us = m->accepted_us,
        .expires_us = m->expires_us,
        .size = m->place.content_size,
        .address = queue_message_address(m, recipient),
        .destination = destination,
    };

    if (entry.state == QUEUE_ENTRY_WAITING)
        entry.due_us = queue_stamp(q, r->due_us);
    write_entry(&page->entries, &entry);
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
        struct slice destination;

        if (queue_recipient_is(&m->recipients[i], RECIPIENT_FINISHED) ||
            (m->number == request->after.number && i <= request->after.recipient))
            continue;
        g = group_of(m, i);
        destination = g ? queue_destination_key(g->lane->destination) : SLICE_NONE;
        if (request->destination.size && !slice_equal(request->destination, destination))
            continue;
        if (is_full(page)) {
            page->reply.more = true;
            return false;
        }
        add_entry(q, page, m, i, destination);
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
        write_list(reply, &page.reply);
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
        state = state_of(q, m, &m->recipients[i], now_us);
        status->ready += state == QUEUE_ENTRY_READY;
        status->busy += state == QUEUE_ENTRY_BUSY;
        status->waiting += state == QUEUE_ENTRY_WAITING;
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

int queue_status(struct task *t, struct queue *q, struct queue_status *ret)
{
    struct queue_status status = q->counts;
    int r;

    status.ready = status.busy = status.waiting = status.held = status.paused = 0;
    r = queue_walk(t, q, count_states, &status);
    if (r < 0)
        return r;
    fill_status(q, &status);
    *ret = status;
    return 0;
}

static int answer_status(struct task *t, struct queue *q, struct buffer *reply)
{
    struct queue_status status;
    int r = queue_status(t, q, &status);

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
