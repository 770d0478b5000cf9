/* Receivers: slow, and willing. Half of all domains are at one provider. */
#include "newsletter.h"
#include "runtime/listener.h"

#include <stdlib.h>

/* One connection from the gateway. */
struct visit {
    struct stream *stream;
    unsigned recipients;
    bool news;
    unsigned notice; /* from 1; 0: none */
};

static int say(struct task *t, struct visit *v, uint64_t least_ms, uint64_t most_ms,
               const char *text)
{
    uint64_t wait_us = chance_between(run.s.chance, least_ms * 1000, most_ms * 1000);
    int r = wait_us ? task_sleep(t, wait_us) : 0;

    if (r == 0)
        r = stream_write(t, v->stream, slice_text(text));
    return r == 0 ? stream_flush(t, v->stream) : r;
}

static void note_header(struct visit *v, struct slice line)
{
    uint64_t number;

    if (slice_starts(line, SLICE("List-Unsubscribe:")))
        v->news = true;
    if (slice_starts(line, SLICE("Subject: notice ")) &&
        slice_to_u64(slice_trim(slice_part(line, 16, line.size)), NOTICES_MAX, &number) == 0)
        v->notice = (unsigned)number;
}

static void note_delivered(struct task *t, struct visit *v)
{
    if (v->notice)
        run.notices[v->notice - 1].delivered_us = task_now_us(t);
    if (v->news)
        run.news_delivered += v->recipients;
    if (run.news_delivered == run.recipients && !run.news_done_us) {
        run.news_done_us = task_now_us(t);
        condition_broadcast(&run.done);
    }
    v->recipients = v->notice = 0;
    v->news = false;
}

static int take_content(struct task *t, struct visit *v)
{
    struct slice line;
    int r = say(t, v, 0, 20, "354 go on\r\n");

    while (r == 0 && (r = stream_read_line(t, v->stream, LINE_BYTES, &line)) == 0) {
        if (slice_equal(line, SLICE(".\r\n")))
            break;
        note_header(v, line);
    }
    if (r == 0)
        r = say(t, v, 200, 600, "250 2.0.0 taken\r\n");
    if (r == 0)
        note_delivered(t, v);
    return r;
}

static int perform(struct task *t, struct visit *v, struct slice line)
{
    if (slice_starts_nocase(line, SLICE("EHLO ")))
        return say(t, v, 10, 50, "250-mx.example\r\n250 PIPELINING\r\n");
    if (slice_equal_nocase(line, SLICE("DATA\r\n")))
        return take_content(t, v);
    v->recipients += slice_starts_nocase(line, SLICE("RCPT "));
    return say(t, v, 0, 0, "250 2.0.0 ok\r\n");
}

static int visit_main(struct task *t, void *argument)
{
    struct visit *v = argument;
    struct slice line;
    int r = say(t, v, 50, 200, "220 mx.example\r\n");

    while (r == 0 && (r = stream_read_line(t, v->stream, LINE_BYTES, &line)) == 0)
        r = slice_starts_nocase(line, SLICE("QUIT")) ? -EPIPE : perform(t, v, line);
    stream_free(v->stream);
    free(v);
    return 0;
}

static int sink_main(struct task *t, void *argument)
{
    const int *socket = argument;
    CLEANUP(listener_free_pointer) struct listener *listener = NULL;
    CLEANUP(scope_close) struct scope visits;
    struct stream *stream;
    int r = listener_new(t, *socket, &listener);

    scope_open(&visits, t);
    while (r == 0 && (r = listener_accept(t, listener, &stream)) == 0) {
        struct visit *v = base_allocate(sizeof *v);

        v->stream = stream;
        r = scope_spawn(&visits, "visit", visit_main, v);
    }
    return r;
}

static unsigned provider_of(unsigned domain)
{
    return domain % 2 == 0 ? 0 : 1 + domain / 2 % (PROVIDERS - 1);
}

/* "n17.example" is at "mx.p18.example", 203.0.113.28. */
void resolve(void *context, struct world_query *query, uint64_t *ret_delay_us)
{
    struct dns_answer *answer = &query->answer;
    struct slice name = slice_text(query->name);
    struct dns_record *record = ARENA_NEW(query->arena, struct dns_record);
    bool mx = query->type == DNS_MX && name.data[0] == 'n';
    bool address = query->type == DNS_A && slice_starts(name, SLICE("mx.p"));
    unsigned number = (unsigned)strtoul(query->name + (mx ? 1 : 4), NULL, 10);

    (void)context;
    *ret_delay_us = chance_between(run.s.chance, 1000, 100000);
    *answer = (struct dns_answer){.status = DNS_NO_DATA, .ttl_s = 3600};
    answer->canonical = arena_copy(query->arena, name);
    if (!mx && !address)
        return;
    answer->status = DNS_FOUND;
    answer->records = record;
    answer->count = 1;
    if (mx)
        record->name = arena_printf(query->arena, "mx.p%u.example", provider_of(number));
    else
        record->address =
            (struct endpoint){.family = 4, .address = {203, 0, 113, (uint8_t)(10 + number)}};
}

int start_receivers(struct scope *scope)
{
    static int sockets[PROVIDERS];
    int r = 0;

    for (unsigned i = 0; r == 0 && i < PROVIDERS; i++) {
        const struct endpoint at = {
            .family = 4, .address = {203, 0, 113, (uint8_t)(10 + i)}, .port = 25};

        sockets[i] = sim_world_listen(run.s.w, &at, false);
        r = scope_spawn(scope, "sink", sink_main, &sockets[i]);
    }
    return r;
}
