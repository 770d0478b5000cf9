#include "queue/bed.h"

/* Runs one test body in a fresh world with a fresh disk. */
static struct bed bed;

static void run(task_function *body)
{
    bed_init(&bed, fake_disk_new());
    bed_run(body, &bed);
    disk_free(bed.disk);
}

static int accepted_mail_is_delivered_once(struct task *t, void *argument)
{
    struct bed *b = argument;
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

static int deferred_mail_comes_back_in_time(struct task *t, void *argument)
{
    struct bed *b = argument;

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

#define RUN(name)                                                                                  \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        run(name);                                                                                 \
    }
RUN(accepted_mail_is_delivered_once)
RUN(deferred_mail_comes_back_in_time)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted_mail_is_delivered_once),
        cmocka_unit_test(test_deferred_mail_comes_back_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
