#include "queue/event.h"

static const char *const event_names[] = {
    [QUEUE_EVENT_ACCEPTED] = "accepted",     [QUEUE_EVENT_DEFERRED] = "deferred",
    [QUEUE_EVENT_DELIVERED] = "delivered",   [QUEUE_EVENT_BOUNCED] = "bounced",
    [QUEUE_EVENT_EXPIRED] = "expired",       [QUEUE_EVENT_HELD] = "held",
    [QUEUE_EVENT_RELEASED] = "released",     [QUEUE_EVENT_CANCELLED] = "cancelled",
    [QUEUE_EVENT_SUPPRESSED] = "suppressed", [QUEUE_EVENT_RETURNED] = "returned",
    [QUEUE_EVENT_COMPLAINED] = "complained", [QUEUE_EVENT_ANSWERED] = "answered",
    [QUEUE_EVENT_REPORTED] = "reported",
};

static bool is_event_type(unsigned type)
{
    return type >= QUEUE_EVENT_ACCEPTED && type < ARRAY_LEN(event_names);
}

bool queue_event_is_final(enum queue_event_type type)
{
    return type == QUEUE_EVENT_DELIVERED || type == QUEUE_EVENT_BOUNCED ||
           type == QUEUE_EVENT_EXPIRED || type == QUEUE_EVENT_CANCELLED ||
           type == QUEUE_EVENT_SUPPRESSED;
}

bool queue_event_is_report(enum queue_event_type type)
{
    return type >= QUEUE_EVENT_RETURNED && type <= QUEUE_EVENT_REPORTED;
}

const char *queue_event_name(enum queue_event_type type)
{
    return is_event_type(type) ? event_names[type] : "unknown";
}

static void write_accepted(struct buffer *b, const struct queue_event *event)
{
    buffer_add_u64(b, event->accepted.credential_id);
    buffer_add_u64(b, (uint64_t)event->accepted.expires_us);
    buffer_add_u32(b, event->accepted.size);
    buffer_add_sized(b, event->accepted.from_domain);
    buffer_add_sized(b, event->accepted.header_from);
    buffer_add_sized(b, event->accepted.envelope_from);
    buffer_add_sized(b, event->accepted.subject);
    buffer_add_sized(b, event->accepted.envid);
    buffer_add_u32(b, event->accepted.recipient_count);
    buffer_add_u32(b, event->accepted.first_recipient);
    buffer_add_u32(b, event->accepted.address_count);
    buffer_add_sized(b, event->accepted.addresses);
    buffer_add_u8(b, event->accepted.bulk);
}

static void read_accepted(struct cursor *c, struct queue_event *event)
{
    event->accepted.credential_id = cursor_u64(c);
    event->accepted.expires_us = (int64_t)cursor_u64(c);
    event->accepted.size = cursor_u32(c);
    event->accepted.from_domain = cursor_sized(c);
    event->accepted.header_from = cursor_sized(c);
    event->accepted.envelope_from = cursor_sized(c);
    event->accepted.subject = cursor_sized(c);
    event->accepted.envid = cursor_sized(c);
    event->accepted.recipient_count = cursor_u32(c);
    event->accepted.first_recipient = cursor_u32(c);
    event->accepted.address_count = cursor_u32(c);
    event->accepted.addresses = cursor_sized(c);
    if (c->rest.size) /* spools from before classes do not have it */
        event->accepted.bulk = cursor_u8(c) != 0;
}

static void write_detail(struct buffer *b, const struct queue_event *event)
{
    buffer_add_u32(b, event->attempts);
    buffer_add_u8(b, event->ambiguous);
    buffer_add_u16(b, event->reply_code);
    buffer_add(b, slice_of(event->enhanced, sizeof(event->enhanced)));
    buffer_add_u64(b, (uint64_t)event->due_us);
    buffer_add_u8(b, (uint8_t)event->reason);
    buffer_add_sized(b, event->text);
    buffer_add_sized(b, event->remote);
    buffer_add_sized(b, event->tls);
    buffer_add_sized(b, event->signed_by);
    buffer_add_sized(b, event->tls_sessions);
}

static void read_detail(struct cursor *c, struct queue_event *event)
{
    struct slice enhanced;

    event->attempts = cursor_u32(c);
    event->ambiguous = cursor_u8(c) != 0;
    event->reply_code = cursor_u16(c);
    enhanced = cursor_bytes(c, sizeof(event->enhanced));
    if (enhanced.size)
        memcpy(event->enhanced, enhanced.data, enhanced.size);
    event->due_us = (int64_t)cursor_u64(c);
    event->reason = (enum queue_reason)cursor_u8(c);
    event->text = cursor_sized(c);
    event->remote = cursor_sized(c);
    event->tls = cursor_sized(c);
    event->signed_by = cursor_sized(c);
    if (c->rest.size) /* spools from before TLS reports do not have it */
        event->tls_sessions = cursor_sized(c);
}

/* u32 size of the rest, so that a reader can skip what a later version adds at the end of an event.
 */
void queue_event_write(struct buffer *b, const struct queue_event *event)
{
    size_t start = b->size, size;

    assert(is_event_type(event->type));
    buffer_add_u32(b, 0);
    buffer_add_u8(b, (uint8_t)event->type);
    buffer_add_u64(b, event->sequence);
    buffer_add_u64(b, (uint64_t)event->time_us);
    buffer_add_u64(b, event->id.ms);
    buffer_add(b, slice_of(event->id.uuid, sizeof(event->id.uuid)));
    buffer_add_u64(b, event->site_id);
    buffer_add_u32(b, event->recipient);
    if (event->type == QUEUE_EVENT_ACCEPTED)
        write_accepted(b, event);
    else
        write_detail(b, event);

    size = b->size - start - 4;
    assert(size + 4 <= QUEUE_EVENT_BYTES_MAX);
    for (int i = 0; i < 4; i++)
        b->data[start + (size_t)i] = (char)(size >> (24 - 8 * i));
}

static void read_id(struct cursor *c, struct message_id *ret)
{
    struct slice uuid;

    ret->ms = cursor_u64(c);
    uuid = cursor_bytes(c, sizeof(ret->uuid));
    if (uuid.size)
        memcpy(ret->uuid, uuid.data, uuid.size);
}

static int judge(const struct queue_event *event)
{
    uint32_t count = 0;
    struct slice addresses = event->accepted.addresses, address;

    if (event->type != QUEUE_EVENT_ACCEPTED)
        return 0;
    while (queue_event_address(&addresses, &address))
        count++;
    if (addresses.size || count != event->accepted.address_count ||
        event->accepted.first_recipient > event->accepted.recipient_count ||
        count > event->accepted.recipient_count - event->accepted.first_recipient)
        return -EBADMSG;
    return 0;
}

int queue_event_read(struct cursor *c, struct queue_event *ret)
{
    struct cursor body = cursor_of(cursor_sized(c));
    struct queue_event event = {0};
    unsigned type = cursor_u8(&body);

    event.type = (enum queue_event_type)type;
    event.sequence = cursor_u64(&body);
    event.time_us = (int64_t)cursor_u64(&body);
    read_id(&body, &event.id);
    event.site_id = cursor_u64(&body);
    event.recipient = cursor_u32(&body);
    if (event.type == QUEUE_EVENT_ACCEPTED)
        read_accepted(&body, &event);
    else
        read_detail(&body, &event);
    if (c->failed || body.failed || !is_event_type(type) || judge(&event) < 0)
        return -EBADMSG;
    *ret = event;
    return 0;
}

void queue_event_address_write(struct buffer *addresses, struct slice address)
{
    assert(address.size <= UINT16_MAX);
    buffer_add_u16(addresses, (uint16_t)address.size);
    buffer_add(addresses, address);
}

bool queue_event_address(struct slice *addresses, struct slice *ret_address)
{
    struct cursor c = cursor_of(*addresses);
    struct slice address = cursor_bytes(&c, cursor_u16(&c));

    if (c.failed)
        return false;
    *addresses = c.rest;
    *ret_address = address;
    return true;
}

void queue_event_batch_begin(struct buffer *body, uint64_t spool_id)
{
    buffer_add_u16(body, QUEUE_EVENT_FORMAT);
    buffer_add_u64(body, spool_id);
}

int queue_event_batch_read(struct cursor *c, uint64_t *ret_spool_id)
{
    uint16_t format = cursor_u16(c);
    uint64_t spool_id = cursor_u64(c);

    if (c->failed)
        return -EBADMSG;
    if (format != QUEUE_EVENT_FORMAT)
        return -EPROTONOSUPPORT;
    *ret_spool_id = spool_id;
    return 0;
}
