#include "queue/pump.h"

#include "base/limits.h"
#include "base/log.h"
#include "queue/inside.h"
#include "wire/ipc.h"

/* A batch costs the steward a transaction: a few are better than many, and nobody waits for an
 * event. */
enum { BATCH_BYTES = LIMIT_FRAME_BYTES - IPC_HEADER_BYTES - 64 };
static const uint64_t GATHER_US = 50000;
static const uint64_t REPLY_US = 60 * SECOND_US;
static const uint64_t RETRY_US = SECOND_US;
static const uint64_t RETRY_US_MAX = 30 * SECOND_US;

/* 0 with the steward's cursor. */
static int send_batch(struct task *t, struct peer *steward, struct slice batch,
                      uint64_t *ret_cursor)
{
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, REPLY_US);
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    struct cursor c;
    uint64_t cursor;
    int r = peer_call(t, steward, IPC_EVENTS, batch, &reply);

    if (r < 0)
        return r;
    c = cursor_of(buffer_slice(&reply));
    cursor = cursor_u64(&c);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret_cursor = cursor;
    return 0;
}

/* Waits for events and sends those that fit one frame. */
static int pump(struct task *t, struct queue *q, struct peer *steward)
{
    CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE;
    uint64_t last = 0, cursor = 0;
    int r;

    queue_event_batch_begin(&batch, queue_spool_id(q));
    r = queue_events_next(t, q, &batch, BATCH_BYTES, &last);
    if (r == 0)
        r = send_batch(t, steward, buffer_slice(&batch), &cursor);
    if (r < 0)
        return r;
    if (cursor < last)
        return -EPROTO;
    queue_events_acknowledge(q, cursor);
    return 0;
}

static int gather(struct task *t, struct queue *q)
{
    return queue_events_waiting(q) < BATCH_BYTES / 2 ? task_sleep(t, GATHER_US) : task_check(t);
}

bool queue_pump_is_done(const struct queue *q)
{
    struct queue_spool_status spool;

    queue_spool_status(q->spool, &spool);
    return q->counts.messages == 0 && spool.acknowledged + 1 >= spool.next_event;
}

int queue_pump_run(struct task *t, struct queue *q, struct peer *steward)
{
    uint64_t retry_us = RETRY_US;

    for (;;) {
        int r = pump(t, q, steward);

        if (task_check(t) < 0)
            return task_check(t);
        if (r == 0) {
            retry_us = RETRY_US;
            r = gather(t, q);
        } else {
            log_warning(
                "the steward has not taken the newest events (%s); they are kept and sent again",
                strerror(-r));
            r = task_sleep(t, retry_us);
            retry_us = retry_us * 2 < RETRY_US_MAX ? retry_us * 2 : RETRY_US_MAX;
        }
        if (r < 0)
            return r;
    }
}
