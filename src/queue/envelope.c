#include "queue/envelope.h"

#include "base/limits.h"

enum {
    PROGRESS_BYTES = 16,
    EVENT_ADDRESSES_BYTES_MAX = 24576, /* leaves room for the rest of an ACCEPTED event */
    EIGHT_BIT = 1,
    SMTPUTF8 = 2,
    BULK = 4,
    TLS_REQUIRED = 8,
    TLS_RELAXED = 16,
    SUPPRESSED = 0x80, /* beside a recipient's notify, which has four bits (RFC 3461 §4.1) */
};

void queue_envelope_recipient_write(struct buffer *recipients,
                                    const struct queue_envelope_recipient *recipient)
{
    buffer_add_sized(recipients, recipient->address);
    buffer_add_sized(recipients, recipient->domain);
    buffer_add_sized(recipients, recipient->orcpt);
    buffer_add_u8(recipients,
                  (uint8_t)(recipient->notify | (recipient->suppressed ? SUPPRESSED : 0)));
}

bool queue_envelope_recipient(struct slice *recipients, struct queue_envelope_recipient *ret)
{
    struct cursor c = cursor_of(*recipients);
    struct queue_envelope_recipient recipient;
    uint8_t notify;

    recipient.address = cursor_sized(&c);
    recipient.domain = cursor_sized(&c);
    recipient.orcpt = cursor_sized(&c);
    notify = cursor_u8(&c);
    if (c.failed)
        return false;
    recipient.notify = notify & (uint8_t)~SUPPRESSED;
    recipient.suppressed = (notify & SUPPRESSED) != 0;
    *ret = recipient;
    *recipients = c.rest;
    return true;
}

static uint8_t flags_of(const struct queue_envelope *envelope)
{
    return (uint8_t)((envelope->eight_bit ? EIGHT_BIT : 0) | (envelope->smtputf8 ? SMTPUTF8 : 0) |
                     (envelope->bulk ? BULK : 0) | (envelope->tls_required ? TLS_REQUIRED : 0) |
                     (envelope->tls_relaxed ? TLS_RELAXED : 0));
}

void queue_envelope_write(struct buffer *b, const struct queue_envelope *envelope)
{
    buffer_add_u64(b, envelope->id.ms);
    buffer_add(b, slice_of(envelope->id.uuid, sizeof(envelope->id.uuid)));
    buffer_add_u64(b, envelope->site_id);
    buffer_add_u64(b, envelope->credential_id);
    buffer_add_u64(b, (uint64_t)envelope->accepted_us);
    buffer_add_u64(b, (uint64_t)envelope->expires_us);
    buffer_add_u8(b, envelope->ret);
    buffer_add_u8(b, flags_of(envelope));
    buffer_add(b, slice_of(envelope->body_hash, sizeof(envelope->body_hash)));
    buffer_add_u32(b, envelope->header_size);
    buffer_add_u32(b, envelope->content_size);
    buffer_add_sized(b, envelope->from_domain);
    buffer_add_sized(b, envelope->header_from);
    buffer_add_sized(b, envelope->envelope_from);
    buffer_add_sized(b, envelope->subject);
    buffer_add_sized(b, envelope->envid);
    buffer_add_u32(b, envelope->recipient_count);
    buffer_add_sized(b, envelope->recipients);
}

void queue_envelope_write_copy(struct buffer *b, struct slice fixed, uint8_t crashes)
{
    buffer_add(b, fixed);
    buffer_add_u8(b, crashes);
}

enum { PROGRESS_AMBIGUOUS = 1, PROGRESS_UNDER_WAY = 2 };

void queue_progress_write(struct buffer *b, const struct queue_progress *progress)
{
    buffer_add_u8(b, (uint8_t)progress->state);
    buffer_add_u8(b, (uint8_t)((progress->ambiguous ? PROGRESS_AMBIGUOUS : 0) |
                               (progress->under_way ? PROGRESS_UNDER_WAY : 0)));
    buffer_add_u16(b, progress->reply_code);
    buffer_add_u32(b, progress->attempts);
    buffer_add_u64(b, (uint64_t)progress->due_us);
}

bool queue_progress_read(struct slice *progresses, struct queue_progress *ret)
{
    struct cursor c = cursor_of(*progresses);
    struct queue_progress progress;
    uint8_t flags;

    progress.state = (enum queue_progress_state)cursor_u8(&c);
    flags = cursor_u8(&c);
    progress.ambiguous = (flags & PROGRESS_AMBIGUOUS) != 0;
    progress.under_way = (flags & PROGRESS_UNDER_WAY) != 0;
    progress.reply_code = cursor_u16(&c);
    progress.attempts = cursor_u32(&c);
    progress.due_us = (int64_t)cursor_u64(&c);
    if (c.failed)
        return false;
    *ret = progress;
    *progresses = c.rest;
    return true;
}

static void read_bytes(struct cursor *c, void *out, size_t size)
{
    struct slice bytes = cursor_bytes(c, size);

    if (bytes.size)
        memcpy(out, bytes.data, size);
}

static void read_fixed(struct cursor *c, struct queue_envelope *envelope)
{
    struct slice whole = c->rest;
    uint8_t flags;

    envelope->id.ms = cursor_u64(c);
    read_bytes(c, envelope->id.uuid, sizeof(envelope->id.uuid));
    envelope->site_id = cursor_u64(c);
    envelope->credential_id = cursor_u64(c);
    envelope->accepted_us = (int64_t)cursor_u64(c);
    envelope->expires_us = (int64_t)cursor_u64(c);
    envelope->ret = cursor_u8(c);
    flags = cursor_u8(c);
    envelope->eight_bit = (flags & EIGHT_BIT) != 0;
    envelope->smtputf8 = (flags & SMTPUTF8) != 0;
    envelope->bulk = (flags & BULK) != 0;
    envelope->tls_required = (flags & TLS_REQUIRED) != 0;
    envelope->tls_relaxed = (flags & TLS_RELAXED) != 0;
    read_bytes(c, envelope->body_hash, sizeof(envelope->body_hash));
    envelope->header_size = cursor_u32(c);
    envelope->content_size = cursor_u32(c);
    envelope->from_domain = cursor_sized(c);
    envelope->header_from = cursor_sized(c);
    envelope->envelope_from = cursor_sized(c);
    envelope->subject = cursor_sized(c);
    envelope->envid = cursor_sized(c);
    envelope->recipient_count = cursor_u32(c);
    envelope->recipients = cursor_sized(c);
    envelope->fixed = slice_part(whole, 0, whole.size - c->rest.size);
}

/* What is read must be what this program could have written. */
static bool is_sound(const struct queue_envelope *envelope)
{
    struct slice recipients = envelope->recipients;
    struct queue_envelope_recipient recipient;
    uint32_t count = 0;

    while (queue_envelope_recipient(&recipients, &recipient)) {
        if (recipient.address.size > QUEUE_ADDRESS_BYTES_MAX ||
            recipient.domain.size > LIMIT_DOMAIN_BYTES)
            return false;
        count++;
    }
    return recipients.size == 0 && count > 0 && count == envelope->recipient_count &&
           count <= LIMIT_RECIPIENTS && envelope->header_size <= envelope->content_size &&
           envelope->from_domain.size + envelope->header_from.size + envelope->envelope_from.size +
                   envelope->subject.size + envelope->envid.size <=
               QUEUE_ENVELOPE_TEXT_BYTES_MAX;
}

static bool are_progresses(struct slice bytes, uint32_t count)
{
    struct queue_progress progress;

    if (bytes.size != (size_t)count * PROGRESS_BYTES)
        return false;
    while (queue_progress_read(&bytes, &progress))
        if (progress.state > QUEUE_PROGRESS_FINISHED)
            return false;
    return true;
}

int queue_envelope_read(struct slice body, bool copy, struct queue_envelope *ret,
                        uint8_t *ret_crashes, struct slice *ret_progress)
{
    struct cursor c = cursor_of(body);
    struct queue_envelope envelope = {0};
    struct slice progress = SLICE_NONE;
    uint8_t crashes = 0;

    read_fixed(&c, &envelope);
    if (copy) {
        crashes = cursor_u8(&c);
        progress = cursor_bytes(&c, c.rest.size);
    }
    if (cursor_done(&c) < 0 || !is_sound(&envelope) ||
        (copy && !are_progresses(progress, envelope.recipient_count)))
        return -EBADMSG;
    *ret = envelope;
    *ret_crashes = crashes;
    *ret_progress = progress;
    return 0;
}

/* Moves addresses from *recipients to `addresses` until an event is full; returns how many. */
static uint32_t take_addresses(struct slice *recipients, struct buffer *addresses)
{
    struct queue_envelope_recipient recipient;
    struct slice before = *recipients;
    uint32_t count = 0;

    while (queue_envelope_recipient(recipients, &recipient)) {
        if (count && addresses->size + 2 + recipient.address.size > EVENT_ADDRESSES_BYTES_MAX) {
            *recipients = before;
            break;
        }
        queue_event_address_write(addresses, recipient.address);
        before = *recipients;
        count++;
    }
    return count;
}

static uint16_t write_suppressed(const struct queue_envelope *envelope, uint64_t sequence,
                                 struct buffer *b)
{
    struct slice recipients = envelope->recipients;
    struct queue_envelope_recipient recipient;
    uint16_t events = 0;

    for (uint32_t i = 0; queue_envelope_recipient(&recipients, &recipient); i++) {
        const struct queue_event event = {
            .sequence = sequence + events,
            .time_us = envelope->accepted_us,
            .type = QUEUE_EVENT_SUPPRESSED,
            .id = envelope->id,
            .site_id = envelope->site_id,
            .recipient = i,
            .text = SLICE(QUEUE_SUPPRESSED_TEXT),
        };

        if (!recipient.suppressed)
            continue;
        if (b)
            queue_event_write(b, &event);
        events++;
    }
    return events;
}

uint16_t queue_envelope_events(const struct queue_envelope *envelope, uint64_t sequence,
                               struct buffer *b)
{
    CLEANUP(buffer_done) struct buffer addresses = BUFFER_NONE;
    struct slice recipients = envelope->recipients;
    uint32_t first = 0;
    uint16_t events = 0;

    while (first < envelope->recipient_count) {
        struct queue_event event = {
            .sequence = sequence + events,
            .time_us = envelope->accepted_us,
            .type = QUEUE_EVENT_ACCEPTED,
            .id = envelope->id,
            .site_id = envelope->site_id,
            .recipient = QUEUE_EVENT_ALL_RECIPIENTS,
        };

        addresses.size = 0;
        event.accepted.credential_id = envelope->credential_id;
        event.accepted.expires_us = envelope->expires_us;
        event.accepted.size = envelope->content_size;
        event.accepted.bulk = envelope->bulk;
        event.accepted.from_domain = envelope->from_domain;
        event.accepted.header_from = envelope->header_from;
        event.accepted.envelope_from = envelope->envelope_from;
        event.accepted.subject = envelope->subject;
        event.accepted.envid = envelope->envid;
        event.accepted.recipient_count = envelope->recipient_count;
        event.accepted.first_recipient = first;
        event.accepted.address_count = take_addresses(&recipients, &addresses);
        event.accepted.addresses = buffer_slice(&addresses);
        assert(event.accepted.address_count);
        if (b)
            queue_event_write(b, &event);
        first += event.accepted.address_count;
        events++;
    }
    return events + write_suppressed(envelope, sequence + events, b);
}
