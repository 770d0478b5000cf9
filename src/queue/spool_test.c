/* Room, failure and recovery from it, as submit and deliver meet them. */
#include "base/crc32c.h"
#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"
#include "queue/spool_inside.h"

static int submit_large(struct task *t, struct bed *b, unsigned number)
{
    return bed_submit(t, b, number, 5, 20000, (const char *const[]){"a@example.net", NULL});
}

/* Fills the disk; returns how many messages were accepted. */
static unsigned fill(struct task *t, struct bed *b, unsigned first)
{
    unsigned n = first;
    int r;

    while ((r = submit_large(t, b, n)) == 0)
        n++;
    assert_int_equal(r, -ENOSPC);
    return n - first;
}

/* The probe runs once a second. */
static void wait_until_accepting(struct task *t, struct bed *b)
{
    const char *why;

    for (int i = 0; i < 5000 && !queue_accepting(b->queue, &why); i++) {
        bed_pass_s(1);
        condition_signal(&b->queue->spool->work);
        assert_int_equal(task_sleep(t, 2000), 0);
    }
    assert_true(queue_accepting(b->queue, &why));
}

/* 452 while it is full; the queue goes on draining, and accepting resumes by itself. */
static int a_full_disk_drains_and_accepts_again(struct task *t, struct bed *b)
{
    const char *why = NULL;
    unsigned accepted;

    b->options.spool_reserve_bytes = 256 << 10;
    fake_disk_limit(b->disk, 2 << 20);
    assert_int_equal(bed_open(t, b), 0);
    accepted = fill(t, b, 1);
    assert_true(accepted >= 40);
    assert_false(queue_accepting(b->queue, &why));
    assert_non_null(why);
    for (unsigned n = 1; n <= accepted; n++)
        bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    bed_read_events(t, b, 2 * accepted, true);
    assert_int_equal(b->queue->counts.delivered, accepted);
    wait_until_accepting(t, b);
    assert_int_equal(submit_large(t, b, accepted + 1), 0);
    bed_close(t, b);
    return 0;
}

/* Others have filled the disk to the last byte: what became of deliveries is still written. */
static int results_have_room_of_their_own(struct task *t, struct bed *b)
{
    unsigned accepted;

    b->options.spool_reserve_bytes = 256 << 10;
    fake_disk_limit(b->disk, 2 << 20);
    assert_int_equal(bed_open(t, b), 0);
    accepted = fill(t, b, 1);
    fake_disk_limit(b->disk, fake_disk_used(b->disk));
    for (unsigned n = 1; n <= accepted; n++)
        bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    assert_int_equal(queue_spool_flush(t, b->queue->spool), 0);
    assert_false(queue_spool_is_stuck(b->queue->spool));
    bed_close(t, b);
    fake_disk_limit(b->disk, 4 << 20);
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(b->queue->messages.count, accepted);
    assert_true(bed_nothing(t, b, "example.net")); /* they were tried, and wait */
    bed_close(t, b);
    return 0;
}

static int the_configured_size_is_kept(struct task *t, struct bed *b)
{
    unsigned accepted;

    b->options.spool_max_bytes = 1 << 20;
    assert_int_equal(bed_open(t, b), 0);
    accepted = fill(t, b, 1);
    assert_true(accepted >= 20);
    assert_true(fake_disk_used(b->disk) <= 1 << 20);
    for (unsigned n = 1; n <= accepted; n++)
        bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    bed_read_events(t, b, 2 * accepted, true);
    wait_until_accepting(t, b);
    assert_int_equal(submit_large(t, b, accepted + 1), 0);
    assert_true(fake_disk_used(b->disk) <= 1 << 20);
    bed_close(t, b);
    return 0;
}

/* One failed sync: the message is refused, accepting stops for good, deliveries go on, and nothing
 * that was accepted before is lost. */
static int a_failed_sync_stops_accepting_only(struct task *t, struct bed *b)
{
    const char *why = NULL;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    fake_disk_fail(b->disk, FAKE_SYNC, 0, 1, -EIO);
    assert_int_equal(bed_submit_one(t, b, 2, 5, "a@example.net"), -EIO);
    assert_int_equal(bed_submit_one(t, b, 3, 5, "a@example.net"), -EIO);
    assert_false(queue_accepting(b->queue, &why));
    assert_non_null(why);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(queue_spool_flush(t, b->queue->spool), 0);
    assert_int_equal(bed_submit_one(t, b, 4, 5, "a@example.net"), -EIO);
    bed_read_events(t, b, 2, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_DELIVERED), 1);
    bed_close(t, b);

    /* The operator has looked at the disk and starts again. */
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(b->queue->messages.count, 0);
    assert_int_equal(bed_submit_one(t, b, 5, 5, "a@example.net"), 0);
    bed_close(t, b);
    return 0;
}

/* The segment whose sync failed is neither written nor synced again. */
static int a_failed_segment_is_left_alone(struct task *t, struct bed *b)
{
    struct queue_segment *failed;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    failed = b->queue->spool->active;
    fake_disk_fail(b->disk, FAKE_SYNC, 0, 1, -EIO);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    assert_int_equal(queue_spool_flush(t, b->queue->spool), 0);
    assert_ptr_not_equal(b->queue->spool->active, failed);
    assert_true(b->queue->spool->active->number > failed->number);
    bed_close(t, b);
    return 0;
}

/* No segment can be written: results wait in memory, no delivery is begun, and all goes on when it
 * can. */
static int a_stuck_spool_begins_no_delivery(struct task *t, struct bed *b)
{
    struct queue_job *job;
    size_t due_calls;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(bed_submit_one(t, b, 2, 5, "a@example.net"), 0);
    job = bed_take(t, b, "example.net");
    fake_disk_fail(b->disk, FAKE_WRITE, 0, 1000000, -EIO);
    bed_settle(b, job, QUEUE_DELIVERED);
    assert_int_equal(queue_spool_flush(t, b->queue->spool), -EIO);
    assert_true(queue_spool_is_stuck(b->queue->spool));
    assert_true(bed_nothing(t, b, "example.net"));
    fake_disk_fail(b->disk, FAKE_WRITE, 0, 0, 0);
    due_calls = b->due_calls;
    for (int i = 0; i < 5000 && queue_spool_is_stuck(b->queue->spool); i++) {
        bed_pass_s(1);
        condition_signal(&b->queue->spool->work);
        assert_int_equal(task_sleep(t, 2000), 0);
    }
    assert_false(queue_spool_is_stuck(b->queue->spool));
    assert_true(b->due_calls > due_calls); /* deliver is told that there is work again */
    assert_false(bed_nothing(t, b, "example.net"));
    bed_read_events(t, b, 3, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_DELIVERED), 1);
    bed_close(t, b);
    return 0;
}

/* Results ride along: many of them are one sync, and they do not wait long for it. */
static int results_ride_along(struct task *t, struct bed *b)
{
    unsigned syncs;

    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 20; n++)
        assert_int_equal(bed_submit_one(t, b, n, 5, "a@example.net"), 0);
    syncs = fake_disk_calls(b->disk, FAKE_SYNC);
    for (unsigned n = 1; n <= 20; n++)
        bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    assert_int_equal(fake_disk_calls(b->disk, FAKE_SYNC), syncs);
    for (int i = 0; i < 5000 && fake_disk_calls(b->disk, FAKE_SYNC) == syncs; i++)
        assert_int_equal(task_sleep(t, 5000), 0);
    assert_int_equal(fake_disk_calls(b->disk, FAKE_SYNC), syncs + 1);
    bed_read_events(t, b, 40, true);
    bed_close(t, b);
    return 0;
}

/* A message larger than a segment gets one that fits. */
static int a_large_message_fits(struct task *t, struct bed *b)
{
    static const size_t size = 3 << 20;
    struct queue_job *job;

    b->options.memory_max_bytes = 1;
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit(t, b, 1, 5, size, (const char *const[]){"a@example.net", NULL}), 0);
    assert_int_equal(bed_submit_one(t, b, 2, 5, "a@example.com"), 0);
    bed_close(t, b);
    assert_int_equal(bed_open(t, b), 0);
    job = bed_take(t, b, "example.net");
    assert_true(bed_is_intact(job, 1, size));
    bed_settle(b, job, QUEUE_DELIVERED);
    bed_close(t, b);
    return 0;
}

/* A spool of a later version is not touched. */
static int a_later_version_is_refused(struct task *t, struct bed *b)
{
    struct queue_segment_head head = {1, 1, 0};
    char bytes[QUEUE_SEGMENT_HEAD_BYTES];
    struct iovec piece = {bytes, sizeof(bytes)};
    uint32_t sum;
    int file;

    queue_segment_head_write(bytes, &head);
    bytes[11]++; /* the version */
    sum = crc32c_add(0, slice_of(bytes, sizeof(bytes) - 4));
    for (size_t i = 0; i < 4; i++)
        bytes[sizeof(bytes) - 4 + i] = (char)(sum >> (24 - 8 * i));
    assert_int_equal(
        b->disk->ops->open(b->disk, "000000000001.log", DISK_WRITE | DISK_CREATE, &file), 0);
    assert_int_equal(b->disk->ops->write(b->disk, file, 0, &piece, 1), 0);
    assert_int_equal(bed_open(t, b), -EPROTONOSUPPORT);
    assert_int_equal(b->disk->ops->open(b->disk, "000000000001.log", DISK_READ, &file), 0);
    return 0;
}

/* A segment of another spool is set aside, not read and not removed. */
static int a_foreign_segment_is_set_aside(struct task *t, struct bed *b)
{
    struct queue_segment_head head = {12345, 7, 0};
    int file;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_close(t, b);
    assert_int_equal(b->disk->ops->rename(b->disk, "000000000001.log", "000000000009.log"), 0);
    assert_int_equal(queue_segment_create(b->disk, 65536, &head, &file), 0);
    assert_int_equal(bed_open(t, b), 0);
    bed_close(t, b);
    assert_int_equal(b->disk->ops->open(b->disk, "000000000009.damaged", DISK_READ, &file), 0);
    return 0;
}

/* A damaged record costs what it held, and no more; the file is kept when it is done with. */
static int damage_costs_one_message(struct task *t, struct bed *b)
{
    struct message_id id = bed_id(2);
    uint64_t offset;
    int file;

    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 3; n++)
        assert_int_equal(bed_submit_one(t, b, n, 5, "a@example.net"), 0);
    offset = queue_message_find(&b->queue->messages, &id)->place.offset;
    bed_close(t, b);
    assert_int_equal(fake_disk_damage(b->disk, "000000000001.log", offset + 40), 0);
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(b->queue->messages.count, 2);
    assert_null(queue_message_find(&b->queue->messages, &id));
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    bed_read_events(t, b, 4, true);
    for (int i = 0; i < 5000; i++) {
        if (b->disk->ops->open(b->disk, "000000000001.damaged", DISK_READ, &file) == 0)
            break;
        assert_int_equal(task_sleep(t, 5000), 0);
    }
    assert_int_equal(b->disk->ops->open(b->disk, "000000000001.damaged", DISK_READ, &file), 0);
    bed_close(t, b);
    return 0;
}

BED_TEST(a_full_disk_drains_and_accepts_again)
BED_TEST(results_have_room_of_their_own)
BED_TEST(the_configured_size_is_kept)
BED_TEST(a_failed_sync_stops_accepting_only)
BED_TEST(a_failed_segment_is_left_alone)
BED_TEST(a_stuck_spool_begins_no_delivery)
BED_TEST(results_ride_along)
BED_TEST(a_large_message_fits)
BED_TEST(a_later_version_is_refused)
BED_TEST(a_foreign_segment_is_set_aside)
BED_TEST(damage_costs_one_message)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_disk_drains_and_accepts_again),
        cmocka_unit_test(test_results_have_room_of_their_own),
        cmocka_unit_test(test_the_configured_size_is_kept),
        cmocka_unit_test(test_a_failed_sync_stops_accepting_only),
        cmocka_unit_test(test_a_failed_segment_is_left_alone),
        cmocka_unit_test(test_a_stuck_spool_begins_no_delivery),
        cmocka_unit_test(test_results_ride_along),
        cmocka_unit_test(test_a_large_message_fits),
        cmocka_unit_test(test_a_later_version_is_refused),
        cmocka_unit_test(test_a_foreign_segment_is_set_aside),
        cmocka_unit_test(test_damage_costs_one_message),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
