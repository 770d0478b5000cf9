#include "queue/remote.h"

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

void queue_list_entry_write(struct buffer *b, const struct queue_list_entry *entry)
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
    buffer_add_u8(b, entry->bulk);
    buffer_add_sized(b, entry->address);
    buffer_add_sized(b, entry->destination);
    buffer_add_sized(b, entry->holding);
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
    entry.bulk = cursor_u8(&c) != 0;
    entry.address = cursor_sized(&c);
    entry.destination = cursor_sized(&c);
    entry.holding = cursor_sized(&c);
    if (c.failed)
        return false;
    *ret = entry;
    *entries = c.rest;
    return true;
}

void queue_list_reply_write(struct buffer *b, const struct queue_list_reply *reply)
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
    offsetof(struct queue_status, lost_after_s),
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

static void write_stalest(struct buffer *b, const struct queue_stalest *stalest)
{
    write_id(b, &stalest->id);
    buffer_add_u64(b, stalest->site_id);
    buffer_add_u8(b, (uint8_t)stalest->state);
    buffer_add_u8(b, stalest->lost);
    buffer_add_u64(b, (uint64_t)stalest->due_us);
    buffer_add_sized(b, stalest->destination);
    buffer_add_sized(b, stalest->holding);
}

static void read_stalest(struct cursor *c, struct queue_stalest *ret)
{
    read_id(c, &ret->id);
    ret->site_id = cursor_u64(c);
    ret->state = (enum queue_entry_state)cursor_u8(c);
    ret->lost = cursor_u8(c) != 0;
    ret->due_us = (int64_t)cursor_u64(c);
    ret->destination = cursor_sized(c);
    ret->holding = cursor_sized(c);
}

void queue_status_write(struct buffer *body, const struct queue_status *status)
{
    for (size_t i = 0; i < ARRAY_LEN(status_numbers); i++) {
        uint64_t number;

        memcpy(&number, (const char *)status + status_numbers[i], sizeof(number));
        buffer_add_u64(body, number);
    }
    buffer_add_u8(body, status->accepting);
    buffer_add_sized(body, status->why_not);
    write_stalest(body, &status->stalest);
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
    read_stalest(c, &status.stalest);
    if (c->failed)
        return -EBADMSG;
    *ret = status;
    return 0;
}
