#include "queue/outbox.h"

#include "base/log.h"
#include "queue/envelope.h"

enum { REFILL_BYTES = 1 << 20 };
static const uint64_t REFILL_RETRY_US = 10 * SECOND_US;

void queue_outbox_init(struct queue_outbox *o, struct queue_spool *spool, size_t bytes_max)
{
    struct queue_spool_status status;

    queue_spool_status(spool, &status);
    *o = (struct queue_outbox){.spool = spool, .bytes_max = bytes_max, .last = status.acknowledged};
    o->behind = status.acknowledged + 1 < status.next_event;
}

void queue_outbox_done(struct queue_outbox *o)
{
    buffer_done(&o->events);
}

void queue_outbox_events(const struct queue_record *record, struct buffer *b)
{
    struct queue_envelope envelope;
    struct slice progress;
    uint8_t crashes;

    if (!record->event_count)
        return;
    if (record->type == QUEUE_RECORD_EVENTS)
        buffer_add(b, record->body);
    if (record->type == QUEUE_RECORD_MESSAGE &&
        queue_envelope_read(record->body, false, &envelope, &crashes, &progress) == 0)
        queue_envelope_events(&envelope, record->sequence, b);
}

void queue_outbox_add(struct queue_outbox *o, const struct queue_record *record,
                      const struct queue_append *append)
{
    if (o->behind || !record->event_count)
        return;
    if (o->events.size - o->start > o->bytes_max) {
        o->behind = true;
        o->position = (struct queue_spool_position){append->segment->number, append->commit_offset};
        return;
    }
    queue_outbox_events(record, &o->events);
    o->last = record->sequence + record->event_count - 1;
    condition_signal(&o->more);
}

size_t queue_outbox_waiting(const struct queue_outbox *o)
{
    return o->events.size - o->start;
}

/* The event at the front of `bytes`, as bytes, and its number. */
static struct slice first_event(struct slice bytes, uint64_t *ret_sequence)
{
    struct cursor c = cursor_of(bytes);
    struct queue_event event;
    int r = queue_event_read(&c, &event);

    assert(r == 0); /* written by this process, or checked when it was read */
    *ret_sequence = event.sequence;
    return slice_part(bytes, 0, bytes.size - c.rest.size);
}

static struct slice waiting(const struct queue_outbox *o)
{
    return slice_of(o->events.data + o->start, o->events.size - o->start);
}

void queue_outbox_acknowledge(struct queue_outbox *o, uint64_t sequence)
{
    while (o->start < o->events.size) {
        uint64_t first;
        struct slice event = first_event(waiting(o), &first);

        if (first > sequence)
            break;
        o->start += event.size;
    }
    if (o->start > o->events.size / 2) {
        buffer_consume(&o->events, o->start);
        o->start = 0;
    }
    if (o->last < sequence)
        o->last = sequence;
    queue_spool_acknowledge(o->spool, sequence);
}

/* --- reading again what has left memory, or was there before this process --- */

struct refill {
    uint64_t after; /* sequence */
    struct buffer events;
    uint64_t last;
};

static void refill_found(void *context, const struct queue_record *record)
{
    CLEANUP(buffer_done) struct buffer events = BUFFER_NONE;
    struct refill *refill = context;
    struct cursor c;
    struct queue_event event;

    queue_outbox_events(record, &events);
    for (c = cursor_of(buffer_slice(&events)); c.rest.size;) {
        struct slice before = c.rest;

        if (queue_event_read(&c, &event) < 0)
            return; /* the sum was right: a later version's event, of no use to this one */
        if (event.sequence <= refill->after)
            continue;
        buffer_add(&refill->events, slice_part(before, 0, before.size - c.rest.size));
        refill->last = event.sequence;
    }
}

/* 0, also when nothing was found; then the window has caught up with the log. */
static int refill(struct task *t, struct queue_outbox *o)
{
    struct refill found = {.after = o->last};
    int r;

    r = queue_spool_read_events(t, o->spool, &o->position, REFILL_BYTES, refill_found, &found);
    if (r == 0)
        o->behind = false;
    if (found.last > o->last) {
        buffer_add(&o->events, buffer_slice(&found.events));
        o->last = found.last;
    }
    buffer_done(&found.events);
    return r < 0 ? r : 0;
}

static int wait_for_events(struct task *t, struct queue_outbox *o)
{
    int r = 0;

    while (r == 0 && !waiting(o).size) {
        if (!o->behind) {
            r = condition_wait(t, &o->more);
            continue;
        }
        r = refill(t, o);
        if (r < 0 && task_check(t) == 0) {
            log_error("events cannot be read back from the spool: %s; it is tried again",
                      strerror(-r));
            r = task_sleep(t, REFILL_RETRY_US);
        }
    }
    return r;
}

int queue_outbox_next(struct task *t, struct queue_outbox *o, struct buffer *batch,
                      size_t max_bytes, uint64_t *ret_last)
{
    struct slice rest, event;
    size_t added = 0;
    uint64_t sequence;
    int r = wait_for_events(t, o);

    if (r < 0)
        return r;
    rest = waiting(o);
    while (rest.size) {
        event = first_event(rest, &sequence);
        if (added && added + event.size > max_bytes)
            break;
        buffer_add(batch, event);
        added += event.size;
        *ret_last = sequence;
        rest = slice_part(rest, event.size, rest.size);
    }
    return 0;
}
