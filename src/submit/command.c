#include "submit/command.h"

#include "base/log.h"
#include "submit/collect.h"
#include "submit/login.h"

#include <inttypes.h>

#define REPLY(name, ...) static const struct wire_reply name = {__VA_ARGS__}
REPLY(OK, 250, "2.0.0", "Ok");
REPLY(SENDER_OK, 250, "2.1.0", "Ok");
REPLY(BYE, 221, "2.0.0", "Bye");
REPLY(GO_AHEAD, 354, NULL, "End data with <CR><LF>.<CR><LF>");
REPLY(READY_FOR_TLS, 220, "2.0.0", "Ready to start TLS");
REPLY(HELP_TEXT, 214, "2.0.0",
      "Submission of mail (RFC 6409): EHLO STARTTLS AUTH MAIL RCPT DATA RSET NOOP QUIT");
REPLY(CANNOT_VERIFY, 252, "2.5.2", "Addresses are not verified here; send, and see");
REPLY(NO_EXPANSION, 502, "5.5.1", "Lists are not expanded here");
REPLY(NO_CHUNKING, 503, "5.5.1", "CHUNKING is not offered; use DATA");
REPLY(CHUNK_TOO_LARGE, 421, "4.5.1", "CHUNKING is not offered");
REPLY(HELLO_FIRST, 503, "5.5.1", "Say EHLO first");
REPLY(TLS_FIRST, 530, "5.7.0", "Must issue a STARTTLS command first");
REPLY(REQUIRETLS_IN_CLEAR, 555, "5.5.4",
      "REQUIRETLS is offered under TLS only: say STARTTLS first");
REPLY(TLS_FOR_LOGIN, 538, "5.7.11", "Encryption required: issue STARTTLS first");
REPLY(LOGIN_FIRST, 530, "5.7.0", "Authentication required");
REPLY(LOGGED_IN, 503, "5.5.1", "Already authenticated");
REPLY(NO_LOGIN_HERE, 502, "5.5.1", "AUTH is not offered on this port");
REPLY(TLS_ALREADY, 503, "5.5.1", "TLS is active already");
REPLY(NO_TLS_HERE, 502, "5.5.1", "STARTTLS is not offered on this port");
REPLY(TLS_PIPELINED, 421, "4.7.0", "Nothing may follow STARTTLS before the handshake");
REPLY(IN_TRANSACTION, 503, "5.5.1", "A transaction is open: finish it, or RSET");
REPLY(MAIL_FIRST, 503, "5.5.1", "Say MAIL first");
REPLY(RCPT_FIRST, 554, "5.5.1", "No valid recipients");
REPLY(NO_MEMORY, 452, "4.3.1", "Too many messages are coming in; try again later");
REPLY(TOO_MANY_LOGINS, 421, "4.7.0", "Too many failed logins");
REPLY(TOO_MANY_SESSIONS, 421, "4.7.0", "Too many concurrent SMTP connections");

/* How many sessions are within a transaction: what a stop waits for. */
static void count_busy(struct submit_service *service, bool more)
{
    if (more) {
        service->busy++;
        return;
    }
    service->busy--;
    if (service->busy == 0)
        condition_broadcast(&service->quiet);
}

void submit_session_forget_transaction(struct submit_session *s)
{
    if (s->transaction.open)
        count_busy(s->service, false);
    submit_transaction_reset(&s->transaction);
}

uint64_t submit_session_patience_us(struct task *t, const struct submit_session *s)
{
    const struct submit_limits *limits = &s->service->options.limits;
    uint64_t elapsed_us = task_now_us(t) - s->started_us;
    uint64_t left_us = limits->login_us;

    if (s->user.size)
        return limits->command_us;
    if (submit_admission_crowded(&s->service->admission))
        left_us = limits->login_crowded_us;
    left_us = left_us > elapsed_us ? left_us - elapsed_us : 0;
    return left_us < limits->command_us ? left_us : limits->command_us;
}

/* A client that says much and does not listen makes a reply wait. */
int submit_session_answer(struct task *t, struct submit_session *s, const struct wire_reply *reply)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, s->service->options.limits.command_us);
    int r = submit_talk_reply(t, &s->talk, reply);

    s->errors += reply->code >= 500;
    if (r == 0 && reply->code == 421)
        return SUBMIT_END;
    return r;
}

bool submit_session_enter_site(struct submit_session *s, struct slice user, uint64_t site_id)
{
    if (submit_admission_login(s->seat, site_id))
        return false;
    buffer_add(&s->user, user);
    s->site_id = site_id;
    return true;
}

static bool is_tls(const struct submit_session *s)
{
    return stream_is_tls(s->talk.stream);
}

/* --- hello and TLS --------------------------------------------------------------------------- */

static struct wire_reply capabilities(struct submit_session *s)
{
    const struct submit_options *options = &s->service->options;
    bool can_start_tls = s->listener->tls == SUBMIT_TLS_STARTTLS && !is_tls(s);
    struct slice text = arena_printf(
        &s->transaction.arena,
        "%.*s\nSIZE %" PRIu64
        "\n8BITMIME\nSMTPUTF8\nPIPELINING\nENHANCEDSTATUSCODES\nDSN%s%s\nHELP",
        SLICE_ARG(options->host_name), options->limits.message_size_max_bytes,
        can_start_tls ? "\nSTARTTLS" : "", is_tls(s) ? "\nREQUIRETLS\nAUTH PLAIN LOGIN" : "");

    return (struct wire_reply){250, NULL, text.data};
}

static int do_hello(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    struct wire_reply reply = {250, NULL, s->service->options.host_name.data};

    s->hello.size = 0;
    buffer_add(&s->hello, c->hello);
    s->extended = c->verb == SMTP_EHLO;
    submit_session_forget_transaction(s);
    if (s->extended)
        reply = capabilities(s);
    return submit_session_answer(t, s, &reply);
}

/* RFC 3207 §4.2: whatever was said in clear is forgotten. */
static int shake_hands(struct task *t, struct submit_session *s)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, s->service->options.limits.handshake_us);
    int r;

    submit_session_forget_transaction(s);
    s->hello.size = 0;
    r = submit_talk_flush(t, &s->talk);
    if (r == 0)
        r = stream_start_tls_server(t, s->talk.stream, s->service->options.tls);
    return r;
}

static int do_starttls(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    int r;

    (void)c;
    if (is_tls(s))
        return submit_session_answer(t, s, &TLS_ALREADY);
    if (s->listener->tls != SUBMIT_TLS_STARTTLS)
        return submit_session_answer(t, s, &NO_TLS_HERE);
    if (submit_talk_pending(&s->talk))
        return submit_session_answer(t, s, &TLS_PIPELINED);
    r = submit_session_answer(t, s, &READY_FOR_TLS);
    if (r == 0)
        r = shake_hands(t, s);
    return r;
}

/* --- login ----------------------------------------------------------------------------------- */

static const struct wire_reply *refuse_auth(const struct submit_session *s)
{
    if (s->listener->tls == SUBMIT_TLS_NONE)
        return &NO_LOGIN_HERE;
    if (!is_tls(s))
        return &TLS_FOR_LOGIN;
    if (!s->hello.size)
        return &HELLO_FIRST;
    if (s->user.size)
        return &LOGGED_IN;
    return s->transaction.open ? &IN_TRANSACTION : NULL;
}

/* Every failure makes the next one slower; the last one ends the session. */
static int punish(struct task *t, struct submit_session *s, const struct wire_reply *reply)
{
    const struct submit_limits *limits = &s->service->options.limits;
    char address[ENDPOINT_TEXT_BYTES];
    int r;

    log_info("submit: failed login from %s",
             endpoint_format_address(stream_peer(s->talk.stream), address));
    r = task_sleep(t, limits->login_delay_us << s->login_failures);
    if (r)
        return r;
    s->login_failures++;
    if (s->login_failures >= limits->login_failures_max)
        reply = &TOO_MANY_LOGINS;
    return submit_session_answer(t, s, reply);
}

static int exchange(struct task *t, struct submit_session *s, const struct smtp_auth *auth,
                    struct submit_login *ret)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, submit_session_patience_us(t, s));

    return submit_login_run(t, s->service, &s->talk, auth, ret);
}

static int do_auth(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    const struct wire_reply *refusal = refuse_auth(s);
    struct submit_login login;
    int r;

    if (refusal)
        return submit_session_answer(t, s, refusal);
    r = exchange(t, s, &c->auth, &login);
    if (r)
        return r;
    if (login.verdict == SUBMIT_LOGIN_FAILED)
        return punish(t, s, &login.reply);
    if (login.verdict == SUBMIT_LOGIN_OK &&
        !submit_session_enter_site(s, slice_of(login.user, login.user_size), login.site_id))
        return submit_session_answer(t, s, &TOO_MANY_SESSIONS);
    return submit_session_answer(t, s, &login.reply);
}

/* --- transaction ----------------------------------------------------------------------------- */

static struct submit_sender sender_of(const struct submit_session *s)
{
    bool utf8 = s->transaction.envelope.smtputf8;
    const char *protocol = s->extended ? "ESMTP" : "SMTP";

    if (is_tls(s))
        protocol = utf8 ? "UTF8SMTPSA" : "ESMTPSA";
    else if (utf8)
        protocol = "UTF8SMTP";
    return (struct submit_sender){.site_id = s->site_id,
                                  .access_key_id = buffer_slice(&s->user),
                                  .hello = buffer_slice(&s->hello),
                                  .address = *stream_peer(s->talk.stream),
                                  .protocol = protocol};
}

static const struct wire_reply *refuse_mail(const struct submit_session *s)
{
    struct submit_sender sender = sender_of(s);

    if (!s->hello.size)
        return &HELLO_FIRST;
    if (s->listener->tls != SUBMIT_TLS_NONE && !is_tls(s))
        return &TLS_FIRST;
    if (!s->user.size)
        return &LOGIN_FIRST;
    if (s->transaction.open)
        return &IN_TRANSACTION;
    return submit_sender_check(s->service, &sender);
}

static int do_mail(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    const struct wire_reply *refusal = refuse_mail(s);
    struct submit_sender sender = sender_of(s);
    struct wire_reply quota;

    if (!refusal && !submit_quota_check(t, s->service, &s->transaction.arena, &sender, &quota))
        refusal = &quota;
    if (!refusal && c->mail.requiretls && !is_tls(s))
        refusal = &REQUIRETLS_IN_CLEAR;
    if (refusal)
        return submit_session_answer(t, s, refusal);
    submit_transaction_mail(&s->transaction, &c->mail);
    count_busy(s->service, true);
    return submit_session_answer(t, s, &SENDER_OK);
}

static int do_rcpt(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    struct wire_reply reply = MAIL_FIRST;

    if (s->transaction.open)
        reply = submit_transaction_rcpt(&s->transaction, &c->rcpt,
                                        s->service->options.limits.recipients_max);
    return submit_session_answer(t, s, &reply);
}

static void log_refusal(const struct submit_session *s, const struct wire_reply *reply)
{
    char address[ENDPOINT_TEXT_BYTES];

    log_info("submit: refused a message of %.*s from %s: %u %s %s",
             SLICE_ARG(buffer_slice(&s->user)),
             endpoint_format_address(stream_peer(s->talk.stream), address), reply->code,
             reply->enhanced ? reply->enhanced : "", reply->text);
}

/* Collects and judges; the client is told in any case. */
static int receive(struct task *t, struct submit_session *s, const struct submit_sender *sender,
                   struct submit_content *content)
{
    struct wire_reply reply;
    int r;

    r = submit_collect(t, &s->talk, &s->service->options.limits, &s->transaction.arena, content,
                       &reply);
    if (r == 0 && reply.code == 0)
        r = submit_accept(t, s->service, &s->transaction.arena, sender, &s->transaction.envelope,
                          content, &reply);
    if (r)
        return r;
    if (reply.code < 300)
        s->errors = s->idle_commands = 0;
    else
        log_refusal(s, &reply);
    return submit_session_answer(t, s, &reply);
}

static const struct wire_reply *refuse_data(const struct submit_session *s)
{
    struct submit_sender sender = sender_of(s);

    if (!s->transaction.open)
        return &MAIL_FIRST;
    if (!s->transaction.envelope.recipient_count)
        return &RCPT_FIRST;
    return submit_sender_check(s->service, &sender);
}

static int do_data(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    CLEANUP(submit_content_done) struct submit_content content = {.bytes = BUFFER_NONE};
    const struct wire_reply *refusal = refuse_data(s);
    struct submit_sender sender = sender_of(s);
    int r;

    (void)c;
    if (refusal)
        return submit_session_answer(t, s, refusal);
    if (submit_content_begin(t, s->service, &sender, s->transaction.size_hint, &content))
        return submit_session_answer(t, s, &NO_MEMORY);
    r = submit_session_answer(t, s, &GO_AHEAD);
    if (r == 0)
        r = receive(t, s, &sender, &content);
    submit_session_forget_transaction(s);
    return r;
}

/* Some client sends BDAT though it was not offered: its chunk must not be read as commands. */
static int skip_chunk(struct task *t, struct submit_session *s, uint64_t size)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, s->service->options.limits.data_us);

    while (size) {
        struct slice buffered = stream_buffered(s->talk.stream);
        size_t part = buffered.size < size ? buffered.size : (size_t)size;
        stream_consume(s->talk.stream, part);
        size -= part;
        int r = size ? stream_fill(t, s->talk.stream, SIZE_MAX) : 0;
        if (r)
            return r;
    }
    return 0;
}

static int do_bdat(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    int r;

    if (c->bdat.size_bytes > s->service->options.limits.message_size_max_bytes)
        return submit_session_answer(t, s, &CHUNK_TOO_LARGE);
    submit_session_forget_transaction(s);
    r = submit_session_answer(t, s, &NO_CHUNKING);
    if (r == 0)
        r = skip_chunk(t, s, c->bdat.size_bytes);
    return r;
}

/* --- the rest -------------------------------------------------------------------------------- */

static int do_rset(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    (void)c;
    submit_session_forget_transaction(s);
    return submit_session_answer(t, s, &OK);
}

static int do_quit(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    int r = submit_session_answer(t, s, &BYE);

    (void)c;
    return r ? r : SUBMIT_END;
}

static int do_noop(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    (void)c;
    return submit_session_answer(t, s, &OK);
}

/* RFC 5321 §7.3: who asks is told nothing about who exists. */
static int do_vrfy(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    (void)c;
    return submit_session_answer(t, s, &CANNOT_VERIFY);
}

static int do_expn(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    (void)c;
    return submit_session_answer(t, s, &NO_EXPANSION);
}

static int do_help(struct task *t, struct submit_session *s, const struct smtp_command *c)
{
    (void)c;
    return submit_session_answer(t, s, &HELP_TEXT);
}

static const struct {
    int (*run)(struct task *t, struct submit_session *s, const struct smtp_command *c);
    bool idle; /* brings no message nearer */
} COMMANDS[] = {
    [SMTP_EHLO] = {do_hello, true}, [SMTP_HELO] = {do_hello, true},  [SMTP_MAIL] = {do_mail},
    [SMTP_RCPT] = {do_rcpt},        [SMTP_DATA] = {do_data},         [SMTP_BDAT] = {do_bdat, true},
    [SMTP_RSET] = {do_rset, true},  [SMTP_NOOP] = {do_noop, true},   [SMTP_QUIT] = {do_quit},
    [SMTP_VRFY] = {do_vrfy, true},  [SMTP_EXPN] = {do_expn, true},   [SMTP_HELP] = {do_help, true},
    [SMTP_AUTH] = {do_auth, true},  [SMTP_STARTTLS] = {do_starttls},
};

int submit_command_run(struct task *t, struct submit_session *s, const struct smtp_command *command)
{
    s->idle_commands += COMMANDS[command->verb].idle;
    return COMMANDS[command->verb].run(t, s, command);
}
