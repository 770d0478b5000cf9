/* What the parts of sink share: its options, and what it has seen. */
#ifndef LETTERHEAD_BENCH_SINK_H
#define LETTERHEAD_BENCH_SINK_H

#include <stdbool.h>
#include <stddef.h>

struct sink_options {
    const char *address, *folder, *certificate, *key, *log_path;
    int port;
    long messages, recipients, save_every;
    double delay_s, idle_s;
};

struct sink_counts {
    long messages, unique, repeated, without_id, with_signature, connections, open, open_max;
    long recipients, under_tls, handshakes, resumed;
    long long bytes;
    double first_connection_s, first_s, last_s;
    bool ended_idle;
};

extern struct sink_options options;
extern struct sink_counts seen;

double now_s(void);

/* Counts a message as it came, dots and all; returns its X-Bench-Id, -1 without one. */
long count_message(const char *message, size_t length);
/* Prints the JSON object. */
void report(void);

#endif
