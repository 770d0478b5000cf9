/* The events on their way to the steward. The newest may be in the log only: memory holds a window
 * that begins behind the cursor; when the steward is away and the window is full, events are left
 * where they are and read again later. */
#ifndef LETTERHEAD_QUEUE_OUTBOX_H
#define LETTERHEAD_QUEUE_OUTBOX_H

#include "queue/event.h"
#include "queue/spool.h"

enum { QUEUE_OUTBOX_BYTES = 4 << 20 };

struct queue_outbox {
    struct queue_spool *spool;
    struct buffer events; /* written, in order */
    size_t start;         /* of the first that is not acknowledged */
    uint64_t last;        /* sequence: all up to this one were put into the window */
    bool behind;          /* the log has more than the window, from `position` on */
    struct queue_spool_position position;
    size_t bytes_max;
    struct condition more;
};

/* `acknowledged` as the spool says; what is newer is read from the log when it is asked for. */
void queue_outbox_init(struct queue_outbox *o, struct queue_spool *spool, size_t bytes_max);
void queue_outbox_done(struct queue_outbox *o);

/* A durable record and where it lies. Records without events do nothing. */
void queue_outbox_add(struct queue_outbox *o, const struct queue_record *record,
                      const struct queue_append *append);
/* The events that a record makes, as bytes. Pure. */
void queue_outbox_events(const struct queue_record *record, struct buffer *b);

/* Waits until there are events that are not acknowledged, and adds as many as fit to `batch` (at
 * least one). Returns 0 with the sequence of the last one, or why it does not wait any longer. */
MUST_CHECK int queue_outbox_next(struct task *t, struct queue_outbox *o, struct buffer *batch,
                                 size_t max_bytes, uint64_t *ret_last);
/* Forgets all up to `sequence`. */
void queue_outbox_acknowledge(struct queue_outbox *o, uint64_t sequence);
/* Bytes that wait in memory. */
size_t queue_outbox_waiting(const struct queue_outbox *o);

#endif
