#include "runtime/task.h"

#include "base/buffer.h"
#include "runtime/world_linux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { MS = 1000 };

/* What the tasks of a test did, in the order in which they did it. */
static struct buffer diary;

static void note(const char *word)
{
    if (diary.size)
        buffer_add_byte(&diary, ' ');
    buffer_add(&diary, slice_text(word));
}

static void assert_diary(const char *expected)
{
    buffer_add_byte(&diary, 0);
    assert_string_equal(diary.data, expected);
    buffer_done(&diary);
}

static int run(task_function *function, void *argument)
{
    const struct world_linux_options options = {0};
    char *problem;
    struct world *w;
    int r;

    assert_int_equal(world_linux_new(&options, &w, &problem), 0);
    r = loop_run(w, function, argument);
    world_free(w);
    return r;
}

static int note_twice(struct task *t, void *argument)
{
    (void)argument;
    note(task_name(t));
    assert_int_equal(task_yield(t), 0);
    note(task_name(t));
    return 0;
}

static int spawn_three(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope s;

    (void)argument;
    scope_open(&s, t);
    assert_int_equal(scope_spawn(&s, "a", note_twice, NULL), 0);
    assert_int_equal(scope_spawn(&s, "b", note_twice, NULL), 0);
    assert_int_equal(scope_spawn(&s, "c", note_twice, NULL), 0);
    note("main");
    assert_int_equal(scope_wait(t, &s), 0);
    return 7;
}

static void children_take_turns(void **state)
{
    (void)state;
    assert_int_equal(run(spawn_three, NULL), 7);
    assert_diary("main a b c a b c");
}

static int sleep_then_note(struct task *t, void *argument)
{
    const char *word = task_name(t);
    int r = task_sleep(t, (uint64_t)strlen(word) * 5 * MS);

    (void)argument;
    note(r == 0 ? word : "cancelled");
    return r;
}

static int sleepers(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope s;
    uint64_t begun_us = task_now_us(t);

    (void)argument;
    scope_open(&s, t);
    assert_int_equal(scope_spawn(&s, "xxx", sleep_then_note, NULL), 0);
    assert_int_equal(scope_spawn(&s, "x", sleep_then_note, NULL), 0);
    assert_int_equal(scope_spawn(&s, "xx", sleep_then_note, NULL), 0);
    assert_int_equal(scope_wait(t, &s), 0);
    assert_true(task_now_us(t) - begun_us >= 15 * MS);
    return 0;
}

static void sleepers_wake_in_time(void **state)
{
    (void)state;
    assert_int_equal(run(sleepers, NULL), 0);
    assert_diary("x xx xxx");
}

static int nested_deadlines(struct task *t, void *argument)
{
    uint64_t begun_us = task_now_us(t);

    (void)argument;
    {
        CLEANUP(task_deadline_end) struct task_deadline outer = task_deadline_after(t, 20 * MS);

        {
            CLEANUP(task_deadline_end)
            struct task_deadline inner = task_deadline_after(t, 1000 * SECOND_US);

            assert_int_equal(task_sleep(t, 10 * SECOND_US), -ETIMEDOUT);
            assert_int_equal(task_check(t), -ETIMEDOUT);
        }
        assert_int_equal(task_sleep(t, 1), -ETIMEDOUT); /* it stays so while in force */
        assert_int_equal(task_yield(t), -ETIMEDOUT);
    }
    assert_true(task_now_us(t) - begun_us >= 20 * MS);
    assert_true(task_now_us(t) - begun_us < 5 * SECOND_US);
    assert_int_equal(task_check(t), 0);
    return task_sleep(t, 1 * MS);
}

static void the_earliest_deadline_counts(void **state)
{
    (void)state;
    assert_int_equal(run(nested_deadlines, NULL), 0);
}

static int wait_in_scope_of_its_own(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope s;

    (void)argument;
    scope_open(&s, t);
    assert_int_equal(scope_spawn(&s, "wwwwwwwwwwwwwwwwwwwwwwww", sleep_then_note, NULL), 0);
    return scope_wait(t, &s);
}

static int close_early(struct task *t, void *argument)
{
    struct scope s;

    (void)argument;
    scope_open(&s, t);
    assert_int_equal(scope_spawn(&s, "child", wait_in_scope_of_its_own, NULL), 0);
    assert_int_equal(task_sleep(t, 1 * MS), 0);
    assert_int_equal(s.count, 1);
    scope_close(&s);
    assert_int_equal(s.count, 0);
    assert_int_equal(s.first_error, 0); /* being told to stop is no error of the child's */
    note("closed");
    return 0;
}

static void closing_a_scope_ends_all_below_it(void **state)
{
    (void)state;
    assert_int_equal(run(close_early, NULL), 0);
    assert_diary("cancelled closed");
}

static int fail_with(struct task *t, void *argument)
{
    int r = task_yield(t);

    return r < 0 ? r : -*(int *)argument;
}

static int failing_children(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope s;
    int none = 0, first = EIO, second = ENOENT;

    (void)argument;
    scope_open(&s, t);
    assert_int_equal(scope_spawn(&s, "", fail_with, &none), 0);
    assert_int_equal(scope_spawn(&s, "", fail_with, &first), 0);
    assert_int_equal(scope_spawn(&s, "", fail_with, &second), 0);
    assert_int_equal(scope_wait(t, &s), -EIO);
    scope_cancel(&s);
    assert_int_equal(scope_spawn(&s, "", fail_with, &none), -ECANCELED);
    return 0;
}

static void a_scope_keeps_the_first_error(void **state)
{
    (void)state;
    assert_int_equal(run(failing_children, NULL), 0);
}

struct gate {
    struct condition opened;
    bool open;
    size_t passed;
};

static int pass_gate(struct task *t, void *argument)
{
    struct gate *g = argument;

    while (!g->open) {
        int r = condition_wait(t, &g->opened);

        if (r < 0)
            return r;
    }
    g->passed++;
    return 0;
}

static int gate_keeper(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope s;
    struct gate g = {0};

    (void)argument;
    condition_signal(&g.opened); /* nobody waits: lost */
    scope_open(&s, t);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(scope_spawn(&s, "", pass_gate, &g), 0);
    assert_int_equal(task_yield(t), 0);
    condition_broadcast(&g.opened);
    assert_int_equal(task_yield(t), 0);
    assert_int_equal(g.passed, 0); /* woken, looked, waits again */
    g.open = true;
    condition_signal(&g.opened);
    assert_int_equal(task_yield(t), 0);
    assert_int_equal(g.passed, 1);
    condition_broadcast(&g.opened);
    assert_int_equal(scope_wait(t, &s), 0);
    assert_int_equal(g.passed, 3);
    return 0;
}

static void conditions_wake_one_or_all(void **state)
{
    (void)state;
    assert_int_equal(run(gate_keeper, NULL), 0);
}

static int wait_for_a_while(struct task *t, void *argument)
{
    struct condition c = {0};
    uint64_t begun_us = task_now_us(t);

    (void)argument;
    assert_int_equal(condition_wait_for(t, &c, 5 * MS), 0);
    assert_true(task_now_us(t) - begun_us >= 5 * MS);
    assert_true(list_empty(&c.waiters));
    {
        CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, 5 * MS);

        assert_int_equal(condition_wait_for(t, &c, 10 * SECOND_US), -ETIMEDOUT);
        assert_int_equal(condition_wait(t, &c), -ETIMEDOUT);
    }
    return 0;
}

static void a_condition_wait_may_end_by_time(void **state)
{
    (void)state;
    assert_int_equal(run(wait_for_a_while, NULL), 0);
}

static int slow_work(void *argument)
{
    nanosleep(&(struct timespec){.tv_nsec = 20 * MS * 1000}, NULL);
    *(int *)argument += 1;
    return -42;
}

static int offload_once(struct task *t, void *argument)
{
    int r = task_offload(t, TASK_LANE_COMMIT, slow_work, argument);

    note("offloaded");
    return r;
}

static int offloads(struct task *t, void *argument)
{
    struct scope s;
    int done = 0;

    (void)argument;
    assert_int_equal(task_offload(t, TASK_LANE_READ, slow_work, &done), -42);
    assert_int_equal(done, 1);
    scope_open(&s, t);
    assert_int_equal(scope_spawn(&s, "", offload_once, &done), 0);
    assert_int_equal(scope_spawn(&s, "", offload_once, &done), 0);
    assert_int_equal(task_sleep(t, 1 * MS), 0);
    note("free");    /* the loop went on meanwhile */
    scope_close(&s); /* cancels, and yet waits for the threads */
    assert_int_equal(done, 3);
    assert_int_equal(s.first_error, -42);
    return 0;
}

static void offloaded_work_is_waited_for(void **state)
{
    (void)state;
    assert_int_equal(run(offloads, NULL), 0);
    assert_diary("free offloaded offloaded");
}

/* Each waits until all are there, which the others can only be on threads of their own. */
static int meet(void *argument)
{
    atomic_int *there = argument;

    atomic_fetch_add(there, 1);
    for (int i = 0; i < 2000 && atomic_load(there) < TASK_FETCH_THREADS; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1 * MS * 1000}, NULL);
    return atomic_load(there) < TASK_FETCH_THREADS ? -ETIMEDOUT : 0;
}

static int fetch_once(struct task *t, void *argument)
{
    return task_offload(t, TASK_LANE_FETCH, meet, argument);
}

static int fetches(struct task *t, void *argument)
{
    struct scope s;
    atomic_int there = 0;

    (void)argument;
    scope_open(&s, t);
    for (int i = 0; i < TASK_FETCH_THREADS; i++)
        assert_int_equal(scope_spawn(&s, "", fetch_once, &there), 0);
    assert_int_equal(scope_wait(t, &s), 0);
    scope_close(&s);
    return 0;
}

static void fetches_run_side_by_side(void **state)
{
    (void)state;
    assert_int_equal(run(fetches, NULL), 0);
}

static int say_goodbye(struct task *t, void *argument)
{
    int r = task_sleep(t, 1000 * SECOND_US);

    (void)argument;
    assert_int_equal(r, -ECANCELED);
    {
        CLEANUP(task_grace_end) struct task_grace grace = task_grace_begin(t, 50 * MS);

        assert_int_equal(task_check(t), 0);
        assert_int_equal(task_sleep(t, 10 * MS), 0); /* while it is cancelled once more */
        note("goodbye");
        assert_int_equal(task_sleep(t, 1000 * SECOND_US), -ETIMEDOUT);
    }
    assert_int_equal(task_check(t), -ECANCELED);
    return r;
}

/* Finds out only after its grace that it was cancelled. */
static int work_in_grace(struct task *t, void *argument)
{
    (void)argument;
    {
        CLEANUP(task_grace_end) struct task_grace grace = task_grace_begin(t, 1000 * SECOND_US);

        assert_int_equal(task_sleep(t, 20 * MS), 0);
        note("done");
    }
    assert_int_equal(task_check(t), -ECANCELED);
    return 0;
}

static int give_grace(struct task *t, void *argument)
{
    struct scope s;

    (void)argument;
    scope_open(&s, t);
    assert_int_equal(scope_spawn(&s, "", say_goodbye, NULL), 0);
    assert_int_equal(scope_spawn(&s, "", work_in_grace, NULL), 0);
    assert_int_equal(task_sleep(t, 1 * MS), 0);
    scope_cancel(&s);
    assert_int_equal(task_sleep(t, 1 * MS), 0);
    scope_close(&s);
    return 0;
}

static void a_grace_lets_a_task_finish(void **state)
{
    (void)state;
    assert_int_equal(run(give_grace, NULL), 0);
    assert_diary("goodbye done");
}

enum { MANY = 3000 };

static int count_up(struct task *t, void *argument)
{
    for (int i = 0; i < 5; i++) {
        int r = i % 2 ? task_yield(t) : task_sleep(t, 1);

        if (r < 0)
            return r;
    }
    ++*(int *)argument;
    return 0;
}

static int many(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope s;
    int counted = 0;

    (void)argument;
    for (int round = 1; round <= 2; round++) { /* the second round finds the stacks of the first */
        scope_open(&s, t);
        for (int i = 0; i < MANY; i++)
            assert_int_equal(scope_spawn(&s, "", count_up, &counted), 0);
        assert_int_equal(scope_wait(t, &s), 0);
        assert_int_equal(counted, round * MANY);
        scope_close(&s);
    }
    return 0;
}

static void thousands_of_tasks_run(void **state)
{
    (void)state;
    assert_int_equal(run(many, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_take_turns),
        cmocka_unit_test(sleepers_wake_in_time),
        cmocka_unit_test(the_earliest_deadline_counts),
        cmocka_unit_test(closing_a_scope_ends_all_below_it),
        cmocka_unit_test(a_scope_keeps_the_first_error),
        cmocka_unit_test(conditions_wake_one_or_all),
        cmocka_unit_test(a_condition_wait_may_end_by_time),
        cmocka_unit_test(offloaded_work_is_waited_for),
        cmocka_unit_test(fetches_run_side_by_side),
        cmocka_unit_test(a_grace_lets_a_task_finish),
        cmocka_unit_test(thousands_of_tasks_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
