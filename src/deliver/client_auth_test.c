/* Signing in to a server that answers from a script, under TLS on loopback. */
#include "deliver/client_auth.h"

#include "runtime/listener.h"
#include "runtime/tls.h"
#include "runtime/world_linux.h"
#include "vault/relay.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/tls_identity_test.h"

enum { STEPS_MAX = 8 };

/* After a line that begins with `awaited` comes `reply`; a reply that ends in "|" closes. */
struct step {
    const char *awaited, *reply;
};

struct play {
    const char *name;
    const char *offered; /* what EHLO says of AUTH; NULL: nothing */
    struct step steps[STEPS_MAX];
    int r;
    enum client_auth_verdict verdict;
    enum vault_mechanism mechanism;
    unsigned tries;
    uint16_t code;
    bool unverified;     /* the client does not ask whose certificate it is */
    unsigned mechanisms; /* that the account may use */
    const char *user, *password;
    struct slice sender, recipient; /* asked about afterwards, if there is a sender */
    uint16_t mail_code, rcpt_code;
};

#define CHALLENGE "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n"
#define DIGEST "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n"
#define PLAIN "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"
#define A64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define A256 A64 A64 A64 A64

static const struct play plays[] = {
    {.name = "the strongest is used, as RFC 2195 has it",
     .offered = "AUTH PLAIN LOGIN CRAM-MD5",
     .steps = {{"AUTH CRAM-MD5\r\n", CHALLENGE}, {DIGEST, "235 2.7.0 ok\r\n"}},
     .mechanism = VAULT_CRAM_MD5,
     .tries = 1,
     .code = 235},
    {.name = "PLAIN in one line, a reply of several",
     .offered = "AUTH LOGIN PLAIN",
     .steps = {{PLAIN, "235-welcome\r\n235 2.7.0 ok\r\n"}},
     .mechanism = VAULT_PLAIN,
     .tries = 1,
     .code = 235},
    {.name = "LOGIN, whatever it asks for",
     .offered = "AUTH LOGIN",
     .steps = {{"AUTH LOGIN\r\n", "334 dXNlcg==\r\n"},
               {"dGlt\r\n", "334 cGFzcw==\r\n"},
               {"dGFuc3RhYWZ0YW5zdGFhZg==\r\n", "235 ok\r\n"}},
     .mechanism = VAULT_LOGIN,
     .tries = 1,
     .code = 235},
    {.name = "CRAM-MD5 that does not work, and then PLAIN",
     .offered = "AUTH CRAM-MD5 PLAIN LOGIN",
     .steps = {{"AUTH CRAM-MD5\r\n", CHALLENGE},
               {DIGEST, "535 5.7.8 no\r\n"},
               {PLAIN, "235 2.7.0 ok\r\n"}},
     .mechanism = VAULT_PLAIN,
     .tries = 2,
     .code = 235},
    {.name = "never a third try",
     .offered = "AUTH CRAM-MD5 PLAIN LOGIN",
     .steps = {{"AUTH CRAM-MD5\r\n", "504 5.5.4 no\r\n"}, {PLAIN, "504 5.5.4 no\r\n"}},
     .verdict = CLIENT_AUTH_REFUSED,
     .mechanism = VAULT_PLAIN,
     .tries = 2,
     .code = 504},
    {.name = "a wrong password is not tried again by LOGIN",
     .offered = "AUTH PLAIN LOGIN",
     .steps = {{PLAIN, "535 5.7.8 no\r\n"}},
     .verdict = CLIENT_AUTH_REFUSED,
     .mechanism = VAULT_PLAIN,
     .tries = 1,
     .code = 535},
    {.name = "a mechanism that is not there after all",
     .offered = "AUTH PLAIN LOGIN",
     .steps = {{PLAIN, "504 5.5.4 no\r\n"},
               {"AUTH LOGIN\r\n", "334 \r\n"},
               {"dGlt\r\n", "334 \r\n"},
               {"dGFu", "235 ok\r\n"}},
     .mechanism = VAULT_LOGIN,
     .tries = 2,
     .code = 235},
    {.name = "later is later",
     .offered = "AUTH CRAM-MD5 PLAIN",
     .steps = {{"AUTH CRAM-MD5\r\n", CHALLENGE}, {DIGEST, "454 4.7.0 too many tries\r\n"}},
     .verdict = CLIENT_AUTH_REFUSED,
     .mechanism = VAULT_CRAM_MD5,
     .tries = 1,
     .code = 454},
    {.name = "only 235 is success",
     .offered = "AUTH PLAIN",
     .steps = {{PLAIN, "250 ok\r\n"}},
     .verdict = CLIENT_AUTH_NO_SENSE,
     .mechanism = VAULT_PLAIN,
     .tries = 1,
     .code = 250},
    {.name = "no TLS that anybody vouches for: not a word",
     .offered = "AUTH CRAM-MD5 PLAIN LOGIN",
     .verdict = CLIENT_AUTH_UNPROTECTED,
     .unverified = true},
    {.name = "no AUTH at all", .verdict = CLIENT_AUTH_NOT_OFFERED},
    {.name = "OAuth only",
     .offered = "AUTH XOAUTH2 OAUTHBEARER",
     .verdict = CLIENT_AUTH_NO_MECHANISM},
    {.name = "what the account may not use",
     .offered = "AUTH CRAM-MD5 PLAIN",
     .steps = {{PLAIN, "235 ok\r\n"}},
     .mechanism = VAULT_PLAIN,
     .tries = 1,
     .code = 235,
     .mechanisms = SMTP_MECHANISM_PLAIN},
    {.name = "a challenge that is no base64 is cancelled",
     .offered = "AUTH CRAM-MD5",
     .steps = {{"AUTH CRAM-MD5\r\n", "334 <1@x>\r\n"}, {"*\r\n", "501 5.7.0 cancelled\r\n"}},
     .verdict = CLIENT_AUTH_NO_SENSE,
     .mechanism = VAULT_CRAM_MD5,
     .tries = 1,
     .code = 501},
    {.name = "an empty challenge, too, and PLAIN may do better",
     .offered = "AUTH CRAM-MD5 PLAIN",
     .steps = {{"AUTH CRAM-MD5\r\n", "334 \r\n"}, {"*\r\n", "501 no\r\n"}, {PLAIN, "235 ok\r\n"}},
     .mechanism = VAULT_PLAIN,
     .tries = 2,
     .code = 235},
    {.name = "a challenge that is too long",
     .offered = "AUTH CRAM-MD5",
     .steps = {{"AUTH CRAM-MD5\r\n", "334 " A256 A256 A256 A256 A256 A256 "\r\n"},
               {"*\r\n", "501 no\r\n"}},
     .verdict = CLIENT_AUTH_NO_SENSE,
     .mechanism = VAULT_CRAM_MD5,
     .tries = 1,
     .code = 501},
    {.name = "a challenge without end",
     .offered = "AUTH CRAM-MD5",
     .steps = {{"AUTH CRAM-MD5\r\n", "334 " A256 A256 A256 A256 A256 A256 A256 A256 A256 "\r\n"}},
     .r = -EMSGSIZE},
    {.name = "a server that asks on and on",
     .offered = "AUTH PLAIN",
     .steps = {{PLAIN, "334 bW9yZQ==\r\n"}, {"*\r\n", "334 bW9yZQ==\r\n"}},
     .verdict = CLIENT_AUTH_NO_SENSE,
     .mechanism = VAULT_PLAIN,
     .tries = 1,
     .code = 334},
    {.name = "a response too long for the command waits to be asked for",
     .offered = "AUTH PLAIN",
     .steps = {{"AUTH PLAIN\r\n", "334 \r\n"}, {"AHRpbQBBQUFB", "235 ok\r\n"}},
     .mechanism = VAULT_PLAIN,
     .tries = 1,
     .code = 235,
     .password = A256 A256},
    {.name = "hanging up in the middle",
     .offered = "AUTH LOGIN",
     .steps = {{"AUTH LOGIN\r\n", "334 \r\n"}, {"dGlt\r\n", "|"}},
     .r = -EPIPE},
    {.name = "asking about an envelope takes it back",
     .offered = "AUTH PLAIN",
     .steps = {{PLAIN, "235 ok\r\n"},
               {"MAIL FROM:<tim@library.example>\r\n", "250 ok\r\n"},
               {"RCPT TO:<@own.example:a%b@own.example>\r\n", "554 5.7.1 no\r\n"},
               {"RSET\r\n", "250 ok\r\n"}},
     .mechanism = VAULT_PLAIN,
     .tries = 1,
     .code = 235,
     .sender = {"tim@library.example", 19},
     .recipient = {"@own.example:a%b@own.example", 28},
     .mail_code = 250,
     .rcpt_code = 554},
    {.name = "no recipient for a sender that is refused",
     .offered = "AUTH PLAIN",
     .steps = {{PLAIN, "235 ok\r\n"},
               {"MAIL FROM:<tim@library.example>\r\n", "553 5.7.1 not yours\r\n"},
               {"RSET\r\n", "250 ok\r\n"}},
     .mechanism = VAULT_PLAIN,
     .tries = 1,
     .code = 235,
     .sender = {"tim@library.example", 19},
     .recipient = {"a@b.example", 11},
     .mail_code = 553},
    {.name = "a password that cannot be said", .offered = "AUTH PLAIN", .r = -EINVAL, .user = ""},
};

static struct identity authority, server_identity;
static char authorities_path[] = "/tmp/letterhead-authority-XXXXXX";

struct stage {
    const struct play *play;
    int listener;
    struct endpoint address;
    struct tls_context *server_tls, *client_tls;
    struct buffer transcript;
};

static int await(struct task *t, const struct stage *stage, struct stream *s, const char *awaited)
{
    struct slice line;
    int r = stream_read_line(t, s, 100000, &line);

    if (r == 0 && !slice_starts(line, slice_text(awaited)))
        fail_msg("%s: awaited %s, got %.*s", stage->play->name, awaited, SLICE_ARG(line));
    return r;
}

static int answer(struct task *t, struct stream *s, const char *text)
{
    struct slice reply = slice_text(text);
    bool end = slice_ends_nocase(reply, SLICE("|"));
    int r = stream_write(t, s, slice_part(reply, 0, reply.size - end));

    if (r == 0)
        r = stream_flush(t, s);
    return r == 0 && end ? -EPIPE : r;
}

static int welcome(struct task *t, const struct stage *stage, struct stream *s)
{
    const char *offered = stage->play->offered;
    int r = stream_start_tls_server(t, s, stage->server_tls);

    if (r == 0)
        r = answer(t, s, "220 mail.example ESMTP\r\n");
    if (r == 0)
        r = await(t, stage, s, "EHLO ");
    if (r == 0)
        r = stream_printf(t, s, "250-mail.example\r\n250%s%s\r\n", offered ? "-SIZE\r\n250 " : " ",
                          offered ? offered : "SIZE");
    return r == 0 ? stream_flush(t, s) : r;
}

static int serve(struct task *t, void *argument)
{
    const struct stage *stage = argument;
    CLEANUP(listener_free_pointer) struct listener *listener = NULL;
    CLEANUP(stream_free_pointer) struct stream *s = NULL;
    struct slice line;
    int r = listener_new(t, stage->listener, &listener);

    if (r == 0)
        r = listener_accept(t, listener, &s);
    if (r == 0)
        r = welcome(t, stage, s);
    for (const struct step *step = stage->play->steps; r == 0 && step->reply; step++) {
        r = await(t, stage, s, step->awaited);
        if (r == 0)
            r = answer(t, s, step->reply);
    }
    if (r == 0 && stream_read_line(t, s, 100000, &line) == 0)
        fail_msg("%s: one line too many: %.*s", stage->play->name, SLICE_ARG(line));
    return 0;
}

static int respond(struct task *t, void *context, enum vault_mechanism mechanism,
                   struct slice challenge, struct secret *ret_response)
{
    const struct play *play = context;

    (void)t;
    return vault_relay_respond(mechanism, slice_text(play->user ? play->user : "tim"),
                               slice_text(play->password ? play->password : "tanstaaftanstaaf"),
                               challenge, ret_response);
}

static void note(void *context, enum client_side side, struct slice line)
{
    struct stage *stage = context;

    buffer_add(&stage->transcript, side == CLIENT_SAYS ? SLICE("> ") : SLICE("< "));
    buffer_add(&stage->transcript, line);
}

static void judge_answer(struct task *t, const struct play *play, struct client *c)
{
    const struct client_question question = {play->sender, &play->recipient, 1};
    struct client_answer answer;

    assert_int_equal(client_ask(t, c, &question, &answer), 0);
    assert_int_equal(answer.mail.code, play->mail_code);
    assert_int_equal(answer.rcpt[0].code, play->rcpt_code);
}

static void judge(struct task *t, struct stage *stage, struct client *c)
{
    const struct play *play = stage->play;
    const struct client_account account = {.user = SLICE("tim"),
                                           .mechanisms = play->mechanisms,
                                           .respond = respond,
                                           .context = (void *)(uintptr_t)play};
    struct client_auth auth;

    assert_int_equal(client_auth(t, c, &account, &auth), play->r);
    if (play->r < 0) {
        assert_true(c->problem.size > 0);
        return;
    }
    assert_int_equal(auth.verdict, play->verdict);
    assert_int_equal(auth.mechanism, play->mechanism);
    assert_int_equal(auth.tries, play->tries);
    assert_int_equal(auth.reply.code, play->code);
    if (play->sender.size)
        judge_answer(t, play, c);
}

static int perform(struct task *t, void *argument)
{
    struct stage *stage = argument;
    const struct tls_plan verified = {.kind = TLS_PLAN_AUTHORITIES, .by = SLICE("the account")};
    const struct client_tap tap = {note, stage};
    CLEANUP(scope_close) struct scope scope;
    CLEANUP(client_close) struct client c = CLIENT_NONE;
    const struct client_options options = {.hostname = SLICE("us.example"),
                                           .host_name = SLICE("mail.example"),
                                           .tls_context = stage->client_tls,
                                           .tls = CLIENT_TLS_FIRST,
                                           .plan = stage->play->unverified ? NULL : &verified,
                                           .address = stage->address,
                                           .tap = &tap};

    print_message("  %s\n", stage->play->name);
    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "server", serve, stage), 0);
    assert_int_equal(client_dial(t, &options, &c), 0);
    assert_int_equal(c.stage, CLIENT_STAGE_READY);
    assert_int_equal(c.verified, !stage->play->unverified);
    judge(t, stage, &c);
    client_close(&c);
    return scope_wait(t, &scope);
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

static void make_contexts(struct stage *stage)
{
    const struct tls_client_options options = {.verify = true,
                                               .authorities_pem_path = authorities_path};
    char *problem = NULL;

    assert_int_equal(tls_context_new_client(&options, &stage->client_tls, &problem), 0);
    assert_int_equal(tls_context_new_server(buffer_slice(&server_identity.certificate_pem),
                                            buffer_slice(&server_identity.key_pem),
                                            &stage->server_tls, &problem),
                     0);
}

static void play_it(const struct play *play, struct stage *stage)
{
    struct world_linux_options options = {.disk = NULL};
    struct world *world;
    char *problem = NULL;

    *stage = (struct stage){.play = play};
    make_contexts(stage);
    stage->listener = listen_somewhere(&stage->address);
    assert_int_equal(world_linux_new(&options, &world, &problem), 0);
    assert_int_equal(loop_run(world, perform, stage), 0);
    world_free(world);
    tls_context_free(stage->client_tls);
    tls_context_free(stage->server_tls);
}

static void stage_done(struct stage *stage)
{
    buffer_done(&stage->transcript);
}

static const char *const forms[] = {
    "tanstaaf",
    "AHRpbQB0YW5zdGFhZnRhbnN0YWFm",
    "dGFuc3RhYWZ0YW5zdGFhZg",
    "b913a602c7eda7a495b4e6e7334d3890",
    "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw",
};

static void assert_no_secret(const struct stage *stage)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (slice_find_slice(buffer_slice(&stage->transcript), slice_text(forms[i])) >= 0)
            fail_msg("%s: the transcript holds %s", stage->play->name, forms[i]);
}

static void each_dialogue_ends_as_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plays); i++) {
        CLEANUP(stage_done) struct stage stage = {.listener = -1};

        play_it(&plays[i], &stage);
        assert_no_secret(&stage);
    }
}

static const struct play echoes[] = {
    {.name = "PLAIN said again",
     .offered = "AUTH PLAIN",
     .steps = {{PLAIN, "535-5.7.8 tim may not, with tanstaaftanstaaf\r\n"
                       "535 5.7.8 AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"}},
     .verdict = CLIENT_AUTH_REFUSED,
     .mechanism = VAULT_PLAIN,
     .tries = 1,
     .code = 535},
    {.name = "LOGIN said again",
     .offered = "AUTH LOGIN",
     .steps = {{"AUTH LOGIN\r\n", "334 \r\n"},
               {"dGlt\r\n", "334 \r\n"},
               {"dGFu", "535 no: dGFuc3RhYWZ0YW5zdGFhZg==, tanstaaftanstaaf\r\n"}},
     .verdict = CLIENT_AUTH_REFUSED,
     .mechanism = VAULT_LOGIN,
     .tries = 1,
     .code = 535},
    {.name = "CRAM-MD5 said again",
     .offered = "AUTH CRAM-MD5",
     .steps = {{"AUTH CRAM-MD5\r\n", CHALLENGE},
               {DIGEST, "535 no: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw, "
                        "b913a602c7eda7a495b4e6e7334d3890\r\n"}},
     .verdict = CLIENT_AUTH_REFUSED,
     .mechanism = VAULT_CRAM_MD5,
     .tries = 1,
     .code = 535},
};

static void what_a_server_says_again_is_blotted_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(echoes); i++) {
        CLEANUP(stage_done) struct stage stage = {.listener = -1};

        play_it(&echoes[i], &stage);
        assert_no_secret(&stage);
        assert_true(slice_find_slice(buffer_slice(&stage.transcript), SLICE("***")) >= 0);
        assert_true(slice_find_slice(buffer_slice(&stage.transcript), SLICE("[hidden]")) >= 0);
    }
}

static int set_up(void **state)
{
    const struct identity_options ours = {"Test authority", NULL, NULL, true, -DAY_S, DAY_S};
    const struct identity_options servers = {
        "mail.example", "DNS:mail.example", &authority, false, -DAY_S, DAY_S};
    int file = mkstemp(authorities_path);

    (void)state;
    authority = identity_new(&ours);
    server_identity = identity_new(&servers);
    assert_true(write(file, authority.certificate_pem.data, authority.certificate_pem.size) > 0);
    close(file);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    identity_done(&authority);
    identity_done(&server_identity);
    unlink(authorities_path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dialogue_ends_as_it_should),
        cmocka_unit_test(what_a_server_says_again_is_blotted_out),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
