/* The receiving hosts of the recipients' domains, and what DNS says of them. */
#include "actors.h"
#include "runtime/listener.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_BYTES = 4096, RECIPIENTS_MAX = 60, SMTP_PORT = 25 };

/* One connection from the gateway. */
struct visit {
    struct host *host;
    struct stream *stream;
    struct arena arena;
    bool has_sender;
    struct slice recipients[RECIPIENTS_MAX];
    size_t recipient_count;
    uint64_t begun_us;
    bool asked; /* to slow down, and the answer to it counts */
    uint64_t asked_us;
    unsigned asked_start, asked_acts;
    /* The last message taken, until the gateway says something more. */
    struct ledger_submission *taken;
    struct slice taken_by[RECIPIENTS_MAX];
    size_t taken_count;
};

static struct chance *chance_of(struct visit *v)
{
    return v->host->scenario->chance;
}

static int reply(struct task *t, struct visit *v, const char *text)
{
    const struct host_habits *habits = &v->host->habits;
    int r = 0;

    if (chance_ppm(chance_of(v), habits->slow))
        r = task_sleep(t, chance_skewed(chance_of(v), habits->slow_most_us));
    if (r == 0)
        r = stream_write(t, v->stream, slice_text(text));
    return r == 0 ? stream_flush(t, v->stream) : r;
}

/* True the first time that this address is named. */
static bool is_new(struct host *h, struct slice address)
{
    if (slice_find_slice(buffer_slice(&h->seen), address) >= 0)
        return false;
    buffer_add(&h->seen, address);
    buffer_add_byte(&h->seen, '\n');
    return true;
}

/* Whoever is told to slow down leaves, and is not seen again before its back-off is over: longer
 * than QUIET_US, unless it was started anew or an operator said otherwise. Asked again within
 * FRESH_US it may have answered to the first time; and of those that have two hosts nobody knows
 * which one they are told of. */
static const uint64_t QUIET_US = 55 * SECOND_US, FRESH_US = 3600 * SECOND_US;
/* Mail that had begun when its site was stopped is at the door no later. */
static const uint64_t STOP_US = 60 * SECOND_US;

static void ask_for_quiet(struct task *t, struct visit *v)
{
    struct host *h = v->host;

    v->asked = h->number % 2 == 1 && (h->asked_us == 0 || task_now_us(t) > h->asked_us + FRESH_US);
    h->asked_us = v->asked_us = task_now_us(t);
    v->asked_start = h->scenario->starts;
    v->asked_acts = h->scenario->acts;
}

/* The guest says goodbye: it knows. If another one was asked meanwhile, and was faster, the quiet
 * began with that one. */
static void begin_quiet(struct task *t, struct visit *v)
{
    struct host *h = v->host;

    if (!v->asked || h->asked_us != v->asked_us)
        return;
    h->quiet_until_us = task_now_us(t) + QUIET_US;
    h->quiet_start = v->asked_start;
    h->quiet_acts = v->asked_acts;
    h->quiet_visits = 0;
}

/* One may have been at the door. */
static void judge_quiet(struct task *t, struct host *h)
{
    if (task_now_us(t) > h->quiet_until_us || h->quiet_start != h->scenario->starts ||
        h->quiet_acts != h->scenario->acts)
        return;
    if (++h->quiet_visits > 1)
        ledger_fail(h->scenario->ledger, "host %u had asked for quiet, and was visited %u times",
                    h->number, h->quiet_visits);
}

static int do_mail(struct task *t, struct visit *v)
{
    v->recipient_count = 0;
    v->begun_us = task_now_us(t);
    if (chance_ppm(chance_of(v), v->host->habits.slow_down)) {
        v->has_sender = false;
        ask_for_quiet(t, v);
        return reply(t, v, "450 4.7.28 please slow down\r\n");
    }
    v->has_sender = !chance_ppm(chance_of(v), v->host->habits.mail_later);
    if (!v->has_sender)
        return reply(t, v, "451 4.3.2 not now\r\n");
    return reply(t, v, "250 2.1.0 ok\r\n");
}

static struct slice address_of(struct slice line)
{
    ssize_t from = slice_find(line, '<'), to = slice_find(line, '>');

    return from < 0 || to < from ? SLICE_NONE
                                 : slice_part(line, (size_t)from + 1, (size_t)(to - from) - 1);
}

static int do_rcpt(struct task *t, struct visit *v, struct slice line)
{
    const struct host_habits *habits = &v->host->habits;
    struct slice address = address_of(line);

    if (!v->has_sender)
        return reply(t, v, "503 5.5.1 no sender\r\n");
    if (slice_starts(address, SLICE("nobody")))
        return reply(t, v, "550 5.1.1 no such user\r\n");
    if (habits->greylist && is_new(v->host, address))
        return reply(t, v, "450 4.2.0 greylisted, come back later\r\n");
    if (chance_ppm(chance_of(v), habits->rcpt_later) || v->recipient_count == RECIPIENTS_MAX)
        return reply(t, v, "452-4.5.3 too many\r\n452 4.5.3 at a time\r\n");
    v->recipients[v->recipient_count++] = arena_copy(&v->arena, address);
    return reply(t, v, "250 2.1.5 ok\r\n");
}

/* Reads up to the final dot. -ECONNABORTED: the host has had enough. */
static int read_content(struct task *t, struct visit *v, struct buffer *out)
{
    bool cut = chance_ppm(chance_of(v), v->host->habits.cut_in_data);
    struct slice line;
    int r;

    while ((r = stream_read_line(t, v->stream, LINE_BYTES, &line)) == 0) {
        if (slice_equal(line, SLICE(".\r\n")))
            return 0;
        if (!slice_ends_nocase(line, SLICE("\r\n")) ||
            slice_find(line, '\r') != (ssize_t)line.size - 2)
            ledger_fail(v->host->scenario->ledger, "the gateway sent a bare CR or LF");
        buffer_add(out, slice_starts(line, SLICE(".")) ? slice_part(line, 1, line.size) : line);
        if (cut && chance_ppm(chance_of(v), 200000))
            return -ECONNABORTED;
    }
    return r;
}

/* What was under way when the gateway heard of it may still arrive; nothing may begin. */
static void judge_stopped(const struct visit *v)
{
    struct scenario *s = v->host->scenario;
    unsigned site = v->taken ? (unsigned)(v->taken->site_domain.data[4] - '0') : 0;

    if (v->taken && site < SCENARIO_SITES && s->site_stopped_us[site] &&
        v->begun_us > s->site_stopped_us[site] + STOP_US)
        ledger_fail(s->ledger, "mail of site %u went out, and its domain was taken back", site + 1);
}

static void take(struct visit *v, struct slice content)
{
    ledger_deliver(v->host->scenario->ledger, content, v->recipients, v->recipient_count,
                   v->begun_us, &v->taken);
    judge_stopped(v);
    memcpy(v->taken_by, v->recipients, sizeof v->taken_by);
    v->taken_count = v->recipient_count;
}

static int judge_content_of(struct task *t, struct visit *v, struct slice content)
{
    const struct host_habits *habits = &v->host->habits;

    if (chance_ppm(chance_of(v), habits->cut_after_dot)) {
        if (chance_ppm(chance_of(v), 500000))
            take(v, content);
        return -ECONNABORTED;
    }
    if (chance_ppm(chance_of(v), habits->data_later))
        return reply(t, v, "451 4.3.0 try again\r\n");
    if (chance_ppm(chance_of(v), habits->data_never))
        return reply(t, v, "554 5.7.1 not wanted\r\n");
    take(v, content);
    return reply(t, v, "250 2.0.0 taken\r\n");
}

static int do_data(struct task *t, struct visit *v)
{
    CLEANUP(buffer_done) struct buffer content = BUFFER_NONE;
    int r;

    if (v->recipient_count == 0)
        return reply(t, v, "503 5.5.1 no recipients\r\n");
    r = reply(t, v, "354 go on\r\n");
    if (r == 0)
        r = read_content(t, v, &content);
    if (r == 0)
        r = judge_content_of(t, v, buffer_slice(&content));
    v->recipient_count = 0;
    v->has_sender = false;
    return r;
}

static int do_hello(struct task *t, struct visit *v)
{
    const struct host_habits *habits = &v->host->habits;
    char text[200];

    snprintf(text, sizeof text, "250-mx%u.example\r\n%s%s250 8BITMIME\r\n", v->host->number,
             habits->pipelining ? "250-PIPELINING\r\n" : "",
             habits->size ? "250-SIZE 10000000\r\n" : "");
    return reply(t, v, text);
}

static int perform(struct task *t, struct visit *v, struct slice line)
{
    if (slice_starts_nocase(line, SLICE("EHLO ")))
        return do_hello(t, v);
    if (slice_starts_nocase(line, SLICE("MAIL FROM:")))
        return do_mail(t, v);
    if (slice_starts_nocase(line, SLICE("RCPT TO:")))
        return do_rcpt(t, v, line);
    if (slice_equal_nocase(line, SLICE("DATA\r\n")))
        return do_data(t, v);
    if (slice_equal_nocase(line, SLICE("RSET\r\n")))
        return reply(t, v, "250 2.0.0 ok\r\n");
    if (slice_equal_nocase(line, SLICE("QUIT\r\n"))) {
        begin_quiet(t, v);
        int r = reply(t, v, "221 2.0.0 bye\r\n");

        return r < 0 ? r : -ECONNABORTED;
    }
    return reply(t, v, "500 5.5.2 what?\r\n");
}

/* Whoever goes on to talk has read the answer before. */
static void note_next_line(struct visit *v)
{
    if (v->taken)
        ledger_deliver_certain(v->taken, v->taken_by, v->taken_count);
    v->taken = NULL;
}

static int receive(struct task *t, struct visit *v)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, 3600 * SECOND_US);
    struct slice line;
    int r;

    judge_quiet(t, v->host);
    if (v->host->away)
        return -ECONNABORTED;
    if (chance_ppm(chance_of(v), v->host->habits.busy))
        return reply(t, v, "421 4.7.0 too busy\r\n");
    r = reply(t, v, "220 mx.example ready\r\n");
    while (r == 0) {
        r = stream_read_line(t, v->stream, LINE_BYTES, &line);
        if (r == 0) {
            note_next_line(v);
            r = perform(t, v, line);
        }
    }
    return r;
}

static int visit_main(struct task *t, void *argument)
{
    struct visit *v = argument;

    (void)!receive(t, v);
    stream_free(v->stream);
    arena_done(&v->arena);
    free(v);
    return 0;
}

int host_main(struct task *t, void *argument)
{
    struct host *h = argument;
    CLEANUP(listener_free_pointer) struct listener *listener = NULL;
    CLEANUP(scope_close) struct scope visits;
    struct stream *stream;
    int r = listener_new(t, h->listener, &listener);

    scope_open(&visits, t);
    while (r == 0 && (r = listener_accept(t, listener, &stream)) == 0) {
        struct visit *v = base_allocate(sizeof *v);

        v->host = h;
        v->stream = stream;
        r = scope_spawn(&visits, "visit", visit_main, v);
    }
    return r;
}

/* In a third of the runs a host is well-behaved. */
static void choose_habits(struct chance *c, struct host_habits *habits)
{
    *habits =
        (struct host_habits){.pipelining = chance_ppm(c, 700000), .size = chance_ppm(c, 500000)};
    if (chance_ppm(c, 330000))
        return;
    habits->busy = (uint32_t)chance_skewed(c, 300000);
    habits->mail_later = (uint32_t)chance_skewed(c, 200000);
    habits->slow_down = (uint32_t)chance_skewed(c, 200000);
    habits->rcpt_later = (uint32_t)chance_skewed(c, 300000);
    habits->data_later = (uint32_t)chance_skewed(c, 300000);
    habits->data_never = (uint32_t)chance_skewed(c, 100000);
    habits->cut_in_data = (uint32_t)chance_skewed(c, 300000);
    habits->cut_after_dot = (uint32_t)chance_skewed(c, 300000);
    habits->slow = (uint32_t)chance_skewed(c, 500000);
    habits->slow_most_us = chance_skewed(c, 900 * SECOND_US);
    habits->greylist = chance_ppm(c, 300000);
}

void host_open(struct host *h)
{
    h->endpoint = (struct endpoint){
        .family = 4, .address = {203, 0, 113, (uint8_t)(10 + h->number)}, .port = SMTP_PORT};
    h->listener = sim_world_listen(h->scenario->w, &h->endpoint, false);
    choose_habits(h->scenario->chance, &h->habits);
}

void host_done(struct host *h)
{
    buffer_done(&h->seen);
}

static void answer_mx(struct world_query *query, uint16_t preference, const char *name)
{
    struct dns_answer *answer = &query->answer;

    if (!answer->records)
        answer->records = ARENA_ARRAY(query->arena, struct dns_record, 4);
    answer->status = DNS_FOUND;
    answer->records[answer->count++] = (struct dns_record){
        .name = arena_copy(query->arena, slice_text(name)), .preference = preference};
}

static void answer_address(struct world_query *query, uint8_t last)
{
    struct dns_answer *answer = &query->answer;

    answer->records = ARENA_NEW(query->arena, struct dns_record);
    answer->status = DNS_FOUND;
    answer->count = 1;
    answer->records[0].address = (struct endpoint){.family = 4, .address = {203, 0, 113, last}};
}

/* Domains with an even number have a second host that is dead; which is preferred changes. */
static void resolve_mx(struct scenario *s, struct world_query *query)
{
    unsigned number = (unsigned)(query->name[1] - '0');
    char name[32];

    snprintf(name, sizeof name, "mx%u.example", number);
    answer_mx(query, 10, name);
    if (number % 2 == 0)
        answer_mx(query, chance_ppm(s->chance, 500000) ? 5 : 15, "dead.example");
}

static void resolve_known(struct scenario *s, struct world_query *query)
{
    struct slice name = slice_text(query->name);

    query->answer = (struct dns_answer){.status = DNS_NO_DATA, .ttl_s = 300};
    query->answer.canonical = arena_copy(query->arena, name);
    if (slice_equal(name, SLICE("gone.example")))
        query->answer.status = DNS_NO_NAME;
    else if (query->type == DNS_MX && slice_equal(name, SLICE("null.example")))
        answer_mx(query, 0, "");
    else if (query->type == DNS_MX && name.data[0] == 'd' && strchr(".n", name.data[2]))
        resolve_mx(s, query);
    else if (query->type == DNS_A && slice_starts(name, SLICE("mx")))
        answer_address(query, (uint8_t)(10 + name.data[2] - '0'));
    else if (query->type == DNS_A && slice_equal(name, SLICE("dead.example")))
        answer_address(query, 250);
}

void host_resolve(void *context, struct world_query *query, uint64_t *ret_delay_us)
{
    struct scenario *s = context;

    *ret_delay_us = chance_skewed(s->chance, 200000);
    if (!chance_ppm(s->chance, s->dns_trouble)) {
        resolve_known(s, query);
        return;
    }
    *ret_delay_us = chance_skewed(s->chance, 30 * SECOND_US);
    query->answer =
        (struct dns_answer){.status = DNS_TEMPORARY, .why = SLICE("its servers do not answer")};
}
