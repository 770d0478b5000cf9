/* phys: what the disk allows, in durable small writes per second.
 *
 *   phys FOLDER MODE THREADS SECONDS [BYTES [BATCH]]
 *
 * MODE append-fsync        each thread appends to its own file, fsync
 *      append-fdatasync    the same with fdatasync
 *      prealloc-fdatasync  each thread overwrites a file that was written before
 *      file-fsync          one new file for each write; the one of 200 writes before is removed
 *      group-fdatasync     all threads append to one file and share syncs: whoever finds none
 *                          under way does one for everybody who waits (group commit)
 *      sqlite              BATCH rows of BYTES in each transaction, WAL, synchronous=FULL, one
 * thread
 *
 * Prints one JSON object. The figures bound what any durable spool on this disk can do.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MAX = 4000000, PREALLOCATED_BYTES = 64 << 20, FILES_KEPT = 200 };

struct worker {
    pthread_t thread;
    int number, file;
    char path[512];
    char *block;
    double *latency_s;
    long count;
};

struct mode {
    const char *name;
    void (*prepare)(struct worker *worker);
    void (*write)(struct worker *worker);
    void (*clean)(struct worker *worker);
};

static const char *folder;
static double seconds;
static size_t bytes = 4096;
static int batch = 1;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t synced_more;
    int file;
    bool busy;
    long written, synced, syncs;
} group = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, -1, false, 0, 0, 0};

static double now_s(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "phys: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void append_prepare(struct worker *worker)
{
    worker->file = open(worker->path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    must(worker->file >= 0, worker->path);
}

static void append_write(struct worker *worker)
{
    must(write(worker->file, worker->block, bytes) == (ssize_t)bytes, "write");
}

static void append_fsync(struct worker *worker)
{
    append_write(worker);
    must(fsync(worker->file) == 0, "fsync");
}

static void append_fdatasync(struct worker *worker)
{
    append_write(worker);
    must(fdatasync(worker->file) == 0, "fdatasync");
}

static void append_clean(struct worker *worker)
{
    close(worker->file);
    unlink(worker->path);
}

static void prealloc_prepare(struct worker *worker)
{
    append_prepare(worker);
    for (size_t at = 0; at + bytes <= PREALLOCATED_BYTES; at += bytes)
        append_write(worker);
    must(fsync(worker->file) == 0, "fsync");
}

static void prealloc_write(struct worker *worker)
{
    off_t blocks = (off_t)(PREALLOCATED_BYTES / bytes);
    off_t at = (off_t)(worker->count % blocks) * (off_t)bytes;

    must(pwrite(worker->file, worker->block, bytes, at) == (ssize_t)bytes, "write");
    must(fdatasync(worker->file) == 0, "fdatasync");
}

static void file_remove(struct worker *worker, long number)
{
    char path[600];

    snprintf(path, sizeof(path), "%s.%ld", worker->path, number);
    unlink(path);
}

static void file_write(struct worker *worker)
{
    char path[600];

    snprintf(path, sizeof(path), "%s.%ld", worker->path, worker->count);
    worker->file = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
    must(worker->file >= 0, path);
    append_fsync(worker);
    close(worker->file);
    if (worker->count >= FILES_KEPT)
        file_remove(worker, worker->count - FILES_KEPT);
}

static void file_clean(struct worker *worker)
{
    for (long i = worker->count > FILES_KEPT ? worker->count - FILES_KEPT : 0; i < worker->count;
         i++)
        file_remove(worker, i);
}

static void group_prepare(struct worker *worker)
{
    if (worker->number == 0) {
        append_prepare(worker);
        group.file = worker->file;
    }
    worker->file = group.file;
}

static void group_sync(void)
{
    long upto = group.written;

    group.busy = true;
    pthread_mutex_unlock(&group.lock);
    must(fdatasync(group.file) == 0, "fdatasync");
    pthread_mutex_lock(&group.lock);
    group.busy = false;
    group.syncs++;
    group.synced = upto > group.synced ? upto : group.synced;
    pthread_cond_broadcast(&group.synced_more);
}

static void group_write(struct worker *worker)
{
    long mine;

    pthread_mutex_lock(&group.lock);
    append_write(worker);
    mine = ++group.written;
    while (group.synced < mine) {
        if (group.busy)
            pthread_cond_wait(&group.synced_more, &group.lock);
        else
            group_sync();
    }
    pthread_mutex_unlock(&group.lock);
}

static void group_clean(struct worker *worker)
{
    if (worker->number == 0)
        append_clean(worker);
}

static void nothing(struct worker *worker)
{
    (void)worker;
}

static const struct mode modes[] = {
    {"append-fsync", append_prepare, append_fsync, append_clean},
    {"append-fdatasync", append_prepare, append_fdatasync, append_clean},
    {"prealloc-fdatasync", prealloc_prepare, prealloc_write, append_clean},
    {"file-fsync", nothing, file_write, file_clean},
    {"group-fdatasync", group_prepare, group_write, group_clean},
};

static const struct mode *mode;

static void *work(void *argument)
{
    struct worker *worker = argument;
    double begin = now_s(), end = begin + seconds;

    while (begin < end && worker->count < SAMPLES_MAX) {
        mode->write(worker);
        worker->latency_s[worker->count++] = now_s() - begin;
        begin = now_s();
    }
    return NULL;
}

static void worker_init(struct worker *worker, int number)
{
    *worker = (struct worker){.number = number, .file = -1};
    snprintf(worker->path, sizeof(worker->path), "%s/phys.%d.%d", folder, (int)getpid(), number);
    worker->block = malloc(bytes);
    worker->latency_s = malloc(sizeof(double) * SAMPLES_MAX); /* touched only as far as used */
    must(worker->block && worker->latency_s, "memory");
    for (size_t i = 0; i < bytes; i++)
        worker->block[i] = (char)(i * 31 + (size_t)number);
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static void report(const char *name, int threads, double *latency_s, long count, double elapsed_s)
{
    must(count > 0, "no write was done");
    qsort(latency_s, (size_t)count, sizeof(double), compare);
    printf("{\"mode\":\"%s\",\"threads\":%d,\"bytes\":%zu,\"batch\":%d,\"writes_per_s\":%.0f,"
           "\"syncs\":%ld,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
           name, threads, bytes, batch, (double)count * batch / elapsed_s, group.syncs,
           latency_s[count / 2] * 1e3, latency_s[(long)((double)count * 0.99)] * 1e3,
           latency_s[count - 1] * 1e3);
}

static void measure_files(int threads)
{
    struct worker *workers = calloc((size_t)threads, sizeof(*workers));
    double *all, start;
    long count = 0;

    must(workers != NULL, "memory");
    for (int i = 0; i < threads; i++) {
        worker_init(&workers[i], i);
        mode->prepare(&workers[i]);
    }
    start = now_s();
    for (int i = 0; i < threads; i++)
        must(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "thread");
    for (int i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        count += workers[i].count;
    }
    start = now_s() - start;
    all = malloc(sizeof(double) * (size_t)(count + 1));
    must(all != NULL, "memory");
    count = 0;
    for (int i = 0; i < threads; i++) {
        memcpy(all + count, workers[i].latency_s, sizeof(double) * (size_t)workers[i].count);
        count += workers[i].count;
        mode->clean(&workers[i]);
    }
    report(mode->name, threads, all, count, start);
}

static void sqlite_must(int code, sqlite3 *database)
{
    if (code == SQLITE_OK || code == SQLITE_DONE)
        return;
    fprintf(stderr, "phys: sqlite: %s\n", sqlite3_errmsg(database));
    exit(1);
}

static void sqlite_transaction(sqlite3 *database, sqlite3_stmt *insert, const struct worker *worker)
{
    sqlite_must(sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL), database);
    for (int i = 0; i < batch; i++) {
        sqlite_must(sqlite3_bind_int64(insert, 1, worker->count), database);
        sqlite_must(sqlite3_bind_blob(insert, 2, worker->block, (int)bytes, SQLITE_STATIC),
                    database);
        sqlite_must(sqlite3_step(insert), database);
        sqlite_must(sqlite3_reset(insert), database);
    }
    sqlite_must(sqlite3_exec(database, "COMMIT", NULL, NULL, NULL), database);
}

static void measure_sqlite(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    static const char setup[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                "CREATE TABLE q(id INTEGER PRIMARY KEY, due INTEGER, body BLOB)";
    struct worker worker;
    sqlite3 *database;
    sqlite3_stmt *insert;
    double start, begin;
    char path[600];

    worker_init(&worker, 0);
    sqlite_must(sqlite3_open(worker.path, &database), database);
    sqlite_must(sqlite3_exec(database, setup, NULL, NULL, NULL), database);
    sqlite_must(
        sqlite3_prepare_v2(database, "INSERT INTO q(due, body) VALUES(?, ?)", -1, &insert, NULL),
        database);
    start = begin = now_s();
    while (begin - start < seconds && worker.count < SAMPLES_MAX) {
        sqlite_transaction(database, insert, &worker);
        worker.latency_s[worker.count++] = now_s() - begin;
        begin = now_s();
    }
    report("sqlite", 1, worker.latency_s, worker.count, now_s() - start);
    sqlite3_finalize(insert);
    sqlite3_close(database);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", worker.path, suffixes[i]);
        unlink(path);
    }
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fputs("phys FOLDER MODE THREADS SECONDS [BYTES [BATCH]]; modes: see phys.c\n", stderr);
        return 2;
    }
    folder = argv[1];
    seconds = strtod(argv[4], NULL);
    bytes = argc > 5 ? strtoul(argv[5], NULL, 10) : bytes;
    batch = argc > 6 ? (int)strtol(argv[6], NULL, 10) : batch;
    if (strcmp(argv[2], "sqlite") == 0) {
        measure_sqlite();
        return 0;
    }
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(argv[2], modes[i].name) == 0)
            mode = &modes[i];
    must(mode != NULL, argv[2]);
    measure_files((int)strtol(argv[3], NULL, 10));
    return 0;
}
