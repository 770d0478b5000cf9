#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"
#include "queue/spool_inside.h"

#include <stdio.h>
#include <stdlib.h>

static int accepted_mail_is_delivered_once(struct task *t, struct bed *b)
{
    struct queue_job *job;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(b->due_calls, 1);
    job = bed_take(t, b, "example.net");
    assert_true(bed_is_intact(job, 1, 300));
    assert_int_equal(job->site_id, 5);
    assert_int_equal(job->recipient_count, 1);
    assert_true(slice_equal(job->recipients[0].address, SLICE("a@example.net")));
    assert_true(slice_equal(job->recipients[0].domain, SLICE("example.net")));
    assert_true(bed_nothing(t, b, "example.net"));
    bed_settle(b, job, QUEUE_DELIVERED);
    assert_true(bed_nothing(t, b, "example.net"));
    bed_read_events(t, b, 2, true);
    assert_int_equal(b->events[0].type, QUEUE_EVENT_ACCEPTED);
    assert_int_equal(b->events[1].type, QUEUE_EVENT_DELIVERED);
    assert_int_equal(b->events[1].attempts, 1);
    bed_close(t, b);
    return 0;
}

static int deferred_mail_comes_back_in_time(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    for (unsigned attempt = 0; attempt < 5; attempt++) {
        static const unsigned delays_s[] = {60, 120, 240, 240, 240};
        struct queue_job *job = bed_take(t, b, "example.net");

        assert_int_equal(job->recipients[0].attempts, attempt);
        assert_true(bed_is_intact(job, 1, 300));
        bed_settle(b, job, QUEUE_DEFERRED);
        bed_pass_s(delays_s[attempt] * 3 / 4 - 1);
        assert_int_equal(task_sleep(t, 1000), 0);
        assert_true(bed_nothing(t, b, "example.net"));
        bed_pass_s(delays_s[attempt] / 2 + 2);
        assert_int_equal(task_sleep(t, 1000), 0);
    }
    bed_close(t, b);
    return 0;
}

/* What the next process finds: mail, attempts, waiting times, and events that nobody has acknowledged. */
static int a_restart_changes_nothing(struct task *t, struct bed *b)
{
    struct queue_job *job;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(bed_submit_one(t, b, 2, 5, "b@example.com"), 0);
    assert_int_equal(bed_submit_one(t, b, 3, 5, "c@example.info"), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    bed_settle(b, bed_take(t, b, "example.com"), QUEUE_DELIVERED);
    bed_close(t, b);

    assert_int_equal(bed_open(t, b), 0);
    assert_true(bed_nothing(t, b, "example.net")); /* the waiting time goes on */
    assert_true(bed_nothing(t, b, "example.com"));
    job = bed_take(t, b, "example.info");
    assert_true(bed_is_intact(job, 3, 300));
    assert_int_equal(job->recipients[0].attempts, 0);
    assert_false(job->recipients[0].ambiguous_before);
    bed_settle(b, job, QUEUE_BOUNCED);
    bed_pass_s(80);
    assert_int_equal(task_sleep(t, 1000), 0);
    job = bed_take(t, b, "example.net");
    assert_true(bed_is_intact(job, 1, 300));
    assert_int_equal(job->recipients[0].attempts, 1);
    queue_return(b->queue, job);
    bed_read_events(t, b, 6, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_DEFERRED), 1);
    assert_int_equal(bed_count(b, 2, QUEUE_EVENT_DELIVERED), 1);
    assert_int_equal(bed_count(b, 3, QUEUE_EVENT_BOUNCED), 1);
    bed_close(t, b);

    /* What was acknowledged does not come again. */
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(queue_events_waiting(b->queue), 0);
    assert_int_equal(bed_submit_one(t, b, 4, 5, "d@example.net"), 0);
    bed_read_events(t, b, 7, true);
    assert_int_equal(b->events[6].type, QUEUE_EVENT_ACCEPTED);
    bed_close(t, b);
    return 0;
}

/* --- group commit --- */

enum { SESSIONS = 20 };

struct session {
    struct bed *bed;
    unsigned number;
};

static int submit_in_task(struct task *t, void *argument)
{
    const struct session *s = argument;

    return bed_submit_one(t, s->bed, s->number, 1, "a@example.net");
}

static int sessions_share_commits(struct task *t, struct bed *b)
{
    static struct session sessions[SESSIONS];
    struct scope scope;
    unsigned before;

    assert_int_equal(bed_open(t, b), 0);
    scope_open(&scope, t);
    before = fake_disk_calls(b->disk, FAKE_SYNC);
    for (unsigned i = 0; i < SESSIONS; i++) {
        sessions[i] = (struct session){b, i + 1};
        assert_int_equal(scope_spawn(&scope, "session", submit_in_task, &sessions[i]), 0);
    }
    assert_int_equal(scope_wait(t, &scope), 0);
    scope_close(&scope);
    assert_true(fake_disk_calls(b->disk, FAKE_SYNC) - before <= 2);
    assert_int_equal(b->ready, SESSIONS);
    bed_close(t, b);
    return 0;
}

/* --- clients that cannot wait --- */

/* Its time is over before the disk has begun: nothing is left of it. */
static int what_is_given_up_in_time_is_not_stored(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    {
        CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, 0);

        assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), -ETIMEDOUT);
    }
    assert_int_equal(bed_submit_one(t, b, 2, 5, "a@example.net"), 0);
    queue_return(b->queue, bed_take(t, b, "example.net"));
    bed_read_events(t, b, 1, true);
    assert_int_equal(bed_count(b, 1, 0), 0);
    bed_close(t, b);
    return 0;
}

static int submit_and_be_cancelled(struct task *t, void *argument)
{
    int r = submit_in_task(t, argument);

    assert_int_equal(r, -ECANCELED);
    return 0;
}

/* The disk had begun: the message is there, and cancelled, since the client was told no 250. */
static int what_is_given_up_too_late_is_cancelled(struct task *t, struct bed *b)
{
    struct session session = {b, 1};
    struct queue_body *body;
    struct scope scope;

    assert_int_equal(bed_open(t, b), 0);
    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "session", submit_and_be_cancelled, &session), 0);
    while (list_empty(&b->queue->spool->writing))
        assert_int_equal(task_yield(t), 0);
    body = CONTAINER_OF(LIST_FIRST(&b->queue->spool->writing, struct queue_append, link),
                        struct queue_body, append);
    assert_non_null(body->waiter);
    scope_close(&scope);
    bed_read_events(t, b, 2, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_ACCEPTED), 1);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_CANCELLED), 1);
    assert_int_equal(b->events[1].reason, QUEUE_REASON_UNCLAIMED);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(b->due_calls, 0);
    bed_close(t, b);
    return 0;
}

static int nothing_is_accepted_while_closing(struct task *t, struct bed *b)
{
    const char *why = NULL;

    assert_int_equal(bed_open(t, b), 0);
    assert_true(queue_accepting(b->queue, &why));
    b->queue->spool->closing = true;
    assert_false(queue_accepting(b->queue, &why));
    assert_non_null(why);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), -ECANCELED);
    bed_close(t, b);
    return 0;
}

static int closing_nothing_is_fine(struct task *t, struct bed *b)
{
    (void)b;
    queue_close(t, NULL);
    return 0;
}

BED_TEST(accepted_mail_is_delivered_once)
BED_TEST(deferred_mail_comes_back_in_time)
BED_TEST(a_restart_changes_nothing)
BED_TEST(sessions_share_commits)
BED_TEST(what_is_given_up_in_time_is_not_stored)
BED_TEST(what_is_given_up_too_late_is_cancelled)
BED_TEST(nothing_is_accepted_while_closing)
BED_TEST(closing_nothing_is_fine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted_mail_is_delivered_once),
        cmocka_unit_test(test_deferred_mail_comes_back_in_time),
        cmocka_unit_test(test_a_restart_changes_nothing),
        cmocka_unit_test(test_sessions_share_commits),
        cmocka_unit_test(test_what_is_given_up_in_time_is_not_stored),
        cmocka_unit_test(test_what_is_given_up_too_late_is_cancelled),
        cmocka_unit_test(test_nothing_is_accepted_while_closing),
        cmocka_unit_test(test_closing_nothing_is_fine),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
