/* Asking a server about an envelope without giving it a message. */
#include "deliver/client_inside.h"

static const char *const ASKING = "asking about an envelope";

/* RFC 6531 §3.4: an address beyond ASCII says so. */
static void write_mail(struct buffer *b, const struct client *c, const struct client_question *q)
{
    bool utf8 = c->capabilities.smtputf8 && !slice_is_ascii(q->envelope_from);

    buffer_printf(b, "MAIL FROM:<%.*s>%s\r\n", SLICE_ARG(q->envelope_from),
                  utf8 ? " SMTPUTF8" : "");
}

static void write_rcpt(struct buffer *b, struct slice recipient)
{
    buffer_printf(b, "RCPT TO:<%.*s>\r\n", SLICE_ARG(recipient));
}

static int send(struct task *t, struct client *c, struct buffer *commands)
{
    int r = client_send_command(t, c, buffer_slice(commands), ASKING);

    commands->size = 0;
    return r;
}

static int read_reply(struct task *t, struct client *c, struct smtp_reply *ret)
{
    struct smtp_reply reply;
    int r = client_read_reply(t, c, CLIENT_COMMAND_US, ASKING, &reply);

    if (r == 0)
        *ret = wire_reply_copy(&c->arena, &reply);
    return r;
}

static int ask_at_once(struct task *t, struct client *c, const struct client_question *q,
                       struct client_answer *answer)
{
    CLEANUP(buffer_done) struct buffer commands = BUFFER_NONE;
    int r;

    write_mail(&commands, c, q);
    for (size_t i = 0; i < q->recipient_count; i++)
        write_rcpt(&commands, q->recipients[i]);
    r = send(t, c, &commands);
    if (r == 0)
        r = read_reply(t, c, &answer->mail);
    for (size_t i = 0; r == 0 && i < q->recipient_count && !c->closing; i++)
        r = read_reply(t, c, &answer->rcpt[i]);
    return r;
}

static int ask_stepwise(struct task *t, struct client *c, const struct client_question *q,
                        struct client_answer *answer)
{
    CLEANUP(buffer_done) struct buffer command = BUFFER_NONE;
    int r;

    write_mail(&command, c, q);
    r = send(t, c, &command);
    if (r == 0)
        r = read_reply(t, c, &answer->mail);
    if (r < 0 || wire_reply_class(answer->mail.code) != SMTP_CLASS_SUCCESS)
        return r;
    for (size_t i = 0; r == 0 && i < q->recipient_count && !c->closing; i++) {
        write_rcpt(&command, q->recipients[i]);
        r = send(t, c, &command);
        if (r == 0)
            r = read_reply(t, c, &answer->rcpt[i]);
    }
    return r;
}

int client_ask(struct task *t, struct client *c, const struct client_question *question,
               struct client_answer *ret)
{
    struct smtp_reply reset;
    int r;

    *ret = (struct client_answer){
        .rcpt = ARENA_ARRAY(&c->arena, struct smtp_reply, question->recipient_count + 1)};
    r = c->capabilities.pipelining ? ask_at_once(t, c, question, ret)
                                   : ask_stepwise(t, c, question, ret);
    if (r < 0 || c->closing)
        return r;
    r = client_send_command(t, c, SLICE("RSET\r\n"), ASKING);
    return r == 0 ? read_reply(t, c, &reset) : r;
}
