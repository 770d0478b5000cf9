/* From the connection to EHLO, and what all steps of the dialogue share: commands, replies, and the
 * words for what went wrong. */
#include "deliver/client_inside.h"

#include "base/limits.h"
#include "wire/redact.h"

/* RFC 5321 §4.5.3.2, and our own for what it does not name. */
static const uint64_t CONNECT_US = 30 * SECOND_US;
static const uint64_t GREETING_US = 300 * SECOND_US;

int client_problem(struct client *c, int r, const char *while_what)
{
    const char *cause = r == -ETIMEDOUT      ? "no answer in time"
                        : r == -EPIPE        ? "the server closed the connection"
                        : r == -ECONNRESET   ? "the server broke the connection"
                        : r == -ECONNREFUSED ? "nobody listens there (connection refused)"
                        : r == -EPROTO       ? "the server's answer was not SMTP"
                        : r == -EMSGSIZE     ? "the server's answer was too long"
                        : r == -ECANCELED    ? "we are shutting down"
                                             : strerror(-r);

    c->problem = arena_printf(&c->arena, "%s: %s", while_what, cause);
    c->problem_code = 0;
    c->problem_status = (struct smtp_status){0};
    return r;
}

/* A reply that ends the dialogue. */
static int refused(struct client *c, const struct smtp_reply *reply)
{
    c->problem = wire_reply_escape(&c->arena, reply, QUEUE_TEXT_BYTES);
    c->problem_code = reply->code;
    c->problem_status = reply->status;
    return -ECONNABORTED;
}

void client_note(const struct client *c, enum client_side side, struct slice line)
{
    if (c->tap)
        c->tap->note(c->tap->context, side, line);
}

static void note_reply(const struct client *c, const struct smtp_reply *reply)
{
    CLEANUP(buffer_done) struct buffer line = BUFFER_NONE;

    for (size_t i = 0; c->tap && i < reply->line_count; i++) {
        line.size = 0;
        buffer_printf(&line, "%u%c", reply->code, i + 1 < reply->line_count ? '-' : ' ');
        buffer_add(&line, reply->lines[i]);
        buffer_add(&line, SLICE("\r\n"));
        client_note(c, CLIENT_HEARS, buffer_slice(&line));
    }
}

/* A server may say again what it was told: nobody is to see it. */
static void take_reply(struct client *c, const struct smtp_reply *reply)
{
    if (c->secrets)
        redactor_hide(c->secrets, c->parser.text.data, c->parser.text.size);
    note_reply(c, reply);
    if (reply->code == 421)
        c->closing = true;
}

int client_read_reply(struct task *t, struct client *c, uint64_t timeout_us, const char *while_what,
                      struct smtp_reply *ret)
{
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, timeout_us);
    struct wire_error error;

    for (;;) {
        size_t used;
        int r = reply_parser_feed(&c->parser, stream_buffered(c->stream), &used, ret, &error);

        stream_consume(c->stream, used);
        if (r == 0) {
            r = stream_fill(t, c->stream, LIMIT_REPLY_BYTES);
            if (r == 0)
                continue;
        }
        if (r < 0)
            return client_problem(c, r, while_what);
        take_reply(c, ret);
        return 0;
    }
}

int client_send_command(struct task *t, struct client *c, struct slice line, const char *while_what)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, CLIENT_COMMAND_US);
    int r = stream_write(t, c->stream, line);

    client_note(c, CLIENT_SAYS, line);
    if (r == 0)
        r = stream_flush(t, c->stream);
    return r < 0 ? client_problem(c, r, while_what) : 0;
}

int client_send_secret(struct task *t, struct client *c, struct slice line, const char *while_what)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, CLIENT_COMMAND_US);
    int r = stream_write_secret(t, c->stream, line);

    return r < 0 ? client_problem(c, r, while_what) : 0;
}

static int dial(struct task *t, const struct client_options *options, struct client *c)
{
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, CONNECT_US);
    char address[ENDPOINT_TEXT_BYTES];
    int r;

    endpoint_format_address(&options->address, address);
    c->remote = arena_printf(&c->arena, "%.*s [%s]:%u", SLICE_ARG(options->host_name), address,
                             options->address.port);
    r = stream_connect(t, options->source, &options->address, &c->stream);
    return r < 0 ? client_problem(c, r, "connecting") : 0;
}

static int greeting(struct task *t, struct client *c)
{
    struct smtp_reply reply;
    int r;

    c->stage = CLIENT_STAGE_GREETING;
    r = client_read_reply(t, c, GREETING_US, "waiting for the greeting", &reply);
    if (r < 0)
        return r;
    return wire_reply_class(reply.code) == SMTP_CLASS_SUCCESS ? 0 : refused(c, &reply);
}

int client_hello(struct task *t, const struct client_options *options, struct client *c)
{
    static const char *const verbs[] = {"EHLO", "HELO"};
    struct smtp_reply reply;

    c->stage = c->stage == CLIENT_STAGE_HANDSHAKE ? CLIENT_STAGE_HELLO_AGAIN : CLIENT_STAGE_HELLO;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        struct slice line =
            arena_printf(&c->arena, "%s %.*s\r\n", verbs[i], SLICE_ARG(options->hostname));
        int r = client_send_command(t, c, line, "sending EHLO");

        if (r == 0)
            r = client_read_reply(t, c, CLIENT_COMMAND_US, "waiting for the answer to EHLO",
                                  &reply);
        if (r < 0)
            return r;
        c->capabilities = (struct smtp_capabilities){0};
        if (reply.code == 250) {
            c->esmtp = i == 0;
            if (c->esmtp)
                wire_capabilities_parse(&reply, &c->capabilities);
            return 0;
        }
        if (wire_reply_class(reply.code) != SMTP_CLASS_PERMANENT || stream_is_tls(c->stream))
            break;
    }
    return refused(c, &reply);
}

static void listen_for(struct client *c, const struct redactor *secrets)
{
    if (!secrets)
        return;
    c->secrets = redactor_new();
    redactor_add_all(c->secrets, secrets);
}

int client_dial(struct task *t, const struct client_options *options, struct client *c)
{
    int r;

    *c = CLIENT_NONE;
    c->tap = options->tap;
    listen_for(c, options->secrets);
    r = dial(t, options, c);
    if (r == 0 && options->tls == CLIENT_TLS_FIRST)
        r = client_start_tls_first(t, options, c);
    if (r == 0)
        r = greeting(t, c);
    if (r == 0)
        r = client_hello(t, options, c);
    if (r == 0)
        r = client_start_tls(t, options, c);
    if (r == 0 && c->closing) {
        c->problem = SLICE("the server is closing");
        r = -ECONNABORTED;
    }
    if (r == 0)
        c->stage = CLIENT_STAGE_READY;
    return r;
}
