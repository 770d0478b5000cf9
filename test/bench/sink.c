/* sink: an SMTP server that accepts everything and counts it.
 *
 * One thread, epoll. Notes whether a message carries a DKIM-Signature, tells unique X-Bench-Id
 * values from repeated ones, and can save every K-th message (dots removed, CR LF) so that its
 * signature can be checked afterwards. With a certificate it offers STARTTLS and session tickets.
 * Ends after N unique messages, after M recipients, at SIGTERM, or after some idle time with at
 * least one message seen. Prints one JSON object; its times are CLOCK_MONOTONIC seconds, so they
 * compare with those of load on the same machine.
 */
#include "sink.h"

#include "secure.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "sink -p PORT [-l ADDRESS] [-n MESSAGES] [-m RECIPIENTS] [-k EVERY -o FOLDER] [-w DELAY_MS]\n"
    "     [-i IDLE_SECONDS] [-C CERTIFICATE -K KEY] [-L LOG]\n"
    "  -k, -o: save every K-th message; -w: wait before the reply to the end of data;\n"
    "  -C, -K: offer STARTTLS; -L: writes `id seconds` for each message, at its reply\n";

enum { WAITING_MAX = 1 << 16, READ_BYTES = 65536 };

enum state { STATE_COMMAND, STATE_DATA, STATE_WAIT };

struct connection {
    int socket; /* -1: closed; freed after the batch of events */
    SSL *tls;   /* NULL: in clear */
    enum state state;
    bool closing, counted; /* counted: its handshake */
    long id;               /* of the message that waits for its reply */
    int recipients;        /* of the message in hand */
    uint64_t generation;   /* tells a connection from the next one that uses its memory */
    char *in;
    size_t in_length, in_size, scanned;
    char out[2048];
    size_t out_length;
    struct connection *next_free;
};

struct waiting {
    struct connection *connection;
    uint64_t generation;
    double due_s;
};

struct sink_options options = {.address = "127.0.0.1"};

static volatile sig_atomic_t stop;
static int epoll, listener;
static struct waiting *waiting;
static size_t waiting_head, waiting_tail;
static struct connection *closed, *spare;
static uint64_t generations;
static SSL_CTX *tls_server; /* NULL: no STARTTLS */
static FILE *message_log;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void *allocate(void *memory, size_t size)
{
    memory = realloc(memory, size);
    assert(memory);
    return memory;
}

static void count_transaction(struct connection *connection)
{
    seen.recipients += connection->recipients;
    connection->recipients = 0;
    if (!connection->tls)
        return;
    seen.under_tls++;
    if (connection->counted)
        return;
    connection->counted = true;
    seen.handshakes++;
    seen.resumed += SSL_session_reused(connection->tls);
}

static void flush(struct connection *connection)
{
    ssize_t written;

    if (connection->out_length == 0)
        return;
    written =
        secure_write(connection->tls, connection->socket, connection->out, connection->out_length);
    if (written < 0 && errno != EAGAIN)
        connection->closing = true;
    if (written <= 0)
        return;
    connection->out_length -= (size_t)written;
    memmove(connection->out, connection->out + written, connection->out_length);
}

static void put(struct connection *connection, const char *text)
{
    size_t length = strlen(text);

    if (connection->out_length + length > sizeof(connection->out))
        flush(connection);
    if (connection->out_length + length > sizeof(connection->out)) {
        connection->closing = true;
        return;
    }
    memcpy(connection->out + connection->out_length, text, length);
    connection->out_length += length;
}

static void finish(struct connection *connection)
{
    if (connection->socket < 0)
        return;
    secure_end(connection->tls);
    close(connection->socket);
    connection->tls = NULL;
    connection->socket = -1;
    connection->generation = 0;
    connection->next_free = closed;
    closed = connection;
    seen.open--;
}

static void reply_queued(struct connection *connection)
{
    connection->state = STATE_COMMAND;
    put(connection, "250 2.0.0 queued\r\n");
    if (message_log)
        fprintf(message_log, "%ld %.6f\n", connection->id, now_s());
}

static void acknowledge(struct connection *connection)
{
    struct waiting *last = &waiting[waiting_tail];

    if (options.delay_s <= 0) {
        reply_queued(connection);
        return;
    }
    assert((waiting_tail + 1) % WAITING_MAX != waiting_head);
    *last = (struct waiting){connection, connection->generation, now_s() + options.delay_s};
    waiting_tail = (waiting_tail + 1) % WAITING_MAX;
    connection->state = STATE_WAIT;
}

/* Takes one message from the input; returns the bytes used, 0 when its end is not there yet. */
static size_t take_data(struct connection *connection, const char *input, size_t length)
{
    size_t from = connection->scanned > 4 ? connection->scanned - 4 : 0;
    const char *end;
    size_t size;

    if (length >= 3 && !memcmp(input, ".\r\n", 3)) {
        size = 0;
    } else {
        end = memmem(input + from, length - from, "\r\n.\r\n", 5);
        if (!end) {
            connection->scanned = length;
            return 0;
        }
        size = (size_t)(end - input) + 2;
    }
    connection->id = count_message(input, size);
    count_transaction(connection);
    connection->scanned = 0;
    acknowledge(connection);
    return size + 3;
}

static void greet(struct connection *connection)
{
    put(connection, "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n");
    if (tls_server && !connection->tls)
        put(connection, "250-STARTTLS\r\n");
    put(connection, "250 SIZE 104857600\r\n");
}

/* What came in clear behind the command is thrown away (RFC 3207 §4.2). */
static void start_tls(struct connection *connection)
{
    put(connection, "220 2.0.0 go on\r\n");
    flush(connection);
    connection->tls = secure_accept(tls_server, connection->socket);
    connection->in_length = 0;
}

static void command(struct connection *connection, const char *line)
{
    static const char rcpt_reply[] = "250 2.1.5 ok\r\n";
    static const struct {
        const char *verb, *reply;
    } replies[] = {
        {"HELO", "250 sink.example\r\n"}, {"MAIL", "250 2.0.0 ok\r\n"}, {"RCPT", rcpt_reply},
        {"RSET", "250 2.0.0 ok\r\n"},     {"NOOP", "250 2.0.0 ok\r\n"}, {"DATA", "354 go on\r\n"},
        {"QUIT", "221 2.0.0 bye\r\n"},
    };

    if (strncasecmp(line, "EHLO", 4) == 0) {
        greet(connection);
        return;
    }
    if (tls_server && !connection->tls && strncasecmp(line, "STARTTLS", 8) == 0) {
        start_tls(connection);
        return;
    }
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        if (strncasecmp(line, replies[i].verb, 4) != 0)
            continue;
        put(connection, replies[i].reply);
        connection->recipients += replies[i].reply == rcpt_reply;
        if (replies[i].reply[0] == '3')
            connection->state = STATE_DATA;
        connection->closing = replies[i].reply[1] == '2' && replies[i].reply[2] == '1';
        return;
    }
    put(connection, "502 5.5.1 not known here\r\n");
}

static size_t take_command(struct connection *connection, const char *input, size_t length)
{
    const char *newline = memchr(input, '\n', length);

    if (!newline)
        return 0;
    command(connection, input);
    return (size_t)(newline - input) + 1;
}

static void parse(struct connection *connection)
{
    size_t used = 0, step = 1;

    while (step > 0 && used < connection->in_length && !connection->closing &&
           connection->state != STATE_WAIT) {
        const char *input = connection->in + used;
        size_t length = connection->in_length - used;

        step = connection->state == STATE_DATA ? take_data(connection, input, length)
                                               : take_command(connection, input, length);
        used += step;
    }
    used = used < connection->in_length ? used : connection->in_length;
    connection->in_length -= used;
    memmove(connection->in, connection->in + used, connection->in_length);
    flush(connection);
    if (connection->closing)
        finish(connection);
}

static void receive(struct connection *connection)
{
    while (connection->socket >= 0) {
        size_t room;
        ssize_t got;

        if (connection->in_size - connection->in_length < READ_BYTES) {
            connection->in_size = connection->in_size ? connection->in_size * 2 : 2 * READ_BYTES;
            connection->in = allocate(connection->in, connection->in_size);
        }
        room = connection->in_size - connection->in_length;
        got = secure_read(connection->tls, connection->socket,
                          connection->in + connection->in_length, room);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            finish(connection);
            return;
        }
        connection->in_length += (size_t)got;
        parse(connection);
        if (!connection->tls && (size_t)got < room)
            return;
    }
}

static struct connection *connection_new(int socket)
{
    struct connection *connection = spare;
    char *in = NULL;
    size_t in_size = 0;

    if (connection) {
        spare = connection->next_free;
        in = connection->in;
        in_size = connection->in_size;
    } else {
        connection = allocate(NULL, sizeof(*connection));
    }
    *connection = (struct connection){
        .socket = socket, .generation = ++generations, .in = in, .in_size = in_size};
    return connection;
}

static void accept_all(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int socket, one = 1;

    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = connection_new(socket);

        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (seen.connections++ == 0)
            seen.first_connection_s = now_s();
        if (++seen.open > seen.open_max)
            seen.open_max = seen.open;
        put(connection, "220 sink.example ESMTP\r\n");
        flush(connection);
        event.data.ptr = connection;
        epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
    }
}

/* Memory of closed connections is used again only after the batch of events that may name it. */
static void recycle(void)
{
    while (closed) {
        struct connection *connection = closed;

        closed = connection->next_free;
        connection->next_free = spare;
        spare = connection;
    }
}

static void answer_due(double time_s)
{
    while (waiting_head != waiting_tail && waiting[waiting_head].due_s <= time_s) {
        struct connection *connection = waiting[waiting_head].connection;
        bool same = connection->generation == waiting[waiting_head].generation;

        waiting_head = (waiting_head + 1) % WAITING_MAX;
        if (!same || connection->state != STATE_WAIT)
            continue;
        reply_queued(connection);
        parse(connection);
    }
}

static int wait_ms(void)
{
    double left_ms;

    if (waiting_head == waiting_tail)
        return 1000;
    left_ms = (waiting[waiting_head].due_s - now_s()) * 1000 + 1;
    return left_ms < 0 ? 0 : left_ms > 1000 ? 1000 : (int)left_ms;
}

static bool finished(void)
{
    if (options.idle_s > 0 && seen.messages > 0 && now_s() - seen.last_s > options.idle_s) {
        seen.ended_idle = true;
        return true;
    }
    return stop || (waiting_head == waiting_tail &&
                    ((options.messages > 0 && seen.unique >= options.messages) ||
                     (options.recipients > 0 && seen.recipients >= options.recipients)));
}

static void work(void)
{
    struct epoll_event events[128];

    while (!finished()) {
        int count = epoll_wait(epoll, events, 128, wait_ms());

        for (int i = 0; i < count; i++) {
            if (!events[i].data.ptr)
                accept_all();
            else
                receive(events[i].data.ptr);
        }
        recycle();
        answer_due(now_s());
    }
}

static int listen_open(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    struct epoll_event event = {.events = EPOLLIN};
    int one = 1;

    inet_pton(AF_INET, options.address, &address.sin_addr);
    epoll = epoll_create1(0);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (void *)&address, sizeof(address)) < 0 || listen(listener, 4096) < 0)
        return -errno;
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    return 0;
}

static bool option_take(int letter, const char *value)
{
    double number = strtod(value, NULL);

    switch (letter) {
    case 'l':
        options.address = value;
        return true;
    case 'p':
        options.port = (int)number;
        return true;
    case 'n':
        options.messages = (long)number;
        return true;
    case 'k':
        options.save_every = (long)number;
        return true;
    case 'm':
        options.recipients = (long)number;
        return true;
    case 'o':
        options.folder = value;
        return true;
    case 'C':
        options.certificate = value;
        return true;
    case 'K':
        options.key = value;
        return true;
    case 'L':
        options.log_path = value;
        return true;
    case 'w':
        options.delay_s = number / 1000;
        return true;
    case 'i':
        options.idle_s = number;
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    int letter, r;

    while ((letter = getopt(argc, argv, "l:p:n:m:k:o:w:i:C:K:L:")) != -1)
        if (letter == '?' || !option_take(letter, optarg)) {
            fputs(usage, stderr);
            return 2;
        }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    if (options.certificate && options.key)
        tls_server = secure_server_new(options.certificate, options.key);
    if (options.log_path)
        message_log = fopen(options.log_path, "w");
    waiting = calloc(WAITING_MAX, sizeof(*waiting));
    assert(waiting);
    r = listen_open();
    if (r < 0) {
        fprintf(stderr, "sink: cannot listen on %s:%d: %s\n", options.address, options.port,
                strerror(-r));
        return 1;
    }
    work();
    report();
    if (message_log)
        fclose(message_log);
    if (!stop) /* the peers see their last reply before the sockets close */
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    return 0;
}
