/* load: a load generator that speaks SMTP.
 *
 * One thread, epoll, many sessions at once, a bounded number of messages per connection, one
 * recipient per message. Every message has its own X-Bench-Id, Message-ID, Subject and recipient;
 * the rest of the header is as a mail client would write it. What is refused for now (4xx, or a
 * connection lost before the reply to its data) is tried again; what is refused for good is
 * counted. Prints one JSON object. Its times are CLOCK_MONOTONIC seconds, so they compare with
 * those of sink on the same machine.
 *
 * It is a measuring instrument, not a client library: its messages are well-formed by construction
 * and the server under test is trusted to answer in short lines.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "load -p PORT [-h ADDRESS] [-c SESSIONS] [-n MESSAGES] [-s BODY_BYTES] [-m PER_CONNECTION]\n"
    "     [-f FROM_DOMAIN] [-r RECIPIENT_DOMAINS] [-t LIMIT_SECONDS] [-a AUTH_PLAIN_BASE64] [-P]\n"
    "  -m 0: no limit; -P: use PIPELINING; -a: initial response of AUTH PLAIN\n";

enum step {
    STEP_OFF,
    STEP_GREETING,
    STEP_EHLO,
    STEP_AUTH,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_CONTENT,
    STEP_QUIT,
};

struct session {
    int socket; /* -1: none */
    enum step step;
    int begun; /* messages begun on this connection */
    long id;   /* the message in hand, -1: none */
    char *out;
    size_t out_length, out_sent, out_size;
    char in[8192];
    size_t in_length;
    double content_sent_s; /* when the kernel had the last byte of the content, 0: not yet */
    double retry_at_s;
    bool wants_write;
};

static struct {
    const char *address, *from_domain, *auth;
    int port, sessions, per_connection, recipient_domains;
    long messages;
    size_t body_bytes;
    bool pipelining;
    double limit_s;
} options = {
    .address = "127.0.0.1",
    .from_domain = "bench.example",
    .sessions = 20,
    .per_connection = 100,
    .recipient_domains = 20,
    .messages = 1000,
    .body_bytes = 4096,
    .limit_s = 600,
};

static struct {
    long next_id, accepted, refused, deferred, lost, connections;
    long *again; /* ids to be tried once more */
    size_t again_count;
    double *latency_s;
    double start_s, last_accepted_s;
    time_t wall_start;
    char last_error[256];
} run;

static int epoll;
static char *body;

static double now_s(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void *allocate(void *memory, size_t size)
{
    memory = realloc(memory, size);
    assert(memory);
    return memory;
}

/* Words in lines of 70 columns, one of them beginning with a stuffed dot, ending in CR LF. */
static void body_make(void)
{
    static const char words[] = "invoice account order the your has been shipped please find "
                                "enclosed statement for month of thank you regards team ";
    size_t size = options.body_bytes;

    body = allocate(NULL, size);
    for (size_t at = 0; at < size; at++)
        body[at] = words[at % (sizeof(words) - 1)];
    for (size_t at = 70; at + 4 < size; at += 72)
        memcpy(body + at, "\r\n", 2);
    if (size > 600)
        memcpy(body + (size_t)7 * 72, "..dot ", 6);
    memcpy(body + size - 2, "\r\n", 2);
}

/* Ends the connection; a message in hand will be tried again. */
static void session_drop(struct session *session, double wait_s)
{
    if (session->socket >= 0)
        close(session->socket);
    if (session->id >= 0)
        run.again[run.again_count++] = session->id;
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

static void session_flush(struct session *session)
{
    while (session->out_sent < session->out_length) {
        ssize_t sent = send(session->socket, session->out + session->out_sent,
                            session->out_length - session->out_sent, MSG_NOSIGNAL);

        if (sent < 0 && errno == EAGAIN) {
            session_want_write(session, true);
            return;
        }
        if (sent < 0) {
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

static void session_put(struct session *session, const char *bytes, size_t length)
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

static void session_open(struct session *session)
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

static long message_take(void)
{
    if (run.again_count > 0)
        return run.again[--run.again_count];
    return run.next_id < options.messages ? run.next_id++ : -1;
}

static void session_mail(struct session *session)
{
    char line[512], recipient[256] = "";

    if (options.pipelining)
        snprintf(recipient, sizeof(recipient), "RCPT TO:<user%ld@d%ld.rcpt.example>\r\nDATA\r\n",
                 session->id, session->id % options.recipient_domains);
    snprintf(line, sizeof(line), "MAIL FROM:<sender%ld@%s>\r\n%s", session->id % 10,
             options.from_domain, recipient);
    session_say(session, STEP_MAIL, line);
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

static void session_rcpt(struct session *session)
{
    char line[256];

    session->step = STEP_RCPT;
    if (options.pipelining)
        return;
    snprintf(line, sizeof(line), "RCPT TO:<user%ld@d%ld.rcpt.example>\r\n", session->id,
             session->id % options.recipient_domains);
    session_say(session, STEP_RCPT, line);
}

static void session_content(struct session *session)
{
    char header[1024], date[64];
    time_t wall = run.wall_start + (time_t)(now_s() - run.start_s);
    struct tm fields;
    long id = session->id;
    int length;

    gmtime_r(&wall, &fields);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &fields);
    length = snprintf(header, sizeof(header),
                      "From: Billing Team <sender%ld@%s>\r\nTo: <user%ld@d%ld.rcpt.example>\r\n"
                      "Subject: Your statement number %ld\r\nDate: %s\r\n"
                      "Message-ID: <%lld.%ld@%s>\r\nMIME-Version: 1.0\r\n"
                      "Content-Type: text/plain; charset=us-ascii\r\n"
                      "Content-Transfer-Encoding: 7bit\r\nX-Bench-Id: %ld\r\n\r\n",
                      id % 10, options.from_domain, id, id % options.recipient_domains, id, date,
                      (long long)run.wall_start, id, options.from_domain, id);
    session_put(session, header, (size_t)length);
    session_put(session, body, options.body_bytes);
    session->content_sent_s = 0;
    session_say(session, STEP_CONTENT, ".\r\n");
}

static void session_accepted(struct session *session)
{
    double sent_s = session->content_sent_s;

    run.last_accepted_s = now_s();
    run.latency_s[run.accepted++] = sent_s > 0 ? run.last_accepted_s - sent_s : 0;
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

/* What to do after the last line of a reply, by the step that it answers. */
static void session_reply(struct session *session, int code, const char *line)
{
    char auth[1024];
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
        if (!options.auth) {
            session_next(session);
            return;
        }
        snprintf(auth, sizeof(auth), "AUTH PLAIN %s\r\n", options.auth);
        session_say(session, STEP_AUTH, auth);
        return;
    case STEP_AUTH:
        session_next(session);
        return;
    case STEP_MAIL:
        session_rcpt(session);
        return;
    case STEP_RCPT:
        session_say(session, STEP_DATA, options.pipelining ? "" : "DATA\r\n");
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

static void session_lines(struct session *session)
{
    char *start = session->in, *end;

    while (session->socket >= 0) {
        char line[512] = "";
        size_t rest = session->in_length - (size_t)(start - session->in);

        end = memchr(start, '\n', rest);
        if (!end) {
            memmove(session->in, start, rest);
            session->in_length = rest;
            return;
        }
        snprintf(line, sizeof(line), "%.*s", (int)(end - start), start);
        start = end + 1;
        if (strlen(line) < 4 || line[3] != '-')
            session_reply(session, (int)strtol(line, NULL, 10), line);
    }
}

static void session_read(struct session *session)
{
    ssize_t got = read(session->socket, session->in + session->in_length,
                       sizeof(session->in) - session->in_length);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 && session->step == STEP_QUIT) {
        session_drop(session, 0);
        return;
    }
    if (got <= 0) {
        session_lost(session, "closed");
        return;
    }
    session->in_length += (size_t)got;
    session_lines(session);
}

static bool messages_left(void)
{
    return run.again_count > 0 || run.next_id < options.messages;
}

static void work(struct session *sessions)
{
    struct epoll_event events[64];

    while (run.accepted + run.refused < options.messages) {
        double time_s = now_s();
        int count;

        if (time_s - run.start_s > options.limit_s)
            return;
        for (int i = 0; i < options.sessions && messages_left(); i++)
            if (sessions[i].step == STEP_OFF && sessions[i].retry_at_s <= time_s)
                session_open(&sessions[i]);
        count = epoll_wait(epoll, events, 64, 20);
        for (int i = 0; i < count; i++) {
            struct session *session = events[i].data.ptr;

            if (session->socket >= 0 && (events[i].events & EPOLLOUT))
                session_flush(session);
            if (session->socket >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                session_read(session);
        }
    }
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double latency_ms(double quantile)
{
    if (run.accepted == 0)
        return 0;
    return run.latency_s[(size_t)((double)(run.accepted - 1) * quantile)] * 1000;
}

static void report(void)
{
    struct rusage usage_now;

    getrusage(RUSAGE_SELF, &usage_now);
    qsort(run.latency_s, (size_t)run.accepted, sizeof(*run.latency_s), compare);
    for (char *c = run.last_error; *c; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            *c = ' ';
    printf("{\"messages\":%ld,\"accepted\":%ld,\"refused\":%ld,\"deferred\":%ld,\"lost\":%ld,"
           "\"connections\":%ld,\"start_s\":%.6f,\"last_accepted_s\":%.6f,"
           "\"latency_p50_ms\":%.2f,\"latency_p99_ms\":%.2f,\"latency_max_ms\":%.2f,"
           "\"cpu_s\":%.3f,\"last_error\":\"%s\"}\n",
           options.messages, run.accepted, run.refused, run.deferred, run.lost, run.connections,
           run.start_s, run.last_accepted_s, latency_ms(0.5), latency_ms(0.99), latency_ms(1),
           (double)(usage_now.ru_utime.tv_sec + usage_now.ru_stime.tv_sec) +
               (double)(usage_now.ru_utime.tv_usec + usage_now.ru_stime.tv_usec) * 1e-6,
           run.last_error);
}

static bool option_take(int letter, const char *value)
{
    long number = value ? strtol(value, NULL, 10) : 0;

    switch (letter) {
    case 'h':
        options.address = value;
        return true;
    case 'p':
        options.port = (int)number;
        return true;
    case 'c':
        options.sessions = (int)number;
        return true;
    case 'n':
        options.messages = number;
        return true;
    case 's':
        options.body_bytes = (size_t)(number < 16 ? 16 : number);
        return true;
    case 'm':
        options.per_connection = (int)number;
        return true;
    case 'f':
        options.from_domain = value;
        return true;
    case 'r':
        options.recipient_domains = (int)number;
        return true;
    case 't':
        options.limit_s = (double)number;
        return true;
    case 'a':
        options.auth = value;
        return true;
    case 'P':
        options.pipelining = true;
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    struct session *sessions;
    int letter;

    while ((letter = getopt(argc, argv, "h:p:c:n:s:m:f:r:t:a:P")) != -1)
        if (!option_take(letter, optarg)) {
            fputs(usage, stderr);
            return 2;
        }
    if (options.port == 0) {
        fputs(usage, stderr);
        return 2;
    }
    body_make();
    run.latency_s = allocate(NULL, sizeof(double) * (size_t)(options.messages + 1));
    run.again = allocate(NULL, sizeof(long) * (size_t)(options.sessions + 1));
    sessions = calloc((size_t)options.sessions, sizeof(*sessions));
    assert(sessions);
    for (int i = 0; i < options.sessions; i++)
        sessions[i].socket = sessions[i].id = -1;
    epoll = epoll_create1(0);
    run.wall_start = time(NULL);
    run.start_s = run.last_accepted_s = now_s();
    work(sessions);
    report();
    return run.accepted == options.messages ? 0 : 1;
}
