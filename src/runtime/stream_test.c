#include "runtime/io.h"
#include "runtime/loop_test.h"

enum { MS = 1000, LARGE = 3000000 };

/* Two streams that are connected with one another. */
struct pair {
    struct stream *a, *b;
};

static struct pair pair_new(struct task *t)
{
    int sockets[2];
    struct pair p;

    make_pair(SOCK_STREAM, sockets);
    p.a = stream_new(t, sockets[0]);
    p.b = stream_new(t, sockets[1]);
    return p;
}

static void pair_done(struct pair *p)
{
    stream_free(p->a);
    stream_free(p->b);
}

static void assert_line(struct task *t, struct stream *s, const char *expected)
{
    struct slice line;

    assert_int_equal(stream_read_line(t, s, 100, &line), 0);
    assert_int_equal(line.size, strlen(expected));
    assert_memory_equal(line.data, expected, line.size);
}

static void send_text(struct task *t, struct stream *s, const char *text)
{
    assert_int_equal(stream_write(t, s, slice_text(text)), 0);
    assert_int_equal(stream_flush(t, s), 0);
}

static int read_lines(struct task *t, void *argument)
{
    CLEANUP(pair_done) struct pair p = pair_new(t);
    struct slice line;

    (void)argument;
    send_text(t, p.a, "EHLO there\r\nbare\n\r\nhalf");
    assert_line(t, p.b, "EHLO there\r\n");
    assert_line(t, p.b, "bare\n");
    assert_line(t, p.b, "\r\n");
    send_text(t, p.a, " done\r\nrest");
    assert_line(t, p.b, "half done\r\n");
    assert_int_equal(stream_buffered(p.b).size, 4);
    stream_consume(p.b, 1);
    assert_memory_equal(stream_buffered(p.b).data, "est", 3);
    send_text(t, p.a, "0123456789");
    assert_int_equal(stream_read_line(t, p.b, 8, &line), -ENOBUFS);
    assert_true(slice_starts(stream_buffered(p.b), SLICE("est01234")));
    stream_free(TAKE(p.a));
    assert_int_equal(stream_read_line(t, p.b, 100, &line), -EPIPE);
    assert_int_equal(stream_buffered(p.b).size, 13);
    return 0;
}

static void lines_are_cut_at_lf(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, read_lines, NULL), 0);
}

static int fill_to_limit(struct task *t, void *argument)
{
    CLEANUP(pair_done) struct pair p = pair_new(t);

    (void)argument;
    send_text(t, p.a, "1234");
    assert_int_equal(stream_fill(t, p.b, 4), 0);
    assert_int_equal(stream_fill(t, p.b, 4), -ENOBUFS);
    stream_consume(p.b, 1);
    send_text(t, p.a, "5");
    assert_int_equal(stream_fill(t, p.b, 4), 0);
    assert_memory_equal(stream_buffered(p.b).data, "2345", 4);
    return 0;
}

static void filling_stops_at_the_limit(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, fill_to_limit, NULL), 0);
}

static char byte_at(size_t position)
{
    return (char)(position * 31 + position / 251);
}

static int send_large(struct task *t, void *argument)
{
    CLEANUP(base_free_pointer) char *bytes = base_allocate(LARGE);
    struct stream *s = argument;
    struct iovec pieces[40];
    size_t sent = 4;

    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = byte_at(i);
    assert_int_equal(stream_write(t, s, slice_of(bytes, 4)), 0); /* goes first, in the same call */
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        size_t size = i == ARRAY_LEN(pieces) - 1 ? LARGE - sent : i * 2000;

        pieces[i] = (struct iovec){bytes + sent, size};
        sent += size;
    }
    assert_int_equal(stream_write_vector(t, s, pieces, ARRAY_LEN(pieces)), 0);
    assert_int_equal(stream_write(t, s, slice_of(bytes, LARGE)), 0);
    return stream_flush(t, s);
}

/* Reads twice the large text; argument: the stream. */
static int receive_large(struct task *t, void *argument)
{
    struct stream *s = argument;

    for (size_t at = 0; at < 2 * (size_t)LARGE;) {
        struct slice part;

        assert_int_equal(stream_fill(t, s, 100000), 0);
        part = stream_buffered(s);
        for (size_t i = 0; i < part.size; i++, at++)
            if (part.data[i] != byte_at(at % LARGE))
                fail_msg("byte %zu differs", at);
        stream_consume(s, part.size);
    }
    return 0;
}

static int transfer(struct task *t, void *argument)
{
    CLEANUP(pair_done) struct pair p = pair_new(t);
    CLEANUP(scope_close) struct scope s;

    (void)argument;
    scope_open(&s, t);
    assert_int_equal(scope_spawn(&s, "sender", send_large, p.a), 0);
    assert_int_equal(scope_spawn(&s, "receiver", receive_large, p.b), 0);
    return scope_wait(t, &s);
}

static void much_is_carried_unharmed(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, transfer, NULL), 0);
}

static int wait_in_vain(struct task *t, void *argument)
{
    CLEANUP(pair_done) struct pair p = pair_new(t);
    CLEANUP(base_free_pointer) char *bytes = base_allocate(LARGE);
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, 20 * MS);

    (void)argument;
    assert_int_equal(stream_fill(t, p.a, 100), -ETIMEDOUT);
    assert_int_equal(stream_fill(t, p.a, 100), -ETIMEDOUT);
    task_deadline_end(&limit);
    limit = task_deadline_after(t, 20 * MS);
    assert_int_equal(stream_write(t, p.a, slice_of(bytes, LARGE)), -ETIMEDOUT);
    return 0;
}

static void waits_heed_the_deadline(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, wait_in_vain, NULL), 0);
}

static int read_for_ever(struct task *t, void *argument)
{
    int *result = argument;
    CLEANUP(pair_done) struct pair p = pair_new(t);

    *result = stream_fill(t, p.a, 100);
    return *result;
}

static int cancel_reader(struct task *t, void *argument)
{
    struct scope s;
    int result = 0;

    (void)argument;
    scope_open(&s, t);
    assert_int_equal(scope_spawn(&s, "reader", read_for_ever, &result), 0);
    assert_int_equal(task_sleep(t, 5 * MS), 0);
    scope_close(&s);
    assert_int_equal(result, -ECANCELED);
    return 0;
}

static void a_cancelled_reader_returns(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, cancel_reader, NULL), 0);
}

static int write_to_nobody(struct task *t, void *argument)
{
    CLEANUP(pair_done) struct pair p = pair_new(t);
    int r = 0;

    (void)argument;
    stream_free(TAKE(p.b));
    for (int i = 0; i < 3 && r == 0; i++) {
        r = stream_write(t, p.a, SLICE("hello"));
        if (r == 0)
            r = stream_flush(t, p.a);
    }
    assert_int_equal(r, -EPIPE); /* and no SIGPIPE */
    return 0;
}

static void a_closed_peer_is_an_error_not_a_signal(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, write_to_nobody, NULL), 0);
}

struct service {
    struct listener *listener;
    struct endpoint endpoint;
};

static int echo(struct task *t, void *argument)
{
    CLEANUP(stream_free_pointer) struct stream *s = argument;
    struct slice line;
    int r;

    while ((r = stream_read_line(t, s, 100, &line)) == 0) {
        r = stream_printf(t, s, "you said %.*s", SLICE_ARG(line));
        if (r == 0)
            r = stream_flush(t, s);
        if (r < 0)
            return r;
    }
    return r == -EPIPE ? 0 : r;
}

static int serve(struct task *t, void *argument)
{
    struct service *service = argument;
    CLEANUP(scope_close) struct scope sessions;
    struct stream *s;
    int r;

    scope_open(&sessions, t);
    while ((r = listener_accept(t, service->listener, &s)) == 0) {
        assert_true(endpoint_is_loopback(stream_peer(s)));
        assert_int_equal(stream_local(s)->port, service->endpoint.port);
        assert_int_equal(scope_spawn(&sessions, "echo", echo, s), 0);
    }
    return r;
}

enum { CLIENTS = 200 };

static int talk(struct task *t, void *argument)
{
    CLEANUP(stream_free_pointer) struct stream *s = NULL;
    struct endpoint source = {.family = 4, .address = {127, 0, 0, 2}};
    const struct service *service = argument;

    assert_int_equal(stream_connect(t, &source, &service->endpoint, &s), 0);
    assert_int_equal(stream_peer(s)->port, service->endpoint.port);
    assert_true(endpoint_same_address(stream_local(s), &source));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(stream_printf(t, s, "%d\n", i), 0);
        assert_int_equal(stream_flush(t, s), 0);
        assert_line(
            t, s, (char[]){'y', 'o', 'u', ' ', 's', 'a', 'i', 'd', ' ', (char)('0' + i), '\n', 0});
    }
    return 0;
}

static int many_clients(struct task *t, void *argument)
{
    CLEANUP(listener_free_pointer) struct listener *listener = NULL;
    struct scope server, clients;
    struct service service;

    (void)argument;
    assert_int_equal(listener_new(t, listen_loopback(&service.endpoint), &listener), 0);
    service.listener = listener;
    scope_open(&server, t);
    scope_open(&clients, t);
    assert_int_equal(scope_spawn(&server, "server", serve, &service), 0);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(scope_spawn(&clients, "client", talk, &service), 0);
    assert_int_equal(scope_wait(t, &clients), 0);
    scope_close(&clients);
    scope_close(&server);
    return 0;
}

static void many_clients_are_served(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, many_clients, NULL), 0);
}

static int connect_to_nobody(struct task *t, void *argument)
{
    struct stream *s = NULL;
    struct endpoint nobody;
    int socket = listen_loopback(&nobody);

    (void)argument;
    close(socket);
    assert_int_equal(stream_connect(t, NULL, &nobody, &s), -ECONNREFUSED);
    assert_null(s);
    return 0;
}

static void a_refused_connection_is_told(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, connect_to_nobody, NULL), 0);
}

/* One socket that is always readable must not keep the others from running. */
static int note_turn(struct task *t, void *argument)
{
    (void)t;
    *(bool *)argument = true;
    return 0;
}

static int greedy_reader(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope scope;
    bool other_ran = false;
    int sockets[2], reads = 0;
    struct io io;
    char byte;

    (void)argument;
    make_pair(SOCK_SEQPACKET, sockets);
    for (int i = 0; i < 2 * IO_TURNS; i++)
        assert_int_equal(send(sockets[1], "x", 1, 0), 1);
    assert_int_equal(io_open(&io, task_world(t), sockets[0]), 0);
    assert_int_equal(io_read(t, &io, &byte, 1), 1);
    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "other", note_turn, &other_ran), 0);
    while (!other_ran && reads++ < 2 * IO_TURNS - 1)
        assert_int_equal(io_read(t, &io, &byte, 1), 1);
    assert_true(other_ran);
    assert_in_range(reads, 2, IO_TURNS);
    close(sockets[1]);
    io_close(&io, IO_OWN);
    return 0;
}

static void a_busy_socket_lets_others_run(void **state)
{
    (void)state;
    assert_int_equal(run_tasks(NULL, greedy_reader, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_cut_at_lf),
        cmocka_unit_test(filling_stops_at_the_limit),
        cmocka_unit_test(much_is_carried_unharmed),
        cmocka_unit_test(waits_heed_the_deadline),
        cmocka_unit_test(a_cancelled_reader_returns),
        cmocka_unit_test(a_closed_peer_is_an_error_not_a_signal),
        cmocka_unit_test(many_clients_are_served),
        cmocka_unit_test(a_refused_connection_is_told),
        cmocka_unit_test(a_busy_socket_lets_others_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
