#include "runtime/peer.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "runtime/io.h"
#include "wire/ipc.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PEER_CALLS_MAX = 1024,    /* requests of ours that wait for replies; more wait for their turn */
    PEER_HANDLERS_MAX = 4096, /* of theirs; then nothing is read until one has ended */
    PEER_PAUSE_US = 10000,    /* when there are too many tasks */
    PEER_BODY_BYTES = LIMIT_FRAME_BYTES - IPC_HEADER_BYTES,
};

/* A request of ours: lies with the task that waits in peer_call. */
struct peer_call {
    struct list link;
    uint32_t id;
    bool send; /* for the first time, or again after a hello */
    bool ended;
    int status;
    struct buffer *reply;
    struct condition changed;
};

struct peer {
    struct io io;
    const char *name;
    struct peer_handlers handlers;
    struct scope *scope;
    struct list calls;
    size_t call_count;
    uint32_t last_id;    /* from a random start: replies to a process that died must not fit */
    uint32_t generation; /* of the other side: how often it said hello */
    size_t handler_count;
    struct condition call_ended, handler_ended;
    int broken; /* why nothing can be sent any more */
    char frame[LIMIT_FRAME_BYTES + 1];
};

/* A request of theirs on its way through the handler. */
struct peer_request {
    struct peer *peer;
    enum ipc_kind kind;
    uint8_t type;
    uint32_t id;
    uint32_t generation;
    struct buffer body;
};

static int send_frame(struct task *t, struct peer *p, const struct ipc_frame *frame)
{
    char header[IPC_HEADER_BYTES];
    struct iovec pieces[] = {{header, sizeof header},
                             {(void *)(uintptr_t)frame->body.data, frame->body.size}};
    ssize_t n;

    if (p->broken)
        return p->broken;
    ipc_header_write(header, frame);
    n = io_write(t, &p->io, pieces, ARRAY_LEN(pieces));
    return n < 0 ? (int)n : 0;
}

static void request_free(struct peer_request *request)
{
    buffer_done(&request->body);
    free(request);
}

/* A reply that is too large is a bug of the handler; the caller must not wait for ever because of
 * it. */
static int send_reply(struct task *t, struct peer_request *request, int status,
                      const struct buffer *reply)
{
    struct ipc_frame frame = {.kind = IPC_REPLY, .type = request->type, .id = request->id};

    frame.status = status;
    if (status == 0 && reply->size > PEER_BODY_BYTES)
        frame.status = -EMSGSIZE;
    if (frame.status == 0)
        frame.body = buffer_slice(reply);
    return send_frame(t, request->peer, &frame);
}

static int handle(struct task *t, void *argument)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    struct peer_request *request = argument;
    struct peer *p = request->peer;
    int r;

    r = p->handlers.request(t, p->handlers.context, request->type, buffer_slice(&request->body),
                            &reply);
    if (request->kind == IPC_REQUEST && request->generation == p->generation)
        r = send_reply(t, request, r, &reply);
    request_free(request);
    p->handler_count--;
    condition_signal(&p->handler_ended);
    return r == -ECANCELED ? r : 0;
}

static int handle_hello(struct task *t, void *argument)
{
    struct peer *p = argument;

    p->handlers.hello(t, p->handlers.context);
    return 0;
}

static struct peer_request *request_new(struct peer *p, const struct ipc_frame *frame)
{
    struct peer_request *request = base_allocate(sizeof *request);

    *request =
        (struct peer_request){p, frame->kind, frame->type, frame->id, p->generation, BUFFER_NONE};
    buffer_add(&request->body, frame->body);
    return request;
}

static int begin_request(struct task *t, struct peer *p, const struct ipc_frame *frame)
{
    struct peer_request *request;
    int r = 0;

    while (r == 0 && p->handler_count >= PEER_HANDLERS_MAX)
        r = condition_wait(t, &p->handler_ended);
    if (r < 0)
        return r;
    request = request_new(p, frame);
    while ((r = scope_spawn(p->scope, "peer request", handle, request)) == -EAGAIN) {
        r = task_sleep(t, PEER_PAUSE_US);
        if (r < 0)
            break;
    }
    if (r < 0)
        request_free(request);
    else
        p->handler_count++;
    return r;
}

static struct peer_call *find_call(struct peer *p, uint32_t id)
{
    LIST_FOREACH (link, &p->calls) {
        struct peer_call *call = LIST_ENTRY(link, struct peer_call, link);

        if (call->id == id)
            return call;
    }
    return NULL;
}

/* Nobody may be waiting any more: a caller ran out of time, or a resent request was answered
 * twice. */
static void take_reply(struct peer *p, const struct ipc_frame *frame)
{
    struct peer_call *call = find_call(p, frame->id);

    if (!call || call->ended)
        return;
    call->ended = true;
    call->status = frame->status;
    buffer_add(call->reply, frame->body);
    condition_signal(&call->changed);
}

/* The other side knows nothing of what was asked before. Each caller sends its request again
 * itself. */
static int take_hello(struct peer *p)
{
    p->generation++;
    LIST_FOREACH (link, &p->calls) {
        struct peer_call *call = LIST_ENTRY(link, struct peer_call, link);

        call->send = true;
        condition_signal(&call->changed);
    }
    return p->handlers.hello ? scope_spawn(p->scope, "peer hello", handle_hello, p) : 0;
}

/* DESIGN §3: no going on with a process that does not keep to the protocol. */
static NORETURN void refuse_frame(const struct peer *p, size_t size)
{
    log_error("The %s process sent %zu bytes that are no frame of this version. Stopping.", p->name,
              size);
    exit(EXIT_FAILURE);
}

static int take_frame(struct task *t, struct peer *p, size_t size)
{
    struct ipc_frame frame;

    if (size > LIMIT_FRAME_BYTES || ipc_frame_read(slice_of(p->frame, size), &frame) < 0)
        refuse_frame(p, size);
    switch (frame.kind) {
    case IPC_HELLO:
        return take_hello(p);
    case IPC_REPLY:
        take_reply(p, &frame);
        return 0;
    case IPC_REQUEST:
    case IPC_NOTICE:
        return begin_request(t, p, &frame);
    }
    return 0;
}

static void fail_calls(struct peer *p, int r)
{
    p->broken = r;
    LIST_FOREACH (link, &p->calls) {
        struct peer_call *call = LIST_ENTRY(link, struct peer_call, link);

        call->ended = true;
        call->status = r;
        condition_signal(&call->changed);
    }
}

/* Reads all that is there, then waits for more, until the scope is closed. */
static int read_frames(struct task *t, void *argument)
{
    struct peer *p = argument;
    int r = 0;

    while (r == 0) {
        ssize_t n = io_read(t, &p->io, p->frame, sizeof p->frame);

        if (n > 0)
            r = take_frame(t, p, (size_t)n);
        else
            r = n == 0 ? -EPIPE : (int)n;
        if (n > 0)
            secret_wipe(p->frame, (size_t)n); /* frames from and to the vault hold passwords */
    }
    fail_calls(p, r);
    return r;
}

static int say_hello(struct task *t, void *argument)
{
    return send_frame(t, argument, &(struct ipc_frame){.kind = IPC_HELLO});
}

struct peer *peer_new(struct scope *scope, const char *name, int socket,
                      const struct peer_handlers *handlers)
{
    struct peer *p = base_allocate(sizeof *p);
    int r;

    p->name = name;
    p->handlers = *handlers;
    p->scope = scope;
    list_init(&p->calls);
    world_random(task_world(scope->owner), &p->last_id, sizeof p->last_id);
    r = io_open_frames(&p->io, task_world(scope->owner), socket);
    if (r == 0)
        r = scope_spawn(scope, "peer reader", read_frames, p);
    if (r == 0)
        r = scope_spawn(scope, "peer greeter", say_hello, p);
    p->broken = r;
    return p;
}

void peer_free(struct peer *p)
{
    if (!p)
        return;
    assert(list_empty(&p->calls) && p->handler_count == 0);
    io_close(&p->io, IO_SHARED);
    free(p);
}

static int wait_for_turn(struct task *t, struct peer *p)
{
    int r = task_check(t);

    while (r == 0 && p->call_count >= PEER_CALLS_MAX)
        r = condition_wait(t, &p->call_ended);
    return r;
}

static int converse(struct task *t, struct peer *p, struct peer_call *call, uint8_t type,
                    struct slice body)
{
    const struct ipc_frame frame = {
        .kind = IPC_REQUEST, .type = type, .id = call->id, .body = body};
    int r = 0;

    while (r == 0 && !call->ended) {
        bool send = call->send;

        call->send = false;
        r = send ? send_frame(t, p, &frame) : condition_wait(t, &call->changed);
    }
    return r < 0 ? r : call->status;
}

int peer_call(struct task *t, struct peer *p, uint8_t type, struct slice body, struct buffer *reply)
{
    struct peer_call call = {.send = true, .reply = reply};
    int r;

    if (body.size > PEER_BODY_BYTES)
        return -EMSGSIZE;
    r = wait_for_turn(t, p);
    if (r < 0)
        return r;
    call.id = ++p->last_id;
    p->call_count++;
    list_add_last(&p->calls, &call.link);
    r = converse(t, p, &call, type, body);
    list_remove(&call.link);
    p->call_count--;
    condition_signal(&p->call_ended);
    return r;
}

int peer_notify(struct task *t, struct peer *p, uint8_t type, struct slice body)
{
    if (body.size > PEER_BODY_BYTES)
        return -EMSGSIZE;
    return send_frame(t, p, &(struct ipc_frame){.kind = IPC_NOTICE, .type = type, .body = body});
}
