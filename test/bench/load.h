/* What the parts of load share: its options, its counts, a session. */
#ifndef LETTERHEAD_BENCH_LOAD_H
#define LETTERHEAD_BENCH_LOAD_H

#include "secure.h"

#include <stdio.h>
#include <time.h>

enum step {
    STEP_OFF,
    STEP_GREETING,
    STEP_EHLO,
    STEP_STARTTLS,
    STEP_AUTH,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_CONTENT,
    STEP_QUIT,
};

struct session {
    int socket; /* -1: none */
    SSL *tls;   /* NULL: in clear */
    SSL_SESSION *ticket;
    enum step step;
    int begun;         /* messages begun on this connection */
    int rcpt_answered; /* of the message in hand */
    long id;           /* the message in hand, -1: none */
    char *out;
    size_t out_length, out_sent, out_size;
    char in[8192];
    size_t in_length;
    double content_sent_s; /* when the kernel had the last byte of the content, 0: not yet */
    double retry_at_s;
    bool wants_write;
};

struct load_options {
    const char *address, *from_domain, *rcpt_domain, *log_path, *authorities;
    char auth[1024]; /* initial response of AUTH PLAIN; empty: none */
    int port, sessions, per_connection, domains, recipients;
    long messages, first_id;
    size_t body_bytes;
    bool pipelining, starttls;
    double limit_s, per_s;
};

struct load_counts {
    long next_id, accepted, refused, deferred, lost, connections, handshakes, resumed, tls13;
    long *again; /* ids to be tried once more */
    size_t again_count;
    double *latency_s;
    double start_s, last_accepted_s;
    time_t wall_start;
    FILE *log; /* "id seconds" of each 250, or NULL */
    char last_error[256];
};

extern struct load_options options;
extern struct load_counts run;
extern SSL_CTX *tls_client; /* NULL: no TLS */
extern int epoll;

double now_s(void);
void *allocate(void *memory, size_t size);

/* Makes the body that all messages have. */
void message_prepare(void);
void message_put(struct session *session);
/* Adds the RCPT command of the n-th recipient of the message in hand. */
void message_put_rcpt(struct session *session, int n);

void session_put(struct session *session, const char *bytes, size_t length);
void session_open(struct session *session);
/* The socket can be written, or read, again. */
void session_flush(struct session *session);
void session_read(struct session *session);

/* Whether there is a message to be sent now. */
bool messages_left(void);

#endif
