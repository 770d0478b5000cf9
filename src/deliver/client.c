#include "deliver/client_inside.h"

#include "base/limits.h"
#include "wire/redact.h"
#include "wire/smtp_data.h"
#include "wire/xtext.h"

/* RFC 5321 §4.5.3.2, and our own for what it does not name. */
static const uint64_t DATA_US = 120 * SECOND_US;
static const uint64_t BLOCK_US = 180 * SECOND_US;
static const uint64_t FINAL_DOT_US = 600 * SECOND_US;
static const uint64_t QUIT_US = 2 * SECOND_US;

enum { DATA_PIECES = 16 };

static void mail_write(struct buffer *b, const struct client *c, const struct client_message *m)
{
    buffer_printf(b, "MAIL FROM:<%.*s>", SLICE_ARG(m->envelope_from));
    if (c->capabilities.size)
        buffer_printf(b, " SIZE=%zu", m->signature.size + m->content.size);
    if (m->eight_bit && c->capabilities.eightbitmime)
        buffer_add(b, SLICE(" BODY=8BITMIME"));
    if (m->smtputf8)
        buffer_add(b, SLICE(" SMTPUTF8"));
    if (m->requiretls)
        buffer_add(b, SLICE(" REQUIRETLS"));
    if (c->capabilities.dsn && m->ret)
        buffer_add(b, m->ret == 1 ? SLICE(" RET=FULL") : SLICE(" RET=HDRS"));
    if (c->capabilities.dsn && m->envid.size) {
        buffer_add(b, SLICE(" ENVID="));
        wire_xtext_encode(b, m->envid);
    }
    buffer_add(b, SLICE("\r\n"));
}

static void notify_write(struct buffer *b, uint8_t notify)
{
    static const struct {
        uint8_t bit;
        const char *word;
    } words[] = {{SMTP_NOTIFY_NEVER, "NEVER"},
                 {SMTP_NOTIFY_SUCCESS, "SUCCESS"},
                 {SMTP_NOTIFY_FAILURE, "FAILURE"},
                 {SMTP_NOTIFY_DELAY, "DELAY"}};
    const char *separator = " NOTIFY=";

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (notify & words[i].bit) {
            buffer_printf(b, "%s%s", separator, words[i].word);
            separator = ",";
        }
}

static void rcpt_write(struct buffer *b, const struct client *c,
                       const struct queue_job_recipient *rcpt)
{
    buffer_printf(b, "RCPT TO:<%.*s>", SLICE_ARG(rcpt->address));
    if (c->capabilities.dsn) {
        notify_write(b, rcpt->notify);
        if (rcpt->orcpt.size)
            buffer_printf(b, " ORCPT=%.*s", SLICE_ARG(rcpt->orcpt));
    }
    buffer_add(b, SLICE("\r\n"));
}

static void outcome_set(const struct client *c, struct arena *arena, const struct smtp_reply *reply,
                        struct queue_outcome *outcome)
{
    enum smtp_class class = wire_reply_class(reply->code);

    *outcome = (struct queue_outcome){
        .result = class == SMTP_CLASS_SUCCESS     ? QUEUE_DELIVERED
                  : class == SMTP_CLASS_PERMANENT ? QUEUE_BOUNCED
                                                  : QUEUE_DEFERRED,
        .reply_code = reply->code,
        .enhanced = {reply->status.class,
                     (uint8_t)(reply->status.subject > 255 ? 255 : reply->status.subject),
                     (uint8_t)(reply->status.detail > 255 ? 255 : reply->status.detail)},
        .text = wire_reply_escape(arena, reply, QUEUE_TEXT_BYTES),
        .remote = arena_copy(arena, c->remote),
        .tls = arena_copy(arena, c->protection),
    };
}

/* Gives all recipients that have no outcome yet the same one. */
static void settle_rest(const struct client *c, struct arena *arena, const struct smtp_reply *reply,
                        const struct client_message *m, struct queue_outcome *outcomes)
{
    for (size_t i = 0; i < m->recipient_count; i++)
        if (outcomes[i].result == 0)
            outcome_set(c, arena, reply, &outcomes[i]);
}

static void settle_own(const struct client *c, struct arena *arena, uint8_t subject, uint8_t detail,
                       struct slice why, const struct client_message *m,
                       struct queue_outcome *outcomes)
{
    for (size_t i = 0; i < m->recipient_count; i++)
        outcomes[i] = (struct queue_outcome){.result = QUEUE_BOUNCED,
                                             .enhanced = {5, subject, detail},
                                             .text = why,
                                             .remote = arena_copy(arena, c->remote)};
}

/* What this server cannot take at all is told without asking it. */
static bool fits(const struct client *c, struct arena *arena, const struct client_message *m,
                 struct queue_outcome *outcomes)
{
    uint64_t size = m->signature.size + m->content.size;

    if (m->smtputf8 && !c->capabilities.smtputf8) /* RFC 6531 §3.5 */
        settle_own(
            c, arena, 6, 7,
            SLICE("the receiving server does not take internationalised addresses (SMTPUTF8)"), m,
            outcomes);
    else if (c->capabilities.size_bytes && size > c->capabilities.size_bytes) /* RFC 1870 §6.1 */
        settle_own(
            c, arena, 3, 4,
            arena_printf(arena, "the message has %llu bytes, the receiving server takes %llu",
                         (unsigned long long)size, (unsigned long long)c->capabilities.size_bytes),
            m, outcomes);
    else if (m->eight_bit && !c->capabilities.eightbitmime) /* RFC 6152 §3 */
        settle_own(c, arena, 6, 3,
                   SLICE("the receiving server takes only 7-bit content (no 8BITMIME)"), m,
                   outcomes);
    else if (m->requiretls && !(c->verified && c->capabilities.requiretls)) /* RFC 8689 §4.2.1 */
        settle_own(c, arena, 7, 30,
                   SLICE("the receiving server does not take mail that requires TLS (REQUIRETLS)"),
                   m, outcomes);
    else
        return true;
    return false;
}

/* Sends the group at once, or command by command, and reads a reply for each: MAIL, RCPT …,
 * DATA. */
struct group {
    const struct client_message *message;
    struct queue_outcome *outcomes;
    struct arena *arena;
    size_t accepted;
    bool pipelined;
    bool go; /* 354 came */
};

static int group_mail(struct task *t, struct client *c, struct group *g)
{
    struct smtp_reply reply;
    int r = client_read_reply(t, c, CLIENT_COMMAND_US, "waiting for the answer to MAIL", &reply);

    if (r < 0 || wire_reply_class(reply.code) == SMTP_CLASS_SUCCESS)
        return r;
    c->mail_refused = true;
    settle_rest(c, g->arena, &reply, g->message, g->outcomes);
    return 0;
}

static int group_rcpt(struct task *t, struct client *c, struct group *g, size_t i)
{
    struct smtp_reply reply;
    int r = client_read_reply(t, c, CLIENT_COMMAND_US, "waiting for the answer to RCPT", &reply);

    if (r < 0)
        return r;
    if (g->outcomes[i].result != 0) /* MAIL was refused already: its reply counts */
        return 0;
    if (wire_reply_class(reply.code) == SMTP_CLASS_SUCCESS)
        g->accepted++;
    else
        outcome_set(c, g->arena, &reply, &g->outcomes[i]);
    return 0;
}

static int group_data(struct task *t, struct client *c, struct group *g)
{
    struct smtp_reply reply;
    int r = client_read_reply(t, c, DATA_US, "waiting for the answer to DATA", &reply);

    if (r < 0)
        return r;
    g->go = reply.code == 354;
    if (!g->go)
        settle_rest(c, g->arena, &reply, g->message, g->outcomes);
    return 0;
}

static int group_pipelined(struct task *t, struct client *c, struct group *g)
{
    CLEANUP(buffer_done) struct buffer commands = BUFFER_NONE;
    int r;

    mail_write(&commands, c, g->message);
    for (size_t i = 0; i < g->message->recipient_count; i++)
        rcpt_write(&commands, c, &g->message->recipients[i]);
    buffer_add(&commands, SLICE("DATA\r\n"));
    r = client_send_command(t, c, buffer_slice(&commands), "sending MAIL");
    if (r == 0)
        r = group_mail(t, c, g);
    for (size_t i = 0; r == 0 && i < g->message->recipient_count; i++)
        r = group_rcpt(t, c, g, i);
    return r == 0 ? group_data(t, c, g) : r;
}

static int group_stepwise(struct task *t, struct client *c, struct group *g)
{
    CLEANUP(buffer_done) struct buffer command = BUFFER_NONE;
    int r;

    mail_write(&command, c, g->message);
    r = client_send_command(t, c, buffer_slice(&command), "sending MAIL");
    if (r == 0)
        r = group_mail(t, c, g);
    if (r < 0 || g->outcomes[0].result != 0)
        return r;
    for (size_t i = 0; r == 0 && i < g->message->recipient_count && !c->closing; i++) {
        command.size = 0;
        rcpt_write(&command, c, &g->message->recipients[i]);
        r = client_send_command(t, c, buffer_slice(&command), "sending RCPT");
        if (r == 0)
            r = group_rcpt(t, c, g, i);
    }
    if (r < 0 || g->accepted == 0 || c->closing)
        return r;
    r = client_send_command(t, c, SLICE("DATA\r\n"), "sending DATA");
    return r == 0 ? group_data(t, c, g) : r;
}

/* All of the content, dots doubled, and the final dot. */
static int send_content(struct task *t, struct client *c, const struct client_message *m)
{
    const struct slice parts[] = {m->signature, m->content};
    struct data_encoder encoder;
    struct iovec pieces[DATA_PIECES];
    int count, r;

    /* The signature's lines never begin with a dot, and it ends in CR LF: it goes as it is. */
    r = stream_write(t, c->stream, parts[0]);
    data_encoder_init(&encoder, parts[1]);
    while (r == 0 && (count = wire_data_encode(&encoder, pieces, DATA_PIECES)) != 0) {
        CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, BLOCK_US);

        r = count < 0 ? count : stream_write_vector(t, c->stream, pieces, count);
    }
    if (r == 0) {
        CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, BLOCK_US);

        r = stream_flush(t, c->stream);
    }
    return r < 0 ? client_problem(c, r, "sending the message") : 0;
}

/* 354 came although no recipient was accepted: an empty message ends it (RFC 2920 §3.1). */
static int send_nothing(struct task *t, struct client *c)
{
    struct smtp_reply reply;
    int r = client_send_command(t, c, SLICE(".\r\n"), "ending an empty message");

    return r == 0 ? client_read_reply(t, c, FINAL_DOT_US, "ending an empty message", &reply) : r;
}

static int reset(struct task *t, struct client *c)
{
    struct smtp_reply reply;
    int r = client_send_command(t, c, SLICE("RSET\r\n"), "sending RSET");

    return r == 0 ? client_read_reply(t, c, CLIENT_COMMAND_US, "waiting for the answer to RSET",
                                      &reply)
                  : r;
}

/* Whatever happens while clearing up does not touch outcomes; it only ends the connection. */
static void clear_up(struct task *t, struct client *c, int (*step)(struct task *, struct client *))
{
    if (!c->closing && step(t, c) < 0)
        c->closing = true;
}

static int content(struct task *t, struct client *c, struct group *g, bool *ret_data_sent)
{
    struct smtp_reply reply;
    int r = send_content(t, c, g->message);

    if (r < 0)
        return r;
    *ret_data_sent = true;
    r = client_read_reply(t, c, FINAL_DOT_US, "waiting for the answer to the message", &reply);
    if (r == 0)
        settle_rest(c, g->arena, &reply, g->message, g->outcomes);
    return r;
}

int client_send(struct task *t, struct client *c, struct arena *arena,
                const struct client_message *message, struct queue_outcome *outcomes,
                bool *ret_data_sent)
{
    struct group g = {.message = message,
                      .outcomes = outcomes,
                      .arena = arena,
                      .pipelined = c->capabilities.pipelining};
    int r;

    memset(outcomes, 0, sizeof *outcomes * message->recipient_count);
    *ret_data_sent = false;
    c->mail_refused = false;
    if (!fits(c, arena, message, outcomes))
        return 0;
    c->transactions++;
    r = g.pipelined ? group_pipelined(t, c, &g) : group_stepwise(t, c, &g);
    if (r < 0)
        return r;
    if (g.go && g.accepted > 0)
        return content(t, c, &g, ret_data_sent);
    if (c->closing && !g.go) /* 421 in the middle: whoever was not answered for has no outcome */
        return client_problem(c, -EPIPE, "the server was not available (421)");
    clear_up(t, c, g.go ? send_nothing : reset);
    return 0;
}

void client_quit(struct task *t, struct client *c)
{
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, QUIT_US);
    struct smtp_reply reply;

    if (c->stream && client_send_command(t, c, SLICE("QUIT\r\n"), "sending QUIT") == 0)
        (void)!client_read_reply(t, c, QUIT_US, "waiting for the answer to QUIT", &reply);
}

void client_close(struct client *c)
{
    stream_free(TAKE(c->stream));
    redactor_free(TAKE(c->secrets));
    reply_parser_done(&c->parser);
    arena_done(&c->arena);
}
