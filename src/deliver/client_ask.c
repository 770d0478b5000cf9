/* Asking a server about an envelope without giving it a message. */
#include "deliver/client_inside.h"

static int command(struct task *t, struct client *c, struct slice line, const char *while_what,
                   struct smtp_reply *ret)
{
    struct smtp_reply reply;
    int r = client_send_command(t, c, line, while_what);

    if (r == 0)
        r = client_read_reply(t, c, CLIENT_COMMAND_US, while_what, &reply);
    if (r == 0)
        *ret = wire_reply_copy(&c->arena, &reply);
    return r;
}

int client_ask(struct task *t, struct client *c, const struct client_question *question,
               struct client_answer *ret)
{
    struct client_answer answer = {.mail = {.code = 0}};
    struct smtp_reply reset;
    int r = command(
        t, c, arena_printf(&c->arena, "MAIL FROM:<%.*s>\r\n", SLICE_ARG(question->envelope_from)),
        "asking about the sender", &answer.mail);

    if (r == 0 && question->recipient.size &&
        wire_reply_class(answer.mail.code) == SMTP_CLASS_SUCCESS)
        r = command(t, c,
                    arena_printf(&c->arena, "RCPT TO:<%.*s>\r\n", SLICE_ARG(question->recipient)),
                    "asking about the recipient", &answer.rcpt);
    if (r == 0 && !c->closing)
        r = command(t, c, SLICE("RSET\r\n"), "taking the question back", &reset);
    if (r == 0)
        *ret = answer;
    return r;
}
