/* The client against a server that answers from a script: what becomes of each recipient. */
#include "deliver/client.h"

#include "runtime/listener.h"
#include "runtime/tls.h"
#include "runtime/world_linux.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>

enum { STEPS_MAX = 12, RECIPIENTS_MAX = 3 };

/* After a line that begins with `awaited` (NULL: at once; ".": after the message) comes `reply`; a
 * reply that ends in "|" closes the connection. */
struct step {
    const char *awaited, *reply;
};

struct play {
    const char *name;
    struct step steps[STEPS_MAX];
    size_t recipient_count;
    int dialled; /* what client_dial returns */
    int sent;    /* what client_send returns */
    enum queue_result results[RECIPIENTS_MAX];
    uint16_t codes[RECIPIENTS_MAX];
    bool data_sent;
    const char *words; /* in the problem, or in the first outcome's text; may be NULL */
};

#define GREETING                                                                                   \
    {                                                                                              \
        NULL, "220 mx ESMTP\r\n"                                                                   \
    }
#define PLAIN_EHLO                                                                                 \
    {                                                                                              \
        "EHLO", "250 mx\r\n"                                                                       \
    }
#define PIPELINING_EHLO                                                                            \
    {                                                                                              \
        "EHLO", "250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n"                                     \
    }

static const struct play plays[] = {
    {"delivered, command by command",
     {GREETING,
      PLAIN_EHLO,
      {"MAIL FROM:<b-x@bounce.example>\r\n", "250 ok\r\n"},
      {"RCPT", "250 ok\r\n"},
      {"DATA", "354 go\r\n"},
      {".", "250 2.0.0 Ok: queued as ABC\r\n"}},
     1,
     0,
     0,
     {QUEUE_DELIVERED},
     {250},
     true,
     "queued as ABC"},
    {"delivered, pipelined",
     {GREETING,
      PIPELINING_EHLO,
      {"MAIL", "250 ok\r\n"},
      {"RCPT", "250 ok\r\n"},
      {"RCPT", "251 will forward\r\n"},
      {"RCPT", "252 cannot verify\r\n"},
      {"DATA", "354 go\r\n"},
      {".", "250 ok\r\n"}},
     3,
     0,
     0,
     {QUEUE_DELIVERED, QUEUE_DELIVERED, QUEUE_DELIVERED},
     {250, 250, 250},
     true,
     NULL},
    {"one delivered, one bounced, one deferred",
     {GREETING,
      PIPELINING_EHLO,
      {"MAIL", "250 ok\r\n"},
      {"RCPT", "250 ok\r\n"},
      {"RCPT", "550 5.1.1 unknown\r\n"},
      {"RCPT", "450 4.2.0 later\r\n"},
      {"DATA", "354 go\r\n"},
      {".", "250 ok\r\n"}},
     3,
     0,
     0,
     {QUEUE_DELIVERED, QUEUE_BOUNCED, QUEUE_DEFERRED},
     {250, 550, 450},
     true,
     NULL},
    {"the basic code wins over the enhanced class",
     {GREETING,
      PIPELINING_EHLO,
      {"MAIL", "250 ok\r\n"},
      {"RCPT", "450 5.1.1 odd\r\n"},
      {"RCPT", "550 4.2.2 odd\r\n"},
      {"DATA", "503 no recipients\r\n"},
      {"RSET", "250 ok\r\n"}},
     2,
     0,
     0,
     {QUEUE_DEFERRED, QUEUE_BOUNCED},
     {450, 550},
     false,
     NULL},
    {"MAIL refused: its reply counts for all",
     {GREETING,
      PIPELINING_EHLO,
      {"MAIL", "452 4.3.1 full\r\n"},
      {"RCPT", "503 no\r\n"},
      {"RCPT", "503 no\r\n"},
      {"DATA", "503 no\r\n"},
      {"RSET", "250 ok\r\n"}},
     2,
     0,
     0,
     {QUEUE_DEFERRED, QUEUE_DEFERRED},
     {452, 452},
     false,
     "452 4.3.1 full"},
    {"354 without a recipient is answered by an empty message",
     {GREETING,
      PIPELINING_EHLO,
      {"MAIL", "250 ok\r\n"},
      {"RCPT", "550 no\r\n"},
      {"DATA", "354 go\r\n"},
      {".", "554 no valid recipients\r\n"}},
     1,
     0,
     0,
     {QUEUE_BOUNCED},
     {550},
     false,
     NULL},
    {"DATA refused",
     {GREETING,
      PLAIN_EHLO,
      {"MAIL", "250 ok\r\n"},
      {"RCPT", "250 ok\r\n"},
      {"DATA", "451 4.3.0 no\r\n"},
      {"RSET", "250 ok\r\n"}},
     1,
     0,
     0,
     {QUEUE_DEFERRED},
     {451},
     false,
     NULL},
    {"421 in the middle defers the rest",
     {GREETING,
      PLAIN_EHLO,
      {"MAIL", "250 ok\r\n"},
      {"RCPT", "550 5.1.1 no\r\n"},
      {"RCPT", "421 4.7.0 rate\r\n|"}},
     3,
     0,
     -EPIPE,
     {QUEUE_BOUNCED, QUEUE_DEFERRED, 0},
     {550, 421, 0},
     false,
     NULL},
    {"closed after the final dot: nobody knows",
     {GREETING,
      PLAIN_EHLO,
      {"MAIL", "250 ok\r\n"},
      {"RCPT", "250 ok\r\n"},
      {"DATA", "354 go\r\n"},
      {".", "|"}},
     1,
     0,
     -EPIPE,
     {0},
     {0},
     true,
     "closed the connection"},
    {"a refusal of the content",
     {GREETING,
      PLAIN_EHLO,
      {"MAIL", "250 ok\r\n"},
      {"RCPT", "250 ok\r\n"},
      {"DATA", "354 go\r\n"},
      {".", "554 5.7.1 spam\r\n"}},
     1,
     0,
     0,
     {QUEUE_BOUNCED},
     {554},
     true,
     "554 5.7.1 spam"},
    {"a reply that is not UTF-8 is stored escaped",
     {GREETING, PLAIN_EHLO, {"MAIL", "550 \xff\xfe\r\n"}, {"RSET", "250 ok\r\n"}},
     1,
     0,
     0,
     {QUEUE_BOUNCED},
     {550},
     false,
     "550 \\xff\\xfe"},
    {"HELO when EHLO is not known",
     {GREETING,
      {"EHLO", "502 what\r\n"},
      {"HELO", "250 mx\r\n"},
      {"MAIL FROM:<b-x@bounce.example>\r\n", "250 ok\r\n"},
      {"RCPT", "250 ok\r\n"},
      {"DATA", "354 go\r\n"},
      {".", "250 ok\r\n"}},
     1,
     0,
     0,
     {QUEUE_DELIVERED},
     {250},
     true,
     NULL},
    {"lines that end in LF alone are read",
     {{NULL, "220 mx\n"},
      {"EHLO", "250-mx\n250 SIZE 0\n"},
      {"MAIL", "250 ok\n"},
      {"RCPT", "250 ok\n"},
      {"DATA", "354 go\n"},
      {".", "250 ok\n"}},
     1,
     0,
     0,
     {QUEUE_DELIVERED},
     {250},
     true,
     NULL},
    {"a message over the server's SIZE is not offered",
     {GREETING, {"EHLO", "250-mx\r\n250 SIZE 20\r\n"}},
     1,
     0,
     0,
     {QUEUE_BOUNCED},
     {0},
     false,
     "20"},
    {"greeting 421",
     {{NULL, "421 4.3.2 busy\r\n"}},
     0,
     -ECONNABORTED,
     0,
     {0},
     {0},
     false,
     "421 4.3.2 busy"},
    {"greeting 554", {{NULL, "554 no\r\n"}}, 0, -ECONNABORTED, 0, {0}, {0}, false, "554 no"},
    {"greeting that is no SMTP", {{NULL, "hello\r\n"}}, 0, -EPROTO, 0, {0}, {0}, false, "not SMTP"},
    {"codes that differ in one reply",
     {{NULL, "220-a\r\n250 b\r\n"}},
     0,
     -EPROTO,
     0,
     {0},
     {0},
     false,
     "not SMTP"},
    {"closed instead of a greeting",
     {{NULL, "|"}},
     0,
     -EPIPE,
     0,
     {0},
     {0},
     false,
     "closed the connection"},
    {"STARTTLS refused: clear text goes on, since nothing was promised",
     {GREETING,
      {"EHLO", "250-mx\r\n250 STARTTLS\r\n"},
      {"STARTTLS", "454 later\r\n"},
      {"MAIL", "250 ok\r\n"},
      {"RCPT", "250 ok\r\n"},
      {"DATA", "354 go\r\n"},
      {".", "250 ok\r\n"}},
     1,
     0,
     0,
     {QUEUE_DELIVERED},
     {250},
     true,
     NULL},
    {"what comes with the answer to STARTTLS ends the connection",
     {GREETING, {"EHLO", "250-mx\r\n250 STARTTLS\r\n"}, {"STARTTLS", "220 go\r\n250 injected\r\n"}},
     0,
     -EPROTO,
     0,
     {0},
     {0},
     false,
     "TLS"},
};

struct stage {
    const struct play *play;
    int listener;
    struct endpoint address;
    struct tls_context *tls;
    struct buffer received; /* what came as the message, dots and all */
};

static int await(struct task *t, struct stage *stage, struct stream *s, const char *awaited)
{
    struct slice line;
    int r;

    do {
        r = stream_read_line(t, s, 100000, &line);
        if (r < 0)
            return r;
        if (awaited[0] == '.')
            buffer_add(&stage->received, line);
    } while (awaited[0] == '.' && !slice_equal(line, SLICE(".\r\n")));
    if (awaited[0] != '.' && !slice_starts(line, slice_text(awaited)))
        fail_msg("%s: awaited %s, got %.*s", stage->play->name, awaited, SLICE_ARG(line));
    return 0;
}

static int server(struct task *t, void *argument)
{
    struct stage *stage = argument;
    CLEANUP(listener_free_pointer) struct listener *listener = NULL;
    CLEANUP(stream_free_pointer) struct stream *s = NULL;
    int r = listener_new(t, stage->listener, &listener);

    if (r == 0)
        r = listener_accept(t, listener, &s);
    for (const struct step *step = stage->play->steps; r == 0 && step->reply; step++) {
        struct slice reply = slice_text(step->reply);
        bool end = slice_ends_nocase(reply, SLICE("|"));

        if (step->awaited)
            r = await(t, stage, s, step->awaited);
        if (r == 0)
            r = stream_write(t, s, slice_part(reply, 0, reply.size - end));
        if (r == 0)
            r = stream_flush(t, s);
        if (end)
            return r;
    }
    while (r == 0) /* until the client leaves */
        r = stream_read_line(t, s, 100000, &(struct slice){NULL, 0});
    return 0;
}

static void judge_send(struct task *t, const struct play *play, struct client *c)
{
    static const struct queue_job_recipient recipients[RECIPIENTS_MAX] = {
        {.address = {"a@dst.example", 13}},
        {.address = {"b@dst.example", 13}},
        {.address = {"c@dst.example", 13}}};
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct client_message message = {
        .envelope_from = SLICE("b-x@bounce.example"),
        .recipients = recipients,
        .recipient_count = play->recipient_count,
        .signature = SLICE("DKIM-Signature: v=1\r\n"),
        .content = SLICE("Subject: x\r\n\r\n.dot\r\nend"),
    };
    struct queue_outcome outcomes[RECIPIENTS_MAX];
    bool data_sent;

    assert_int_equal(client_send(t, c, &arena, &message, outcomes, &data_sent), play->sent);
    assert_int_equal(data_sent, play->data_sent);
    for (size_t i = 0; i < play->recipient_count; i++) {
        assert_int_equal(outcomes[i].result, play->results[i]);
        assert_int_equal(outcomes[i].reply_code, play->codes[i]);
    }
    if (play->words)
        assert_true(slice_find_slice(play->sent < 0 ? c->problem : outcomes[0].text,
                                     slice_text(play->words)) >= 0);
}

static int perform(struct task *t, void *argument)
{
    struct stage *stage = argument;
    CLEANUP(scope_close) struct scope scope;
    CLEANUP(client_close) struct client c = CLIENT_NONE;
    const struct client_options options = {.hostname = SLICE("us.example"),
                                           .host_name = SLICE("mx.dst.example"),
                                           .tls_context = stage->tls,
                                           .address = stage->address};

    print_message("  %s\n", stage->play->name);
    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "server", server, stage), 0);
    assert_int_equal(client_dial(t, &options, &c), stage->play->dialled);
    if (stage->play->dialled < 0)
        assert_true(slice_find_slice(c.problem, slice_text(stage->play->words)) >= 0);
    else
        judge_send(t, stage->play, &c);
    return 0;
}

static int listen_somewhere(struct endpoint *ret)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(endpoint_parse(SLICE("127.0.0.1:0"), ret), 0);
    ret->port = ntohs(address.sin_port);
    return listener;
}

static void settles_each_recipient(void **state)
{
    const struct tls_client_options opportunistic = {.verify = false};
    struct tls_context *tls;
    char *problem = NULL;

    (void)state;
    assert_int_equal(tls_context_new_client(&opportunistic, &tls, &problem), 0);
    for (size_t i = 0; i < ARRAY_LEN(plays); i++) {
        struct world_linux_options options = {.disk = NULL};
        struct stage stage = {.play = &plays[i], .tls = tls};
        struct world *world;

        stage.listener = listen_somewhere(&stage.address);
        assert_int_equal(world_linux_new(&options, &world, &problem), 0);
        assert_int_equal(loop_run(world, perform, &stage), 0);
        if (plays[i].data_sent)
            assert_true(slice_equal(
                buffer_slice(&stage.received),
                SLICE("DKIM-Signature: v=1\r\nSubject: x\r\n\r\n..dot\r\nend\r\n.\r\n")));
        buffer_done(&stage.received);
        world_free(world);
    }
    tls_context_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(settles_each_recipient)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
