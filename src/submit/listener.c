#include "submit/listener.h"

#include "base/log.h"
#include "runtime/listener.h"
#include "submit/session.h"
#include "wire/smtp_reply.h"

#include <stdlib.h>

static const struct wire_reply CROWDED = {421, "4.7.0", "Too many concurrent SMTP connections"};
static const struct wire_reply LOOPBACK_ONLY = {554, "5.7.0",
                                                "This port is for programs on this machine"};

static const uint64_t REFUSAL_TIMEOUT_US = SECOND_US / 10;
static const uint64_t GIVE_WAY_US = SECOND_US / 1000;

/* All that the tasks of submit_serve share; lives in its frame. */
struct server {
    struct submit_service *service;
    struct scope acceptors;
    struct scope sessions;
};

struct acceptor {
    struct server *server;
    const struct submit_listener *listener;
};

/* One client; lives as long as its session's task. */
struct connection {
    struct server *server;
    const struct submit_listener *listener;
    struct stream *stream;
    struct submit_seat seat;
};

/* Tells the other gateways how many sessions there are. */
static void tell_others(const struct submit_service *service)
{
    size_t all, logged_in;

    if (!service->options.board)
        return;
    submit_service_connections(service, &all, &logged_in);
    submit_board_write(service->options.board, all);
}

static void connection_free(struct connection *c)
{
    submit_admission_leave(&c->seat);
    tell_others(c->server->service);
    stream_free(c->stream);
    free(c);
}

static int session_task(struct task *t, void *argument)
{
    struct connection *c = argument;

    submit_session_run(t, c->server->service, c->listener, &c->seat, c->stream);
    connection_free(c);
    return 0;
}

/* A fresh connection takes a line without waiting; one that does not is closed without it. */
static void turn_away(struct task *t, const struct submit_listener *listener, struct stream *stream,
                      const struct wire_reply *reply)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, REFUSAL_TIMEOUT_US);
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    if (listener->tls == SUBMIT_TLS_IMPLICIT)
        return;
    wire_reply_format(&text, reply);
    if (stream_write(t, stream, buffer_slice(&text)) || stream_flush(t, stream))
        log_debug("submit: a client that was turned away did not listen");
}

static const struct wire_reply *admit(struct connection *c)
{
    const struct endpoint *client = stream_peer(c->stream);

    if (c->listener->tls == SUBMIT_TLS_NONE && !endpoint_is_loopback(client))
        return &LOOPBACK_ONLY;
    if (submit_admission_enter(&c->server->service->admission, &c->seat, client))
        return &CROWDED;
    return NULL;
}

/* Gives the stream a session, or turns the client away. */
static void receive(struct task *t, struct acceptor *a, struct stream *stream)
{
    struct submit_counters *counters = &a->server->service->counters;
    struct connection *c = base_allocate(sizeof(*c));
    const struct wire_reply *refusal;

    *c = (struct connection){.server = a->server, .listener = a->listener, .stream = stream};
    counters->connections++;
    refusal = admit(c);
    tell_others(a->server->service);
    if (!refusal && scope_spawn(&a->server->sessions, "smtp session", session_task, c) == 0)
        return;
    counters->connections_refused++;
    turn_away(t, a->listener, stream, refusal ? refusal : &CROWDED);
    connection_free(c);
}

/* A connection that no other gateway should rather take. */
static int next_connection(struct task *t, struct acceptor *a, struct listener *l,
                           struct stream **ret)
{
    const struct submit_board *board = a->server->service->options.board;
    int r;

    if (!board)
        return listener_accept(t, l, ret);
    do {
        r = listener_wait(t, l);
        if (r == 0 && submit_board_is_ahead(board))
            r = task_sleep(t, GIVE_WAY_US);
        if (r == 0)
            r = listener_accept_now(t, l, ret);
    } while (r == -EAGAIN);
    return r;
}

static int accept_task(struct task *t, void *argument)
{
    struct acceptor *a = argument;
    CLEANUP(listener_free_pointer) struct listener *l = NULL;
    struct stream *stream;
    int r;

    r = listener_new(t, a->listener->socket, &l);
    while (r == 0) {
        r = next_connection(t, a, l, &stream);
        if (r == 0)
            receive(t, a, stream);
    }
    if (r != -ECANCELED)
        log_error("submit: %s takes no more connections: %s", a->listener->name, strerror(-r));
    return r;
}

static int start(struct server *server, struct acceptor *acceptors,
                 const struct submit_listener *listeners, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        acceptors[i] = (struct acceptor){server, &listeners[i]};
        r = scope_spawn(&server->acceptors, "smtp listener", accept_task, &acceptors[i]);
    }
    return r;
}

/* Messages that are coming in may come to their end; who is between two messages is told to go. */
static void stop(struct task *t, struct server *server)
{
    CLEANUP(task_grace_end)
    struct task_grace grace = task_grace_begin(t, server->service->options.limits.stop_grace_us);
    struct submit_service *service = server->service;
    int r = 0;

    service->stopping = true;
    scope_close(&server->acceptors);
    while (service->busy && r == 0)
        r = condition_wait(t, &service->quiet);
    if (service->busy)
        log_warning("submit: %zu messages that were coming in are cut off", service->busy);
    scope_close(&server->sessions);
}

int submit_serve(struct task *t, struct submit_service *service,
                 const struct submit_listener *listeners, size_t count)
{
    CLEANUP(base_free_pointer)
    struct acceptor *acceptors = base_allocate(count * sizeof(*acceptors));
    struct server server = {.service = service};
    int r;

    scope_open(&server.acceptors, t);
    scope_open(&server.sessions, t);
    tell_others(service);
    r = start(&server, acceptors, listeners, count);
    if (r == 0)
        r = scope_wait(t, &server.acceptors);
    stop(t, &server);
    return r;
}
