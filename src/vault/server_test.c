#include "vault/server.h"

#include "base/limits.h"
#include "vault/protocol.h"
#include "wire/ipc.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A vault with its threads, and our ends of its sockets. */
struct fixture {
    struct vault *vault;
    struct vault_server *server;
    int theirs[2], gateway, steward;
    pthread_t runner;
    int result; /* of vault_server_run */
    char datagram[LIMIT_FRAME_BYTES];
};

static void *run(void *argument)
{
    struct fixture *f = argument;

    f->result = vault_server_run(f->server);
    return NULL;
}

static void make_pair(int *ret_theirs, int *ret_ours)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    *ret_theirs = pair[0];
    *ret_ours = pair[1];
}

static struct ipc_frame receive(struct fixture *f, int socket)
{
    ssize_t size = recv(socket, f->datagram, sizeof f->datagram, 0);
    struct ipc_frame frame;

    assert_true(size > 0);
    assert_int_equal(ipc_frame_read(slice_of(f->datagram, (size_t)size), &frame), 0);
    return frame;
}

static int set_up(void **state)
{
    struct vault_options options = {.master_key = SLICE("0123456789abcdefghijklmnopqrstuv"),
                                    .region = SLICE("eu-west-1")};
    struct fixture *f = base_allocate(sizeof *f);
    struct vault_server_options server = {0};

    make_pair(&f->theirs[0], &f->gateway);
    make_pair(&f->theirs[1], &f->steward);
    assert_int_equal(vault_new(&options, &f->vault), 0);
    server = (struct vault_server_options){f->vault, f->theirs[1], f->theirs, 1, 3};
    assert_int_equal(vault_server_new(&server, &f->server), 0);
    assert_int_equal(pthread_create(&f->runner, NULL, run, f), 0);
    assert_int_equal(receive(f, f->gateway).kind, IPC_HELLO);
    assert_int_equal(receive(f, f->steward).kind, IPC_HELLO);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    close(f->gateway);
    close(f->steward);
    pthread_join(f->runner, NULL);
    vault_server_free(f->server);
    vault_free(f->vault);
    close(f->theirs[0]);
    close(f->theirs[1]);
    free(f);
    return 0;
}

static void send_frame(int socket, const struct ipc_frame *frame)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

    ipc_frame_write(&b, frame);
    assert_int_equal(send(socket, b.data, b.size, 0), b.size);
}

static void send_request(int socket, uint8_t type, uint32_t id, const struct buffer *body)
{
    send_frame(socket, &(struct ipc_frame){IPC_REQUEST, type, id, 0, buffer_slice(body)});
}

static const struct vault_key_binding binding = {
    7, {"example.org", 11}, {"lh1", 3}, VAULT_ED25519_SHA256};

static void create_key(struct fixture *f, struct buffer *ret_sealed)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct vault_key_reply reply;
    struct ipc_frame frame;

    vault_key_request_write(&body, &(struct vault_key_request){1, binding, 0});
    send_request(f->steward, IPC_VAULT_CREATE_KEY, 99, &body);
    frame = receive(f, f->steward);
    assert_int_equal(frame.id, 99);
    assert_int_equal(frame.status, 0);
    assert_int_equal(vault_key_reply_read(frame.body, &reply), 0);
    buffer_add(ret_sealed, reply.sealed);
}

static void request_signature(struct fixture *f, uint32_t id, struct slice sealed)
{
    static const char digest[VAULT_DIGEST_BYTES];
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    vault_sign_request_write(
        &body,
        &(struct vault_sign_request){id + 1000, binding, slice_of(digest, sizeof digest), sealed});
    send_request(f->gateway, IPC_VAULT_SIGN, id, &body);
}

/* Each reply has the id and the token of its request, whichever signer took it. */
static void requests_in_flight_are_all_answered(void **state)
{
    enum { COUNT = 50, ROUNDS = 10 };
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    struct fixture *f = *state;

    create_key(f, &sealed);
    for (int round = 0; round < ROUNDS; round++) {
        bool seen[COUNT] = {false};

        for (uint32_t i = 0; i < COUNT; i++)
            request_signature(f, i, buffer_slice(&sealed));
        for (uint32_t i = 0; i < COUNT; i++) {
            struct ipc_frame frame = receive(f, f->gateway);
            struct vault_sign_reply reply;

            assert_int_equal(frame.kind, IPC_REPLY);
            assert_int_equal(frame.status, 0);
            assert_in_range(frame.id, 0, COUNT - 1);
            assert_false(seen[frame.id]);
            seen[frame.id] = true;
            assert_int_equal(vault_sign_reply_read(frame.body, &reply), 0);
            assert_int_equal(reply.token, frame.id + 1000);
        }
    }
}

static void a_refusal_is_a_status(void **state)
{
    struct fixture *f = *state;
    struct ipc_frame frame;

    request_signature(f, 5, SLICE("no blob"));
    frame = receive(f, f->gateway);
    assert_int_equal(frame.id, 5);
    assert_int_equal(frame.status, -EACCES);
    assert_int_equal(frame.body.size, 0);
}

static void making_a_key_holds_up_no_signature(void **state)
{
    struct pollfd steward = {.fd = ((struct fixture *)*state)->steward, .events = POLLIN};
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE, body = BUFFER_NONE;
    struct vault_key_binding large = binding;
    struct fixture *f = *state;

    create_key(f, &sealed);
    large.algorithm = VAULT_RSA_SHA256;
    vault_key_request_write(&body, &(struct vault_key_request){1, large, VAULT_RSA_BITS_MAX});
    send_request(f->steward, IPC_VAULT_CREATE_KEY, 1, &body);
    for (uint32_t i = 0; i < 10; i++) {
        request_signature(f, i, buffer_slice(&sealed));
        assert_int_equal(receive(f, f->gateway).status, 0);
    }
    assert_int_equal(poll(&steward, 1, 0), 0); /* still at it */
    assert_int_equal(receive(f, f->steward).status, 0);
}

static void a_hello_changes_nothing(void **state)
{
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    struct fixture *f = *state;

    create_key(f, &sealed);
    send_frame(f->gateway, &(struct ipc_frame){.kind = IPC_HELLO});
    request_signature(f, 1, buffer_slice(&sealed));
    assert_int_equal(receive(f, f->gateway).id, 1);
}

static void assert_ends_with(struct fixture *f, int result)
{
    pthread_join(f->runner, NULL);
    assert_int_equal(f->result, result);
    assert_int_equal(pthread_create(&f->runner, NULL, run, f), 0); /* for tear_down to join */
}

static void whoever_breaks_the_protocol_ends_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(send(f->gateway, "GET / HTTP/1.0", 14, 0), 14);
    assert_ends_with(f, -EPROTO);
}

static void a_body_that_does_not_parse_ends_it(void **state)
{
    struct buffer body = {(char[]){1, 2, 3}, 3, 3};
    struct fixture *f = *state;

    send_request(f->steward, IPC_VAULT_CREATE_KEY, 1, &body);
    assert_ends_with(f, -EPROTO);
}

static void a_reply_to_nothing_ends_it(void **state)
{
    struct fixture *f = *state;

    send_frame(f->gateway, &(struct ipc_frame){IPC_REPLY, IPC_VAULT_SIGN, 1, 0, SLICE_NONE});
    assert_ends_with(f, -EPROTO);
}

static void an_oversized_frame_ends_it(void **state)
{
    static const char bytes[LIMIT_FRAME_BYTES + 1];
    struct fixture *f = *state;

    assert_int_equal(send(f->gateway, bytes, sizeof bytes, 0), sizeof bytes);
    assert_ends_with(f, -EPROTO);
}

static void a_closed_socket_ends_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(shutdown(f->steward, SHUT_RDWR), 0);
    assert_ends_with(f, 0);
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(requests_in_flight_are_all_answered),
        SERVER_TEST(a_refusal_is_a_status),
        SERVER_TEST(making_a_key_holds_up_no_signature),
        SERVER_TEST(a_hello_changes_nothing),
        SERVER_TEST(whoever_breaks_the_protocol_ends_it),
        SERVER_TEST(a_body_that_does_not_parse_ends_it),
        SERVER_TEST(a_reply_to_nothing_ends_it),
        SERVER_TEST(an_oversized_frame_ends_it),
        SERVER_TEST(a_closed_socket_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
