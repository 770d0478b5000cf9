/* What sink makes of a message, and its report. */
#include "sink.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { IDS_MAX = 1 << 24 };

struct sink_counts seen;

static unsigned char ids[IDS_MAX]; /* seen */

double now_s(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void save(const char *message, size_t length, long id)
{
    char path[1024];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%08ld.eml", options.folder, id);
    file = fopen(path, "wb");
    if (!file)
        return;
    for (size_t start = 0; start < length;) {
        const char *newline = memchr(message + start, '\n', length - start);
        size_t end = newline ? (size_t)(newline - message) + 1 : length;
        size_t dot = message[start] == '.';

        fwrite(message + start + dot, 1, end - start - dot, file);
        start = end;
    }
    fclose(file);
}

static void count_id(long id)
{
    if (id < 0 || id >= IDS_MAX) {
        seen.without_id++;
        seen.unique++;
        return;
    }
    if (ids[id])
        seen.repeated++;
    else
        seen.unique++;
    ids[id] = 1;
}

long count_message(const char *message, size_t length)
{
    static const char signature[] = "DKIM-Signature:", mark[] = "\nX-Bench-Id: ";
    const char *end = memmem(message, length, "\r\n\r\n", 4), *found;
    size_t header = end ? (size_t)(end - message) + 2 : length;
    long id = -1;

    assert(message);
    seen.last_s = now_s();
    if (seen.messages++ == 0)
        seen.first_s = seen.last_s;
    seen.bytes += (long long)length;
    if (header > sizeof(signature) && (!strncasecmp(message, signature, sizeof(signature) - 1) ||
                                       memmem(message, header, "\nDKIM-Signature:", 16)))
        seen.with_signature++;
    found = memmem(message, header, mark, sizeof(mark) - 1);
    if (found)
        id = strtol(found + sizeof(mark) - 1, NULL, 10);
    count_id(id);
    if (options.save_every > 0 && options.folder && (seen.messages - 1) % options.save_every == 0)
        save(message, length, id < 0 ? seen.messages : id);
    return id;
}

void report(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    printf("{\"messages\":%ld,\"unique\":%ld,\"repeated\":%ld,\"without_id\":%ld,\"signed\":%ld,"
           "\"recipients\":%ld,\"under_tls\":%ld,\"handshakes\":%ld,\"resumed\":%ld,"
           "\"bytes\":%lld,\"connections\":%ld,\"open_max\":%ld,\"first_connection_s\":%.6f,"
           "\"first_s\":%.6f,\"last_s\":%.6f,\"ended_idle\":%s,\"cpu_s\":%.3f}\n",
           seen.messages, seen.unique, seen.repeated, seen.without_id, seen.with_signature,
           seen.recipients, seen.under_tls, seen.handshakes, seen.resumed, seen.bytes,
           seen.connections, seen.open_max, seen.first_connection_s, seen.first_s, seen.last_s,
           seen.ended_idle ? "true" : "false",
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6);
    fflush(stdout);
}
