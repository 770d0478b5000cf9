/* From the connection to EHLO, and what all steps of the dialogue share: commands, replies, and the
 * words for what went wrong. */
#include "deliver/client_inside.h"

#include "base/limits.h"

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
        if (ret->code == 421)
            c->closing = true;
        return 0;
    }
}

int client_send_command(struct task *t, struct client *c, struct slice line, const char *while_what)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, CLIENT_COMMAND_US);
    int r = stream_write(t, c->stream, line);

    if (r == 0)
        r = stream_flush(t, c->stream);
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
    int r = client_read_reply(t, c, GREETING_US, "waiting for the greeting", &reply);

    if (r < 0)
        return r;
    return wire_reply_class(reply.code) == SMTP_CLASS_SUCCESS ? 0 : refused(c, &reply);
}

int client_hello(struct task *t, const struct client_options *options, struct client *c)
{
    static const char *const verbs[] = {"EHLO", "HELO"};
    struct smtp_reply reply;

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
            if (i == 0)
                wire_capabilities_parse(&reply, &c->capabilities);
            return 0;
        }
        if (wire_reply_class(reply.code) != SMTP_CLASS_PERMANENT || stream_is_tls(c->stream))
            break;
    }
    return refused(c, &reply);
}

int client_dial(struct task *t, const struct client_options *options, struct client *c)
{
    int r;

    *c = CLIENT_NONE;
    r = dial(t, options, c);
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
    return r;
}
