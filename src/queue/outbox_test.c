#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"

enum { MESSAGES = 200 };

static void submit_and_deliver(struct task *t, struct bed *b, unsigned first, unsigned last)
{
    for (unsigned n = first; n <= last; n++) {
        assert_int_equal(bed_submit_one(t, b, n, 5, "a@example.net"), 0);
        bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    }
    assert_int_equal(queue_spool_flush(t, b->queue->spool), 0);
}

static void all_are_there_once(struct bed *b)
{
    for (unsigned n = 1; n <= MESSAGES; n++) {
        assert_int_equal(bed_count(b, n, QUEUE_EVENT_ACCEPTED), 1);
        assert_int_equal(bed_count(b, n, QUEUE_EVENT_DELIVERED), 1);
    }
}

/* The steward is away while many events come: memory does not grow, and none is lost. */
static int a_long_absence_takes_no_memory(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    b->queue->outbox.bytes_max = 2000;
    submit_and_deliver(t, b, 1, MESSAGES / 2);
    assert_true(b->queue->outbox.behind);
    assert_true(queue_events_waiting(b->queue) < 3000);
    bed_read_events(t, b, MESSAGES / 2, true); /* not all of them yet */
    submit_and_deliver(t, b, MESSAGES / 2 + 1, MESSAGES);
    bed_read_events(t, b, 2 * MESSAGES, true);
    assert_false(b->queue->outbox.behind);
    all_are_there_once(b);
    bed_close(t, b);
    return 0;
}

/* Events that come while older ones are read back from the log are neither lost nor told before
 * them. */
static int catching_up_meets_new_events(struct task *t, struct bed *b)
{
    unsigned next = MESSAGES / 2 + 1;

    assert_int_equal(bed_open(t, b), 0);
    b->queue->outbox.bytes_max = 2000;
    submit_and_deliver(t, b, 1, MESSAGES / 2);
    while (next <= MESSAGES) {
        bed_read_events(t, b, b->event_count + 1, true);
        submit_and_deliver(t, b, next, next);
        next++;
    }
    bed_read_events(t, b, 2 * MESSAGES, true);
    all_are_there_once(b);
    bed_close(t, b);
    return 0;
}

/* Segments stay until their events are acknowledged, and go then. */
static int the_log_keeps_what_nobody_has_read(struct task *t, struct bed *b)
{
    uint64_t kept;

    assert_int_equal(bed_open(t, b), 0);
    submit_and_deliver(t, b, 1, MESSAGES);
    for (unsigned n = MESSAGES + 1; n <= MESSAGES + 60; n++)
        assert_int_equal(
            bed_submit(t, b, n, 5, 20000, (const char *const[]){"a@example.com", NULL}), 0);
    kept = fake_disk_used(b->disk);
    assert_int_equal(task_sleep(t, 20000), 0);
    assert_true(fake_disk_used(b->disk) == kept);
    bed_read_events(t, b, 2 * MESSAGES + 60, true);
    all_are_there_once(b);
    for (int i = 0; i < 5000 && fake_disk_used(b->disk) == kept; i++)
        assert_int_equal(task_sleep(t, 2000), 0);
    assert_true(fake_disk_used(b->disk) < kept);
    bed_close(t, b);
    return 0;
}

static int unreadable_events_are_tried_again(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    submit_and_deliver(t, b, 1, 3);
    bed_close(t, b);
    assert_int_equal(bed_open(t, b), 0);
    fake_disk_fail(b->disk, FAKE_READ, 0, 1, -EIO);
    bed_read_events(t, b, 6, true);
    bed_close(t, b);
    return 0;
}

/* A batch holds what fits, and at least one event. */
static int batches_are_bounded(struct task *t, struct bed *b)
{
    CLEANUP(buffer_done) struct buffer all = BUFFER_NONE, one = BUFFER_NONE, two = BUFFER_NONE;
    uint64_t last_of_all, last;

    assert_int_equal(bed_open(t, b), 0);
    submit_and_deliver(t, b, 1, 3);
    assert_int_equal(queue_events_next(t, b->queue, &all, 1 << 20, &last_of_all), 0);
    assert_int_equal(queue_events_next(t, b->queue, &one, 1, &last), 0);
    assert_true(last < last_of_all && one.size < all.size);
    assert_int_equal(queue_events_next(t, b->queue, &two, one.size + 1, &last), 0);
    assert_int_equal(one.size, two.size);
    queue_events_acknowledge(b->queue, last);
    two.size = 0;
    assert_int_equal(queue_events_next(t, b->queue, &two, 1 << 20, &last), 0);
    assert_true(last == last_of_all);
    assert_int_equal(one.size + two.size, all.size);
    /* An answer from beyond is no reason to forget what is still to come. */
    queue_events_acknowledge(b->queue, last_of_all + 1000);
    submit_and_deliver(t, b, 4, 4);
    two.size = 0;
    assert_int_equal(queue_events_next(t, b->queue, &two, 1 << 20, &last), 0);
    assert_true(last == last_of_all + 2);
    bed_close(t, b);
    return 0;
}

BED_TEST(a_long_absence_takes_no_memory)
BED_TEST(catching_up_meets_new_events)
BED_TEST(the_log_keeps_what_nobody_has_read)
BED_TEST(unreadable_events_are_tried_again)
BED_TEST(batches_are_bounded)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_long_absence_takes_no_memory),
        cmocka_unit_test(test_catching_up_meets_new_events),
        cmocka_unit_test(test_the_log_keeps_what_nobody_has_read),
        cmocka_unit_test(test_unreadable_events_are_tried_again),
        cmocka_unit_test(test_batches_are_bounded),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
