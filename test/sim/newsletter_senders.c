/* Senders: the newsletter, from several connections as fast as it is let, and notices now and
 * then. */
#include "newsletter.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 50 /* commands in one write */ };

struct sender {
    unsigned number, site;
    struct stream *stream;
};

static int read_reply(struct task *t, struct sender *c, const char *wanted)
{
    struct slice line;
    int r;

    do
        r = stream_read_line(t, c->stream, LINE_BYTES, &line);
    while (r == 0 && line.size > 3 && line.data[3] == '-');
    if (r == 0 && !slice_starts(line, slice_text(wanted))) {
        printf("a sender was told: %.*s", SLICE_ARG(line));
        run.problem = "a sender was not told what it expected";
        return -EPROTO;
    }
    return r;
}

static int connect_sender(struct task *t, struct sender *c)
{
    const struct endpoint source = {.family = 4, .address = {127, 0, 1, (uint8_t)(c->number + 1)}};
    const struct endpoint target = {.family = 4,
                                    .address = {127, 0, 0, 1},
                                    .port = (uint16_t)(SUBMISSION_PORT_FIRST + c->site)};
    int r = stream_connect(t, &source, &target, &c->stream);

    if (r == 0)
        r = read_reply(t, c, "220");
    if (r == 0)
        r = stream_write(t, c->stream, SLICE("EHLO app.example\r\n"));
    if (r == 0)
        r = stream_flush(t, c->stream);
    return r == 0 ? read_reply(t, c, "250") : r;
}

/* Recipients from `first` on, each in another domain. */
static int send_recipients(struct task *t, struct sender *c, uint64_t first, uint64_t count)
{
    int r = 0;

    for (uint64_t done = 0; r == 0 && done < count; done += BATCH) {
        uint64_t batch = count - done < BATCH ? count - done : BATCH;

        for (uint64_t i = 0; r == 0 && i < batch; i++)
            r = stream_printf(t, c->stream, "RCPT TO:<r%llu@n%llu.example>\r\n",
                              (unsigned long long)(first + done + i),
                              (unsigned long long)((first + done + i) % DOMAINS));
        if (r == 0)
            r = stream_flush(t, c->stream);
        for (uint64_t i = 0; r == 0 && i < batch; i++)
            r = read_reply(t, c, "250");
    }
    return r;
}

static int send_message(struct task *t, struct sender *c, uint64_t first, uint64_t count,
                        const char *header, size_t body_lines)
{
    struct slice domain = site_domain(c->site);
    int r = stream_printf(t, c->stream, "MAIL FROM:<news@%.*s>\r\n", SLICE_ARG(domain));

    if (r == 0)
        r = stream_flush(t, c->stream);
    if (r == 0)
        r = read_reply(t, c, "250");
    if (r == 0)
        r = send_recipients(t, c, first, count);
    if (r == 0)
        r = stream_write(t, c->stream, SLICE("DATA\r\n"));
    if (r == 0)
        r = stream_flush(t, c->stream);
    if (r == 0)
        r = read_reply(t, c, "354");
    if (r == 0)
        r = stream_printf(t, c->stream, "From: news@%.*s\r\n%s\r\n", SLICE_ARG(domain), header);
    for (size_t i = 0; r == 0 && i < body_lines; i++)
        r = stream_write(t, c->stream,
                         SLICE("What is on at the library this month, and more.\r\n"));
    if (r == 0)
        r = stream_write(t, c->stream, SLICE(".\r\n"));
    if (r == 0)
        r = stream_flush(t, c->stream);
    return r == 0 ? read_reply(t, c, "250") : r;
}

static int news_main(struct task *t, void *argument)
{
    struct sender *c = argument;
    int r = connect_sender(t, c);

    while (r == 0 && run.handed_in < run.recipients) {
        uint64_t first = run.handed_in, left = run.recipients - first;
        uint64_t count = left < run.each ? left : run.each;

        run.handed_in += count;
        r = send_message(t, c, first, count,
                         "Subject: news\r\nList-Unsubscribe: <mailto:off@site0.example>\r\n", 80);
        run.news_accepted_us = task_now_us(t);
    }
    stream_free(c->stream);
    free(c);
    return r;
}

static int notices_main(struct task *t, void *argument)
{
    struct sender *c = argument;
    int r = connect_sender(t, c);

    while (r == 0 && !run.news_done_us && run.notice_count < NOTICES_MAX) {
        unsigned number = run.notice_count++;
        char header[64];

        snprintf(header, sizeof header, "Subject: notice %u\r\n", number + 1);
        r = send_message(t, c, chance_below(run.s.chance, DOMAINS), 1, header, 20);
        run.notices[number].accepted_us = task_now_us(t);
        if (r == 0)
            r = task_sleep(t, chance_between(run.s.chance, SECOND_US / 5, 2 * SECOND_US));
    }
    stream_free(c->stream);
    free(c);
    return r;
}

static int start_sender(struct scope *scope, unsigned number, unsigned site,
                        task_function *function)
{
    struct sender *c = base_allocate(sizeof *c);

    *c = (struct sender){.number = number, .site = site};
    return scope_spawn(scope, "sender", function, c);
}

int start_senders(struct scope *scope)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < NEWS_CONNECTIONS; i++)
        r = start_sender(scope, i, 0, news_main);
    for (unsigned i = 0; r == 0 && i < 2; i++)
        r = start_sender(scope, NEWS_CONNECTIONS + i, i, notices_main);
    return r;
}
