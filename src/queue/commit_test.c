/* Disks that fail and disks that are full, at every call. */
#include "base/log.h"
#include "queue/inside.h"
#include "queue/promise.h"

static struct promise_ledger ledger;

struct trial {
    struct disk *disk;
    enum fake_disk_call call;
    unsigned skip, times;
    int error;
};

static int judge_both_ends(struct task *t, void *argument)
{
    struct trial *trial = argument;
    size_t length = fake_disk_length(trial->disk);
    static const enum fake_disk_loss losses[] = {FAKE_LOSE_ALL, FAKE_LOSE_NONE, FAKE_LOSE_SOME};

    promise_read(trial->disk, length, &ledger);
    for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
        struct disk *after = fake_disk_after(trial->disk, length, losses[i], 1);

        promise_judge(t, after, &ledger);
        disk_free(after);
    }
    /* As the next process finds it when only this one died. */
    promise_judge(t, trial->disk, &ledger);
    return 0;
}

/* A life on a disk whose nth call of a kind fails; then the promise, by what the steward was told
 * and the client was answered. Returns how many calls of the kind there were. */
static unsigned try(struct trial trial)
{
    static struct bed bed;
    unsigned calls;

    trial.disk = fake_disk_new();
    promise_init(&bed, trial.disk);
    fake_disk_fail(trial.disk, trial.call, trial.skip, trial.times, trial.error);
    bed_run(promise_live, &bed);
    fake_disk_fail(trial.disk, trial.call, 0, 0, 0);
    calls = fake_disk_calls(trial.disk, trial.call);
    bed_run(judge_both_ends, &trial);
    disk_free(trial.disk);
    return calls;
}

static void every_call_may_fail(int error, unsigned times)
{
    static const enum fake_disk_call calls[] = {FAKE_OPEN,     FAKE_WRITE,  FAKE_SYNC,
                                                FAKE_ALLOCATE, FAKE_UNLINK, FAKE_SYNC_DIRECTORY};
    unsigned trials = 0;

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        unsigned count = try((struct trial){.call = calls[i]}); /* undisturbed */

        for (unsigned skip = 0; skip < count; trials++) {
            try((struct trial){.call = calls[i], .skip = skip, .times = times, .error = error});
            skip += times > 1 ? 3 : 1;
        }
    }
    print_message("%u lives\n", trials);
}

static void one_call_fails(void **state)
{
    (void)state;
    every_call_may_fail(-EIO, 1);
}

static void all_calls_fail_from_then_on(void **state)
{
    (void)state;
    every_call_may_fail(-EIO, 100000);
}

static void one_call_finds_no_space(void **state)
{
    (void)state;
    every_call_may_fail(-ENOSPC, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_call_fails),
        cmocka_unit_test(all_calls_fail_from_then_on),
        cmocka_unit_test(one_call_finds_no_space),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
