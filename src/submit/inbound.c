#include "submit/inbound.h"

#include "base/limits.h"
#include "base/log.h"
#include "runtime/listener.h"
#include "wire/smtp_reply.h"

#include <stdlib.h>

static const struct wire_reply CROWDED = {421, "4.7.0", "Too many connections; try again later"};
static const uint64_t REFUSAL_TIMEOUT_US = SECOND_US / 10;

struct server {
    struct inbound_service *service;
    struct scope acceptors, sessions;
};

struct acceptor {
    struct server *server;
    const struct inbound_listener *listener;
};

struct connection {
    struct server *server;
    struct stream *stream;
    struct submit_seat seat;
};

void inbound_limits_default(struct submit_limits *ret)
{
    submit_limits_default(ret);
    ret->message_size_max_bytes = LIMIT_REPORT_BYTES;
    ret->lenient = true;
    ret->recipients_max = LIMIT_INBOUND_RECIPIENTS;
    ret->memory_max_bytes = (uint64_t)64 << 20;
    ret->admission =
        (struct submit_admission_limits){.connections_max = 200, .per_address_max = 20};
    ret->idle_commands_max = 20;
    ret->session_us = 1800 * SECOND_US;
}

void inbound_init(struct inbound_service *s, const struct inbound_options *options)
{
    struct submit_admission_limits places = options->limits.admission;

    *s = (struct inbound_service){.options = *options};
    s->budget.max_bytes = options->limits.memory_max_bytes;
    places.connections_max += (places.connections_max + 2) / 3; /* the quarter kept for logins */
    submit_admission_init(&s->admission, &places);
}

static void connection_free(struct connection *c)
{
    submit_admission_leave(&c->seat);
    stream_free(c->stream);
    free(c);
}

static int session_task(struct task *t, void *argument)
{
    struct connection *c = argument;

    inbound_session_run(t, c->server->service, c->stream);
    connection_free(c);
    return 0;
}

static void turn_away(struct task *t, struct stream *stream)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, REFUSAL_TIMEOUT_US);
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    wire_reply_format(&text, &CROWDED);
    if (stream_write(t, stream, buffer_slice(&text)) || stream_flush(t, stream))
        log_debug("inbound: a client that was turned away did not listen");
}

static void receive(struct task *t, struct server *server, struct stream *stream)
{
    struct inbound_service *s = server->service;
    struct connection *c = base_allocate(sizeof *c);
    int r;

    *c = (struct connection){.server = server, .stream = stream};
    s->counters.connections++;
    r = submit_admission_enter(&s->admission, &c->seat, stream_peer(stream));
    if (r == 0)
        r = scope_spawn(&server->sessions, "inbound session", session_task, c);
    if (r == 0)
        return;
    s->counters.connections_refused++;
    turn_away(t, stream);
    connection_free(c);
}

static int accept_task(struct task *t, void *argument)
{
    struct acceptor *a = argument;
    CLEANUP(listener_free_pointer) struct listener *l = NULL;
    struct stream *stream;
    int r = listener_new(t, a->listener->socket, &l);

    while (r == 0) {
        r = listener_accept(t, l, &stream);
        if (r == 0)
            receive(t, a->server, stream);
    }
    if (r != -ECANCELED)
        log_error("inbound: %s takes no more connections: %s", a->listener->name, strerror(-r));
    return r;
}

static int start(struct server *server, struct acceptor *acceptors,
                 const struct inbound_listener *listeners, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        acceptors[i] = (struct acceptor){server, &listeners[i]};
        r = scope_spawn(&server->acceptors, "inbound listener", accept_task, &acceptors[i]);
    }
    return r;
}

static void stop(struct task *t, struct server *server)
{
    struct inbound_service *s = server->service;
    CLEANUP(task_grace_end)
    struct task_grace grace = task_grace_begin(t, s->options.limits.stop_grace_us);
    int r = 0;

    s->stopping = true;
    scope_close(&server->acceptors);
    while (s->busy && r == 0)
        r = condition_wait(t, &s->quiet);
    scope_close(&server->sessions);
}

int inbound_serve(struct task *t, struct inbound_service *s,
                  const struct inbound_listener *listeners, size_t count)
{
    CLEANUP(base_free_pointer)
    struct acceptor *acceptors = base_allocate(count * sizeof *acceptors);
    struct server server = {.service = s};
    int r;

    scope_open(&server.acceptors, t);
    scope_open(&server.sessions, t);
    r = start(&server, acceptors, listeners, count);
    if (r == 0)
        r = scope_wait(t, &server.acceptors);
    stop(t, &server);
    return r;
}
