#include "runtime/peer_group.h"

#include "runtime/loop_test.h"

enum { MEMBERS = 3, ECHO = 1, MS = 1000 };

/* Members with their other ends; one may be deaf. */
struct world_of_peers {
    struct scope scope;
    struct peer_group group;
    struct peer *ends[MEMBERS];
    struct member_end {
        char letter;
        bool deaf;
        unsigned asked;
    } others[MEMBERS];
};

static int answer(struct task *t, void *context, uint8_t type, struct slice body,
                  struct buffer *reply)
{
    struct member_end *other = context;

    (void)type;
    other->asked++;
    buffer_add_byte(reply, other->letter);
    buffer_add(reply, body);
    return other->deaf ? task_sleep(t, 3600 * SECOND_US) : 0;
}

static void world_open(struct task *t, struct world_of_peers *w)
{
    static const struct peer_handlers none;

    *w = (struct world_of_peers){.group = {.count = MEMBERS}};
    scope_open(&w->scope, t);
    for (unsigned i = 0; i < MEMBERS; i++) {
        const struct peer_handlers handlers = {.request = answer, .context = &w->others[i]};
        int pair[2];

        make_pair(SOCK_SEQPACKET, pair);
        w->others[i].letter = (char)('a' + i);
        w->ends[i] = peer_new(&w->scope, "asker", pair[0], &handlers);
        w->group.members[i].peer = peer_new(&w->scope, "member", pair[1], &none);
        w->group.members[i].number = i + 1;
    }
}

static void world_close(struct world_of_peers *w)
{
    scope_close(&w->scope);
    for (unsigned i = 0; i < MEMBERS; i++) {
        peer_free(w->ends[i]);
        peer_free(w->group.members[i].peer);
    }
}

static int asks_all_at_once(struct task *t, void *argument)
{
    CLEANUP(world_close) struct world_of_peers w;
    struct peer_answers answers;
    uint64_t begin_us = task_now_us(t);

    (void)argument;
    world_open(t, &w);
    w.others[1].deaf = true;
    w.group.members[2].gone = true;
    assert_int_equal(peer_group_call(t, &w.group, ECHO, SLICE("x"), 50 * MS, &answers), 0);
    assert_true(task_now_us(t) - begin_us < SECOND_US);
    assert_int_equal(answers.of[0].result, 0);
    assert_true(slice_equal(buffer_slice(&answers.of[0].reply), SLICE("ax")));
    assert_int_equal(answers.of[1].result, -ETIMEDOUT);
    assert_int_equal(answers.of[2].result, -ESRCH);
    assert_int_equal(w.others[2].asked, 0);
    peer_answers_done(&answers);
    return 0;
}

static int takes_turns(struct task *t, void *argument)
{
    CLEANUP(world_close) struct world_of_peers w;

    (void)argument;
    world_open(t, &w);
    assert_int_equal(peer_group_next(&w.group)->number, 1);
    assert_int_equal(peer_group_next(&w.group)->number, 2);
    assert_int_equal(peer_group_next(&w.group)->number, 3);
    w.group.members[0].draining = true;
    w.group.members[1].gone = true;
    assert_int_equal(peer_group_next(&w.group)->number, 3);
    assert_int_equal(peer_group_next(&w.group)->number, 3);
    w.group.members[2].gone = true;
    assert_null(peer_group_next(&w.group));
    return 0;
}

static void run(void **state)
{
    assert_int_equal(run_tasks(NULL, (task_function *)*state, NULL), 0);
}

#define TASK_TEST(function)                                                                        \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run, .initial_state = (void *)(function)                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(asks_all_at_once),
        TASK_TEST(takes_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
