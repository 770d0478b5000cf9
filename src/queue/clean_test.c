#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"
#include "queue/spool_inside.h"

static struct queue_message *message(struct bed *b, unsigned number)
{
    struct message_id id = bed_id(number);

    return queue_message_find(&b->queue->messages, &id);
}

static bool exists(struct bed *b, uint64_t number)
{
    char name[QUEUE_SEGMENT_NAME_BYTES];
    int file;

    queue_segment_name(number, name);
    return b->disk->ops->open(b->disk, name, DISK_READ, &file) == 0;
}

/* Gives the cleaner its turns until the segment is gone, or it has had `turns`. */
static bool goes_within(struct task *t, struct bed *b, uint64_t number, unsigned turns)
{
    for (unsigned i = 0; i < turns && exists(b, number); i++) {
        condition_signal(&b->queue->spool->cleaning);
        assert_int_equal(task_sleep(t, 2000), 0);
    }
    return !exists(b, number);
}

static bool goes(struct task *t, struct bed *b, uint64_t number)
{
    return goes_within(t, b, number, 5000);
}

static bool stays(struct task *t, struct bed *b, uint64_t number)
{
    return !goes_within(t, b, number, 40);
}

static void next_segment(struct task *t, struct bed *b)
{
    uint64_t before = b->queue->spool->active->number;

    b->queue->spool->roll = true;
    condition_signal(&b->queue->spool->work);
    while (b->queue->spool->active->number == before)
        assert_int_equal(task_sleep(t, 2000), 0);
}

/* Ten messages in the first segment, of which `kept` are left open; all events acknowledged. */
static void begin(struct task *t, struct bed *b, unsigned kept)
{
    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 10; n++)
        assert_int_equal(
            bed_submit(t, b, n, 5, 10000, (const char *const[]){"a@example.net", NULL}), 0);
    for (unsigned n = 1; n <= 10; n++)
        bed_settle(b, bed_take(t, b, "example.net"), n <= kept ? QUEUE_DEFERRED : QUEUE_DELIVERED);
    next_segment(t, b);
    bed_read_events(t, b, 20, true);
}

static int a_dead_segment_goes_at_once(struct task *t, struct bed *b)
{
    begin(t, b, 0);
    assert_true(goes(t, b, 1));
    bed_close(t, b);
    return 0;
}

static int a_living_segment_stays(struct task *t, struct bed *b)
{
    begin(t, b, 8);
    assert_true(stays(t, b, 1));
    bed_pass_s(120);
    assert_true(stays(t, b, 1));
    bed_close(t, b);
    return 0;
}

/* Young segments empty themselves; what is left after a minute is moved. */
static int a_mostly_dead_segment_is_emptied(struct task *t, struct bed *b)
{
    struct queue_job *job;
    unsigned first;

    begin(t, b, 2);
    assert_true(stays(t, b, 1));
    bed_pass_s(61);
    assert_true(goes(t, b, 1));
    assert_true(message(b, 1)->place.copied && message(b, 2)->place.copied);
    assert_int_equal(b->queue->counts.accepted, 10); /* moving is not accepting */
    assert_int_equal(queue_events_waiting(b->queue), 0);
    bed_pass_s(100);
    assert_int_equal(task_sleep(t, 1000), 0);
    job = bed_take(t, b, "example.net");
    first = bed_is_intact(job, 1, 10000) ? 1 : 2; /* chance decides who comes back sooner */
    assert_true(bed_is_intact(job, first, 10000));
    bed_settle(b, job, QUEUE_DELIVERED);
    bed_close(t, b);
    assert_int_equal(bed_open(t, b), 0);
    assert_null(message(b, first));
    job = bed_take(t, b, "example.net");
    assert_true(bed_is_intact(job, 3 - first, 10000));
    bed_settle(b, job, QUEUE_DELIVERED);
    bed_close(t, b);
    return 0;
}

/* However much of it lives: patrons' mail does not lie about for days beside mail that waits. */
static int an_old_segment_is_emptied(struct task *t, struct bed *b)
{
    begin(t, b, 8);
    bed_pass_s(4 * 3600 + 1);
    assert_true(goes(t, b, 1));
    assert_int_equal(b->queue->messages.count, 8);
    bed_close(t, b);
    return 0;
}

/* One large backlog in front must not keep all that is dead behind it. */
static int a_long_log_is_shortened(struct task *t, struct bed *b)
{
    unsigned n = 11;

    b->options.segment_bytes = 128 << 10;
    begin(t, b, 8);
    bed_pass_s(61);
    assert_true(stays(t, b, 1));
    for (; n <= 110; n++) {
        assert_int_equal(
            bed_submit(t, b, n, 5, 10000, (const char *const[]){"a@example.com", NULL}), 0);
        bed_settle(b, bed_take(t, b, "example.com"), QUEUE_DELIVERED);
        bed_read_events(t, b, b->event_count + 1, true);
    }
    bed_read_events(t, b, 220, true);
    bed_pass_s(61);
    assert_true(goes(t, b, 1));
    assert_int_equal(b->queue->messages.count, 8);
    for (unsigned i = 0; i < 5000 && fake_disk_used(b->disk) >= 1 << 20; i++)
        assert_int_equal(task_sleep(t, 2000), 0);
    assert_true(fake_disk_used(b->disk) < 1 << 20);
    bed_close(t, b);
    return 0;
}

/* A quiet queue: its one message has been delivered, and after an hour its body is gone. */
static int a_quiet_spool_forgets_bodies(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    bed_read_events(t, b, 2, true);
    assert_true(stays(t, b, 1));
    bed_pass_s(3601);
    assert_true(goes(t, b, 1));
    /* And then there is nothing to forget: no new segment each hour. */
    bed_pass_s(3601);
    assert_true(stays(t, b, b->queue->spool->active->number));
    bed_close(t, b);
    return 0;
}

/* A message that cannot be read has failed; the others are moved, and the file is kept for
 * inspection. */
static int damage_does_not_stop_the_cleaner(struct task *t, struct bed *b)
{
    int file;

    begin(t, b, 2);
    assert_int_equal(
        fake_disk_damage(b->disk, "000000000001.log", message(b, 1)->place.offset + 5000), 0);
    bed_pass_s(61);
    for (int i = 0; i < 5000 && message(b, 1); i++) {
        condition_signal(&b->queue->spool->cleaning);
        assert_int_equal(task_sleep(t, 2000), 0);
    }
    assert_null(message(b, 1));
    bed_read_events(t, b, 21, true);
    assert_int_equal(b->events[20].reason, QUEUE_REASON_DAMAGED);
    assert_true(goes(t, b, 1));
    assert_true(message(b, 2)->place.copied);
    assert_int_equal(b->disk->ops->open(b->disk, "000000000001.damaged", DISK_READ, &file), 0);
    bed_close(t, b);
    return 0;
}

/* What cannot be removed now is removed later, and nothing behind it before. */
static int removing_is_tried_again(struct task *t, struct bed *b)
{
    begin(t, b, 10);
    next_segment(t, b);
    fake_disk_fail(b->disk, FAKE_UNLINK, 0, 100000, -EIO);
    bed_pass_s(100);
    assert_int_equal(task_sleep(t, 1000), 0);
    for (unsigned n = 1; n <= 10; n++)
        bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    bed_read_events(t, b, 30, true);
    assert_int_equal(task_sleep(t, 20000), 0);
    assert_true(exists(b, 1) && exists(b, 2));
    fake_disk_fail(b->disk, FAKE_UNLINK, 0, 0, 0);
    assert_true(goes(t, b, 1));
    assert_true(goes(t, b, 2));
    bed_close(t, b);
    return 0;
}

BED_TEST(a_dead_segment_goes_at_once)
BED_TEST(a_living_segment_stays)
BED_TEST(a_mostly_dead_segment_is_emptied)
BED_TEST(an_old_segment_is_emptied)
BED_TEST(a_long_log_is_shortened)
BED_TEST(a_quiet_spool_forgets_bodies)
BED_TEST(damage_does_not_stop_the_cleaner)
BED_TEST(removing_is_tried_again)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dead_segment_goes_at_once),
        cmocka_unit_test(test_a_living_segment_stays),
        cmocka_unit_test(test_a_mostly_dead_segment_is_emptied),
        cmocka_unit_test(test_an_old_segment_is_emptied),
        cmocka_unit_test(test_a_long_log_is_shortened),
        cmocka_unit_test(test_a_quiet_spool_forgets_bodies),
        cmocka_unit_test(test_damage_does_not_stop_the_cleaner),
        cmocka_unit_test(test_removing_is_tried_again),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
