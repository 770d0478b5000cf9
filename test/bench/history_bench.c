/* What it costs the steward to store events, and to take what follows from them.
 *
 *     history_bench DIRECTORY [MESSAGES [EVENTS_A_BATCH [BOUNCES_PERCENT]]]
 *
 * Stores the events of as many messages (accepted, and delivered or bounced some thousand messages
 * later) in batches of the size that the gateway sends, from 20 sites, into a new folder of
 * DIRECTORY, which should be on the disk that counts. CPU is that of the whole process, the helper
 * thread included; "on disk" is what the day's database takes. */
#include "base/log.h"
#include "feedback/days.h"
#include "feedback/history_feedback.h"
#include "feedback/outcome.h"
#include "feedback/report_builtin.h"
#include "runtime/world_linux.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SITES = 20, LAG = 2000 /* messages between an acceptance and its delivery */ };

static size_t message_count = 200000, batch_events = 200, bounces_percent;
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

static void add_bounced(struct buffer *batch, size_t number, uint64_t sequence)
{
    struct queue_event event = {
        .sequence = sequence,
        .time_us = 1795467606000000 + (int64_t)sequence,
        .type = QUEUE_EVENT_BOUNCED,
        .id = id_of(number),
        .site_id = 1 + number % SITES,
        .attempts = 1,
        .reply_code = 550,
        .enhanced = {5, 1, 1},
        .text = SLICE("550 5.1.1 <somebody.or.other@reader.example>: Recipient address rejected: "
                      "User unknown in virtual mailbox table"),
        .remote = SLICE("mx1.reader.example [192.0.2.17]:25"),
        .tls = SLICE("TLSv1.3"),
    };

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
    else if (number * 7919 % 100 < bounces_percent)
        add_bounced(batch, number >= LAG ? number - LAG : number, n + 1);
    else
        add_delivered(batch, number >= LAG ? number - LAG : number, n + 1);
}

static struct store *open_control(void)
{
    char path[sizeof directory + 16];
    const struct store_options options = {.path = path, .schema = STORE_CONTROL};
    struct store *s;
    char *problem;

    snprintf(path, sizeof path, "%s/control.db", directory);
    must(store_open(&options, &s, &problem) == 0, "control.db");
    for (int64_t site = 1; site <= SITES; site++) {
        CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_ADD);
        char name[32];

        snprintf(name, sizeof name, "site%d", (int)site);
        query_bind_int(&q, site);
        query_bind_text(&q, slice_text(name));
        query_bind_text(&q, SLICE("dkim"));
        query_bind_int(&q, 1);
        query_bind_int(&q, 0);
        must(query_run(&q) == 0, "site");
    }
    return s;
}

static void remove_control(void)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char path[sizeof directory + 32];

    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        snprintf(path, sizeof path, "%s/control.db%s", directory, endings[i]);
        unlink(path);
    }
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

static void report(size_t events, double cpu, double cpu_outcomes, double wall)
{
    double size = (double)bytes_on_disk();

    printf("%zu events in batches of %zu: %.2f us CPU an event to store, %.2f to take what "
           "follows, %.0f events/s, %.0f bytes on disk a message\n",
           events, batch_events, cpu * 1e6 / (double)events, cpu_outcomes * 1e6 / (double)events,
           (double)events / wall, size / (double)message_count);
}

static int run(struct task *t, void *argument)
{
    const struct history_options options = {directory, 90};
    double cpu = 0, cpu_outcomes = 0, began = now_s(), before;
    size_t events = 2 * message_count;
    struct outcomes *outcomes;
    struct store *control;
    struct history *h;
    char *problem;

    (void)argument;
    must(history_open(&options, &h, &problem) == 0, "history");
    control = open_control();
    outcomes = outcomes_new(&(struct outcome_options){
        .store = control, .history = h, .rules = feedback_rules_builtin()});
    history_set_classifier(h, outcomes_classify, outcomes);
    for (size_t n = 0; n < events;) {
        CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE;

        queue_event_batch_begin(&batch, 77);
        for (size_t end = n + batch_events; n < end && n < events; n++)
            add_event(&batch, n);
        before = cpu_s();
        must(apply(t, h, &batch) == 0, "apply");
        cpu += cpu_s() - before;
        before = cpu_s();
        must(outcome_apply(t, outcomes, buffer_slice(&batch)) == 0, "outcomes");
        cpu_outcomes += cpu_s() - before;
    }
    outcomes_free(outcomes);
    store_close(control);
    remove_control();
    history_close(h);
    report(events, cpu, cpu_outcomes, now_s() - began);
    return 0;
}

int main(int argc, char **argv)
{
    const struct world_linux_options options = {0};
    struct world *w;
    char *problem;
    int r;

    must(argc > 1, "usage: history_bench DIRECTORY [MESSAGES [EVENTS_A_BATCH [BOUNCES_PERCENT]]]");
    snprintf(directory, sizeof directory, "%s/history-bench-%d", argv[1], getpid());
    if (argc > 2)
        message_count = strtoul(argv[2], NULL, 10);
    if (argc > 3)
        batch_events = strtoul(argv[3], NULL, 10);
    if (argc > 4)
        bounces_percent = strtoul(argv[4], NULL, 10);
    log_init("bench", LOG_WARNING);
    must(world_linux_new(&options, &w, &problem) == 0, "world");
    r = loop_run(w, run, NULL);
    world_free(w);
    rmdir(directory);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
