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

/* --- crashes with jobs under way --- */

enum { FELLOWS = 5 };

static unsigned take_all(struct task *t, struct bed *b, struct queue_job **jobs)
{
    unsigned count = 0;
    int r;

    do
        r = queue_take(t, b->queue, SLICE("example.net"), &jobs[count]);
    while (r == 0 && jobs[count] && ++count < FELLOWS);
    assert_int_equal(r, 0);
    return count;
}

/* Takes what is due, and crashes when that has been written down. Returns how many jobs were under
 * way. */
static unsigned crash_with_jobs(struct task *t, struct bed *b)
{
    struct queue_job *jobs[FELLOWS];
    unsigned count = take_all(t, b, jobs);

    assert_int_equal(task_sleep(t, 200000), 0);
    fake_disk_fail(b->disk, FAKE_ANY, 0, 1000000, -EIO);
    for (unsigned i = 0; i < count; i++)
        queue_return(b->queue, jobs[i]);
    bed_crash(t, b);
    assert_int_equal(bed_open(t, b), 0);
    return count;
}

static void open_with_fellows(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    for (unsigned i = 1; i <= FELLOWS; i++)
        assert_int_equal(bed_submit_one(t, b, i, 5, "a@example.net"), 0);
}

static int one_crash_makes_nobody_a_suspect(struct task *t, void *argument)
{
    struct bed *b = argument;

    open_with_fellows(t, b);
    assert_int_equal(crash_with_jobs(t, b), FELLOWS);
    assert_int_equal(crash_with_jobs(t, b), FELLOWS);
    bed_close(t, b);
    return 0;
}

static int suspects_go_one_after_the_other_without_a_pause(struct task *t, void *argument)
{
    struct bed *b = argument;

    open_with_fellows(t, b);
    crash_with_jobs(t, b);
    crash_with_jobs(t, b);
    for (unsigned i = 0; i < FELLOWS; i++) {
        struct queue_job *job = bed_take(t, b, "example.net");

        assert_true(bed_nothing(t, b, "example.net"));
        bed_settle(b, job, QUEUE_DELIVERED);
    }
    bed_close(t, b);
    return 0;
}

static int the_one_of_three_crashes_is_held_and_its_fellows_go(struct task *t, void *argument)
{
    struct bed *b = argument;

    open_with_fellows(t, b);
    crash_with_jobs(t, b);
    crash_with_jobs(t, b);
    assert_int_equal(crash_with_jobs(t, b), 1);
    for (unsigned i = 1; i < FELLOWS; i++)
        bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    assert_true(bed_nothing(t, b, "example.net"));
    bed_read_events(t, b, 2 * FELLOWS, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_HELD), 1);
    for (unsigned i = 2; i <= FELLOWS; i++)
        assert_int_equal(bed_count(b, i, QUEUE_EVENT_DELIVERED), 1);
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
RUN(one_crash_makes_nobody_a_suspect)
RUN(suspects_go_one_after_the_other_without_a_pause)
RUN(the_one_of_three_crashes_is_held_and_its_fellows_go)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted_mail_is_delivered_once),
        cmocka_unit_test(test_deferred_mail_comes_back_in_time),
        cmocka_unit_test(test_one_crash_makes_nobody_a_suspect),
        cmocka_unit_test(test_suspects_go_one_after_the_other_without_a_pause),
        cmocka_unit_test(test_the_one_of_three_crashes_is_held_and_its_fellows_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
