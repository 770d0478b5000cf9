/* Tells the steward how relays are used; makes mail due that waited for an account. */
#include "deliver/inside.h"
#include "deliver/relay_protocol.h"
#include "queue/remote.h"
#include "wire/ipc.h"

/* What a crash may lose is what went out in this time. */
static const uint64_t EVERY_US = SECOND_US / 5;
static const uint64_t LAST_US = 2 * SECOND_US;

static bool has_news(const struct account *a)
{
    return a->relay_id && (a->news || a->recipients != a->told_recipients);
}

static bool is_busy(const struct deliver *d)
{
    LIST_FOREACH (link, &d->accounts) {
        const struct account *a = LIST_ENTRY(link, struct account, link);

        if (a->drain || a->retry || has_news(a))
            return true;
    }
    return false;
}

static void write_one(const struct account *a, struct buffer *body)
{
    relay_use_write(body, &(struct relay_use_told){
                              .site_id = a->site_id,
                              .relay_id = a->relay_id,
                              .version = a->version,
                              .day_us = a->day_us,
                              .recipients = a->recipients,
                              .closed_until_us = a->closed_until_us,
                              .closed_why = slice_text(a->closed_why),
                              .trouble = slice_text(a->trouble),
                              .trouble_since_us = a->trouble ? a->trouble_since_us : 0,
                          });
}

/* What it could not take is told again with the next news. */
static int tell(struct task *t, struct deliver *d, struct peer *steward)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    size_t count = 0;

    LIST_FOREACH (link, &d->accounts) {
        struct account *a = LIST_ENTRY(link, struct account, link);

        if (!has_news(a) || count++ >= RELAY_USES_A_FRAME_MAX)
            continue;
        write_one(a, &body);
        a->news = false;
        a->told_recipients = a->recipients;
    }
    return count ? peer_call(t, steward, IPC_RELAY_USE, buffer_slice(&body), &reply) : 0;
}

static struct account *next_due(const struct deliver *d)
{
    LIST_FOREACH (link, &d->accounts) {
        struct account *a = LIST_ENTRY(link, struct account, link);

        if (a->drain || a->retry)
            return a;
    }
    return NULL;
}

/* What was deferred for the account's sake need not wait for its own next try: one message while
 * the account is tried, and all when it works. */
static int make_due(struct task *t, struct deliver *d)
{
    struct account *a;
    int r = 0;

    while (r == 0 && (a = next_due(d))) {
        CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
        struct queue_act_request request = {
            .act = QUEUE_ACT_RETRY, .site_id = a->site_id, .recipient = QUEUE_EVENT_ALL_RECIPIENTS};

        if (!a->drain)
            request.id = a->tried;
        a->drain = a->retry = false;
        queue_act_request_write(&body, &request);
        r = queue_remote_request(t, d->queue, IPC_QUEUE_ACT, buffer_slice(&body), &reply);
    }
    return r;
}

int deliver_tell_relays(struct task *t, struct deliver *d, struct peer *steward)
{
    int r = 0;

    while (r == 0) {
        if (!is_busy(d))
            r = condition_wait(t, &d->accounts_changed);
        if (r == 0)
            r = make_due(t, d);
        if (r == 0)
            r = task_sleep(t, EVERY_US); /* what goes out meanwhile is told with it */
        if (r == 0)
            (void)tell(t, d, steward);
        if (r == 0)
            r = task_check(t);
    }
    return r == -ECANCELED ? 0 : r;
}

int deliver_tell_relays_last(struct task *t, struct deliver *d, struct peer *steward)
{
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, LAST_US);
    int r = tell(t, d, steward);

    return r == -ECANCELED ? r : 0;
}
