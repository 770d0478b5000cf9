/* Rotation by the clock. The tasks are those of the steward; the clocks of their world jump to
 * whatever is waited for, so that days pass in no time. */
#include "base/log.h"
#include "onboard/rotate.h"
#include "site/world_test.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static struct passing {
    const struct world_ops *linux_ops;
    uint64_t skipped_us;
    int64_t wall_jump_us; /* of the wall clock alone */
} passing;

static uint64_t passing_monotonic_us(struct world *w)
{
    return passing.linux_ops->monotonic_us(w) + passing.skipped_us;
}

static int64_t passing_wall_us(struct world *w)
{
    return passing.linux_ops->wall_us(w) + (int64_t)passing.skipped_us + passing.wall_jump_us;
}

/* Looks; when nothing has happened, it is later. */
static void passing_wait(struct world *w, uint64_t until_us, struct world_news *news)
{
    uint64_t now_us = passing_monotonic_us(w);

    passing.linux_ops->wait(w, 0, news);
    if (news->ready_count == 0 && list_empty(&news->jobs) && until_us > now_us)
        passing.skipped_us += until_us - now_us;
}

struct fixture {
    struct site_world world;
    struct control_set set;
    struct rotate_service service;
    struct scope scope;
    struct arena arena;
    struct identity identity; /* as it was at the start */
};

static int run_clock(struct task *t, void *argument)
{
    return rotate_run(t, argument);
}

static void see_record(struct fixture *f, const struct identity_key *key, const char *state)
{
    CLEANUP(query_done)
    struct query q = store_query(f->world.service.store, STORE_IDENTITY_KEY_JUDGED);

    query_bind_int(&q, key->id);
    query_bind_text(&q, slice_text(state));
    query_bind_int(&q, key->created_us);
    query_bind_int(&q, key->created_us);
    for (int i = 0; i < 5; i++)
        query_bind_text(&q, SLICE_NONE);
    query_bind_int(&q, key->created_us);
    assert_int_equal(query_run(&q), 0);
}

static void verify_identity(struct fixture *f)
{
    CLEANUP(query_done)
    struct query q = store_query(f->world.service.store, STORE_IDENTITY_JUDGED);

    query_bind_int(&q, f->identity.id);
    query_bind_text(&q, SLICE("SUCCESS"));
    query_bind_int(&q, f->identity.created_us);
    query_bind_text(&q, SLICE_NONE);
    query_bind_text(&q, SLICE_NONE);
    query_bind_int(&q, f->identity.created_us);
    query_bind_null(&q);
    query_bind_int(&q, 0);
    query_bind_int(&q, 0);
    query_bind_text(&q, SLICE_NONE);
    query_bind_text(&q, SLICE_NONE);
    assert_int_equal(query_run(&q), 0);
}

static void open_fixture(struct task *t, struct fixture *f)
{
    struct identity *all;
    size_t count;

    *f = (struct fixture){.arena = ARENA_NONE};
    site_world_open(t, &f->world);
    f->set = site_operations(&f->world.service);
    json_decref(
        site_world_ask(t, &f->set, 1, "site.add",
                       "{\"site\": \"one\", \"domain\": \"example.org\", \"senders\": \"any\"}"));
    assert_int_equal(identity_list(f->world.service.store, &f->arena, 1, &all, &count), 0);
    assert_int_equal(count, 1);
    f->identity = all[0];
    for (size_t i = 0; i < IDENTITY_KEYS; i++)
        see_record(f, &f->identity.keys[i], "right");
    verify_identity(f);
    f->service = (struct rotate_service){
        &f->world.service,
        {.every_s = DAY_S, .keep_s = 2 * HOUR_S, .settle_s = 600, .rest_s = HOUR_S}};
    scope_open(&f->scope, t);
    assert_int_equal(scope_spawn(&f->scope, "rotate", run_clock, &f->service), 0);
}

static void close_fixture(struct fixture *f)
{
    scope_close(&f->scope);
    arena_done(&f->arena);
    site_world_close(&f->world);
}

/* Which of the three keys the identity has at its start the gateway signs with; -1: it was not told
 * yet. */
static int signer(const struct fixture *f)
{
    const struct directory_site *site = directory_site_by_id(f->world.directory, 1);

    for (int i = 0; site && i < IDENTITY_KEYS; i++)
        if (site->identities[0].key_count == 1 &&
            slice_equal(site->identities[0].keys[0].selector, f->identity.keys[i].selector))
            return i;
    return -1;
}

/* Lets time pass until it signs with another key than `before`, or `most` hours; yields the
 * hours until then, -1 if it did not. */
static int hours_until_turn(struct task *t, const struct fixture *f, int before, int most)
{
    for (int hour = 1; hour <= most; hour++) {
        assert_int_equal(task_sleep(t, HOUR_S * SECOND_US), 0);
        if (signer(f) >= 0 && signer(f) != before)
            return hour;
    }
    return -1;
}

static int the_keys_go_round(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    for (int turn = 0; turn < 7; turn++) { /* a day, or a tenth more; from look to look */
        assert_in_range(hours_until_turn(t, &f, turn % 3, 28), 23, 28);
        assert_int_equal(signer(&f), (turn + 1) % 3);
    }
    return 0;
}

static int a_key_that_is_not_there_gets_no_turn(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    see_record(&f, &f.identity.keys[1], "absent");
    assert_int_equal(hours_until_turn(t, &f, 0, 60), -1);
    see_record(&f, &f.identity.keys[1], "right");
    assert_in_range(hours_until_turn(t, &f, 0, 25), 1, 25); /* it is tried again a day later */
    assert_int_equal(signer(&f), 1);
    return 0;
}

/* After a stop of a month the turns that were missed are not made up for. */
static int a_jump_of_the_clock_is_one_turn(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    assert_int_equal(hours_until_turn(t, &f, 0, 1), -1);
    passing.wall_jump_us = 30 * (int64_t)(DAY_S * SECOND_US);
    assert_int_equal(hours_until_turn(t, &f, 0, 1), 1);
    assert_int_equal(signer(&f), 1);
    assert_int_equal(hours_until_turn(t, &f, 1, 22), -1);
    passing.wall_jump_us = 0; /* and back: nothing is due for a month */
    assert_int_equal(hours_until_turn(t, &f, 1, 72), -1);
    return 0;
}

/* As run_in_world, with clocks that pass. */
static void run_with_clock(void **state)
{
    const struct world_linux_options options = {0};
    struct world_ops ops;
    char *problem = NULL;
    struct world *w;

    assert_int_equal(world_linux_new(&options, &w, &problem), 0);
    passing = (struct passing){.linux_ops = w->ops};
    ops = *w->ops;
    ops.monotonic_us = passing_monotonic_us;
    ops.wall_us = passing_wall_us;
    ops.wait = passing_wait;
    w->ops = &ops;
    assert_int_equal(loop_run(w, (task_function *)*state, NULL), 0);
    w->ops = passing.linux_ops;
    world_free(w);
}

#define CLOCK_TEST(function)                                                                       \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run_with_clock, .initial_state = (void *)(function)        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOCK_TEST(the_keys_go_round),
        CLOCK_TEST(a_key_that_is_not_there_gets_no_turn),
        CLOCK_TEST(a_jump_of_the_clock_is_one_turn),
    };

    log_init("test", LOG_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
