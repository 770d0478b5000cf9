/* Every state that a power cut may leave behind at each moment of a queue's life, and of its
 * recovery. */
#include "base/log.h"
#include "queue/promise.h"

enum { SECOND_CUTS_STEP = 13 };

static const struct {
    enum fake_disk_loss loss;
    unsigned seeds;
} losses[] = {
    {FAKE_LOSE_ALL, 1},    {FAKE_LOSE_NONE, 1}, {FAKE_LOSE_SOME, 3},
    {FAKE_LOSE_BLOCKS, 3}, {FAKE_LOSE_TAIL, 3},
};

struct enumeration {
    struct disk *lived;
    task_function *life;
    unsigned states;
};

static struct promise_ledger ledger;

static void judge_cut(struct task *t, struct disk *disk, size_t length, enum fake_disk_loss loss,
                      uint64_t seed)
{
    struct disk *after = fake_disk_after(disk, length, loss, seed);

    promise_judge(t, after, &ledger);
    disk_free(after);
}

static int cut_once(struct task *t, void *argument)
{
    struct enumeration *e = argument;

    for (size_t length = 0; length <= fake_disk_length(e->lived); length++) {
        promise_read(e->lived, length, &ledger);
        for (size_t i = 0; i < ARRAY_LEN(losses); i++)
            for (unsigned seed = 1; seed <= losses[i].seeds; seed++, e->states++)
                judge_cut(t, e->lived, length, losses[i].loss, seed + length);
    }
    return 0;
}

/* Starts a queue on what the first cut has left and gives up at once; then cuts the power at each
 * moment of that start. */
static void cut_recovery(struct task *t, struct enumeration *e, struct disk *disk)
{
    static struct bed bed;

    promise_init(&bed, disk);
    assert_int_equal(bed_open(t, &bed), 0);
    bed_crash(t, &bed);
    for (size_t length = 0; length <= fake_disk_length(disk); length++)
        for (size_t i = 0; i < ARRAY_LEN(losses); i++, e->states++)
            judge_cut(t, disk, length, losses[i].loss, 1);
}

static int cut_twice(struct task *t, void *argument)
{
    struct enumeration *e = argument;

    for (size_t length = 0; length <= fake_disk_length(e->lived); length += SECOND_CUTS_STEP) {
        promise_read(e->lived, length, &ledger);
        for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
            struct disk *after = fake_disk_after(e->lived, length, losses[i].loss, length + 1);

            cut_recovery(t, e, after);
            disk_free(after);
        }
    }
    return 0;
}

static void enumerate(task_function *life, task_function *cuts)
{
    static struct bed bed;
    struct enumeration e = {.lived = fake_disk_new()};

    promise_copies = 0;
    promise_init(&bed, e.lived);
    bed_run(life, &bed);
    bed_run(cuts, &e);
    print_message("%u states of %zu operations\n", e.states, fake_disk_length(e.lived));
    if (life == promise_live) {
        assert_true(fake_disk_calls(e.lived, FAKE_UNLINK) >= 2); /* segments went while it lived */
        assert_true(promise_copies >= 2);                        /* and messages were moved */
    }
    disk_free(e.lived);
}

static void every_power_cut_keeps_the_promise(void **state)
{
    (void)state;
    enumerate(promise_live, cut_once);
}

static void a_second_cut_changes_nothing(void **state)
{
    (void)state;
    enumerate(promise_live, cut_twice);
}

/* A sync fails, the process is killed, and the next one finds in the kernel's memory what is not on
 * disk, tells the steward about it, and lives on. */
static int killed_after_failed_sync(struct task *t, void *argument)
{
    struct bed *b = argument;

    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 3; n++)
        assert_int_equal(promise_submit(t, b, n), 0);
    fake_disk_fail(b->disk, FAKE_SYNC, 0, 1, -EIO);
    assert_int_equal(promise_submit(t, b, 4), -EIO);
    bed_crash(t, b);
    fake_disk_thaw(b->disk);

    assert_int_equal(bed_open(t, b), 0);
    promise_store(t, b, 100000);
    promise_deliver(t, b, "example.net", QUEUE_DEFERRED);
    for (unsigned n = 5; n <= 8; n++)
        assert_int_equal(promise_submit(t, b, n), 0);
    promise_store(t, b, 100000);
    bed_close(t, b);
    return 0;
}

static void what_the_kernel_remembers_is_not_trusted(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR);
    enumerate(killed_after_failed_sync, cut_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_power_cut_keeps_the_promise),
        cmocka_unit_test(a_second_cut_changes_nothing),
        cmocka_unit_test(what_the_kernel_remembers_is_not_trusted),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
