#include "queue/message.h"

#include <stdlib.h>

struct queue_message *queue_message_new(const struct queue_envelope *envelope)
{
    size_t entries = envelope->recipient_count * sizeof(struct queue_recipient_entry);
    struct slice recipients = envelope->recipients;
    struct queue_envelope_recipient recipient;
    struct queue_message *m;
    size_t text = 0;

    while (queue_envelope_recipient(&recipients, &recipient))
        text += recipient.address.size;
    m = base_allocate(sizeof(*m) + entries + text);
    m->id = envelope->id;
    m->site_id = envelope->site_id;
    m->bulk = envelope->bulk;
    m->accepted_us = envelope->accepted_us;
    m->expires_us = envelope->expires_us;
    m->recipient_count = m->open = envelope->recipient_count;

    recipients = envelope->recipients;
    text = 0;
    for (uint32_t i = 0; queue_envelope_recipient(&recipients, &recipient); i++) {
        m->recipients[i].next = RECIPIENT_NONE;
        m->recipients[i].address_at = (uint32_t)text;
        m->recipients[i].address_size = (uint16_t)recipient.address.size;
        m->recipients[i].flags = recipient.suppressed ? RECIPIENT_FINISHED : 0;
        m->open -= recipient.suppressed;
        memcpy((char *)m->recipients + entries + text, recipient.address.data,
               recipient.address.size);
        text += recipient.address.size;
    }
    return m;
}

void queue_message_free(struct queue_message *m)
{
    if (!m)
        return;
    queue_place_clear(&m->place);
    queue_body_free(m->body);
    free(m->groups);
    free(m);
}

struct slice queue_message_address(const struct queue_message *m, uint32_t recipient)
{
    const struct queue_recipient_entry *r = &m->recipients[recipient];

    return slice_of((const char *)&m->recipients[m->recipient_count] + r->address_at,
                    r->address_size);
}

uint64_t queue_message_hash(const struct message_id *id)
{
    uint64_t hash;

    memcpy(&hash, id->uuid, sizeof(hash));
    return hash;
}

struct queue_message *queue_message_find(const struct table *messages, const struct message_id *id)
{
    struct table_item *item = table_find(messages, queue_message_hash(id));

    for (; item; item = table_find_more(item)) {
        struct queue_message *m = CONTAINER_OF(item, struct queue_message, item);

        if (message_id_compare(&m->id, id) == 0)
            return m;
    }
    return NULL;
}

size_t queue_body_bytes(const struct queue_body *b)
{
    return b ? sizeof(*b) + b->record.capacity + b->content.capacity + b->signature.capacity : 0;
}

void queue_body_free(struct queue_body *b)
{
    if (!b)
        return;
    list_remove(&b->link);
    buffer_done(&b->record);
    buffer_done(&b->content);
    buffer_done(&b->signature);
    free(b);
}
