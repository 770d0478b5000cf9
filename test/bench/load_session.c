/* The dialogue of load: one connection, from the greeting to QUIT. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Ends the connection; a message in hand will be tried again. */
static void session_drop(struct session *session, double wait_s)
{
    secure_end(session->tls);
    if (session->socket >= 0)
        close(session->socket);
    if (session->id >= 0)
        run.again[run.again_count++] = session->id;
    session->tls = NULL;
    session->socket = -1;
    session->id = -1;
    session->step = STEP_OFF;
    session->begun = 0;
    session->in_length = session->out_length = session->out_sent = 0;
    session->retry_at_s = wait_s > 0 ? now_s() + wait_s : 0;
}

static void session_lost(struct session *session, const char *why)
{
    run.lost++;
    snprintf(run.last_error, sizeof(run.last_error), "%s in step %d", why, (int)session->step);
    session_drop(session, 0.05);
}

static void session_want_write(struct session *session, bool wants)
{
    struct epoll_event event = {.events = EPOLLIN | (wants ? EPOLLOUT : 0), .data.ptr = session};

    if (session->wants_write == wants)
        return;
    session->wants_write = wants;
    epoll_ctl(epoll, EPOLL_CTL_MOD, session->socket, &event);
}

void session_flush(struct session *session)
{
    while (session->out_sent < session->out_length) {
        ssize_t sent = secure_write(session->tls, session->socket, session->out + session->out_sent,
                                    session->out_length - session->out_sent);

        if (sent < 0 && errno == EAGAIN) {
            session_want_write(session, secure_waits_for_room(session->tls));
            return;
        }
        if (sent <= 0) {
            session_lost(session, "write");
            return;
        }
        session->out_sent += (size_t)sent;
    }
    session->out_sent = session->out_length = 0;
    session_want_write(session, false);
    if (session->step == STEP_CONTENT && session->content_sent_s == 0)
        session->content_sent_s = now_s();
}

void session_put(struct session *session, const char *bytes, size_t length)
{
    if (session->out_length + length > session->out_size) {
        session->out_size = (session->out_length + length) * 2;
        session->out = allocate(session->out, session->out_size);
    }
    memcpy(session->out + session->out_length, bytes, length);
    session->out_length += length;
}

static void session_say(struct session *session, enum step next, const char *line)
{
    session->step = next;
    session_put(session, line, strlen(line));
    session_flush(session);
}

void session_open(struct session *session)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
    int one = 1;

    inet_pton(AF_INET, options.address, &peer.sin_addr);
    session->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(session->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(session->socket, (void *)&peer, sizeof(peer)) < 0 && errno != EINPROGRESS) {
        session_lost(session, "connect");
        return;
    }
    epoll_ctl(epoll, EPOLL_CTL_ADD, session->socket, &event);
    session->wants_write = false;
    session->step = STEP_GREETING;
    run.connections++;
}

/* With a rate, the n-th message is due n/rate seconds after the start. */
static bool message_is_due(void)
{
    return options.per_s <= 0 || (double)run.next_id <= (now_s() - run.start_s) * options.per_s;
}

bool messages_left(void)
{
    return run.again_count > 0 || (run.next_id < options.messages && message_is_due());
}

static long message_take(void)
{
    if (!messages_left())
        return -1;
    return run.again_count > 0 ? run.again[--run.again_count] : options.first_id + run.next_id++;
}

static void session_mail(struct session *session)
{
    char line[512];

    session->rcpt_answered = 0;
    snprintf(line, sizeof(line), "MAIL FROM:<sender%ld@%s>\r\n", session->id % 10,
             options.from_domain);
    session_put(session, line, strlen(line));
    for (int n = 0; options.pipelining && n < options.recipients; n++)
        message_put_rcpt(session, n);
    session_say(session, STEP_MAIL, options.pipelining ? "DATA\r\n" : "");
}

static void session_next(struct session *session)
{
    if (options.per_connection == 0 || session->begun < options.per_connection)
        session->id = message_take();
    if (session->id < 0) {
        session_say(session, STEP_QUIT, "QUIT\r\n");
        return;
    }
    session->begun++;
    session_mail(session);
}

/* After MAIL and after each RCPT: the next recipient, or DATA. */
static void session_rcpt(struct session *session)
{
    bool all = session->rcpt_answered == options.recipients;

    session->step = all ? STEP_DATA : STEP_RCPT;
    if (options.pipelining)
        return;
    if (!all)
        message_put_rcpt(session, session->rcpt_answered);
    session_say(session, session->step, all ? "DATA\r\n" : "");
}

static void session_content(struct session *session)
{
    message_put(session);
    session->content_sent_s = 0;
    session_say(session, STEP_CONTENT, "");
}

static void session_accepted(struct session *session)
{
    double sent_s = session->content_sent_s;

    run.last_accepted_s = now_s();
    run.latency_s[run.accepted++] = sent_s > 0 ? run.last_accepted_s - sent_s : 0;
    if (run.log)
        fprintf(run.log, "%ld %.6f\n", session->id, run.last_accepted_s);
    session->id = -1;
    session_next(session);
}

static void session_refused(struct session *session, int code, const char *line)
{
    bool final = code >= 500 && session->id >= 0;

    snprintf(run.last_error, sizeof(run.last_error), "%.200s", line);
    if (final) {
        run.refused++;
        session->id = -1;
    } else {
        run.deferred++;
    }
    session_drop(session, final ? 0 : 0.1);
}

static void session_start_tls(struct session *session)
{
    session->in_length = 0;
    session->tls = secure_connect(tls_client, session->socket, &session->ticket);
    session_say(session, STEP_EHLO, "EHLO client.bench.example\r\n");
}

static void count_handshake(const struct session *session)
{
    if (!session->tls)
        return;
    run.handshakes++;
    run.resumed += SSL_session_reused(session->tls);
    run.tls13 += SSL_version(session->tls) == TLS1_3_VERSION;
}

static void session_greeted(struct session *session)
{
    char line[1100];

    if (tls_client && !session->tls) {
        session_say(session, STEP_STARTTLS, "STARTTLS\r\n");
        return;
    }
    count_handshake(session);
    if (!options.auth[0]) {
        session_next(session);
        return;
    }
    snprintf(line, sizeof(line), "AUTH PLAIN %s\r\n", options.auth);
    session_say(session, STEP_AUTH, line);
}

/* What to do after the last line of a reply, by the step that it answers. */
static void session_reply(struct session *session, int code, const char *line)
{
    int wanted = session->step == STEP_DATA ? 3 : 2;

    if (session->step == STEP_QUIT) {
        session_drop(session, 0);
        return;
    }
    if (code / 100 != wanted) {
        session_refused(session, code, line);
        return;
    }
    switch (session->step) {
    case STEP_GREETING:
        session_say(session, STEP_EHLO, "EHLO client.bench.example\r\n");
        return;
    case STEP_EHLO:
        session_greeted(session);
        return;
    case STEP_STARTTLS:
        session_start_tls(session);
        return;
    case STEP_AUTH:
        session_next(session);
        return;
    case STEP_RCPT:
        session->rcpt_answered++;
        session_rcpt(session);
        return;
    case STEP_MAIL:
        session_rcpt(session);
        return;
    case STEP_DATA:
        session_content(session);
        return;
    case STEP_CONTENT:
        session_accepted(session);
        return;
    case STEP_OFF:
    case STEP_QUIT:
        return;
    }
}

/* A reply may end the connection, or begin TLS, which begins a new dialogue. */
static void session_lines(struct session *session)
{
    size_t used = 0;

    while (session->socket >= 0 && used < session->in_length) {
        const char *start = session->in + used;
        const char *end = memchr(start, '\n', session->in_length - used);
        char line[512] = "";

        if (!end)
            break;
        snprintf(line, sizeof(line), "%.*s", (int)(end - start), start);
        used = (size_t)(end - session->in) + 1;
        if (strlen(line) < 4 || line[3] != '-')
            session_reply(session, (int)strtol(line, NULL, 10), line);
    }
    if (used > session->in_length)
        return;
    session->in_length -= used;
    memmove(session->in, session->in + used, session->in_length);
}

static bool read_once(struct session *session)
{
    ssize_t got = secure_read(session->tls, session->socket, session->in + session->in_length,
                              sizeof(session->in) - session->in_length);

    if (got < 0 && errno == EAGAIN)
        return false;
    if (got <= 0 && session->step == STEP_QUIT) {
        session_drop(session, 0);
        return false;
    }
    if (got <= 0) {
        session_lost(session, "closed");
        return false;
    }
    session->in_length += (size_t)got;
    session_lines(session);
    return session->tls && SSL_pending(session->tls) > 0;
}

/* A handshake that waited for these bytes may have left something to be written. */
void session_read(struct session *session)
{
    while (read_once(session))
        ;
    if (session->socket >= 0 && session->out_sent < session->out_length)
        session_flush(session);
}
