#include "runtime/peer.h"

#include "base/limits.h"
#include "runtime/io.h"
#include "runtime/loop_test.h"
#include "wire/ipc.h"

#include <stdio.h>
#include <sys/wait.h>

enum { MS = 1000, DOUBLE = 1, SLOW, FAIL, LARGE_REPLY, NOTE };

/* One side: what it was asked and told. */
struct side {
    struct scope scope;
    struct peer *peer;
    size_t requests, hellos, notes;
};

static int answer(struct task *t, void *context, uint8_t type, struct slice body,
                  struct buffer *reply)
{
    struct side *side = context;

    side->requests++;
    switch (type) {
    case DOUBLE:
        buffer_add(reply, body);
        buffer_add(reply, body);
        return 0;
    case SLOW:
        buffer_add(reply, body);
        return task_sleep(t, 10 * MS);
    case LARGE_REPLY:
        memset(buffer_reserve(reply, LIMIT_FRAME_BYTES), 'x', LIMIT_FRAME_BYTES);
        reply->size = LIMIT_FRAME_BYTES;
        return 0;
    case NOTE:
        side->notes++;
        return 0;
    default:
        return -EACCES;
    }
}

static void greet(struct task *t, void *context)
{
    struct side *side = context;

    (void)t;
    side->hellos++;
}

static void side_open(struct task *t, struct side *side, int socket)
{
    const struct peer_handlers handlers = {answer, greet, side};

    *side = (struct side){0};
    scope_open(&side->scope, t);
    side->peer = peer_new(&side->scope, "test", socket, &handlers);
}

static void side_close(struct side *side)
{
    scope_close(&side->scope);
    peer_free(side->peer);
}

static void assert_call(struct task *t, struct side *side, uint8_t type, const char *body,
                        const char *expected)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;

    assert_int_equal(peer_call(t, side->peer, type, slice_text(body), &reply), 0);
    assert_true(slice_equal(buffer_slice(&reply), slice_text(expected)));
}

static int converse(struct task *t, void *argument)
{
    CLEANUP(side_close) struct side a, b;
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE, large = BUFFER_NONE;
    int sockets[2];

    (void)argument;
    make_pair(SOCK_SEQPACKET, sockets);
    side_open(t, &a, sockets[0]);
    side_open(t, &b, sockets[1]);
    assert_call(t, &a, DOUBLE, "ab", "abab");
    assert_call(t, &b, DOUBLE, "", "");
    assert_int_equal(peer_call(t, a.peer, FAIL, SLICE("x"), &reply), -EACCES);
    assert_int_equal(peer_call(t, a.peer, LARGE_REPLY, SLICE_NONE, &reply), -EMSGSIZE);
    buffer_reserve(&large, LIMIT_FRAME_BYTES);
    large.size = LIMIT_FRAME_BYTES;
    assert_int_equal(peer_call(t, a.peer, DOUBLE, buffer_slice(&large), &reply), -EMSGSIZE);
    assert_int_equal(reply.size, 0);
    assert_int_equal(peer_notify(t, b.peer, NOTE, SLICE("psst")), 0);
    assert_call(t, &b, DOUBLE, "c", "cc");
    assert_int_equal(a.notes, 1);
    assert_int_equal(a.hellos, 1);
    assert_int_equal(b.hellos, 1);
    return 0;
}

static void both_sides_ask_and_answer(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, converse, NULL), 0);
}

enum { CALLERS = 1300 }; /* more than may be in flight */

struct crowd {
    struct side *side;
    size_t answered;
};

static int call_once(struct task *t, void *argument)
{
    struct crowd *crowd = argument;
    char body[16], expected[32];

    snprintf(body, sizeof body, "%zu", (size_t)(uintptr_t)&body % 9973);
    snprintf(expected, sizeof expected, "%s%s", body, body);
    assert_call(t, crowd->side, DOUBLE, body, expected);
    crowd->answered++;
    return 0;
}

static int crowded(struct task *t, void *argument)
{
    CLEANUP(side_close) struct side a, b;
    CLEANUP(scope_close) struct scope callers;
    struct crowd from_a = {&a, 0}, from_b = {&b, 0};
    int sockets[2];

    (void)argument;
    make_pair(SOCK_SEQPACKET, sockets);
    side_open(t, &a, sockets[0]);
    side_open(t, &b, sockets[1]);
    scope_open(&callers, t);
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(scope_spawn(&callers, "caller", call_once, &from_a), 0);
        assert_int_equal(scope_spawn(&callers, "caller", call_once, &from_b), 0);
    }
    assert_int_equal(scope_wait(t, &callers), 0);
    assert_int_equal(from_a.answered, CALLERS);
    assert_int_equal(from_b.answered, CALLERS);
    return 0;
}

static void many_calls_each_way_get_their_own_replies(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, crowded, NULL), 0);
}

static int give_up(struct task *t, void *argument)
{
    CLEANUP(side_close) struct side a, b;
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    int sockets[2];

    (void)argument;
    make_pair(SOCK_SEQPACKET, sockets);
    side_open(t, &a, sockets[0]);
    side_open(t, &b, sockets[1]);
    {
        CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, 3 * MS);

        assert_int_equal(peer_call(t, a.peer, SLOW, SLICE("x"), &reply), -ETIMEDOUT);
    }
    assert_int_equal(task_sleep(t, 20 * MS), 0); /* the late reply finds nobody */
    assert_int_equal(reply.size, 0);
    assert_call(t, &a, DOUBLE, "y", "yy");
    return 0;
}

static void a_late_reply_is_dropped(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, give_up, NULL), 0);
}

static int call_slow(struct task *t, void *argument)
{
    assert_call(t, argument, SLOW, "again", "again");
    return 0;
}

/* A side that reads one request and dies without a word. */
static void die_with_a_request(struct task *t, int socket)
{
    char frame[100];
    struct io io;

    assert_int_equal(io_open(&io, task_world(t), socket), 0);
    for (int frames = 0; frames < 2; frames++) /* hello, request */
        assert_true(io_read(t, &io, frame, sizeof frame) >= IPC_HEADER_BYTES);
    io_close(&io, IO_SHARED);
}

/* The successor on the same socket must get the request again. */
static int outlive(struct task *t, void *argument)
{
    CLEANUP(side_close) struct side a, b;
    CLEANUP(scope_close) struct scope caller;
    int sockets[2];

    (void)argument;
    make_pair(SOCK_SEQPACKET, sockets);
    side_open(t, &a, sockets[0]);
    scope_open(&caller, t);
    assert_int_equal(scope_spawn(&caller, "caller", call_slow, &a), 0);
    die_with_a_request(t, dup(sockets[1]));
    side_open(t, &b, sockets[1]);
    assert_int_equal(scope_wait(t, &caller), 0);
    assert_int_equal(b.requests, 1);
    assert_int_equal(a.hellos, 1);
    return 0;
}

static void requests_are_sent_again_after_a_hello(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, outlive, NULL), 0);
}

static int receive_garbage(struct task *t, void *argument)
{
    CLEANUP(side_close) struct side a;
    int sockets[2];

    (void)argument;
    make_pair(SOCK_SEQPACKET, sockets);
    assert_int_equal(send(sockets[1], "\x09garbage", 8, 0), 8);
    side_open(t, &a, sockets[0]);
    return task_sleep(t, 2 * SECOND_US);
}

static void a_process_that_gets_garbage_stops(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0) {
        close(STDERR_FILENO);
        _exit(run_tasks(NULL, receive_garbage, NULL) == 0 ? 99 : 98);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_ask_and_answer),
        cmocka_unit_test(many_calls_each_way_get_their_own_replies),
        cmocka_unit_test(a_late_reply_is_dropped),
        cmocka_unit_test(requests_are_sent_again_after_a_hello),
        cmocka_unit_test(a_process_that_gets_garbage_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
