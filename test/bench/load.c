/* load: a load generator that speaks SMTP.
 *
 * One thread, epoll, many sessions at once, a bounded number of messages per connection. Every
 * message has its own X-Bench-Id, Message-ID, Subject and recipients; the rest of the header is as
 * a mail client would write it. With STARTTLS each session resumes with the ticket of its
 * connection before, as clients do. What is refused for now (4xx, or a connection lost before the
 * reply to its data) is tried again; what is refused for good is counted. Prints one JSON object.
 * Its times are CLOCK_MONOTONIC seconds, so they compare with those of sink on the same machine.
 *
 * It is a measuring instrument, not a client library: its messages are well-formed by construction
 * and the server under test is trusted to answer in short lines.
 */
#include "load.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static const char usage[] =
    "load -p PORT [-h ADDRESS] [-c SESSIONS] [-n MESSAGES] [-s BODY_BYTES] [-m PER_CONNECTION]\n"
    "     [-f FROM_DOMAIN] [-d RECIPIENT_DOMAIN] [-r RECIPIENT_DOMAINS] [-k RECIPIENTS]\n"
    "     [-T] [-A CA_FILE] [-a AUTH_FILE] [-P] [-x PER_SECOND] [-i FIRST_ID] [-l LOG]\n"
    "     [-t LIMIT_SECONDS]\n"
    "  -m 0: no limit; -P: use PIPELINING; -T: STARTTLS, verifying nothing without -A;\n"
    "  -a: a file with the initial response of AUTH PLAIN in base64; -d: a % in it stands for the\n"
    "  number of the domain, 0 to RECIPIENT_DOMAINS-1; -k: recipients of each message;\n"
    "  -l: writes `id seconds` for each message taken\n";

struct load_options options = {
    .address = "127.0.0.1",
    .from_domain = "bench.example",
    .rcpt_domain = "rcpt.example",
    .sessions = 20,
    .per_connection = 100,
    .domains = 20,
    .recipients = 1,
    .messages = 1000,
    .body_bytes = 4096,
    .limit_s = 600,
};
struct load_counts run;
SSL_CTX *tls_client;
int epoll;

double now_s(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

void *allocate(void *memory, size_t size)
{
    memory = realloc(memory, size);
    assert(memory);
    return memory;
}

static void serve(struct session *session, uint32_t events)
{
    if (session->socket >= 0 && (events & EPOLLOUT))
        session_flush(session);
    if (session->socket >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        session_read(session);
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
        for (int i = 0; i < count; i++)
            serve(events[i].data.ptr, events[i].events);
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

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

static void report(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    qsort(run.latency_s, (size_t)run.accepted, sizeof(*run.latency_s), compare);
    for (char *c = run.last_error; *c; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            *c = ' ';
    printf("{\"messages\":%ld,\"accepted\":%ld,\"refused\":%ld,\"deferred\":%ld,\"lost\":%ld,"
           "\"connections\":%ld,\"handshakes\":%ld,\"resumed\":%ld,\"tls13\":%ld,"
           "\"start_s\":%.6f,\"last_accepted_s\":%.6f,"
           "\"latency_p50_ms\":%.2f,\"latency_p99_ms\":%.2f,\"latency_max_ms\":%.2f,"
           "\"cpu_s\":%.3f,\"last_error\":\"%s\"}\n",
           options.messages, run.accepted, run.refused, run.deferred, run.lost, run.connections,
           run.handshakes, run.resumed, run.tls13, run.start_s, run.last_accepted_s,
           latency_ms(0.5), latency_ms(0.99), latency_ms(1),
           seconds_of(&used.ru_utime) + seconds_of(&used.ru_stime), run.last_error);
}

/* Not on the command line, where everybody could read it. */
static bool read_auth(const char *path)
{
    FILE *file = fopen(path, "r");
    bool good = file && fgets(options.auth, sizeof(options.auth), file);

    if (file)
        fclose(file);
    options.auth[strcspn(options.auth, "\r\n")] = '\0';
    return good;
}

static bool option_take_text(int letter, const char *value)
{
    switch (letter) {
    case 'h':
        options.address = value;
        return true;
    case 'f':
        options.from_domain = value;
        return true;
    case 'd':
        options.rcpt_domain = value;
        return true;
    case 'l':
        options.log_path = value;
        return true;
    case 'A':
        options.authorities = value;
        return true;
    case 'a':
        return read_auth(value);
    case 'P':
        options.pipelining = true;
        return true;
    case 'T':
        options.starttls = true;
        return true;
    }
    return false;
}

static bool option_take_number(int letter, const char *value)
{
    double number = value ? strtod(value, NULL) : 0;

    switch (letter) {
    case 'p':
        options.port = (int)number;
        return number > 0;
    case 'c':
        options.sessions = (int)number;
        return number >= 1;
    case 'n':
        options.messages = (long)number;
        return true;
    case 's':
        options.body_bytes = (size_t)(number < 16 ? 16 : number);
        return true;
    case 'm':
        options.per_connection = (int)number;
        return true;
    case 'r':
        options.domains = (int)number;
        return number >= 1;
    case 'k':
        options.recipients = (int)number;
        return number >= 1;
    case 'x':
        options.per_s = number;
        return true;
    case 'i':
        options.first_id = (long)number;
        return true;
    case 't':
        options.limit_s = number;
        return true;
    }
    return false;
}

static void prepare(struct session *sessions)
{
    message_prepare();
    run.latency_s = allocate(NULL, sizeof(double) * (size_t)(options.messages + 1));
    run.again = allocate(NULL, sizeof(long) * (size_t)(options.sessions + 1));
    for (int i = 0; i < options.sessions; i++) {
        sessions[i].socket = -1;
        sessions[i].id = -1;
    }
    if (options.starttls)
        tls_client = secure_client_new(options.authorities);
    if (options.log_path)
        run.log = fopen(options.log_path, "w");
    epoll = epoll_create1(0);
    run.wall_start = time(NULL);
    run.start_s = run.last_accepted_s = now_s();
}

int main(int argc, char **argv)
{
    struct session *sessions;
    int letter;

    while ((letter = getopt(argc, argv, "h:p:c:n:s:m:f:d:r:k:t:a:A:x:i:l:PT")) != -1)
        if (!option_take_text(letter, optarg) && !option_take_number(letter, optarg)) {
            fputs(usage, stderr);
            return 2;
        }
    if (options.port == 0) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    sessions = calloc((size_t)options.sessions, sizeof(*sessions));
    assert(sessions);
    prepare(sessions);
    work(sessions);
    report();
    if (run.log)
        fclose(run.log);
    return run.accepted == options.messages ? 0 : 1;
}
