#include "submit/session.h"

#include "base/limits.h"
#include "base/log.h"
#include "submit/command.h"

#define REPLY(name, ...) static const struct wire_reply name = {__VA_ARGS__}
REPLY(LINE_TOO_LONG, 500, "5.5.2", "Line too long");
REPLY(TOO_MANY_ERRORS, 421, "4.7.0", "Too many errors");
REPLY(TOO_MANY_IDLE, 421, "4.7.0", "Too many commands without a message");
REPLY(TOO_LONG_HERE, 421, "4.4.2", "This session has lasted long enough; connect again");
REPLY(NOT_READY, 421, "4.3.2", "The list of sites is not loaded yet; try again in a moment");
REPLY(NO_CREDENTIAL, 421, "4.3.2",
      "This port's credential does not exist; the operator must set one");
REPLY(TOO_MANY_SESSIONS, 421, "4.7.0", "Too many concurrent SMTP connections");
REPLY(NOT_SMTP, 421, "4.7.0", "This is a mail server");
REPLY(EARLY, 554, "5.5.1", "Wait for the greeting before you speak");
REPLY(TIMED_OUT, 421, "4.4.2", "Timeout waiting for data from client.");
REPLY(STOPPING, 421, "4.3.2", "The server is stopping; try again");

static void session_done(struct submit_session *s)
{
    submit_session_forget_transaction(s);
    submit_talk_done(&s->talk);
    buffer_done(&s->hello);
    buffer_done(&s->user);
}

static const struct submit_limits *limits_of(const struct submit_session *s)
{
    return &s->service->options.limits;
}

/* A port without TLS is bound to one credential, whose site it is from the start. */
static const struct wire_reply *assume_credential(struct submit_session *s)
{
    struct slice user = s->listener->access_key_id;
    const struct directory_credential *credential;
    const struct directory_site *site;

    if (s->listener->tls != SUBMIT_TLS_NONE)
        return NULL;
    site = directory_site_by_credential(s->service->options.directory, user, &credential);
    if (!site)
        return &NO_CREDENTIAL;
    return submit_session_enter_site(s, user, site->id) ? NULL : &TOO_MANY_SESSIONS;
}

static const struct wire_reply *refuse_greeting(struct submit_session *s)
{
    if (s->service->stopping)
        return &STOPPING;
    if (!directory_ready(s->service->options.directory))
        return &NOT_READY;
    if (submit_talk_pending(&s->talk))
        return &EARLY;
    return assume_credential(s);
}

/* Listens for a moment. What speaks before it is greeted (RFC 5321 §3.1) is no mail client, but
 * something that was made to connect here (ALPACA), or a guesser in a hurry. */
static int listen_early(struct task *t, struct submit_session *s)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, limits_of(s)->early_talk_us);
    int r = stream_fill(t, s->talk.stream, 1);

    return r == -ETIMEDOUT ? 0 : r;
}

static int greet(struct task *t, struct submit_session *s)
{
    const struct wire_reply *refusal = refuse_greeting(s);
    struct slice name = s->service->options.host_name;

    if (refusal) {
        int r = submit_session_answer(t, s, refusal);
        return r ? r : SUBMIT_END;
    }
    struct wire_reply greeting = {
        220, NULL,
        arena_printf(&s->transaction.arena, "%.*s ESMTP Letterhead", SLICE_ARG(name)).data};
    return submit_session_answer(t, s, &greeting);
}

static int open_session(struct task *t, struct submit_session *s)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, limits_of(s)->handshake_us);
    int r = 0;

    if (s->listener->tls == SUBMIT_TLS_IMPLICIT)
        r = stream_start_tls_server(t, s->talk.stream, s->service->options.tls);
    if (r == 0)
        r = listen_early(t, s);
    return r ? r : greet(t, s);
}

static int read_line(struct task *t, struct submit_session *s, struct slice *ret_line)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, submit_session_patience_us(t, s));

    return submit_talk_read(t, &s->talk, ret_line);
}

/* What a browser would say that was made to connect here: nothing of what follows is answered. */
static bool is_web(struct slice line)
{
    static const struct slice words[] = {
        {"GET ", 4},     {"POST ", 5},    {"PUT ", 4},    {"HEAD ", 5},
        {"OPTIONS ", 8}, {"CONNECT ", 8}, {"DELETE ", 7}, {"PATCH ", 6},
        {"TRACE ", 6},   {"PRI * ", 6},   {"Host:", 5},   {"User-Agent:", 11},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_starts_nocase(line, words[i]))
            return true;
    }
    return false;
}

static bool is_too_long(struct slice line)
{
    return line.size + 2 > LIMIT_COMMAND_BYTES && !slice_starts_nocase(line, SLICE("AUTH "));
}

static int perform(struct task *t, struct submit_session *s, struct slice line)
{
    struct smtp_command_options options = {
        .size_max_bytes = limits_of(s)->message_size_max_bytes,
        .smtputf8 = s->transaction.envelope.smtputf8,
    };
    struct smtp_command command;
    struct wire_reply refusal;

    if (is_web(line))
        return submit_session_answer(t, s, &NOT_SMTP);
    if (is_too_long(line))
        return submit_session_answer(t, s, &LINE_TOO_LONG);
    if (!wire_command_parse(&s->transaction.arena, line, &options, &command, &refusal))
        return submit_session_answer(t, s, &refusal);
    return submit_command_run(t, s, &command);
}

/* Limits that hold over a whole session, looked at between two commands. */
static const struct wire_reply *refuse_to_go_on(struct task *t, const struct submit_session *s)
{
    const struct submit_limits *limits = limits_of(s);
    uint64_t elapsed_us = task_now_us(t) - s->started_us;

    if (s->errors > limits->errors_max)
        return &TOO_MANY_ERRORS;
    if (s->idle_commands > limits->idle_commands_max)
        return &TOO_MANY_IDLE;
    if (s->transaction.open) /* a message is let through, but not for ever */
        return elapsed_us > 2 * limits->session_us ? &TOO_LONG_HERE : NULL;
    if (s->service->stopping)
        return &STOPPING;
    return elapsed_us > limits->session_us ? &TOO_LONG_HERE : NULL;
}

/* One command and its answer. */
static int step(struct task *t, struct submit_session *s)
{
    const struct wire_reply *refusal;
    struct slice line;
    int r;

    r = read_line(t, s, &line);
    if (r == 0)
        r = perform(t, s, line);
    else if (r == -EMSGSIZE)
        r = submit_session_answer(t, s, &LINE_TOO_LONG);
    if (r)
        return r;
    if (!s->transaction.open)
        submit_transaction_reset(&s->transaction);
    refusal = refuse_to_go_on(t, s);
    return refusal ? submit_session_answer(t, s, refusal) : SUBMIT_GO_ON;
}

static const struct wire_reply *farewell_for(int why)
{
    switch (why) {
    case -ETIMEDOUT:
        return &TIMED_OUT;
    case -ECANCELED:
        return &STOPPING;
    case -EPROTO:
        return &NOT_SMTP;
    default:
        return NULL;
    }
}

/* Says why, if that can still be said, and sends what is left; how the session ended is settled. */
static void say_farewell(struct task *t, struct submit_session *s, int why)
{
    CLEANUP(task_grace_end)
    struct task_grace grace = task_grace_begin(t, limits_of(s)->farewell_us);
    const struct wire_reply *farewell = farewell_for(why);
    int r = 0;

    if (farewell)
        r = submit_talk_reply(t, &s->talk, farewell);
    if (r == 0)
        r = submit_talk_flush(t, &s->talk);
    if (r)
        log_debug("submit: a client did not take its farewell: %s", strerror(-r));
}

static void note_end(struct submit_session *s, int why)
{
    char address[ENDPOINT_TEXT_BYTES];
    const char *trouble = stream_tls_error(s->talk.stream);

    if (why == -ETIMEDOUT || s->errors > limits_of(s)->errors_max)
        s->service->counters.sessions_cut++;
    if (*trouble)
        log_info("submit: TLS with %s failed: %s",
                 endpoint_format_address(stream_peer(s->talk.stream), address), trouble);
}

void submit_session_run(struct task *t, struct submit_service *service,
                        const struct submit_listener *listener, struct submit_seat *seat,
                        struct stream *stream)
{
    CLEANUP(session_done)
    struct submit_session s = {.service = service,
                               .listener = listener,
                               .seat = seat,
                               .talk = {.stream = stream},
                               .transaction = SUBMIT_TRANSACTION_NONE,
                               .started_us = task_now_us(t)};
    int r;

    r = open_session(t, &s);
    while (r == SUBMIT_GO_ON)
        r = step(t, &s);
    note_end(&s, r);
    say_farewell(t, &s, r);
}
