#include "submit/report_sender.h"

#include "base/log.h"
#include "submit/inbound.h"
#include "submit/report_frame.h"
#include "wire/ipc.h"

enum { OVERTAKEN_TRIES = 10 };
static const uint64_t OVERTAKEN_PAUSE_US = SECOND_US / 5;

static int call(struct task *t, struct report_sender *s, uint8_t type, const struct buffer *body)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;

    return peer_call(t, s->steward, type, buffer_slice(body), &reply);
}

static struct slice content_of(const struct queue_job *job)
{
    return slice_part(job->content, 0, LIMIT_REPORT_BYTES);
}

static int send_begin(struct task *t, struct report_sender *s, const struct queue_job *job,
                      const struct report_name *name, uint8_t tries)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    report_begin_write(&body, &(struct report_begin){
                                  .name = *name,
                                  .address = job->recipients[0].address,
                                  .size = (uint32_t)content_of(job).size,
                                  .tries = tries,
                              });
    return call(t, s, IPC_REPORT_BEGIN, &body);
}

static int send_content(struct task *t, struct report_sender *s, const struct queue_job *job,
                        const struct report_name *name)
{
    struct slice content = content_of(job);
    int r = 0;

    for (size_t at = 0; at < content.size && r == 0; at += REPORT_PIECE_BYTES) {
        CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

        report_piece_write(&body,
                           &(struct report_piece){*name, (uint32_t)at,
                                                  slice_part(content, at, REPORT_PIECE_BYTES)});
        r = call(t, s, IPC_REPORT_CONTENT, &body);
    }
    return r;
}

static int send_end(struct task *t, struct report_sender *s, const struct report_name *name)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    report_end_write(&body, name);
    return call(t, s, IPC_REPORT_END, &body);
}

static int send_report(struct task *t, struct report_sender *s, const struct queue_job *job)
{
    const struct report_name name = {job->id, job->recipients[0].index};
    uint8_t tries = 0;
    int r;

    do {
        r = send_begin(t, s, job, &name, tries);
        if (r == 0)
            r = send_content(t, s, job, &name);
        if (r == 0)
            r = send_end(t, s, &name);
        tries += tries < UINT8_MAX;
    } while (r == -ESTALE && task_check(t) == 0);
    return r;
}

/* A report that was quick may come before the events of its message, which are on their way. */
static int send_patiently(struct task *t, struct report_sender *s, const struct queue_job *job)
{
    int r = send_report(t, s, job);

    for (int i = 0; i < OVERTAKEN_TRIES && r == -EAGAIN; i++) {
        r = task_sleep(t, OVERTAKEN_PAUSE_US);
        if (r == 0)
            r = send_report(t, s, job);
    }
    return r;
}

static void settle(struct report_sender *s, struct queue_job *job, int r)
{
    struct queue_outcome outcome = {
        .result = r == 0 ? QUEUE_DELIVERED : QUEUE_DEFERRED,
        .text = r == 0 ? SLICE("taken by the steward") : slice_text(strerror(-r)),
    };

    if (r < 0 && r != -EAGAIN)
        log_error("the steward did not take a report: %s; it comes again", strerror(-r));
    queue_settle(s->queue, job, &outcome);
}

int report_sender_run(struct task *t, struct report_sender *s)
{
    struct queue_job *job;
    int r = 0;

    while (r == 0) {
        r = queue_take(t, s->queue, SLICE(INBOUND_POOL), SLICE_NONE, &job);
        if (r == 0 && !job) {
            r = condition_wait(t, &s->more);
            continue;
        }
        if (r < 0)
            return r;
        r = send_patiently(t, s, job);
        if (task_check(t) < 0) {
            queue_return(s->queue, job);
            return task_check(t);
        }
        settle(s, job, r);
        r = 0;
    }
    return r;
}
