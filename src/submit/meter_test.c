#include "submit/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { HOUR_S = 3600, HOUR = 480000, SECOND = 1000000 };

static struct meters *open_own(void)
{
    struct meters *m;

    assert_int_equal(meters_open(-1, 0, &m), 0);
    return m;
}

static void a_rate_has_a_burst_and_fills_up_again(void **state)
{
    struct meters *all = open_own();
    struct meter *m = meters_find(all, 7);
    const struct meter_rate rate = {SECOND / 2, 5};
    uint64_t now = 100 * SECOND;

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(meter_rate_take(m, &rate, now));
    assert_false(meter_rate_take(m, &rate, now));
    assert_int_equal(meter_rate_wait_us(m, &rate, now), SECOND / 2);
    assert_false(meter_rate_take(m, &rate, now + SECOND / 2 - 1));
    assert_true(meter_rate_take(m, &rate, now + SECOND / 2));
    assert_false(meter_rate_take(m, &rate, now + SECOND / 2));
    for (int i = 0; i < 5; i++) /* never more than the burst, however long it was quiet */
        assert_true(meter_rate_take(m, &rate, now + 1000 * (uint64_t)SECOND));
    assert_false(meter_rate_take(m, &rate, now + 1000 * (uint64_t)SECOND));
    meters_close(all);
}

static void a_day_rolls(void **state)
{
    struct meters *all = open_own();
    struct meter *m = meters_find(all, 7);
    const int64_t now = (int64_t)HOUR * HOUR_S + 1800;

    (void)state;
    meter_count(m, HOUR, 100);
    meter_count(m, HOUR - 23, 10);
    meter_count(m, HOUR - 24, 7);
    assert_int_equal(meter_day(m, now), 114); /* half of the oldest hour, rounded up */
    assert_int_equal(meter_day(m, now + HOUR_S), 105);
    assert_int_equal(meter_day(m, now + 24 * HOUR_S), 50);
    assert_int_equal(meter_day(m, now + 25 * HOUR_S), 0);
    meter_count(m, HOUR, -30);
    assert_int_equal(meter_day(m, now), 84);
    meter_count(m, HOUR, -1000);
    assert_int_equal(meter_day(m, now), 14);
    meter_count(m, HOUR + 1, 3); /* its place was that of the oldest hour */
    assert_int_equal(meter_day(m, now + HOUR_S), 8);
    meters_close(all);
}

static void says_when_there_is_room(void **state)
{
    struct meters *all = open_own();
    struct meter *m = meters_find(all, 7);
    const int64_t begin = (int64_t)HOUR * HOUR_S;

    (void)state;
    meter_count(m, HOUR, 100);
    /* The hour counts whole for a day, then goes out evenly. */
    assert_int_equal(meter_day_free_s(m, begin, 50, 100), begin + 24 * HOUR_S + HOUR_S / 2);
    assert_int_equal(meter_day_free_s(m, begin, 1, 200), begin + 60);
    meters_close(all);
}

static void what_was_known_before_is_a_lower_bound(void **state)
{
    struct meters *all = open_own();
    struct meter *m = meters_find(all, 7);
    const int64_t now = (int64_t)HOUR * HOUR_S;

    (void)state;
    meter_at_least(m, HOUR, 40);
    meter_at_least(m, HOUR, 30);
    meter_count(m, HOUR, 1);
    meter_at_least(m, HOUR, 41);
    assert_int_equal(meter_day(m, now), 41);
    meter_at_least(m, HOUR - METER_HOURS, 1000); /* too old to matter */
    assert_int_equal(meter_day(m, now), 41);
    meters_close(all);
}

static void sites_have_places_of_their_own(void **state)
{
    struct meters *all = open_own();
    const int64_t now = (int64_t)HOUR * HOUR_S;

    (void)state;
    for (uint64_t id = 1; id <= METER_SITES; id++)
        meter_count(meters_find(all, id), HOUR, (int32_t)(id % 1000) + 1);
    for (uint64_t id = 1; id <= METER_SITES; id++)
        assert_int_equal(meter_day(meters_find(all, id), now), id % 1000 + 1);
    assert_null(meters_find(all, METER_SITES + 1));
    meters_close(all);
}

/* Takes as many as it gets, and counts each; what comes back is how many that were. */
static void take_all(int memory, const struct meter_rate *rate, int report)
{
    struct meters *all;
    uint32_t taken = 0;

    if (meters_open(memory, 4096, &all) < 0)
        _exit(1);
    for (int i = 0; i < 20000; i++) {
        struct meter *m = meters_find(all, 7);

        meter_count(m, HOUR, 1);
        taken += meter_rate_take(m, rate, SECOND);
    }
    _exit(write(report, &taken, sizeof taken) == sizeof taken ? 0 : 1);
}

static void processes_share_one_limit(void **state)
{
    enum { PROCESSES = 4 };
    const struct meter_rate rate = {SECOND, 10000};
    int memory = memfd_create("meters", MFD_CLOEXEC), report[2], status;
    uint32_t taken, sum = 0;
    struct meters *all;

    (void)state;
    assert_int_equal(ftruncate(memory, 4096 + METER_BYTES), 0);
    assert_int_equal(pipe(report), 0);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            take_all(memory, &rate, report[1]);
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(read(report[0], &taken, sizeof taken), sizeof taken);
        sum += taken;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(sum, 10000);
    assert_int_equal(meters_open(memory, 4096, &all), 0);
    assert_int_equal(meter_day(meters_find(all, 7), (int64_t)HOUR * HOUR_S), PROCESSES * 20000);
    meters_close(all);
    close(memory);
    close(report[0]);
    close(report[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_has_a_burst_and_fills_up_again),
        cmocka_unit_test(a_day_rolls),
        cmocka_unit_test(says_when_there_is_room),
        cmocka_unit_test(what_was_known_before_is_a_lower_bound),
        cmocka_unit_test(sites_have_places_of_their_own),
        cmocka_unit_test(processes_share_one_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
