/* queue_bench: what the queue itself costs, with the real spool on a real disk.
 *
 *   queue_bench FOLDER [BYTES [SESSIONS [MESSAGES [hold | WAITING]]]]
 *
 * SESSIONS tasks accept messages of BYTES to one recipient as fast as they can; workers take each
 * job and settle it as delivered; events are read and acknowledged. FOLDER must be empty. Prints
 * one line; CPU is user + system of all threads (getrusage), the kernel's part of writing and
 * syncing included. With `hold` nothing is delivered: it prints the memory of a waiting recipient
 * and the time of a start over all of them. With WAITING the work is measured twice: with nothing
 * else in the queue, and with so many messages waiting there for another destination. */
#include "base/log.h"
#include "queue/queue.h"
#include "queue/remote.h"
#include "runtime/world_linux.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 20 };

struct bench {
    struct queue *queue;
    size_t bytes;
    unsigned sessions;
    bool hold; /* nothing is delivered: how much memory does mail that waits take, and a start? */
    bool down; /* accept for the destination that nobody serves */
    uint64_t messages, waiting, accepted, delivered;
    unsigned ended; /* sessions */
    struct condition due, done;
};

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

static void destination(void *context, uint64_t site_id, struct slice domain,
                        struct buffer *ret_key)
{
    (void)context;
    (void)site_id;
    buffer_add(ret_key, domain);
}

static void due(void *context, struct slice key, size_t ready)
{
    struct bench *b = context;

    (void)key;
    (void)ready;
    condition_signal(&b->due);
}

static int session(struct task *t, void *argument)
{
    struct bench *b = argument;
    const struct queue_recipient up = {.address = SLICE("somebody@example.net"),
                                       .domain = SLICE("example.net")};
    const struct queue_recipient down = {.address = SLICE("somebody@example.com"),
                                         .domain = SLICE("example.com")};
    int r = 0;

    while (r == 0 && b->accepted < b->messages) {
        struct queue_submission submission = {
            .site_id = 1,
            .credential_id = 1,
            .from_domain = SLICE("example.org"),
            .header_from = SLICE("info@example.org"),
            .envelope_from = SLICE("info@example.org"),
            .subject = SLICE("Your books are due"),
            .recipients = b->down ? &down : &up,
            .recipient_count = 1,
        };
        uint8_t random[16];

        b->accepted++;
        world_random(task_world(t), random, sizeof(random));
        submission.id = message_id_make((uint64_t)task_wall_us(t) / 1000, random);
        memset(buffer_reserve(&submission.content, b->bytes), 'x', b->bytes);
        submission.content.size = b->bytes;
        r = queue_accept(t, b->queue, &submission);
    }
    b->ended++;
    return r;
}

static int worker(struct task *t, void *argument)
{
    const struct queue_outcome outcome = {
        .result = QUEUE_DELIVERED,
        .reply_code = 250,
        .enhanced = {2, 0, 0},
        .text = SLICE("Ok: queued as 4F3D21A0B9"),
        .remote = SLICE("mx1.example.net [192.0.2.25]:25"),
        .tls = SLICE("TLSv1.3"),
        .signed_by = SLICE("k7qjs2mxv4hdu3pa._domainkey.example.org"),
    };
    struct bench *b = argument;
    struct queue_job *job;
    int r = 0;

    while (r == 0 && b->delivered < b->messages) {
        r = queue_take(t, b->queue, SLICE("example.net"), SLICE_NONE, &job);
        if (r == 0 && !job) {
            r = condition_wait(t, &b->due);
            continue;
        }
        if (r == 0)
            r = task_yield(t);
        queue_settle(b->queue, job, &outcome);
        if (++b->delivered == b->messages)
            condition_broadcast(&b->done);
    }
    return r;
}

static int pump(struct task *t, void *argument)
{
    struct bench *b = argument;
    int r = 0;

    while (r == 0) {
        CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE;
        uint64_t last;

        r = queue_events_next(t, b->queue, &batch, 60000, &last);
        if (r == 0)
            queue_events_acknowledge(b->queue, last);
        if (r == 0)
            r = task_sleep(t, 5000);
    }
    return r;
}

static int run(struct task *t, struct bench *b)
{
    CLEANUP(scope_close) struct scope scope;
    int r = 0;

    scope_open(&scope, t);
    r = scope_spawn(&scope, "pump", pump, b);
    for (unsigned i = 0; i < WORKERS && r == 0 && !b->hold; i++)
        r = scope_spawn(&scope, "worker", worker, b);
    for (unsigned i = 0; i < b->sessions && r == 0; i++)
        r = scope_spawn(&scope, "session", session, b);
    while (r == 0 && b->delivered < b->messages && !b->hold)
        r = condition_wait(t, &b->done);
    while (r == 0 && b->hold && b->ended < b->sessions)
        r = task_sleep(t, 10000);
    return r;
}

static uint64_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    uint64_t size = 0, resident = 0;

    if (!f || fscanf(f, "%" SCNu64 " %" SCNu64, &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Accepts and delivers all, and says what each message cost. */
static int measure_round(struct task *t, struct bench *b, uint64_t waiting)
{
    CLEANUP(buffer_done) struct buffer texts = BUFFER_NONE;
    struct queue_status before, after;
    double start_s, start_cpu_s, each = (double)b->messages;
    int r = queue_status(t, b->queue, &texts, &before);

    start_s = now_s();
    start_cpu_s = cpu_s();
    if (r == 0)
        r = run(t, b);
    if (r < 0)
        return r;
    printf("queue  %6zu bytes %4u sessions %7" PRIu64 " waiting: %8.1f us CPU/message, ", b->bytes,
           b->sessions, waiting, (cpu_s() - start_cpu_s) * 1e6 / each);
    printf("%6.0f messages/s, ", each / (now_s() - start_s));
    r = queue_status(t, b->queue, &texts, &after);
    if (r == 0)
        printf("%.1f messages/commit\n", each / (double)(after.commits - before.commits));
    return r;
}

/* Fills the queue with mail for a destination that nobody serves. */
static int fill(struct task *t, struct bench *b)
{
    uint64_t messages = b->messages;
    int r;

    b->messages = b->waiting;
    b->hold = b->down = true;
    b->accepted = b->ended = 0;
    r = run(t, b);
    b->messages = messages;
    b->hold = b->down = false;
    b->accepted = b->ended = 0;
    b->delivered = 0;
    return r;
}

static int measure_work(struct task *t, struct scope *scope, struct bench *b,
                        const struct queue_options *options)
{
    int r = queue_open(t, scope, options, &b->queue);

    if (r < 0)
        return r;
    r = measure_round(t, b, 0);
    if (r == 0 && b->waiting)
        r = fill(t, b);
    if (r == 0 && b->waiting)
        r = measure_round(t, b, b->waiting);
    queue_close(t, b->queue);
    return r;
}

/* Accepts all and delivers none; then starts again over what is in the spool. Contents are not kept
 * in memory: what is left is what each waiting recipient takes. */
static int measure_waiting(struct task *t, struct scope *scope, struct bench *b,
                           const struct queue_options *options)
{
    double start_s, start_cpu_s, each = (double)b->messages;
    uint64_t before;
    int r = queue_open(t, scope, options, &b->queue);

    if (r == 0)
        r = run(t, b);
    if (r < 0)
        return r;
    queue_close(t, b->queue);
    malloc_trim(0);
    before = resident_bytes();
    start_s = now_s();
    start_cpu_s = cpu_s();
    r = queue_open(t, scope, options, &b->queue);
    if (r < 0)
        return r;
    printf("waiting %6zu bytes, %.0f messages: %.0f bytes of memory/recipient, ", b->bytes, each,
           (double)(resident_bytes() - before) / each);
    printf("start in %.2f s (%.2f s of CPU)\n", now_s() - start_s, cpu_s() - start_cpu_s);
    queue_close(t, b->queue);
    return 0;
}

static int main_task(struct task *t, void *argument)
{
    static const uint32_t delays_s[] = {300};
    struct bench *b = argument;
    const struct queue_options options = {
        .disk = world_disk(task_world(t)),
        .lifetime_s = 86400,
        .retry_delays_s = delays_s,
        .retry_delay_count = 1,
        .memory_max_bytes = b->hold ? 0 : 64 << 20,
        .destination = destination,
        .due = due,
        .context = b,
    };
    CLEANUP(scope_close) struct scope scope;

    scope_open(&scope, t);
    return b->hold ? measure_waiting(t, &scope, b, &options) : measure_work(t, &scope, b, &options);
}

int main(int argc, char **argv)
{
    struct bench b = {.bytes = 4096, .sessions = 64, .messages = 50000};
    struct world_linux_options options = {0};
    struct world *w;
    char *problem = NULL;
    int folder, r;

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        fputs("usage: queue_bench FOLDER [BYTES [SESSIONS [MESSAGES [hold | WAITING]]]]\n", stderr);
        return 2;
    }
    if (argc > 2)
        b.bytes = strtoul(argv[2], NULL, 10);
    if (argc > 3)
        b.sessions = (unsigned)strtoul(argv[3], NULL, 10);
    if (argc > 4)
        b.messages = strtoull(argv[4], NULL, 10);
    b.hold = argc > 5 && strcmp(argv[5], "hold") == 0;
    if (argc > 5 && !b.hold)
        b.waiting = strtoull(argv[5], NULL, 10);
    folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        perror(argv[1]);
        return 1;
    }
    log_init("bench", LOG_WARNING);
    options.disk = disk_new_linux(folder);
    r = world_linux_new(&options, &w, &problem);
    if (r == 0) {
        r = loop_run(w, main_task, &b);
        world_free(w);
    }
    if (r < 0)
        fprintf(stderr, "queue_bench: %s\n", strerror(-r));
    disk_free(options.disk);
    return r < 0;
}
