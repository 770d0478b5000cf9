#include "vault/server.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "wire/ipc.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

/* How long a reply waits for room in the socket. The other side has either died, and asks again
 * when it is back, or does not read, and shall not keep the signers from serving anyone else. */
enum { REPLY_WAIT_MS = 1000, STACK_BYTES = 1 << 20 };

/* While more requests wait, so many signatures are made before their replies go out: the gateway
 * then wakes once for all of them, and leaves the processor to the signers meanwhile. */
enum { HELD_MAX = 4 };

struct server_thread {
    struct vault_server *server;
    pthread_t id;
    enum vault_caller caller;
    int socket;
    struct vault_worker *worker;
    struct secret datagram; /* may hold a password */
    struct buffer reply;    /* may hold a new secret, as may the frames */
    struct buffer frames[HELD_MAX];
    size_t held; /* of `frames`: not sent yet */
};

struct vault_server {
    struct vault_server_options options;
    struct server_thread *threads;
    size_t thread_count;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    size_t warm_count;
    enum { WARMING, SERVING, ENDED } phase;
    int result; /* of a thread that failed to warm up, or of the first that ended */
};

static const char *caller_name(enum vault_caller caller)
{
    return caller == VAULT_CALLER_GATEWAY ? "gateway" : "steward";
}

/* A frame that finds no room in time is dropped. */
static int send_frame(struct server_thread *thread, const struct buffer *frame)
{
    struct pollfd room = {.fd = thread->socket, .events = POLLOUT};
    int flags = MSG_NOSIGNAL | MSG_DONTWAIT;

    for (;;) {
        if (send(thread->socket, frame->data, frame->size, flags) >= 0)
            return 0;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        if (poll(&room, 1, REPLY_WAIT_MS) == 0) {
            log_warning("the %s does not take its replies: one was dropped",
                        caller_name(thread->caller));
            return 0;
        }
    }
}

static int send_held(struct server_thread *thread)
{
    int r = 0;

    for (size_t i = 0; i < thread->held; i++) {
        struct buffer *frame = &thread->frames[i];

        if (r == 0)
            r = send_frame(thread, frame);
        secret_wipe(frame->data, frame->size);
        frame->size = 0;
    }
    thread->held = 0;
    return r;
}

static void hold(struct server_thread *thread, const struct ipc_frame *frame)
{
    assert(thread->held < HELD_MAX);
    ipc_frame_write(&thread->frames[thread->held++], frame);
}

static int send_and_wipe(struct server_thread *thread, const struct ipc_frame *frame)
{
    hold(thread, frame);
    return send_held(thread);
}

static int answer(struct server_thread *thread, const struct ipc_frame *request)
{
    struct ipc_frame reply = {IPC_REPLY, request->type, request->id, 0, SLICE_NONE};
    int r = vault_worker_answer(thread->worker, thread->caller, request->type, request->body,
                                &thread->reply);

    if (r == -EPROTO)
        return r;
    reply.status = r;
    reply.body = r == 0 ? buffer_slice(&thread->reply) : SLICE_NONE;
    hold(thread, &reply);
    secret_wipe(thread->reply.data, thread->reply.size);
    thread->reply.size = 0;
    return thread->held == HELD_MAX || request->type != IPC_VAULT_SIGN ? send_held(thread) : 0;
}

/* A hello needs no answer: nothing that the vault asked is waiting for one. */
static int judge_and_answer(struct server_thread *thread, struct slice datagram)
{
    struct ipc_frame frame;
    int r = ipc_frame_read(datagram, &frame);

    if (r == 0 && frame.kind == IPC_HELLO)
        return 0;
    if (r == 0 && frame.kind == IPC_REQUEST)
        r = answer(thread, &frame);
    else
        r = -EPROTO;
    if (r == -EPROTO)
        log_error(
            "the %s sent what is no request of the protocol: it may have been taken over, so the "
            "vault ends itself",
            caller_name(thread->caller));
    return r;
}

static ssize_t receive(struct server_thread *thread, int flags)
{
    ssize_t size;

    do {
        size = recv(thread->socket, thread->datagram.data, thread->datagram.size, flags);
    } while (size < 0 && errno == EINTR);
    return size < 0 ? -errno : size;
}

/* 1: served; 0: the other end is closed. */
static int serve_one(struct server_thread *thread)
{
    struct secret *datagram = &thread->datagram;
    ssize_t size = receive(thread, thread->held ? MSG_DONTWAIT : 0);
    int r;

    if (size == -EAGAIN) {
        r = send_held(thread);
        return r < 0 ? r : 1;
    }
    if (size == 0 || size == -ECONNRESET)
        return 0;
    if (size < 0)
        return (int)size;
    r = judge_and_answer(thread, slice_of(datagram->data, (size_t)size));
    secret_wipe(datagram->data, (size_t)size);
    return r < 0 ? r : 1;
}

/* Waits until the process is in its sandbox; false when it will never be. */
static bool wait_to_serve(struct vault_server *server, int warm_up_result)
{
    bool serve;

    pthread_mutex_lock(&server->lock);
    server->warm_count++;
    if (warm_up_result < 0)
        server->result = warm_up_result;
    pthread_cond_broadcast(&server->changed);
    while (server->phase == WARMING)
        pthread_cond_wait(&server->changed, &server->lock);
    serve = server->phase == SERVING;
    pthread_mutex_unlock(&server->lock);
    return serve;
}

static void end(struct vault_server *server, int result)
{
    pthread_mutex_lock(&server->lock);
    if (server->phase != ENDED)
        server->result = result;
    server->phase = ENDED;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static void *thread_main(void *argument)
{
    struct server_thread *thread = argument;
    int r = 1;

    if (!wait_to_serve(thread->server, vault_warm_up()))
        return NULL;
    while (r > 0)
        r = serve_one(thread);
    end(thread->server, r);
    return NULL;
}

/* The steward's comes first; then each gateway's first signer, then each one's second. */
static void assign(struct vault_server *server, struct server_thread *thread, size_t number)
{
    const struct vault_server_options *o = &server->options;

    thread->caller = number == 0 ? VAULT_CALLER_STEWARD : VAULT_CALLER_GATEWAY;
    thread->socket =
        number == 0 ? o->steward_socket : o->gateway_sockets[(number - 1) % o->gateway_count];
}

/* The buffers get all the room that they can need at once: growing would leave copies behind. */
static void thread_init(struct vault_server *server, struct server_thread *thread, size_t number)
{
    thread->server = server;
    assign(server, thread, number);
    thread->worker = vault_worker_new(server->options.vault);
    secret_init(&thread->datagram,
                LIMIT_FRAME_BYTES + 1); /* what is larger fills it, and is refused */
    buffer_reserve(&thread->reply, LIMIT_FRAME_BYTES);
    for (size_t i = 0; i < HELD_MAX; i++)
        buffer_reserve(&thread->frames[i], LIMIT_FRAME_BYTES);
}

static void thread_done(struct server_thread *thread)
{
    vault_worker_free(thread->worker);
    secret_done(&thread->datagram);
    buffer_done(&thread->reply);
    for (size_t i = 0; i < HELD_MAX; i++)
        buffer_done(&thread->frames[i]);
}

static void start_threads(struct vault_server *server)
{
    pthread_attr_t attributes;
    int r;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    for (size_t i = 0; i < server->thread_count; i++) {
        struct server_thread *thread = &server->threads[i];

        thread_init(server, thread, i);
        r = pthread_create(&thread->id, &attributes, thread_main, thread);
        assert(r == 0);
    }
    pthread_attr_destroy(&attributes);
}

static int wait_until_warm(struct vault_server *server)
{
    int r;

    pthread_mutex_lock(&server->lock);
    while (server->warm_count < server->thread_count)
        pthread_cond_wait(&server->changed, &server->lock);
    r = server->result;
    pthread_mutex_unlock(&server->lock);
    return r;
}

int vault_server_new(const struct vault_server_options *options, struct vault_server **ret)
{
    unsigned signers = options->signers ? options->signers : VAULT_SIGNERS_DEFAULT;
    struct vault_server *server = base_allocate(sizeof *server);
    int r;

    assert(options->gateway_count && signers * options->gateway_count <= VAULT_SIGNERS_MAX);
    server->options = *options;
    server->thread_count = signers * options->gateway_count + 1;
    server->threads = base_allocate(server->thread_count * sizeof *server->threads);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    start_threads(server);
    r = wait_until_warm(server);
    if (r < 0) {
        vault_server_free(server);
        return r;
    }
    *ret = server;
    return 0;
}

/* A process that dies leaves its socket to its successor, so whoever waits for an answer is told to
 * ask again. */
static int say_hello(struct vault_server *server)
{
    static const struct ipc_frame hello = {.kind = IPC_HELLO};
    int r = 0;

    for (size_t i = 0; i <= server->options.gateway_count && r == 0; i++)
        r = send_and_wipe(&server->threads[i], &hello);
    return r;
}

int vault_server_run(struct vault_server *server)
{
    int r = say_hello(server);

    pthread_mutex_lock(&server->lock);
    if (r == 0 && server->phase == WARMING)
        server->phase = SERVING;
    pthread_cond_broadcast(&server->changed);
    while (r == 0 && server->phase == SERVING)
        pthread_cond_wait(&server->changed, &server->lock);
    r = r < 0 ? r : server->result;
    pthread_mutex_unlock(&server->lock);
    return r;
}

void vault_server_free(struct vault_server *server)
{
    if (!server)
        return;
    end(server, 0);
    for (size_t i = 0; i < server->thread_count; i++) {
        pthread_join(server->threads[i].id, NULL);
        thread_done(&server->threads[i]);
    }
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->changed);
    free(server->threads);
    free(server);
}
