#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"

static const uint64_t LONG_S = 240 + 240 / 4 + QUEUE_LOST_S; /* bed_init's longest delay */

/* What the sweeper finds, as operators are told. */
static struct queue_status look(struct task *t, struct bed *b, struct buffer *texts)
{
    struct queue_status status;
    uint64_t wait_us;

    texts->size = 0;
    assert_int_equal(queue_sweep(t, b->queue, &wait_us), 0);
    assert_int_equal(queue_status(t, b->queue, texts, &status), 0);
    return status;
}

static bool is(const struct queue_status *status, unsigned number)
{
    struct message_id id = bed_id(number);

    return message_id_compare(&status->stalest.id, &id) == 0;
}

static int the_stalest_is_named(struct task *t, struct bed *b)
{
    CLEANUP(buffer_done) struct buffer texts = BUFFER_NONE;
    struct queue_status status;

    assert_int_equal(bed_open(t, b), 0);
    status = look(t, b, &texts);
    assert_int_equal(status.stalest.site_id, 0);
    assert_int_equal(status.lost_after_s, LONG_S);
    b->held = "it rests";
    for (unsigned n = 1; n <= 3; n++) {
        assert_int_equal(bed_submit_one(t, b, n, 4 + n, "a@example.net"), 0);
        bed_pass_s(10);
    }
    status = look(t, b, &texts);
    assert_true(is(&status, 1));
    assert_true(status.stalest.site_id == 5 && status.stalest.state == QUEUE_ENTRY_READY);
    assert_true(slice_equal(status.stalest.destination, SLICE("example.net")));
    assert_true(slice_equal(status.stalest.holding, SLICE("it rests (example.net, site 5)")));
    assert_false(status.stalest.lost);
    assert_int_equal(status.oldest_without_progress_s, 30);

    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED); /* that is progress */
    status = look(t, b, &texts);
    assert_true(is(&status, 2));
    queue_schedule_pause(&b->queue->schedule, 6, true); /* by an operator's wish */
    status = look(t, b, &texts);
    assert_true(is(&status, 3));
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    status = look(t, b, &texts);
    assert_true(is(&status, 1));
    assert_int_equal(status.stalest.state, QUEUE_ENTRY_WAITING);
    assert_true(status.stalest.due_us > queue_wall_us(b->queue));
    assert_int_equal(status.stalest.holding.size, 0);
    bed_close(t, b);
    return 0;
}

/* A dead destination explains why its mail waits; what nothing explains is named before it. */
static int what_nothing_explains_is_lost(struct task *t, struct bed *b)
{
    CLEANUP(buffer_done) struct buffer texts = BUFFER_NONE;
    struct queue_status status;

    assert_int_equal(bed_open(t, b), 0);
    b->held = "it rests";
    for (unsigned n = 1; n <= 100; n++)
        assert_int_equal(bed_submit_one(t, b, n, 5, "a@example.net"), 0);
    bed_pass_s(100);
    assert_int_equal(bed_submit_one(t, b, 101, 5, "a@example.com"), 0);
    bed_pass_s(LONG_S - 100);
    b->asked = 0;
    status = look(t, b, &texts);
    assert_true(is(&status, 1) && !status.stalest.lost && !b->queue->lost_told);
    assert_in_range(b->asked, 1, 3); /* not a hundred times */

    bed_pass_s(99);
    b->held = NULL;
    assert_false(look(t, b, &texts).stalest.lost == false);
    assert_true(b->queue->lost_told);
    b->held = "it rests";
    assert_false(look(t, b, &texts).stalest.lost);
    assert_false(b->queue->lost_told);
    bed_close(t, b);
    return 0;
}

/* A job that does not come back is no progress, whatever the destination does. */
static int endless_jobs_are_lost(struct task *t, struct bed *b)
{
    CLEANUP(buffer_done) struct buffer texts = BUFFER_NONE;
    struct queue_status status;
    struct queue_job *job;

    assert_int_equal(bed_open(t, b), 0);
    b->held = "it rests";
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(bed_submit_one(t, b, 2, 5, "a@example.net"), 0);
    bed_pass_s(1);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    job = bed_take(t, b, "example.net");
    bed_pass_s(LONG_S);
    status = look(t, b, &texts);
    assert_true(is(&status, 2) && status.stalest.lost);
    assert_int_equal(status.stalest.state, QUEUE_ENTRY_BUSY);
    queue_return(b->queue, job);
    bed_close(t, b);
    return 0;
}

BED_TEST(the_stalest_is_named)
BED_TEST(what_nothing_explains_is_lost)
BED_TEST(endless_jobs_are_lost)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_stalest_is_named),
        cmocka_unit_test(test_what_nothing_explains_is_lost),
        cmocka_unit_test(test_endless_jobs_are_lost),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
