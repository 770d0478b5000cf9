#include "control/server.h"

#include "base/log.h"
#include "base/secret.h"
#include "control/json.h"
#include "control/perform.h"
#include "runtime/listener.h"
#include "runtime/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GROUPS_MAX = 256, REFUSED_BYTES_MAX = 64 << 20 /* read away after a line too long */ };

struct server {
    const struct control_server_options *options;
    struct scope connections;
    size_t count;
};

struct connection {
    struct server *server;
    struct stream *stream;
    struct control_caller caller;
};

static bool in_group(int socket, gid_t primary, gid_t group)
{
    gid_t groups[GROUPS_MAX];
    socklen_t size = sizeof groups;

    if (primary == group)
        return true;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
        return false;
    for (size_t i = 0; i < size / sizeof groups[0]; i++)
        if (groups[i] == group)
            return true;
    return false;
}

int control_identify(int socket, struct control_caller *ret)
{
    struct ucred who;
    socklen_t size = sizeof who;

    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
        return -errno;
    if (who.uid != 0 && who.uid != geteuid() && !in_group(socket, who.gid, getegid()))
        return -EPERM;
    *ret = (struct control_caller){.role = CONTROL_OPERATOR};
    snprintf(ret->name, sizeof ret->name, "uid %u (process %d)", who.uid, who.pid);
    return 0;
}

static json_t *reply_not_json(const char *why)
{
    CLEANUP(control_problem_done) struct control_problem problem = CONTROL_PROBLEM_NONE;

    control_problem_set(&problem, CONTROL_INVALID, NULL,
                        "Send one JSON object a line: {\"operation\": \"site.list\"}.",
                        "The request cannot be read as JSON: %s.", why);
    return control_reply_problem(&problem);
}

static json_t *reply_too_long(void)
{
    CLEANUP(control_problem_done) struct control_problem problem = CONTROL_PROBLEM_NONE;

    control_problem_set(&problem, CONTROL_REFUSED, NULL,
                        "Ask for less at a time, or send a smaller message.",
                        "A request may have %d bytes, and a reply %d.", CONTROL_REQUEST_BYTES_MAX,
                        CONTROL_REPLY_BYTES_MAX);
    return control_reply_problem(&problem);
}

/* A reply may hold a secret that is shown once: its text is sent as it is, and wiped. */
static int send_text(struct task *t, struct connection *c, char *text, size_t size)
{
    const struct iovec pieces[] = {{text, size}, {(char[]){'\n'}, 1}};
    int r = stream_write_vector(t, c->stream, pieces, ARRAY_LEN(pieces));

    secret_wipe(text, size);
    return r;
}

/* Takes the reply over. */
static int send_reply(struct task *t, struct connection *c, json_t *reply)
{
    CLEANUP(base_free_pointer) char *text = json_dumps(reply, JSON_COMPACT);

    json_decref(reply);
    assert(text);
    if (strlen(text) >= CONTROL_REPLY_BYTES_MAX)
        return send_reply(t, c, reply_too_long());
    return send_text(t, c, text, strlen(text));
}

/* Whoever has gone away is noticed with the reply. */
static void tell_progress(struct task *t, void *context, const json_t *progress)
{
    json_t *line = json_pack("{s:O}", "progress", progress);

    (void)!send_reply(t, context, line);
}

static json_t *answer(struct task *t, struct connection *c, struct slice line)
{
    const struct control_watch watch = {tell_progress, c};
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, CONTROL_OPERATION_S * SECOND_US);
    const struct control_server_options *options = c->server->options;
    CLEANUP(base_free_pointer) char *why = NULL;
    json_t *request, *reply;
    int r = control_json_read(line, &request, &why);

    secret_wipe((char *)(uintptr_t)line.data, line.size); /* it may hold a password */
    if (r < 0)
        return reply_not_json(why);
    reply =
        control_perform_watched(t, options->sets, options->set_count, &c->caller, &watch, request);
    json_decref(request);
    return reply;
}

static int read_request(struct task *t, struct connection *c, struct slice *ret_line)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, CONTROL_IDLE_S * SECOND_US);

    return stream_read_line(t, c->stream, CONTROL_REQUEST_BYTES_MAX, ret_line);
}

/* A client that is still writing would lose our answer if we closed now. */
static int refuse_long_line(struct task *t, struct connection *c)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, CONTROL_IDLE_S * SECOND_US);
    int r = send_reply(t, c, reply_too_long());

    for (size_t left = REFUSED_BYTES_MAX; r == 0 && left > 0;) {
        size_t size = stream_buffered(c->stream).size;

        stream_consume(c->stream, size);
        left -= size < left ? size : left;
        r = stream_fill(t, c->stream, CONTROL_REQUEST_BYTES_MAX);
    }
    return r;
}

static int converse(struct task *t, struct connection *c)
{
    struct slice line;
    int r;

    for (;;) {
        r = read_request(t, c, &line);
        if (r == -ENOBUFS)
            return refuse_long_line(t, c);
        if (r == 0)
            r = send_reply(t, c, answer(t, c, line));
        if (r < 0)
            return r;
    }
}

static void connection_end(struct connection *c)
{
    stream_free(c->stream);
    c->server->count--;
    free(c);
}

/* A client that goes away is no fault of anybody's. */
static int connection_main(struct task *t, void *argument)
{
    struct connection *c = argument;
    int r = converse(t, c);

    connection_end(c);
    return r == -ECANCELED ? r : 0;
}

static void welcome(struct server *s, struct stream *stream)
{
    struct control_caller caller;
    struct connection *c;
    int r = control_identify(stream_socket(stream), &caller);

    if (r == 0 && s->count >= CONTROL_CONNECTIONS_MAX)
        r = -EAGAIN;
    if (r < 0) {
        log_warning("control: a connection was refused: %s", strerror(-r));
        stream_free(stream);
        return;
    }
    c = base_allocate(sizeof *c);
    *c = (struct connection){s, stream, caller};
    s->count++;
    r = scope_spawn(&s->connections, "control", connection_main, c);
    if (r < 0)
        connection_end(c);
}

int control_serve(struct task *t, const struct control_server_options *options)
{
    CLEANUP(listener_free_pointer) struct listener *listener = NULL;
    struct server s = {.options = options};
    struct stream *stream;
    int r = listener_new(t, options->socket, &listener);

    if (r < 0)
        return r;
    scope_open(&s.connections, t);
    do {
        r = listener_accept(t, listener, &stream);
        if (r == 0)
            welcome(&s, stream);
    } while (r == 0);
    scope_close(&s.connections);
    return r;
}
