#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"

static struct queue_message *message(struct bed *b, unsigned number)
{
    struct message_id id = bed_id(number);

    return queue_message_find(&b->queue->messages, &id);
}

/* Each recipient has its own outcome, and its own way on. */
static int outcomes_are_told_apart(struct task *t, struct bed *b)
{
    const char *const recipients[] = {"a@example.net", "b@example.net", "c@example.net", NULL};
    struct queue_outcome outcomes[] = {
        {.result = QUEUE_DELIVERED, .reply_code = 250},
        {.result = QUEUE_DEFERRED, .reply_code = 451, .ambiguous = true},
        {.result = QUEUE_BOUNCED, .reply_code = 550, .enhanced = {5, 1, 1}},
    };
    struct queue_job *job;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit(t, b, 1, 5, 300, recipients), 0);
    queue_settle(b->queue, bed_take(t, b, "example.net"), outcomes);
    bed_read_events(t, b, 4, true);
    assert_int_equal(b->events[1].type, QUEUE_EVENT_DELIVERED);
    assert_int_equal(b->events[2].type, QUEUE_EVENT_DEFERRED);
    assert_true(b->events[2].ambiguous && b->events[2].recipient == 1);
    assert_int_equal(b->events[3].type, QUEUE_EVENT_BOUNCED);
    bed_pass_s(100);
    assert_int_equal(task_sleep(t, 1000), 0);
    job = bed_take(t, b, "example.net");
    assert_int_equal(job->recipient_count, 1);
    assert_int_equal(job->recipients[0].index, 1);
    assert_true(job->recipients[0].ambiguous_before);
    bed_settle(b, job, QUEUE_DELIVERED);
    bed_close(t, b);
    return 0;
}

static int what_is_returned_was_not_tried(struct task *t, struct bed *b)
{
    struct queue_job *job;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    queue_return(b->queue, bed_take(t, b, "example.net"));
    job = bed_take(t, b, "example.net");
    assert_int_equal(job->recipients[0].attempts, 0);
    bed_settle(b, job, QUEUE_DELIVERED);
    bed_read_events(t, b, 2, true);
    assert_int_equal(b->events[1].attempts, 1);
    bed_close(t, b);
    return 0;
}

/* The date may jump while we run; waiting is not measured by it. */
static int jumps_of_the_date_change_no_wait(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    bed_jump_s(5 * 86400);
    assert_int_equal(task_sleep(t, 2000), 0);
    assert_true(bed_nothing(t, b, "example.net"));
    bed_jump_s(-10 * 86400);
    bed_pass_s(80);
    assert_int_equal(task_sleep(t, 2000), 0);
    assert_false(bed_nothing(t, b, "example.net"));
    bed_jump_s(5 * 86400);
    bed_close(t, b);
    return 0;
}

/* What failed together does not come back together. */
static int retries_are_spread(struct task *t, struct bed *b)
{
    static const char *const recipients[] = {"a@example.net", NULL};
    uint64_t least = UINT64_MAX, most = 0;

    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 40; n++) {
        uint64_t now_us = queue_now_us(b->queue), wait_us;

        assert_int_equal(bed_submit(t, b, n, 5, 300, recipients), 0);
        bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
        wait_us = message(b, n)->recipients[0].due_us - now_us;
        least = wait_us < least ? wait_us : least;
        most = wait_us > most ? wait_us : most;
    }
    assert_true(least >= 45 * SECOND_US && most <= 76 * SECOND_US);
    assert_true(most - least > 15 * SECOND_US);
    bed_close(t, b);
    return 0;
}

BED_TEST(outcomes_are_told_apart)
BED_TEST(what_is_returned_was_not_tried)
BED_TEST(jumps_of_the_date_change_no_wait)
BED_TEST(retries_are_spread)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes_are_told_apart),
        cmocka_unit_test(test_what_is_returned_was_not_tried),
        cmocka_unit_test(test_jumps_of_the_date_change_no_wait),
        cmocka_unit_test(test_retries_are_spread),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
