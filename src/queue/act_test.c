#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"
#include "queue/spool_inside.h"

static uint64_t act(struct task *t, struct bed *b, enum queue_act what, unsigned number,
                    uint64_t site_id, uint32_t recipient)
{
    struct queue_act_request request = {
        .act = what, .site_id = site_id, .recipient = recipient, .text = SLICE("by an operator")};
    uint64_t touched = 12345;

    if (number)
        request.id = bed_id(number);
    assert_int_equal(queue_act(t, b->queue, &request, &touched), 0);
    return touched;
}

static uint64_t act_on_message(struct task *t, struct bed *b, enum queue_act what, unsigned number)
{
    return act(t, b, what, number, 0, QUEUE_EVENT_ALL_RECIPIENTS);
}

static void reopen(struct task *t, struct bed *b)
{
    bed_close(t, b);
    assert_int_equal(bed_open(t, b), 0);
}

static int retry_does_not_wait(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(act_on_message(t, b, QUEUE_ACT_RETRY, 2), 0);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(act_on_message(t, b, QUEUE_ACT_RETRY, 1), 1);
    assert_false(bed_nothing(t, b, "example.net"));
    bed_close(t, b);
    return 0;
}

static int held_mail_waits_for_its_release(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(act_on_message(t, b, QUEUE_ACT_HOLD, 1), 1);
    assert_int_equal(act_on_message(t, b, QUEUE_ACT_HOLD, 1), 0);
    assert_int_equal(act_on_message(t, b, QUEUE_ACT_RETRY, 1), 0);
    assert_true(bed_nothing(t, b, "example.net"));
    reopen(t, b);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(act_on_message(t, b, QUEUE_ACT_RELEASE, 1), 1);
    assert_int_equal(act_on_message(t, b, QUEUE_ACT_RELEASE, 1), 0);
    reopen(t, b);
    assert_false(bed_nothing(t, b, "example.net"));
    bed_read_events(t, b, 3, true);
    assert_int_equal(b->events[1].type, QUEUE_EVENT_HELD);
    assert_int_equal(b->events[1].reason, QUEUE_REASON_OPERATOR);
    assert_int_equal(b->events[2].type, QUEUE_EVENT_RELEASED);
    bed_close(t, b);
    return 0;
}

/* Held while it is being delivered: what is deferred stays held. */
static int holding_reaches_jobs_under_way(struct task *t, struct bed *b)
{
    struct queue_job *job;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    job = bed_take(t, b, "example.net");
    assert_int_equal(act_on_message(t, b, QUEUE_ACT_HOLD, 1), 1);
    bed_settle(b, job, QUEUE_DEFERRED);
    bed_pass_s(1000);
    assert_int_equal(task_sleep(t, 1000), 0);
    assert_true(bed_nothing(t, b, "example.net"));
    reopen(t, b);
    bed_pass_s(1000);
    assert_int_equal(task_sleep(t, 1000), 0);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(act_on_message(t, b, QUEUE_ACT_RELEASE, 1), 1);
    assert_false(bed_nothing(t, b, "example.net"));
    bed_close(t, b);
    return 0;
}

static int cancelled_mail_is_gone(struct task *t, struct bed *b)
{
    const char *const recipients[] = {"a@example.net", "b@example.net", NULL};
    struct queue_job *job;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit(t, b, 1, 5, 300, recipients), 0);
    assert_int_equal(act(t, b, QUEUE_ACT_CANCEL, 1, 6, QUEUE_EVENT_ALL_RECIPIENTS),
                     0); /* another site's */
    assert_int_equal(act(t, b, QUEUE_ACT_CANCEL, 1, 5, 0), 1);
    job = bed_take(t, b, "example.net");
    assert_int_equal(job->recipient_count, 1);
    assert_int_equal(job->recipients[0].index, 1);
    queue_return(b->queue, job);
    assert_int_equal(act_on_message(t, b, QUEUE_ACT_CANCEL, 1), 1);
    assert_int_equal(b->queue->messages.count, 0);
    assert_true(bed_nothing(t, b, "example.net"));
    reopen(t, b);
    assert_int_equal(b->queue->messages.count, 0);
    bed_read_events(t, b, 3, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_CANCELLED), 2);
    bed_close(t, b);
    return 0;
}

/* Exactly one end: the delivery's if it comes to one, otherwise the cancellation. */
static int cancelling_waits_for_jobs_under_way(struct task *t, struct bed *b)
{
    struct queue_job *first, *second, *third;

    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 3; n++)
        assert_int_equal(bed_submit_one(t, b, n, 5, "a@example.net"), 0);
    first = bed_take(t, b, "example.net");
    second = bed_take(t, b, "example.net");
    third = bed_take(t, b, "example.net");
    assert_int_equal(act(t, b, QUEUE_ACT_CANCEL, 0, 0, QUEUE_EVENT_ALL_RECIPIENTS), 3);
    assert_int_equal(b->queue->messages.count, 3);
    bed_settle(b, first, QUEUE_DELIVERED);
    bed_settle(b, second, QUEUE_DEFERRED);
    queue_return(b->queue, third);
    assert_int_equal(b->queue->messages.count, 0);
    bed_read_events(t, b, 7, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_DELIVERED), 1);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_CANCELLED), 0);
    assert_int_equal(bed_count(b, 2, QUEUE_EVENT_DEFERRED), 1);
    assert_int_equal(bed_count(b, 2, QUEUE_EVENT_CANCELLED), 1);
    assert_int_equal(bed_count(b, 3, QUEUE_EVENT_CANCELLED), 1);
    bed_close(t, b);
    return 0;
}

/* Delivery parks a site besides what operators hold: each must end for its mail to go on. */
static int a_parked_site_waits(struct task *t, struct bed *b)
{
    struct queue_job *job;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(bed_submit_one(t, b, 2, 6, "a@example.com"), 0);
    job = bed_take(t, b, "example.net");
    queue_park(b->queue, 5);
    queue_park(b->queue, 5);
    queue_return(b->queue, job);
    assert_int_equal(bed_submit_one(t, b, 3, 5, "b@example.org"), 0);
    assert_true(bed_nothing(t, b, "example.net") && bed_nothing(t, b, "example.org"));
    assert_false(bed_nothing(t, b, "example.com"));
    assert_int_equal(act(t, b, QUEUE_ACT_HOLD, 0, 5, QUEUE_EVENT_ALL_RECIPIENTS), 2);
    queue_unpark_all(b->queue);
    assert_true(bed_nothing(t, b, "example.net"));
    queue_park(b->queue, 5);
    (void)act(t, b, QUEUE_ACT_RELEASE, 0, 5, QUEUE_EVENT_ALL_RECIPIENTS);
    assert_true(bed_nothing(t, b, "example.net"));
    queue_unpark_all(b->queue);
    assert_false(bed_nothing(t, b, "example.net") || bed_nothing(t, b, "example.org"));
    queue_park(b->queue, 5);
    reopen(t, b); /* whoever parked it is gone */
    assert_false(bed_nothing(t, b, "example.net"));
    bed_close(t, b);
    return 0;
}

static int a_held_site_is_paused(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(bed_submit_one(t, b, 2, 6, "a@example.com"), 0);
    assert_int_equal(act(t, b, QUEUE_ACT_HOLD, 0, 5, QUEUE_EVENT_ALL_RECIPIENTS), 1);
    assert_int_equal(bed_submit_one(t, b, 3, 5, "b@example.net"), 0);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_false(bed_nothing(t, b, "example.com"));
    reopen(t, b);
    assert_true(bed_nothing(t, b, "example.net"));
    /* The log has moved on by many segments; it still knows. */
    for (unsigned i = 0; i < 3; i++) {
        b->queue->spool->roll = true;
        assert_int_equal(queue_spool_flush(t, b->queue->spool), 0);
        assert_int_equal(bed_submit_one(t, b, 10 + i, 6, "a@example.com"), 0);
    }
    reopen(t, b);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(act(t, b, QUEUE_ACT_RELEASE, 0, 5, QUEUE_EVENT_ALL_RECIPIENTS), 2);
    assert_false(bed_nothing(t, b, "example.net"));
    reopen(t, b);
    assert_false(bed_nothing(t, b, "example.net"));
    bed_close(t, b);
    return 0;
}

static int all_of_a_site_can_be_cancelled(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 600; n++) /* more than one stride of a walk */
        assert_int_equal(bed_submit_one(t, b, n, n % 2 + 1, "a@example.net"), 0);
    assert_int_equal(act(t, b, QUEUE_ACT_CANCEL, 0, 1, QUEUE_EVENT_ALL_RECIPIENTS), 300);
    assert_int_equal(b->queue->messages.count, 300);
    LIST_FOREACH (link, &b->queue->order)
        assert_int_equal(LIST_ENTRY(link, struct queue_message, link)->site_id, 2);
    bed_close(t, b);
    return 0;
}

/* What cannot be made durable is not confirmed. */
static int an_act_that_is_not_on_disk_fails(struct task *t, struct bed *b)
{
    struct queue_act_request request = {.act = QUEUE_ACT_HOLD,
                                        .recipient = QUEUE_EVENT_ALL_RECIPIENTS};
    uint64_t touched;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    fake_disk_fail(b->disk, FAKE_WRITE, 0, 1000, -EIO);
    assert_int_equal(queue_act(t, b->queue, &request, &touched), -EIO);
    fake_disk_fail(b->disk, FAKE_WRITE, 0, 0, 0);
    bed_close(t, b);
    return 0;
}

BED_TEST(retry_does_not_wait)
BED_TEST(held_mail_waits_for_its_release)
BED_TEST(holding_reaches_jobs_under_way)
BED_TEST(cancelled_mail_is_gone)
BED_TEST(cancelling_waits_for_jobs_under_way)
BED_TEST(a_held_site_is_paused)
BED_TEST(a_parked_site_waits)
BED_TEST(all_of_a_site_can_be_cancelled)
BED_TEST(an_act_that_is_not_on_disk_fails)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_does_not_wait),
        cmocka_unit_test(test_held_mail_waits_for_its_release),
        cmocka_unit_test(test_holding_reaches_jobs_under_way),
        cmocka_unit_test(test_cancelled_mail_is_gone),
        cmocka_unit_test(test_cancelling_waits_for_jobs_under_way),
        cmocka_unit_test(test_a_held_site_is_paused),
        cmocka_unit_test(test_a_parked_site_waits),
        cmocka_unit_test(test_all_of_a_site_can_be_cancelled),
        cmocka_unit_test(test_an_act_that_is_not_on_disk_fails),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
