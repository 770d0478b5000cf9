/* The dialogue with whoever brings a report (RFC 5321, RFC 3207). */
#include "base/limits.h"
#include "base/log.h"
#include "runtime/world.h"
#include "submit/collect.h"
#include "submit/inbound.h"

#include <inttypes.h>

enum { GO_ON = 0, END = 1 };

#define REPLY(name, ...) static const struct wire_reply name = {__VA_ARGS__}
REPLY(OK, 250, "2.0.0", "Ok");
REPLY(SENDER_OK, 250, "2.1.0", "Ok");
REPLY(RECIPIENT_OK, 250, "2.1.5", "Ok");
REPLY(BYE, 221, "2.0.0", "Bye");
REPLY(GO_AHEAD, 354, NULL, "End data with <CR><LF>.<CR><LF>");
REPLY(READY_FOR_TLS, 220, "2.0.0", "Ready to start TLS");
REPLY(HELP_TEXT, 214, "2.0.0", "Delivery reports to the return paths of our mail are taken here");
REPLY(CANNOT_VERIFY, 252, "2.5.2", "Addresses are not verified here");
REPLY(NOT_OFFERED, 502, "5.5.1", "Not offered here");
REPLY(TLS_ALREADY, 503, "5.5.1", "TLS is active already");
REPLY(TLS_PIPELINED, 421, "4.7.0", "Nothing may follow STARTTLS before the handshake");
REPLY(HELLO_FIRST, 503, "5.5.1", "Say EHLO first");
REPLY(IN_TRANSACTION, 503, "5.5.1", "A transaction is open: finish it, or RSET");
REPLY(MAIL_FIRST, 503, "5.5.1", "Say MAIL first");
REPLY(NO_SUCH_ADDRESS, 550, "5.1.1", "No such address here");
REPLY(NO_RECIPIENT, 554, "5.5.1", "No valid recipients");
REPLY(TOO_MANY_RECIPIENTS, 452, "4.5.3", "Too many recipients; send them in another message");
REPLY(NO_ROOM, 452, "4.3.1", "No room at present; try again later");
REPLY(CLOSED, 451, "4.3.0", "Mail is not accepted at present; try again later");
REPLY(LINE_TOO_LONG, 500, "5.5.2", "Line too long");
REPLY(EARLY, 554, "5.5.1", "Wait for the greeting before you speak");
REPLY(TOO_MANY_ERRORS, 421, "4.7.0", "Too many errors");
REPLY(TOO_LONG_HERE, 421, "4.4.2", "This session has lasted long enough; connect again");
REPLY(TIMED_OUT, 421, "4.4.2", "Timeout waiting for data from client");
REPLY(STOPPING, 421, "4.3.2", "The server is stopping; try again");

struct session {
    struct inbound_service *service;
    struct submit_talk talk;
    struct arena arena; /* of one transaction */
    bool greeted;       /* by EHLO or HELO */
    bool open;          /* MAIL was accepted */
    bool smtputf8;
    struct slice sender;
    struct queue_recipient recipients[LIMIT_INBOUND_RECIPIENTS];
    size_t recipient_count;
    uint64_t started_us;
    unsigned errors, idle_commands;
};

static const struct submit_limits *limits_of(const struct session *s)
{
    return &s->service->options.limits;
}

static void forget_transaction(struct session *s)
{
    struct inbound_service *service = s->service;

    if (s->open && --service->busy == 0)
        condition_broadcast(&service->quiet);
    s->open = s->smtputf8 = false;
    s->recipient_count = 0;
    s->sender = SLICE_NONE;
}

static void session_done(struct session *s)
{
    forget_transaction(s);
    submit_talk_done(&s->talk);
    arena_done(&s->arena);
}

static int answer(struct task *t, struct session *s, const struct wire_reply *reply)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, limits_of(s)->command_us);
    int r = submit_talk_reply(t, &s->talk, reply);

    s->errors += reply->code >= 500;
    return r == 0 && reply->code == 421 ? END : r;
}

/* --- hello and TLS --- */

static int do_hello(struct task *t, struct session *s, const struct smtp_command *c)
{
    const struct inbound_options *o = &s->service->options;
    struct wire_reply reply = {250, NULL, NULL};

    forget_transaction(s);
    s->greeted = true;
    if (c->verb == SMTP_HELO)
        reply.text = arena_copy(&s->arena, o->host_name).data;
    else
        reply.text = arena_printf(&s->arena,
                                  "%.*s\nSIZE %d\n8BITMIME\nSMTPUTF8\nPIPELINING\n"
                                  "ENHANCEDSTATUSCODES%s\nHELP",
                                  SLICE_ARG(o->host_name), LIMIT_MESSAGE_BYTES,
                                  o->tls && !stream_is_tls(s->talk.stream) ? "\nSTARTTLS" : "")
                         .data;
    return answer(t, s, &reply);
}

/* RFC 3207 §4.2: whatever was said in clear is forgotten. */
static int shake_hands(struct task *t, struct session *s)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, limits_of(s)->handshake_us);
    int r = submit_talk_flush(t, &s->talk);

    forget_transaction(s);
    s->greeted = false;
    return r == 0 ? stream_start_tls_server(t, s->talk.stream, s->service->options.tls) : r;
}

static int do_starttls(struct task *t, struct session *s)
{
    int r;

    if (stream_is_tls(s->talk.stream))
        return answer(t, s, &TLS_ALREADY);
    if (!s->service->options.tls)
        return answer(t, s, &NOT_OFFERED);
    if (submit_talk_pending(&s->talk))
        return answer(t, s, &TLS_PIPELINED);
    r = answer(t, s, &READY_FOR_TLS);
    return r == 0 ? shake_hands(t, s) : r;
}

/* --- transaction --- */

static int do_mail(struct task *t, struct session *s, const struct smtp_mail *mail)
{
    if (!s->greeted)
        return answer(t, s, &HELLO_FIRST);
    if (s->open)
        return answer(t, s, &IN_TRANSACTION);
    s->open = true;
    s->service->busy++;
    s->smtputf8 = mail->smtputf8;
    s->sender = wire_address_text(&s->arena, &mail->from);
    return answer(t, s, &SENDER_OK);
}

static bool is_taken(struct task *t, struct session *s, const struct address *to,
                     struct slice address)
{
    const struct inbound_options *o = &s->service->options;
    struct return_path path;

    if (o->feedback_address.size && slice_equal_nocase(address, o->feedback_address))
        return true;
    if (return_path_read(to->local, o->keys, task_wall_us(t), &path) < 0)
        return false;
    return slice_equal_nocase(to->domain, o->bounce_domain) ||
           (o->directory && directory_has_mail_from(o->directory, to->domain));
}

static bool is_there(const struct session *s, struct slice address)
{
    for (size_t i = 0; i < s->recipient_count; i++)
        if (slice_equal_nocase(s->recipients[i].address, address))
            return true;
    return false;
}

static int do_rcpt(struct task *t, struct session *s, const struct smtp_rcpt *rcpt)
{
    struct slice address;

    if (!s->open)
        return answer(t, s, &MAIL_FIRST);
    address = wire_address_text(&s->arena, &rcpt->to);
    if (!is_taken(t, s, &rcpt->to, address)) {
        s->service->counters.recipients_refused++;
        return answer(t, s, &NO_SUCH_ADDRESS);
    }
    if (is_there(s, address))
        return answer(t, s, &RECIPIENT_OK);
    if (s->recipient_count == limits_of(s)->recipients_max)
        return answer(t, s, &TOO_MANY_RECIPIENTS);
    s->recipients[s->recipient_count++] =
        (struct queue_recipient){.address = address, .domain = rcpt->to.domain};
    return answer(t, s, &RECIPIENT_OK);
}

/* --- content --- */

static const struct wire_reply *refuse_room(int result)
{
    if (result == -ENOSPC || result == -ENOBUFS)
        return &NO_ROOM;
    return result ? &CLOSED : NULL;
}

/* What the steward does not take must not fill the disk. */
static const struct wire_reply *refuse_data(const struct session *s)
{
    if (queue_transactional(s->service->options.queue, SLICE(INBOUND_POOL)) >=
        LIMIT_INBOUND_WAITING)
        return &NO_ROOM;
    return refuse_room(queue_room(s->service->options.queue));
}

static struct message_id make_id(struct task *t)
{
    int64_t now_us = task_wall_us(t);
    uint8_t random[16];

    world_random(task_world(t), random, sizeof random);
    return message_id_make(now_us > 0 ? (uint64_t)now_us / 1000 : 0, random);
}

static int store(struct task *t, struct session *s, struct submit_content *content)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, limits_of(s)->command_us);
    struct queue_submission submission = {
        .id = content->id,
        .site_id = INBOUND_SITE,
        .envelope_from = slice_part(s->sender, 0, QUEUE_SUBJECT_BYTES),
        .content = content->bytes,
        .recipients = s->recipients,
        .recipient_count = s->recipient_count,
    };

    content->bytes = BUFFER_NONE; /* the queue's now */
    return queue_accept(t, s->service->options.queue, &submission);
}

/* From 354 to what the report is answered. */
static int take(struct task *t, struct session *s, struct submit_content *content,
                struct wire_reply *ret_reply)
{
    int r = answer(t, s, &GO_AHEAD);

    if (r == 0)
        r = submit_collect(t, &s->talk, limits_of(s), &s->arena, content, ret_reply);
    if (r < 0 || ret_reply->code)
        return r;
    r = store(t, s, content);
    if (r == -ECANCELED)
        return r;
    *ret_reply = r == 0 ? OK : *refuse_room(r);
    return 0;
}

static int do_data(struct task *t, struct session *s)
{
    CLEANUP(submit_content_done)
    struct submit_content content = {.id = make_id(t), .draw = {.budget = &s->service->budget}};
    struct inbound_counters *counters = &s->service->counters;
    const struct wire_reply *refusal;
    struct wire_reply reply;
    int r;

    if (s->recipient_count == 0)
        return answer(t, s, s->open ? &NO_RECIPIENT : &MAIL_FIRST);
    refusal = refuse_data(s);
    if (refusal) {
        counters->reports_deferred++;
        return answer(t, s, refusal);
    }
    r = take(t, s, &content, &reply);
    if (r)
        return r;
    counters->reports_taken += reply.code == 250;
    counters->reports_deferred += reply.code != 250;
    forget_transaction(s);
    s->errors = s->idle_commands = 0;
    return answer(t, s, &reply);
}

/* --- the session --- */

static int do_rset(struct task *t, struct session *s)
{
    forget_transaction(s);
    return answer(t, s, &OK);
}

static int do_quit(struct task *t, struct session *s)
{
    int r = answer(t, s, &BYE);

    return r ? r : END;
}

static int run(struct task *t, struct session *s, const struct smtp_command *c)
{
    switch (c->verb) {
    case SMTP_EHLO:
    case SMTP_HELO:
        return do_hello(t, s, c);
    case SMTP_STARTTLS:
        return do_starttls(t, s);
    case SMTP_MAIL:
        return do_mail(t, s, &c->mail);
    case SMTP_RCPT:
        return do_rcpt(t, s, &c->rcpt);
    case SMTP_DATA:
        return do_data(t, s);
    case SMTP_RSET:
        return do_rset(t, s);
    case SMTP_QUIT:
        return do_quit(t, s);
    case SMTP_NOOP:
        return answer(t, s, &OK);
    case SMTP_VRFY:
        return answer(t, s, &CANNOT_VERIFY);
    case SMTP_HELP:
        return answer(t, s, &HELP_TEXT);
    default:
        return answer(t, s, &NOT_OFFERED);
    }
}

static int perform(struct task *t, struct session *s, struct slice line)
{
    const struct smtp_command_options options = {
        .size_max_bytes = LIMIT_MESSAGE_BYTES, .smtputf8 = s->smtputf8, .postmaster = true};
    struct smtp_command command;
    struct wire_reply refusal;

    if (line.size + 2 > LIMIT_COMMAND_BYTES)
        return answer(t, s, &LINE_TOO_LONG);
    if (!wire_command_parse(&s->arena, line, &options, &command, &refusal))
        return answer(t, s, &refusal);
    s->idle_commands += command.verb != SMTP_MAIL && command.verb != SMTP_RCPT;
    return run(t, s, &command);
}

static const struct wire_reply *refuse_to_go_on(struct task *t, const struct session *s)
{
    const struct submit_limits *limits = limits_of(s);

    if (s->errors > limits->errors_max || s->idle_commands > limits->idle_commands_max)
        return &TOO_MANY_ERRORS;
    if (!s->open && s->service->stopping)
        return &STOPPING;
    return task_now_us(t) - s->started_us > limits->session_us ? &TOO_LONG_HERE : NULL;
}

static int read_line(struct task *t, struct session *s, struct slice *ret_line)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, limits_of(s)->command_us);

    return submit_talk_read(t, &s->talk, ret_line);
}

static int step(struct task *t, struct session *s)
{
    const struct wire_reply *refusal;
    struct slice line;
    int r = read_line(t, s, &line);

    if (r == 0)
        r = perform(t, s, line);
    else if (r == -EMSGSIZE)
        r = answer(t, s, &LINE_TOO_LONG);
    if (r)
        return r;
    if (!s->open)
        arena_done(&s->arena);
    refusal = refuse_to_go_on(t, s);
    return refusal ? answer(t, s, refusal) : GO_ON;
}

static int listen_early(struct task *t, struct session *s)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, limits_of(s)->early_talk_us);
    int r = stream_fill(t, s->talk.stream, 1);

    return r == -ETIMEDOUT ? 0 : r;
}

static int greet(struct task *t, struct session *s)
{
    struct slice name = s->service->options.host_name;
    struct wire_reply greeting = {220, NULL, NULL};
    int r = listen_early(t, s);

    if (r)
        return r;
    if (submit_talk_pending(&s->talk)) {
        r = answer(t, s, &EARLY);
        return r ? r : END;
    }
    greeting.text = arena_printf(&s->arena, "%.*s ESMTP Letterhead", SLICE_ARG(name)).data;
    return answer(t, s, &greeting);
}

static void say_farewell(struct task *t, struct session *s, int why)
{
    CLEANUP(task_grace_end)
    struct task_grace grace = task_grace_begin(t, limits_of(s)->farewell_us);
    int r = 0;

    if (why == -ETIMEDOUT || why == -ECANCELED)
        r = submit_talk_reply(t, &s->talk, why == -ETIMEDOUT ? &TIMED_OUT : &STOPPING);
    if (r == 0)
        r = submit_talk_flush(t, &s->talk);
    if (r)
        log_debug("inbound: a client did not take its farewell: %s", strerror(-r));
}

void inbound_session_run(struct task *t, struct inbound_service *service, struct stream *stream)
{
    CLEANUP(session_done)
    struct session s = {
        .service = service, .talk = {.stream = stream}, .started_us = task_now_us(t)};
    int r = greet(t, &s);

    while (r == GO_ON)
        r = step(t, &s);
    say_farewell(t, &s, r);
}
