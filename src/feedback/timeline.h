/* A message's life, told from its events: what is known of it, how each recipient stands, and
 * what happened in order. Pure: events go in one by one, oldest first. */
#ifndef LETTERHEAD_FEEDBACK_TIMELINE_H
#define LETTERHEAD_FEEDBACK_TIMELINE_H

#include "base/arena.h"
#include "queue/event.h"

enum timeline_state {
    TIMELINE_QUEUED,   /* not tried yet */
    TIMELINE_DEFERRED, /* tried in vain; will be tried again */
    TIMELINE_HELD,
    TIMELINE_DELIVERED,
    TIMELINE_BOUNCED,
    TIMELINE_EXPIRED,
    TIMELINE_CANCELLED,
    TIMELINE_SUPPRESSED,
    TIMELINE_RETURNED, /* delivered, and bounced later by the word of a report */
    TIMELINE_STATES,
};

enum { TIMELINE_EVENTS_MAX = 5000 }; /* kept for showing; all are counted */

struct timeline_recipient {
    struct slice address; /* empty when the acceptance is not in the history any more */
    enum timeline_state state;
    int64_t since_us;
    uint32_t attempts;
    int64_t due_us;                 /* DEFERRED: not before */
    const struct queue_event *last; /* the event that made it so; NULL: the acceptance */
    /* What came back, the first of each kind; NULL: nothing. */
    const struct queue_event *returned, *complained, *answered;
};

struct timeline {
    struct arena *arena;
    struct message_id id;
    uint64_t site_id;
    bool accepted; /* the acceptance is known */
    int64_t accepted_us, expires_us;
    uint64_t credential_id;
    uint32_t size;
    bool bulk;
    struct slice from_domain, header_from, envelope_from, subject, envid;
    struct timeline_recipient *recipients;
    size_t recipient_count, recipient_capacity;
    struct queue_event **events; /* oldest first, the acceptance is one */
    size_t event_count, event_capacity;
    size_t events_left_out;
};

/* "queued", "deferred" … */
const char *timeline_state_name(enum timeline_state state);
bool timeline_state_is_final(enum timeline_state state);

void timeline_init(struct timeline *l, struct arena *arena);
/* The event's texts are borrowed for as long as the timeline lives. */
void timeline_add(struct timeline *l, const struct queue_event *event);
/* True when each recipient has its end. */
bool timeline_is_settled(const struct timeline *l);
/* How many recipients are in each state. */
void timeline_count(const struct timeline *l, size_t ret_counts[TIMELINE_STATES]);

#endif
