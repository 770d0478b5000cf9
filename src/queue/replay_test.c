#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"
#include "queue/spool_inside.h"

static struct queue_message *message(struct bed *b, unsigned number)
{
    struct message_id id = bed_id(number);

    return queue_message_find(&b->queue->messages, &id);
}

/* The process dies while it delivers: what it wrote is there (the machine goes on), what it only
 * meant to write is not. */
static void die_delivering(struct task *t, struct bed *b, struct queue_job **jobs, size_t count)
{
    fake_disk_freeze(b->disk);
    for (size_t i = 0; i < count; i++)
        queue_return(b->queue, jobs[i]); /* the disk hears nothing of it */
    bed_close(t, b);
    fake_disk_thaw(b->disk);
    assert_int_equal(bed_open(t, b), 0);
}

static void die(struct task *t, struct bed *b)
{
    die_delivering(t, b, NULL, 0);
}

static void flush(struct task *t, struct bed *b)
{
    assert_int_equal(queue_spool_flush(t, b->queue->spool), 0);
}

/* The receiver may have it or not: nobody knows. */
static int a_crash_in_a_delivery_is_remembered(struct task *t, struct bed *b)
{
    const char *const recipients[] = {"a@example.net", "b@example.com", NULL};
    struct queue_job *job;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit(t, b, 1, 5, 300, recipients), 0);
    job = bed_take(t, b, "example.net");
    flush(t, b);
    die_delivering(t, b, &job, 1);
    assert_true(message(b, 1)->survivor);
    assert_int_equal(message(b, 1)->crashes, 1);
    bed_read_events(t, b, 2, true);
    assert_int_equal(b->events[1].type, QUEUE_EVENT_DEFERRED);
    assert_int_equal(b->events[1].reason, QUEUE_REASON_INTERRUPTED);
    assert_true(b->events[1].ambiguous);
    assert_int_equal(b->queue->counts.ambiguous, 1);
    die(t, b); /* it is told once, and remembered */
    assert_int_equal(queue_events_waiting(b->queue), 0);
    assert_int_equal(message(b, 1)->crashes, 1);
    job = bed_take(t, b, "example.net");
    assert_true(job->recipients[0].ambiguous_before);
    assert_int_equal(job->recipients[0].attempts, 1);
    bed_settle(b, job, QUEUE_DELIVERED);
    job = bed_take(t, b, "example.com"); /* was not under way */
    assert_false(job->recipients[0].ambiguous_before);
    assert_int_equal(job->recipients[0].attempts, 0);
    bed_settle(b, job, QUEUE_DELIVERED);
    bed_close(t, b);
    return 0;
}

static void crash_over(struct task *t, struct bed *b, const char *destination)
{
    struct queue_job *job = bed_take(t, b, destination);

    flush(t, b);
    die_delivering(t, b, &job, 1);
}

/* The message that is under way at each of three crashes is held; the others go on. */
static int poison_is_held_after_three_crashes(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@poison.example"), 0);
    assert_int_equal(bed_submit_one(t, b, 2, 5, "b@example.net"), 0);
    for (unsigned crash = 1; crash <= 2; crash++) {
        crash_over(t, b, "poison.example");
        assert_int_equal(message(b, 1)->crashes, crash);
        assert_int_equal(message(b, 2)->crashes, 0);
    }
    crash_over(t, b, "poison.example");
    assert_true(bed_nothing(t, b, "poison.example"));
    assert_false(bed_nothing(t, b, "example.net"));
    bed_read_events(t, b, 6, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_HELD), 1);
    assert_int_equal(b->events[5].reason, QUEUE_REASON_CRASHES);

    /* It is held once, and stays so; an operator may let it go. */
    bed_close(t, b);
    assert_int_equal(bed_open(t, b), 0);
    assert_true(bed_nothing(t, b, "poison.example"));
    flush(t, b);
    assert_int_equal(queue_events_waiting(b->queue), 0);
    {
        struct queue_act_request release = {
            .act = QUEUE_ACT_RELEASE, .id = bed_id(1), .recipient = QUEUE_EVENT_ALL_RECIPIENTS};
        uint64_t touched;

        assert_int_equal(queue_act(t, b->queue, &release, &touched), 0);
        assert_int_equal(touched, 1);
    }
    bed_close(t, b);
    assert_int_equal(bed_open(t, b), 0);
    assert_false(bed_nothing(t, b, "poison.example"));
    bed_close(t, b);
    return 0;
}

/* An attempt that ended well or badly, but ended, acquits the message. */
static int only_crashes_in_a_row_count(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    crash_over(t, b, "example.net");
    crash_over(t, b, "example.net");
    assert_int_equal(message(b, 1)->crashes, 2);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    bed_pass_s(1000);
    while (bed_nothing(t, b, "example.net"))
        assert_int_equal(task_sleep(t, 2000), 0);
    crash_over(t, b, "example.net");
    assert_int_equal(message(b, 1)->crashes, 1);
    assert_false(bed_nothing(t, b, "example.net"));
    bed_close(t, b);
    return 0;
}

/* Of those that were under way at two crashes only one goes at a time, so that the third accuses
 * one. */
static int suspects_go_one_at_a_time(struct task *t, struct bed *b)
{
    struct queue_job *job, *jobs[2];

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(bed_submit_one(t, b, 2, 5, "a@example.com"), 0);
    assert_int_equal(bed_submit_one(t, b, 3, 5, "a@example.info"), 0);
    for (unsigned crash = 1; crash <= 2; crash++) { /* one crash accuses nobody */
        jobs[0] = bed_take(t, b, "example.net");
        jobs[1] = bed_take(t, b, "example.com");
        flush(t, b);
        die_delivering(t, b, jobs, 2);
        assert_int_equal(message(b, 1)->crashes, crash);
        assert_int_equal(message(b, 2)->crashes, crash);
    }
    job = bed_take(t, b, "example.net");
    assert_true(bed_nothing(t, b, "example.com"));
    queue_return(b->queue, bed_take(t, b, "example.info")); /* not a suspect */
    bed_settle(b, job, QUEUE_DELIVERED);
    bed_settle(b, bed_take(t, b, "example.com"), QUEUE_DELIVERED); /* at once */
    bed_close(t, b);
    return 0;
}

/* Each attempt of a survivor is on disk before it begins; that of a fresh message need not be. */
static int survivors_are_noted_before_they_go(struct task *t, struct bed *b)
{
    unsigned syncs;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(bed_submit_one(t, b, 2, 5, "a@example.com"), 0);
    syncs = fake_disk_calls(b->disk, FAKE_SYNC);
    queue_return(b->queue, bed_take(t, b, "example.net"));
    assert_int_equal(fake_disk_calls(b->disk, FAKE_SYNC), syncs);
    die(t, b);
    syncs = fake_disk_calls(b->disk, FAKE_SYNC);
    queue_return(b->queue, bed_take(t, b, "example.net"));
    assert_int_equal(fake_disk_calls(b->disk, FAKE_SYNC), syncs + 1);
    bed_close(t, b);
    assert_int_equal(bed_open(t, b), 0);
    syncs = fake_disk_calls(b->disk, FAKE_SYNC);
    queue_return(b->queue, bed_take(t, b, "example.com")); /* closed in order: trusted again */
    assert_int_equal(fake_disk_calls(b->disk, FAKE_SYNC), syncs);
    bed_close(t, b);
    return 0;
}

/* The date was right, and is wrong at the next start: waiting and lifetimes stay within their
 * bounds. */
static int a_wrong_date_at_the_start_is_borne(struct task *t, struct bed *b)
{
    b->options.lifetime_s = 7200;
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    bed_close(t, b);

    bed_jump_s(-30LL * 86400); /* into the past: nothing waits for a month */
    assert_int_equal(bed_open(t, b), 0);
    assert_true(message(b, 1)->recipients[0].due_us <= queue_now_us(b->queue) + 300 * SECOND_US);
    assert_true(message(b, 1)->deadline_us <= queue_now_us(b->queue) + 7200 * SECOND_US);
    bed_close(t, b);
    bed_jump_s(30LL * 86400);
    return 0;
}

/* Closes the segment that the message stands in, and waits until it stands elsewhere. */
static void move(struct task *t, struct bed *b)
{
    struct queue_segment *segment = message(b, 1)->place.segment;

    b->queue->spool->roll = true;
    flush(t, b);
    bed_pass_s(100); /* old enough to be cleaned */
    while (message(b, 1)->place.segment == segment) {
        condition_signal(&b->queue->spool->cleaning);
        assert_int_equal(task_sleep(t, 1000), 0);
    }
    assert_true(message(b, 1)->place.copied);
}

/* What was noted before the move stood in a segment that is gone. */
static int mail_moved_while_it_is_sent_is_known_to_be(struct task *t, struct bed *b)
{
    const char *const recipients[] = {"a@example.net", "b@example.com", NULL};
    struct queue_job *job;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit(t, b, 1, 5, 300, recipients), 0);
    job = bed_take(t, b, "example.net");
    bed_read_events(t, b, 1, true);
    move(t, b);
    flush(t, b);
    die_delivering(t, b, &job, 1);
    assert_int_equal(message(b, 1)->crashes, 1);
    job = bed_take(t, b, "example.net");
    assert_true(job->recipients[0].ambiguous_before);
    bed_settle(b, job, QUEUE_DELIVERED);
    job = bed_take(t, b, "example.com");
    assert_false(job->recipients[0].ambiguous_before);
    bed_settle(b, job, QUEUE_DELIVERED);
    bed_close(t, b);
    return 0;
}

/* The log's own words win over each other in order: a copy, then what came after it. */
static int moved_mail_keeps_its_progress(struct task *t, struct bed *b)
{
    const char *const recipients[] = {"a@example.net", "b@example.com", "c@example.info", NULL};

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit(t, b, 1, 5, 300, recipients), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    bed_settle(b, bed_take(t, b, "example.com"), QUEUE_DELIVERED);
    message(b, 1)->recipients[2].flags |= RECIPIENT_HELD;
    bed_read_events(t, b, 3, true);
    move(t, b);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    bed_close(t, b);

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(message(b, 1)->open, 2);
    assert_int_equal(message(b, 1)->recipients[0].attempts, 2);
    assert_true(queue_recipient_is(&message(b, 1)->recipients[1], RECIPIENT_FINISHED));
    assert_true(queue_recipient_is(&message(b, 1)->recipients[2], RECIPIENT_HELD));
    bed_pass_s(400);
    assert_int_equal(task_sleep(t, 1000), 0);
    {
        struct queue_job *job = bed_take(t, b, "example.net");

        assert_true(bed_is_intact(job, 1, 300));
        bed_settle(b, job, QUEUE_DELIVERED);
    }
    bed_close(t, b);
    return 0;
}

BED_TEST(a_crash_in_a_delivery_is_remembered)
BED_TEST(poison_is_held_after_three_crashes)
BED_TEST(only_crashes_in_a_row_count)
BED_TEST(suspects_go_one_at_a_time)
BED_TEST(survivors_are_noted_before_they_go)
BED_TEST(a_wrong_date_at_the_start_is_borne)
BED_TEST(mail_moved_while_it_is_sent_is_known_to_be)
BED_TEST(moved_mail_keeps_its_progress)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_crash_in_a_delivery_is_remembered),
        cmocka_unit_test(test_poison_is_held_after_three_crashes),
        cmocka_unit_test(test_only_crashes_in_a_row_count),
        cmocka_unit_test(test_suspects_go_one_at_a_time),
        cmocka_unit_test(test_survivors_are_noted_before_they_go),
        cmocka_unit_test(test_a_wrong_date_at_the_start_is_borne),
        cmocka_unit_test(test_mail_moved_while_it_is_sent_is_known_to_be),
        cmocka_unit_test(test_moved_mail_keeps_its_progress),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
