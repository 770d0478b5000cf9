#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"

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

/* What the next process finds: mail, attempts, waiting times, and events that nobody has
 * acknowledged. */
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

static int closing_nothing_is_fine(struct task *t, struct bed *b)
{
    (void)b;
    queue_close(t, NULL);
    return 0;
}

BED_TEST(accepted_mail_is_delivered_once)
BED_TEST(deferred_mail_comes_back_in_time)
BED_TEST(a_restart_changes_nothing)
BED_TEST(closing_nothing_is_fine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted_mail_is_delivered_once),
        cmocka_unit_test(test_deferred_mail_comes_back_in_time),
        cmocka_unit_test(test_a_restart_changes_nothing),
        cmocka_unit_test(test_closing_nothing_is_fine),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
