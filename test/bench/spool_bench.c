/* spool_bench: what it costs to keep a message safe, from acceptance until its last event is
 * acknowledged.
 *
 *   spool_bench sqlite|log FOLDER [BYTES [IN_FLIGHT [MESSAGES [BACKLOG [PAGE_BYTES]]]]]
 *
 * A message is settled BACKLOG messages after its acceptance (0: at once), so that many lie in the
 * queue. A main thread stands for the loop and keeps IN_FLIGHT messages going through accept →
 * settle → acknowledge; a helper thread commits all that is pending at once. `sqlite`: WAL,
 * synchronous=FULL, one transaction a commit, prepared statements, a row a message and a row an
 * event. `log`: the same records appended to preallocated segments with a CRC-32C each, one pwritev
 * and one fdatasync a commit. Both do the least that their kind can do, so the figures are lower
 * bounds of each design; what the queue itself costs is measured by `queue_bench`. Prints one line;
 * CPU is user + system of all threads (getrusage). */
#include "base/buffer.h"
#include "base/crc32c.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    META_BYTES = 400,
    EVENT_BYTES = 250,
    SEGMENT_BYTES = 64 << 20,
    PIECES_MAX = 1000,
    IN_FLIGHT_MAX = 4096
};

enum step { ACCEPT, SETTLE, ACKNOWLEDGE };

struct operation {
    enum step step;
    uint64_t number;
};

struct backend {
    const char *name;
    void (*open)(void);
    void (*begin)(void);
    void (*accept)(uint64_t number);
    void (*settle)(uint64_t number);
    void (*acknowledge)(uint64_t number);
    void (*commit)(void);
    void (*close)(void);
};

static const char *folder;
static size_t content_bytes = 4096, in_flight = 64, page_bytes = 4096;
static uint64_t message_count = 50000, backlog;
static char *content;
static char meta[META_BYTES], event[EVENT_BYTES];

static void require(bool good, const char *what)
{
    if (!good) {
        perror(what);
        exit(1);
    }
}

/* --- SQLite ---------------------------------------------------------------------------------- */

static sqlite3 *database;
static sqlite3_stmt *statement_begin, *statement_commit, *add_message, *add_event, *drop_message,
    *drop_event;

static void run(const char *sql)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(database));
        exit(1);
    }
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement = NULL;

    require(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) ==
                SQLITE_OK,
            sql);
    return statement;
}

static void step(sqlite3_stmt *statement)
{
    require(sqlite3_step(statement) == SQLITE_DONE, "sqlite3_step");
    sqlite3_reset(statement);
}

static void sqlite_open(void)
{
    char path[512], sql[64];

    snprintf(path, sizeof(path), "%s/bench.db", folder);
    require(sqlite3_open(path, &database) == SQLITE_OK, path);
    snprintf(sql, sizeof(sql), "PRAGMA page_size=%zu", page_bytes);
    run(sql);
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    run("PRAGMA locking_mode=EXCLUSIVE");
    run("PRAGMA wal_autocheckpoint=4000");
    run("CREATE TABLE message(number INTEGER PRIMARY KEY, meta BLOB, content BLOB)");
    run("CREATE TABLE event(sequence INTEGER PRIMARY KEY, body BLOB)");
    statement_begin = prepare("BEGIN IMMEDIATE");
    statement_commit = prepare("COMMIT");
    add_message = prepare("INSERT INTO message VALUES(?,?,?)");
    add_event = prepare("INSERT INTO event VALUES(?,?)");
    drop_message = prepare("DELETE FROM message WHERE number=?");
    drop_event = prepare("DELETE FROM event WHERE sequence IN (?, ?)");
}

static void sqlite_begin(void)
{
    step(statement_begin);
}

static void sqlite_event(uint64_t sequence)
{
    sqlite3_bind_int64(add_event, 1, (int64_t)sequence);
    sqlite3_bind_blob(add_event, 2, event, sizeof(event), SQLITE_STATIC);
    step(add_event);
}

static void sqlite_accept(uint64_t number)
{
    sqlite3_bind_int64(add_message, 1, (int64_t)number);
    sqlite3_bind_blob(add_message, 2, meta, sizeof(meta), SQLITE_STATIC);
    sqlite3_bind_blob(add_message, 3, content, (int)content_bytes, SQLITE_STATIC);
    step(add_message);
    sqlite_event(number * 2);
}

static void sqlite_settle(uint64_t number)
{
    sqlite3_bind_int64(drop_message, 1, (int64_t)number);
    step(drop_message);
    sqlite_event(number * 2 + 1);
}

static void sqlite_acknowledge(uint64_t number)
{
    sqlite3_bind_int64(drop_event, 1, (int64_t)(number * 2));
    sqlite3_bind_int64(drop_event, 2, (int64_t)(number * 2 + 1));
    step(drop_event);
}

static void sqlite_commit(void)
{
    step(statement_commit);
}

static void sqlite_close(void)
{
    sqlite3_stmt *all[] = {statement_begin, statement_commit, add_message,
                           add_event,       drop_message,     drop_event};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        sqlite3_finalize(all[i]);
    sqlite3_close(database);
}

/* --- log ------------------------------------------------------------------------------------- */

static int segment = -1, segment_number;
static uint64_t segment_used;
static struct iovec pieces[PIECES_MAX + 1];
static int piece_count;
static uint64_t batch_size;
static struct buffer heads; /* of the batch: reserved at the start, so that it does not move */

static void log_segment(void)
{
    char path[512];

    if (segment >= 0) {
        uint64_t kept = backlog * (content_bytes + META_BYTES + EVENT_BYTES) / SEGMENT_BYTES;

        close(segment);
        snprintf(path, sizeof(path), "%s/%08d.log", folder, segment_number - (int)kept);
        if (segment_number > (int)kept)
            require(unlink(path) == 0,
                    path); /* in the steady state an old one goes for each new one */
    }
    snprintf(path, sizeof(path), "%s/%08d.log", folder, ++segment_number);
    segment = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    require(segment >= 0 && fallocate(segment, 0, 0, SEGMENT_BYTES) == 0 && fsync(segment) == 0,
            path);
    segment_used = 0;
}

static void log_open(void)
{
    buffer_reserve(&heads, 4 << 20);
    log_segment();
}

static void log_begin(void)
{
    piece_count = 0;
    batch_size = 0;
    heads.size = 0;
}

static void log_write(void)
{
    uint64_t padding = -batch_size & 4095, at = segment_used;
    static const char zeros[4096];
    struct iovec *piece = pieces;

    if (padding)
        pieces[piece_count++] = (struct iovec){(void *)(uintptr_t)zeros, padding};
    if (segment_used + batch_size + padding > SEGMENT_BYTES) {
        log_segment();
        at = 0;
    }
    segment_used = at + batch_size + padding;
    while (piece_count) {
        ssize_t n = pwritev(segment, piece, piece_count, (off_t)at);

        require(n > 0, "pwritev");
        at += (uint64_t)n;
        for (; piece_count && (size_t)n >= piece->iov_len; piece_count--)
            n -= (ssize_t)piece++->iov_len;
        if (piece_count) {
            piece->iov_base = (char *)piece->iov_base + n;
            piece->iov_len -= (size_t)n;
        }
    }
}

static void log_piece(const void *data, size_t size)
{
    pieces[piece_count++] = (struct iovec){(void *)(uintptr_t)data, size};
    batch_size += size;
}

static void log_record(uint8_t type, uint64_t number, struct slice body, struct slice bulk)
{
    size_t start = heads.size;

    if (piece_count + 3 > PIECES_MAX || heads.size > 3 << 20) {
        log_write();
        log_begin();
        start = 0;
    }
    buffer_add_u8(&heads, type);
    buffer_add_u64(&heads, number);
    buffer_add_u32(&heads, (uint32_t)bulk.size);
    buffer_add_sized(&heads, body);
    buffer_add_u32(&heads, crc32c_add(0, bulk));
    buffer_add_u32(&heads, crc32c_add(0, slice_of(heads.data + start, heads.size - start)));
    log_piece(heads.data + start, heads.size - start);
    if (bulk.size)
        log_piece(bulk.data, bulk.size);
}

static void log_accept(uint64_t number)
{
    log_record(ACCEPT, number, slice_of(meta, sizeof(meta)), slice_of(content, content_bytes));
}

static void log_settle(uint64_t number)
{
    log_record(SETTLE, number, slice_of(event, sizeof(event)), SLICE_NONE);
}

static void log_acknowledge(uint64_t number)
{
    (void)number; /* a cursor, once a commit: see log_commit */
}

static void log_commit(void)
{
    log_record(ACKNOWLEDGE, 0, SLICE_NONE, SLICE_NONE);
    log_write();
    require(fdatasync(segment) == 0, "fdatasync");
}

static void log_close(void)
{
    buffer_done(&heads);
    close(segment);
}

static const struct backend backends[] = {
    {"sqlite", sqlite_open, sqlite_begin, sqlite_accept, sqlite_settle, sqlite_acknowledge,
     sqlite_commit, sqlite_close},
    {"log", log_open, log_begin, log_accept, log_settle, log_acknowledge, log_commit, log_close},
};

/* --- the two threads ------------------------------------------------------------------------- */

static const struct backend *backend;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
static struct operation batch[IN_FLIGHT_MAX];
static size_t batch_count;
static bool batch_ready, stopping;
static uint64_t commits;

static void commit_batch(void)
{
    backend->begin();
    for (size_t i = 0; i < batch_count; i++) {
        if (batch[i].step == ACCEPT)
            backend->accept(batch[i].number);
        if (batch[i].step == SETTLE && batch[i].number > backlog)
            backend->settle(batch[i].number - backlog);
        if (batch[i].step == ACKNOWLEDGE && batch[i].number > backlog)
            backend->acknowledge(batch[i].number - backlog);
    }
    backend->commit();
    commits++;
}

static void *helper(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    while (!stopping) {
        if (batch_ready) {
            pthread_mutex_unlock(&lock);
            commit_batch();
            pthread_mutex_lock(&lock);
            batch_ready = false;
            pthread_cond_signal(&done);
        } else {
            pthread_cond_wait(&more, &lock);
        }
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Messages enter until IN_FLIGHT are under way; each commit moves all of them one step on. */
static void drive(uint64_t first, uint64_t last)
{
    static struct operation next[IN_FLIGHT_MAX];
    uint64_t entered = first;
    size_t count = 0;

    for (;;) {
        while (count < in_flight && entered < last)
            next[count++] = (struct operation){ACCEPT, ++entered};
        if (!count)
            return;
        pthread_mutex_lock(&lock);
        memcpy(batch, next, count * sizeof(*next));
        batch_count = count;
        batch_ready = true;
        pthread_cond_signal(&more);
        while (batch_ready)
            pthread_cond_wait(&done, &lock);
        pthread_mutex_unlock(&lock);
        count = 0;
        for (size_t i = 0; i < batch_count; i++)
            if (batch[i].step != ACKNOWLEDGE)
                next[count++] = (struct operation){batch[i].step + 1, batch[i].number};
    }
}

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

static void measure(void)
{
    struct rusage before, after;
    double start, elapsed, user, system, each = (double)message_count;

    drive(0, backlog);
    commits = 0;
    start = now_s();
    getrusage(RUSAGE_SELF, &before);
    drive(backlog, backlog + message_count);
    elapsed = now_s() - start;
    getrusage(RUSAGE_SELF, &after);
    user = seconds(after.ru_utime) - seconds(before.ru_utime);
    system = seconds(after.ru_stime) - seconds(before.ru_stime);
    printf(
        "%-6s %6zu bytes %4zu in flight: %8.1f us CPU/message (user %.1f system %.1f), %6.0f messages/s, "
        "%.1f messages/commit, %.0f commits/s, backlog %llu\n",
        backend->name, content_bytes, in_flight, (user + system) * 1e6 / each, user * 1e6 / each,
        system * 1e6 / each, each / elapsed, each / (double)commits, (double)commits / elapsed,
        (unsigned long long)backlog);
}

int main(int argc, char **argv)
{
    pthread_t thread;

    for (size_t i = 0; argc > 2 && i < ARRAY_LEN(backends); i++)
        if (strcmp(argv[1], backends[i].name) == 0)
            backend = &backends[i];
    if (!backend) {
        fputs(
            "usage: spool_bench sqlite|log FOLDER [BYTES [IN_FLIGHT [MESSAGES [BACKLOG [PAGE_BYTES]]]]]\n",
            stderr);
        return 2;
    }
    folder = argv[2];
    if (argc > 3)
        content_bytes = strtoul(argv[3], NULL, 10);
    if (argc > 4)
        in_flight = strtoul(argv[4], NULL, 10);
    if (argc > 5)
        message_count = strtoull(argv[5], NULL, 10);
    if (argc > 6)
        backlog = strtoull(argv[6], NULL, 10);
    if (argc > 7)
        page_bytes = strtoul(argv[7], NULL, 10);
    require(in_flight > 0 && in_flight <= IN_FLIGHT_MAX, "IN_FLIGHT");
    content = malloc(content_bytes);
    require(content != NULL, "malloc");
    memset(content, 'x', content_bytes);

    backend->open();
    require(pthread_create(&thread, NULL, helper, NULL) == 0, "pthread_create");
    measure();
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_signal(&more);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    backend->close();
    free(content);
    return 0;
}
