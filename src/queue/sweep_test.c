#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"

static void sweep(struct task *t, struct bed *b, uint64_t *ret_wait_us)
{
    assert_int_equal(queue_sweep(t, b->queue, ret_wait_us), 0);
}

static struct queue_message *message(struct bed *b, unsigned number)
{
    struct message_id id = bed_id(number);

    return queue_message_find(&b->queue->messages, &id);
}

static int what_was_tried_ends_with_its_lifetime(struct task *t, struct bed *b)
{
    uint64_t wait_us;

    b->options.lifetime_s = 7200;
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    bed_pass_s(7199);
    sweep(t, b, &wait_us);
    assert_non_null(message(b, 1));
    bed_pass_s(1);
    sweep(t, b, &wait_us);
    assert_null(message(b, 1));
    assert_true(wait_us > 0 && wait_us <= 60 * SECOND_US);
    bed_read_events(t, b, 3, true);
    assert_int_equal(b->events[2].type, QUEUE_EVENT_EXPIRED);
    assert_int_equal(b->events[2].attempts, 1);
    assert_true(bed_nothing(t, b, "example.net"));
    bed_close(t, b);
    return 0;
}

/* Not the message's fault: it gets another day, and goes then. */
static int what_was_never_tried_gets_a_day(struct task *t, struct bed *b)
{
    uint64_t wait_us;

    b->options.lifetime_s = 7200;
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_pass_s(7200 + 86399);
    sweep(t, b, &wait_us);
    assert_non_null(message(b, 1));
    bed_pass_s(1);
    sweep(t, b, &wait_us);
    assert_null(message(b, 1));
    bed_close(t, b);
    return 0;
}

static int what_is_held_or_paused_ends_too(struct task *t, struct bed *b)
{
    uint64_t wait_us;

    b->options.lifetime_s = 7200;
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(bed_submit_one(t, b, 2, 6, "a@example.net"), 0);
    assert_int_equal(bed_submit_one(t, b, 3, 7, "a@example.net"), 0);
    message(b, 1)->recipients[0].flags |= RECIPIENT_HELD;
    queue_schedule_pause(&b->queue->schedule, 6, true);
    bed_pass_s(7200);
    sweep(t, b, &wait_us);
    assert_null(message(b, 1));
    assert_null(message(b, 2));
    assert_non_null(message(b, 3));
    bed_close(t, b);
    return 0;
}

/* However wrong the schedule is about it. */
static int the_schedule_is_not_asked(struct task *t, struct bed *b)
{
    struct queue_message *m;
    uint64_t wait_us;

    b->options.lifetime_s = 7200;
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    m = message(b, 1);
    m->recipients[0].due_us = UINT64_MAX - 1;
    queue_schedule_update_all(&b->queue->schedule, m, queue_now_us(b->queue));
    bed_pass_s(7200);
    sweep(t, b, &wait_us);
    assert_null(message(b, 1));
    bed_close(t, b);
    return 0;
}

static int what_is_being_delivered_is_let_finish(struct task *t, struct bed *b)
{
    struct queue_job *job;
    uint64_t wait_us;

    b->options.lifetime_s = 7200;
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    bed_pass_s(100);
    assert_int_equal(task_sleep(t, 1000), 0);
    job = bed_take(t, b, "example.net");
    bed_pass_s(7200);
    sweep(t, b, &wait_us);
    assert_non_null(message(b, 1));
    bed_settle(b, job, QUEUE_DEFERRED);
    sweep(t, b, &wait_us);
    assert_null(message(b, 1));
    bed_close(t, b);
    return 0;
}

/* The sweeper's own task does it without being asked. */
static int nobody_has_to_ask(struct task *t, struct bed *b)
{
    b->options.lifetime_s = 7200;
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    bed_pass_s(7260);
    bed_read_events(t, b, 3, true);
    assert_int_equal(b->events[2].type, QUEUE_EVENT_EXPIRED);
    bed_close(t, b);
    return 0;
}

/* A large part of a large queue at once: first the operator is told, and then it is waited for. */
static int a_mass_end_waits_for_the_operator(struct task *t, struct bed *b)
{
    uint64_t wait_us;

    b->options.lifetime_s = 7200;
    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 1200; n++) {
        assert_int_equal(bed_submit_one(t, b, n, 5, "a@example.net"), 0);
        message(b, n)->recipients[0].attempts = 1;
    }
    bed_pass_s(7200);
    sweep(t, b, &wait_us);
    assert_int_equal(b->queue->messages.count, 1200);
    assert_true(wait_us == 600 * SECOND_US);
    bed_pass_s(300);
    sweep(t, b, &wait_us);
    assert_int_equal(b->queue->messages.count, 1200);
    assert_true(wait_us < 301 * SECOND_US);
    bed_pass_s(301);
    sweep(t, b, &wait_us);
    assert_int_equal(b->queue->messages.count, 0);
    bed_close(t, b);
    return 0;
}

/* A few, or few of many, end at once. */
static int a_small_part_ends_at_once(struct task *t, struct bed *b)
{
    uint64_t wait_us;

    b->options.lifetime_s = 7200;
    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 1200; n++) {
        assert_int_equal(bed_submit_one(t, b, n, 5, "a@example.net"), 0);
        message(b, n)->recipients[0].attempts = n <= 240;
    }
    bed_pass_s(7200);
    sweep(t, b, &wait_us);
    assert_int_equal(b->queue->messages.count, 960);
    bed_close(t, b);
    return 0;
}

static int the_oldest_is_known(struct task *t, struct bed *b)
{
    uint64_t wait_us;

    assert_int_equal(bed_open(t, b), 0);
    sweep(t, b, &wait_us);
    assert_int_equal(b->queue->counts.oldest_age_s, 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_pass_s(1000);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    bed_pass_s(40);
    assert_int_equal(bed_submit_one(t, b, 2, 5, "a@example.com"), 0);
    bed_pass_s(10);
    sweep(t, b, &wait_us);
    assert_int_equal(b->queue->counts.oldest_age_s, 1050);
    assert_int_equal(b->queue->counts.oldest_without_progress_s, 50);
    message(b, 1)->recipients[0].flags |= RECIPIENT_HELD; /* it is held back on purpose */
    sweep(t, b, &wait_us);
    assert_int_equal(b->queue->counts.oldest_age_s, 1050);
    assert_int_equal(b->queue->counts.oldest_without_progress_s, 10);
    bed_close(t, b);
    return 0;
}

BED_TEST(what_was_tried_ends_with_its_lifetime)
BED_TEST(what_was_never_tried_gets_a_day)
BED_TEST(what_is_held_or_paused_ends_too)
BED_TEST(the_schedule_is_not_asked)
BED_TEST(what_is_being_delivered_is_let_finish)
BED_TEST(nobody_has_to_ask)
BED_TEST(a_mass_end_waits_for_the_operator)
BED_TEST(a_small_part_ends_at_once)
BED_TEST(the_oldest_is_known)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_tried_ends_with_its_lifetime),
        cmocka_unit_test(test_what_was_never_tried_gets_a_day),
        cmocka_unit_test(test_what_is_held_or_paused_ends_too),
        cmocka_unit_test(test_the_schedule_is_not_asked),
        cmocka_unit_test(test_what_is_being_delivered_is_let_finish),
        cmocka_unit_test(test_nobody_has_to_ask),
        cmocka_unit_test(test_a_mass_end_waits_for_the_operator),
        cmocka_unit_test(test_a_small_part_ends_at_once),
        cmocka_unit_test(test_the_oldest_is_known),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
