#include "submit/remote.h"

#include "runtime/world_linux.h"
#include "submit/directory_test.h"
#include "submit/queue_test.h"
#include "submit/remote_codec.h"

#define MESSAGE "From: a@own.example\r\nTo: b@dst.example\r\n\r\nhello\r\n"

static struct message_id id_of(uint8_t number)
{
    return (struct message_id){.ms = 1, .uuid = {number}};
}

/* One gateway without sockets: frames go straight to submit_remote_request. */
struct gateway {
    struct directory *directory;
    struct submit_service *service;
    struct submit_remote *remote;
    struct buffer envelope;
};

static void gateway_open(struct task *t, struct gateway *g)
{
    struct queue_recipient to = {.address = SLICE("b@dst.example")};
    struct submit_envelope envelope = {.recipients = &to, .recipient_count = 1};
    struct submit_options options = {.host_name = SLICE("mail.test"), .region = SLICE("eu-west-1")};

    g->envelope = BUFFER_NONE;
    submit_remote_envelope_write(&g->envelope, &envelope);
    g->directory = make_directory();
    submit_limits_default(&options.limits);
    options.limits.message_size_max_bytes = 10000;
    options.limits.memory_max_bytes = 100000;
    options.directory = g->directory;
    g->service = submit_service_new(t, &options);
    g->remote = submit_remote_new(g->service);
}

static void gateway_close(struct gateway *g)
{
    submit_remote_free(g->remote);
    assert_int_equal(g->service->budget.used_bytes, 0);
    submit_service_free(g->service);
    directory_free(g->directory);
    buffer_done(&g->envelope);
    queue_forget();
}

static int begin(struct task *t, struct gateway *g, struct message_id id, uint64_t size)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    struct submit_remote_begin frame = {
        .id = id, .site_id = 1, .envelope_size = (uint32_t)g->envelope.size, .content_size = size};

    submit_remote_begin_write(&body, &frame);
    return submit_remote_request(t, g->remote, IPC_SUBMIT_BEGIN, buffer_slice(&body), &reply);
}

static int piece(struct task *t, struct gateway *g, struct message_id id,
                 enum submit_remote_part part, uint64_t offset, struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    struct submit_remote_piece frame = {id, part, offset, bytes};

    submit_remote_piece_write(&body, &frame);
    return submit_remote_request(t, g->remote, IPC_SUBMIT_CONTENT, buffer_slice(&body), &reply);
}

/* The code of the answer, or an error. */
static int end(struct task *t, struct gateway *g, struct message_id id)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    struct wire_reply answer;
    int r;

    submit_remote_end_write(&body, &id);
    r = submit_remote_request(t, g->remote, IPC_SUBMIT_END, buffer_slice(&body), &reply);
    if (r == 0)
        r = submit_remote_reply_read(&arena, buffer_slice(&reply), &answer);
    return r ? r : answer.code;
}

static void send_parts(struct task *t, struct gateway *g, struct message_id id)
{
    struct slice envelope = buffer_slice(&g->envelope);

    assert_int_equal(begin(t, g, id, strlen(MESSAGE)), 0);
    assert_int_equal(piece(t, g, id, SUBMIT_REMOTE_ENVELOPE, 0, envelope), 0);
    assert_int_equal(piece(t, g, id, SUBMIT_REMOTE_CONTENT, 0, slice_part(SLICE(MESSAGE), 0, 20)),
                     0);
    assert_int_equal(
        piece(t, g, id, SUBMIT_REMOTE_CONTENT, 20, slice_part(SLICE(MESSAGE), 20, 999)), 0);
}

static void frames_may_come_twice(struct task *t, struct gateway *g)
{
    struct slice envelope = buffer_slice(&g->envelope);

    send_parts(t, g, id_of(1));
    assert_int_equal(begin(t, g, id_of(1), strlen(MESSAGE)), 0);
    assert_int_equal(piece(t, g, id_of(1), SUBMIT_REMOTE_ENVELOPE, 0, envelope), 0);
    assert_int_equal(
        piece(t, g, id_of(1), SUBMIT_REMOTE_CONTENT, 0, slice_part(SLICE(MESSAGE), 0, 20)), 0);
    assert_int_equal(end(t, g, id_of(1)), 250);
    assert_int_equal(end(t, g, id_of(1)), 250);
    assert_int_equal(queued.count, 1);
    assert_true(slice_ends_nocase(queued.content, SLICE("\r\n\r\nhello\r\n")));
    assert_int_equal(queued.last.id.uuid[0], 1);
    assert_int_equal(queued.last.credential_id, 0);
}

static void what_is_not_whole_is_refused(struct task *t, struct gateway *g)
{
    struct slice bytes = SLICE("0123456789");

    assert_int_equal(end(t, g, id_of(9)), -ENOENT);
    assert_int_equal(piece(t, g, id_of(9), SUBMIT_REMOTE_CONTENT, 0, bytes), -ENOENT);
    assert_int_equal(begin(t, g, id_of(2), 100), 0);
    assert_int_equal(piece(t, g, id_of(2), SUBMIT_REMOTE_CONTENT, 5, bytes), -EBADMSG);
    assert_int_equal(piece(t, g, id_of(2), SUBMIT_REMOTE_CONTENT, 0, bytes), 0);
    assert_int_equal(piece(t, g, id_of(2), SUBMIT_REMOTE_CONTENT, 5, bytes), -EBADMSG);
    assert_int_equal(piece(t, g, id_of(2), SUBMIT_REMOTE_CONTENT, 95, bytes), -EBADMSG);
    assert_int_equal(piece(t, g, id_of(2), SUBMIT_REMOTE_CONTENT, UINT64_MAX, bytes), -EBADMSG);
    assert_int_equal(end(t, g, id_of(2)), 554);
    assert_int_equal(queued.count, 0);
}

static void too_much_is_refused(struct task *t, struct gateway *g)
{
    static const char filler[9000] = "";

    assert_int_equal(begin(t, g, id_of(3), 10001), 0);
    assert_int_equal(piece(t, g, id_of(3), SUBMIT_REMOTE_CONTENT, 0, SLICE("x")), 0);
    assert_int_equal(end(t, g, id_of(3)), 552);
    /* memory: what does not fit the budget is not taken */
    for (uint8_t i = 10; i < 30; i++) {
        int r = begin(t, g, id_of(i), sizeof filler);
        if (r == 0)
            r = piece(t, g, id_of(i), SUBMIT_REMOTE_CONTENT, 0, slice_of(filler, sizeof filler));
        assert_true(r == 0 || r == -ENOBUFS);
        assert_true(g->service->budget.used_bytes <= 100000);
    }
    assert_int_equal(begin(t, g, id_of(31), 9000), -ENOBUFS);
}

static void only_so_many_at_one_time(struct task *t, struct gateway *g)
{
    g->service->budget.max_bytes = 1 << 30;
    for (uint8_t i = 0; i < SUBMIT_REMOTE_OPEN_MAX; i++)
        assert_int_equal(begin(t, g, id_of(i), 10), 0);
    assert_int_equal(begin(t, g, id_of(200), 10), -EUSERS);
    assert_int_equal(begin(t, g, id_of(0), 10), 0);
}

static void trouble_is_told(struct task *t, struct gateway *g)
{
    queued.result = -ENOSPC;
    send_parts(t, g, id_of(4));
    assert_int_equal(end(t, g, id_of(4)), 452);
    queued.result = 0;
    queued.room = -EIO;
    send_parts(t, g, id_of(5));
    assert_int_equal(end(t, g, id_of(5)), 451);
    queued.room = 0;
    assert_int_equal(end(t, g, id_of(5)), 451); /* the answer stays what it was */
    send_parts(t, g, id_of(6));
    assert_int_equal(end(t, g, id_of(6)), 250);
}

static int run_one(struct task *t, void *argument)
{
    void (*test)(struct task *, struct gateway *) =
        *(void (**)(struct task *, struct gateway *))argument;
    struct gateway g;

    gateway_open(t, &g);
    test(t, &g);
    gateway_close(&g);
    return 0;
}

static void run(void **state)
{
    static void (*const tests[])(struct task *, struct gateway *) = {
        frames_may_come_twice, what_is_not_whole_is_refused, too_much_is_refused,
        only_so_many_at_one_time, trouble_is_told};
    const struct world_linux_options options = {.disk = NULL};
    char *problem = NULL;
    struct world *world;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        assert_int_equal(world_linux_new(&options, &world, &problem), 0);
        assert_int_equal(loop_run(world, run_one, (void *)(uintptr_t)&tests[i]), 0);
        world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(run)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
