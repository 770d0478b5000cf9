#include "feedback/timeline.h"

#include "base/limits.h"

static const char *const state_names[TIMELINE_STATES] = {
    [TIMELINE_QUEUED] = "queued",       [TIMELINE_DEFERRED] = "deferred",
    [TIMELINE_HELD] = "held",           [TIMELINE_DELIVERED] = "delivered",
    [TIMELINE_BOUNCED] = "bounced",     [TIMELINE_EXPIRED] = "expired",
    [TIMELINE_CANCELLED] = "cancelled", [TIMELINE_SUPPRESSED] = "suppressed",
    [TIMELINE_RETURNED] = "returned",
};

const char *timeline_state_name(enum timeline_state state)
{
    return state_names[state];
}

bool timeline_state_is_final(enum timeline_state state)
{
    return state >= TIMELINE_DELIVERED;
}

void timeline_init(struct timeline *l, struct arena *arena)
{
    *l = (struct timeline){.arena = arena};
}

/* Room for `count` recipients; those that are new are queued since the acceptance. */
static void grow_recipients(struct timeline *l, size_t count)
{
    if (count <= l->recipient_count || count > LIMIT_RECIPIENTS)
        return;
    if (count > l->recipient_capacity) {
        size_t capacity = count > 2 * l->recipient_capacity ? count : 2 * l->recipient_capacity;
        struct timeline_recipient *recipients =
            ARENA_ARRAY(l->arena, struct timeline_recipient, capacity);

        if (l->recipient_count)
            memcpy(recipients, l->recipients, l->recipient_count * sizeof recipients[0]);
        l->recipients = recipients;
        l->recipient_capacity = capacity;
    }
    for (size_t i = l->recipient_count; i < count; i++)
        l->recipients[i].since_us = l->accepted_us;
    l->recipient_count = count;
}

static void add_accepted(struct timeline *l, const struct queue_event *event)
{
    struct slice addresses = event->accepted.addresses, address;
    size_t i = event->accepted.first_recipient;

    if (!l->accepted) {
        l->accepted = true;
        l->accepted_us = event->time_us;
        l->expires_us = event->accepted.expires_us;
        l->credential_id = event->accepted.credential_id;
        l->size = event->accepted.size;
        l->bulk = event->accepted.bulk;
        l->from_domain = event->accepted.from_domain;
        l->header_from = event->accepted.header_from;
        l->envelope_from = event->accepted.envelope_from;
        l->subject = event->accepted.subject;
        l->envid = event->accepted.envid;
    }
    grow_recipients(l, event->accepted.recipient_count);
    while (i < l->recipient_count && queue_event_address(&addresses, &address))
        l->recipients[i++].address = address;
}

static enum timeline_state state_after(enum queue_event_type type, uint32_t attempts)
{
    switch (type) {
    case QUEUE_EVENT_DEFERRED:
        return TIMELINE_DEFERRED;
    case QUEUE_EVENT_DELIVERED:
        return TIMELINE_DELIVERED;
    case QUEUE_EVENT_BOUNCED:
        return TIMELINE_BOUNCED;
    case QUEUE_EVENT_EXPIRED:
        return TIMELINE_EXPIRED;
    case QUEUE_EVENT_HELD:
        return TIMELINE_HELD;
    case QUEUE_EVENT_CANCELLED:
        return TIMELINE_CANCELLED;
    case QUEUE_EVENT_SUPPRESSED:
        return TIMELINE_SUPPRESSED;
    default: /* released: as before it was held */
        return attempts ? TIMELINE_DEFERRED : TIMELINE_QUEUED;
    }
}

/* Delivered and returned is returned, in whichever order the two were stored: they come from
 * different spools. */
static void settle_return(struct timeline_recipient *recipient)
{
    if (recipient->state != TIMELINE_DELIVERED || !recipient->returned)
        return;
    recipient->state = TIMELINE_RETURNED;
    recipient->since_us = recipient->returned->time_us;
    recipient->last = recipient->returned;
}

static void note_first(const struct queue_event **place, const struct queue_event *event)
{
    if (!*place)
        *place = event;
}

static void note_report(struct timeline_recipient *recipient, const struct queue_event *event)
{
    if (event->type == QUEUE_EVENT_RETURNED)
        note_first(&recipient->returned, event);
    if (event->type == QUEUE_EVENT_COMPLAINED)
        note_first(&recipient->complained, event);
    if (event->type == QUEUE_EVENT_ANSWERED)
        note_first(&recipient->answered, event);
    settle_return(recipient);
}

static void move_recipient(struct timeline_recipient *recipient, const struct queue_event *event)
{
    if (queue_event_is_report(event->type)) {
        note_report(recipient, event);
        return;
    }
    if (timeline_state_is_final(recipient->state))
        return; /* an act on the whole message does not reach those that are done */
    if (event->attempts)
        recipient->attempts = event->attempts;
    recipient->state = state_after(event->type, recipient->attempts);
    recipient->since_us = event->time_us;
    recipient->due_us = event->due_us;
    recipient->last = event;
    settle_return(recipient);
}

static void add_change(struct timeline *l, const struct queue_event *event)
{
    if (event->recipient != QUEUE_EVENT_ALL_RECIPIENTS) {
        grow_recipients(l, (size_t)event->recipient + 1);
        if (event->recipient < l->recipient_count)
            move_recipient(&l->recipients[event->recipient], event);
        return;
    }
    for (size_t i = 0; i < l->recipient_count; i++)
        move_recipient(&l->recipients[i], event);
}

static const struct queue_event *keep_event(struct timeline *l, const struct queue_event *event)
{
    struct queue_event *kept = ARENA_NEW(l->arena, struct queue_event);

    *kept = *event;
    if (l->event_count == TIMELINE_EVENTS_MAX) {
        l->events_left_out++;
        return kept;
    }
    if (l->event_count == l->event_capacity) {
        size_t capacity = l->event_capacity ? 2 * l->event_capacity : 8;
        struct queue_event **events = ARENA_ARRAY(l->arena, struct queue_event *, capacity);

        if (l->event_count)
            memcpy(events, l->events, l->event_count * sizeof(struct queue_event *));
        l->events = events;
        l->event_capacity = capacity;
    }
    l->events[l->event_count++] = kept;
    return kept;
}

void timeline_add(struct timeline *l, const struct queue_event *event)
{
    const struct queue_event *kept = keep_event(l, event);

    l->id = event->id;
    l->site_id = event->site_id;
    if (event->type == QUEUE_EVENT_ACCEPTED)
        add_accepted(l, kept);
    else
        add_change(l, kept);
}

bool timeline_is_settled(const struct timeline *l)
{
    for (size_t i = 0; i < l->recipient_count; i++)
        if (!timeline_state_is_final(l->recipients[i].state))
            return false;
    return l->recipient_count > 0;
}

void timeline_count(const struct timeline *l, size_t ret_counts[TIMELINE_STATES])
{
    memset(ret_counts, 0, TIMELINE_STATES * sizeof ret_counts[0]);
    for (size_t i = 0; i < l->recipient_count; i++)
        ret_counts[l->recipients[i].state]++;
}
