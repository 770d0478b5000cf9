#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"

static void withhold(struct bed *b, struct queue_job *job)
{
    struct queue_outcome outcome = {.result = QUEUE_DEFERRED,
                                    .withheld = true,
                                    .text = SLICE("the identity is not verified at present")};

    assert_int_equal(job->recipient_count, 1);
    queue_settle(b->queue, job, &outcome);
}

static const struct queue_recipient_entry *recipient(const struct bed *b, unsigned number)
{
    struct message_id id = bed_id(number);

    return &queue_message_find(&b->queue->messages, &id)->recipients[0];
}

static enum queue_entry_state state_of(const struct bed *b, unsigned number)
{
    struct message_id id = bed_id(number);

    return queue_state_of(b->queue, queue_message_find(&b->queue->messages, &id),
                          recipient(b, number), queue_now_us(b->queue));
}

/* It waits for its site alone, however long that takes, and then goes at once. */
static int waits_for_its_site(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(bed_submit_one(t, b, 2, 6, "a@example.net"), 0);
    withhold(b, bed_take(t, b, "example.net"));
    withhold(b, bed_take(t, b, "example.net"));
    bed_pass_s(20000);
    assert_int_equal(task_sleep(t, 1000), 0);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(state_of(b, 1), QUEUE_ENTRY_WITHHELD);

    assert_int_equal(queue_release_withheld(t, b->queue, 7), 0);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(queue_release_withheld(t, b->queue, 5), 0);
    assert_int_equal(recipient(b, 1)->attempts, 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    assert_true(bed_nothing(t, b, "example.net"));
    bed_read_events(t, b, 5, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_DEFERRED), 1);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_DELIVERED), 1);
    assert_int_equal(bed_count(b, 2, QUEUE_EVENT_DELIVERED), 0);
    bed_close(t, b);
    return 0;
}

/* What the gateway forgets it finds out again: it is tried at once, not when a retry is due. */
static int is_tried_after_a_restart(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    withhold(b, bed_take(t, b, "example.net"));
    bed_read_events(t, b, 2, true);
    bed_close(t, b);
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(recipient(b, 1)->attempts, 0);
    withhold(b, bed_take(t, b, "example.net"));
    assert_int_equal(queue_release_withheld(t, b->queue, 5), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    bed_close(t, b);
    return 0;
}

static int act(struct task *t, struct bed *b, enum queue_act kind)
{
    const struct queue_act_request request = {
        .act = kind, .id = bed_id(1), .recipient = QUEUE_EVENT_ALL_RECIPIENTS};
    uint64_t touched;

    return queue_act(t, b->queue, &request, &touched);
}

static int operators_reach_it(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    withhold(b, bed_take(t, b, "example.net"));
    assert_int_equal(act(t, b, QUEUE_ACT_RETRY), 0);
    withhold(b, bed_take(t, b, "example.net"));
    assert_int_equal(act(t, b, QUEUE_ACT_HOLD), 0);
    assert_int_equal(queue_release_withheld(t, b->queue, 5), 0);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(act(t, b, QUEUE_ACT_RELEASE), 0);
    withhold(b, bed_take(t, b, "example.net"));
    assert_int_equal(act(t, b, QUEUE_ACT_CANCEL), 0);
    bed_read_events(t, b, 7, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_CANCELLED), 1);
    assert_int_equal(queue_release_withheld(t, b->queue, 5), 0);
    bed_close(t, b);
    return 0;
}

/* Nothing sits for ever. */
static int ends_with_its_lifetime(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    withhold(b, bed_take(t, b, "example.net"));
    bed_pass_s(86400 + 60);
    assert_int_equal(task_sleep(t, 1000), 0);
    bed_read_events(t, b, 3, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_EXPIRED), 1);
    bed_close(t, b);
    return 0;
}

BED_TEST(waits_for_its_site)
BED_TEST(is_tried_after_a_restart)
BED_TEST(operators_reach_it)
BED_TEST(ends_with_its_lifetime)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_for_its_site),
        cmocka_unit_test(test_is_tried_after_a_restart),
        cmocka_unit_test(test_operators_reach_it),
        cmocka_unit_test(test_ends_with_its_lifetime),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
