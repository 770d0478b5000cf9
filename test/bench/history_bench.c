/* What it costs the steward to store events.
 *
 *     history_bench DIRECTORY [MESSAGES [EVENTS_A_BATCH]]
 *
 * Stores the events of as many messages (accepted, and delivered some thousand messages later)
 * in batches of the size that the gateway sends, from 20 sites, into a new folder of DIRECTORY,
 * which should be on the disk that counts. CPU is that of the whole process, the helper thread
 * included; "on disk" is what the day's database takes. */
#include "base/log.h"
#include "feedback/days.h"
#include "feedback/history.h"
#include "runtime/world_linux.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SITES = 20, LAG = 2000 /* messages between an acceptance and its delivery */ };

static size_t message_count = 200000, batch_events = 200;
static char directory[256];

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Like 4,000 messages a second: ids sort by time, and are random within a millisecond. */
static struct message_id id_of(size_t number)
{
    uint64_t mixed[2] = {number * 0x9e3779b97f4a7c15, number * 0xc2b2ae3d27d4eb4f};

    return message_id_make(1795467606000 + number / 4, (const uint8_t *)mixed);
}

static void add_accepted(struct buffer *batch, size_t number, uint64_t sequence)
{
    CLEANUP(buffer_done) struct buffer addresses = BUFFER_NONE;
    struct queue_event event = {.sequence = sequence,
                                .time_us = 1795467606000000 + (int64_t)sequence,
                                .type = QUEUE_EVENT_ACCEPTED,
                                .id = id_of(number),
                                .site_id = 1 + number % SITES};

    queue_event_address_write(&addresses, SLICE("somebody.or.other@reader.example"));
    event.accepted.credential_id = event.site_id + 100;
    event.accepted.from_domain = SLICE("library.example");
    event.accepted.header_from = SLICE("noreply@library.example");
    event.accepted.envelope_from = SLICE("noreply@library.example");
    event.accepted.subject = SLICE("The book that you asked for is ready to be fetched");
    event.accepted.recipient_count = event.accepted.address_count = 1;
    event.accepted.addresses = buffer_slice(&addresses);
    queue_event_write(batch, &event);
}

static void add_delivered(struct buffer *batch, size_t number, uint64_t sequence)
{
    struct queue_event event = {
        .sequence = sequence,
        .time_us = 1795467606000000 + (int64_t)sequence,
        .type = QUEUE_EVENT_DELIVERED,
        .id = id_of(number),
        .site_id = 1 + number % SITES,
        .attempts = 1,
        .reply_code = 250,
        .enhanced = {2, 0, 0},
        .text = SLICE("250 2.0.0 Ok: queued as 4f8KJ21QZLz4x3k"),
        .remote = SLICE("mx1.reader.example [192.0.2.17]:25"),
        .tls = SLICE("TLSv1.3"),
        .signed_by = SLICE("erz7l4yd6tccogvf5ivdam6ifshztgk2._domainkey.library.example"),
    };

    queue_event_write(batch, &event);
}

/* Event number n of the whole run: acceptances and deliveries in turn. */
static void add_event(struct buffer *batch, size_t n)
{
    size_t number = n / 2;

    if (n % 2 == 0)
        add_accepted(batch, number, n + 1);
    else
        add_delivered(batch, number >= LAG ? number - LAG : number, n + 1);
}

static int apply(struct task *t, struct history *h, const struct buffer *batch)
{
    struct history_use uses[HISTORY_USES_MAX];
    uint64_t cursor;
    size_t count;

    return history_apply(t, h, buffer_slice(batch), &cursor, uses, &count);
}

static off_t bytes_on_disk(void)
{
    struct day *days;
    size_t count;
    struct stat status;
    char path[DAY_PATH_BYTES];

    must(days_list(directory, &days, &count) == 0 && count == 1, "days");
    must(day_path(directory, &days[0], path) == 0 && stat(path, &status) == 0, path);
    must(day_remove(directory, &days[0]) == 0, "remove");
    free(days);
    return status.st_size;
}

static void report(size_t events, double cpu, double wall)
{
    double size = (double)bytes_on_disk();

    printf("%zu events in batches of %zu: %.2f us CPU an event, %.0f events/s, %.0f bytes on disk "
           "a message\n",
           events, batch_events, cpu * 1e6 / (double)events, (double)events / wall,
           size / (double)message_count);
}

static int run(struct task *t, void *argument)
{
    const struct history_options options = {directory, 90};
    double cpu = 0, began = now_s(), before;
    size_t events = 2 * message_count;
    struct history *h;
    char *problem;

    (void)argument;
    must(history_open(&options, &h, &problem) == 0, "history");
    for (size_t n = 0; n < events;) {
        CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE;

        queue_event_batch_begin(&batch, 77);
        for (size_t end = n + batch_events; n < end && n < events; n++)
            add_event(&batch, n);
        before = cpu_s();
        must(apply(t, h, &batch) == 0, "apply");
        cpu += cpu_s() - before;
    }
    history_close(h);
    report(events, cpu, now_s() - began);
    return 0;
}

int main(int argc, char **argv)
{
    const struct world_linux_options options = {0};
    struct world *w;
    char *problem;
    int r;

    must(argc > 1, "usage: history_bench DIRECTORY [MESSAGES [EVENTS_A_BATCH]]");
    snprintf(directory, sizeof directory, "%s/history-bench-%d", argv[1], getpid());
    if (argc > 2)
        message_count = strtoul(argv[2], NULL, 10);
    if (argc > 3)
        batch_events = strtoul(argv[3], NULL, 10);
    log_init("bench", LOG_WARNING);
    must(world_linux_new(&options, &w, &problem) == 0, "world");
    r = loop_run(w, run, NULL);
    world_free(w);
    rmdir(directory);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
