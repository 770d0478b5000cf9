#include "ledger.h"

#include "judge.h"
#include "wire/header.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Longer than any wait between an answer and its commit while the disk works. */
static const uint64_t COMMIT_MOST_US = 20 * 1000000;

struct ledger *ledger_new(struct sim_world *w)
{
    struct ledger *l = base_allocate(sizeof *l);

    l->w = w;
    list_init(&l->submissions);
    return l;
}

void ledger_free(struct ledger *l)
{
    arena_done(&l->arena);
    free(l);
}

void ledger_fail(struct ledger *l, const char *format, ...)
{
    char text[sizeof l->problem];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    sim_trace(l->w, "LEDGER: %s", text);
    if (!*l->problem)
        memcpy(l->problem, text, sizeof text);
}

static uint64_t now_us(const struct ledger *l)
{
    return world_now_us(sim_world_base(l->w));
}

struct slice ledger_token(struct ledger *l, unsigned number)
{
    return arena_printf(&l->arena, "sim-%06u", number);
}

struct ledger_submission *ledger_submit(struct ledger *l, struct slice site_domain)
{
    struct ledger_submission *s = ARENA_NEW(&l->arena, struct ledger_submission);

    s->number = ++l->submission_count;
    s->site_domain = site_domain;
    list_add_last(&l->submissions, &s->link);
    return s;
}

static struct ledger_submission *find_number(const struct ledger *l, unsigned number)
{
    LIST_FOREACH (link, &l->submissions) {
        struct ledger_submission *s = LIST_ENTRY(link, struct ledger_submission, link);

        if (s->number == number)
            return s;
    }
    return NULL;
}

/* Finds the token in a text, and what it stands for. */
static struct ledger_submission *find_token(const struct ledger *l, struct slice text)
{
    ssize_t at = slice_find_slice(text, SLICE("sim-"));
    uint64_t number;

    if (at < 0 || slice_to_u64(slice_part(text, (size_t)at + 4, 6), UINT32_MAX, &number) < 0)
        return NULL;
    return find_number(l, (unsigned)number);
}

static struct ledger_submission *find_id(const struct ledger *l, const struct message_id *id)
{
    LIST_FOREACH (link, &l->submissions) {
        struct ledger_submission *s = LIST_ENTRY(link, struct ledger_submission, link);

        if (s->id_known && message_id_compare(&s->id, id) == 0)
            return s;
    }
    return NULL;
}

static struct ledger_recipient *find_recipient(struct ledger_submission *s, struct slice address)
{
    for (size_t i = 0; i < s->recipient_count; i++)
        if (slice_equal(s->recipients[i].address, address))
            return &s->recipients[i];
    return NULL;
}

static void learn_id(struct ledger *l, struct ledger_submission *s, const struct message_id *id)
{
    if (s->id_known && message_id_compare(&s->id, id) != 0)
        ledger_fail(l, "submission %u has two ids", s->number);
    s->id = *id;
    s->id_known = true;
}

void ledger_acknowledge(struct ledger *l, struct ledger_submission *s, struct slice text)
{
    struct message_id id;

    sim_trace(l->w, "client: %u is acknowledged", s->number);
    s->answer = LEDGER_ACKNOWLEDGED;
    l->counts.acknowledged++;
    if (s->forbidden)
        ledger_fail(l, "submission %u should have been refused", s->number);
    if (message_id_parse(text, &id) < 0)
        ledger_fail(l, "the answer to %u has no message id: %.*s", s->number, SLICE_ARG(text));
    else
        learn_id(l, s, &id);
}

void ledger_refuse(struct ledger *l, struct ledger_submission *s, unsigned code)
{
    sim_trace(l->w, "client: %u is refused, %u", s->number, code);
    s->answer = LEDGER_REFUSED;
    l->counts.refused++;
    if (s->id_known)
        ledger_fail(l, "submission %u was refused, %u, and is in the queue", s->number, code);
}

void ledger_leave_open(struct ledger *l, struct ledger_submission *s)
{
    sim_trace(l->w, "client: %u gets no answer", s->number);
    s->answer = LEDGER_UNANSWERED;
    l->counts.unanswered++;
}

static void store_accepted(struct ledger *l, const struct queue_event *event)
{
    struct ledger_submission *s = find_token(l, event->accepted.subject);
    struct slice addresses = event->accepted.addresses, address;
    size_t index = event->accepted.first_recipient;

    if (!s) {
        ledger_fail(l, "a message was accepted that nobody sent");
        return;
    }
    if (s->answer == LEDGER_REFUSED)
        ledger_fail(l, "submission %u was refused, and is in the queue", s->number);
    learn_id(l, s, &event->id);
    while (queue_event_address(&addresses, &address)) {
        if (index >= s->recipient_count || !slice_equal(s->recipients[index].address, address))
            ledger_fail(l, "recipient %zu of %u is %.*s", index, s->number, SLICE_ARG(address));
        index++;
    }
}

static void count_end(struct ledger *l, enum queue_event_type type)
{
    l->counts.delivered += type == QUEUE_EVENT_DELIVERED;
    l->counts.bounced += type == QUEUE_EVENT_BOUNCED;
    l->counts.expired += type == QUEUE_EVENT_EXPIRED;
    l->counts.cancelled += type == QUEUE_EVENT_CANCELLED;
}

static void store_end(struct ledger *l, struct ledger_submission *s, struct ledger_recipient *r,
                      const struct queue_event *event)
{
    if (r->ended)
        ledger_fail(l, "recipient %.*s of %u has ended twice: %s, then %s", SLICE_ARG(r->address),
                    s->number, queue_event_name(r->ended), queue_event_name(event->type));
    if (event->type == QUEUE_EVENT_CANCELLED && s->answer == LEDGER_ACKNOWLEDGED)
        ledger_fail(l, "submission %u was acknowledged and then cancelled", s->number);
    if (event->type == QUEUE_EVENT_DELIVERED && r->deliveries == 0)
        ledger_fail(l, "recipient %.*s of %u is said to have it, and has not",
                    SLICE_ARG(r->address), s->number);
    r->ended = event->type;
    r->ended_us = now_us(l);
    count_end(l, event->type);
}

static void store_one(struct ledger *l, struct ledger_submission *s,
                      const struct queue_event *event, struct ledger_recipient *r)
{
    if (queue_event_is_final(event->type)) {
        store_end(l, s, r, event);
        return;
    }
    if (queue_event_is_report(event->type))
        return; /* of what came back, whenever it does */
    if (r->ended)
        ledger_fail(l, "recipient %.*s of %u: %s after its end", SLICE_ARG(r->address), s->number,
                    queue_event_name(event->type));
    r->ambiguous_events += event->ambiguous;
    l->counts.ambiguous += event->ambiguous;
    if (event->type == QUEUE_EVENT_HELD)
        r->held = true;
    if (event->type == QUEUE_EVENT_RELEASED)
        r->held = false;
}

static void store_event(struct ledger *l, const struct queue_event *event)
{
    static const struct message_id none = {0};
    struct ledger_submission *s;

    if (event->site_id == 0)
        return; /* of a report on its way to the steward */

    if (event->type == QUEUE_EVENT_ACCEPTED) {
        store_accepted(l, event);
        return;
    }
    if (message_id_compare(&event->id, &none) == 0)
        return;
    s = find_id(l, &event->id);
    if (!s) {
        ledger_fail(l, "%s, of a message never accepted", queue_event_name(event->type));
        return;
    }
    sim_trace(l->w, "steward: %u recipient %d %s%s", s->number, (int)event->recipient,
              queue_event_name(event->type), event->ambiguous ? ", ambiguous" : "");
    for (size_t i = 0; i < s->recipient_count; i++) {
        bool all = event->recipient == QUEUE_EVENT_ALL_RECIPIENTS && !s->recipients[i].ended;

        if (event->recipient == i || all)
            store_one(l, s, event, &s->recipients[i]);
    }
}

static int read_batch(struct cursor *c, struct ledger *l)
{
    uint64_t spool_id;
    int r = queue_event_batch_read(c, &spool_id);

    if (r < 0)
        return r;
    if (spool_id !=
        l->spool_id) { /* the last one was empty, and went; what it lost, the audit finds */
        sim_trace(l->w, "steward: the spool begins anew");
        l->cursor = 0;
    }
    l->spool_id = spool_id;
    return 0;
}

int ledger_store_events(struct ledger *l, struct slice batch)
{
    struct cursor c = cursor_of(batch);
    uint64_t before = 0;
    int r = read_batch(&c, l);

    while (r == 0 && c.rest.size) {
        struct queue_event event;

        r = queue_event_read(&c, &event);
        if (r < 0)
            break;
        if (event.sequence <= before)
            ledger_fail(l, "event %llu comes after event %llu", (unsigned long long)event.sequence,
                        (unsigned long long)before);
        before = event.sequence;
        if (event.sequence <= l->cursor)
            continue;
        l->cursor = event.sequence;
        store_event(l, &event);
    }
    if (r < 0)
        ledger_fail(l, "a batch of events cannot be read: %d", r);
    return r;
}

/* The gateway crashed soon after this time: before it had written down what it then knew. */
static bool crashed_soon_after(const struct ledger *l, uint64_t time_us)
{
    for (size_t i = 0; i < l->crash_count; i++)
        if (l->crashes_us[i] >= time_us)
            return l->disk_fails || l->crashes_us[i] < time_us + COMMIT_MOST_US;
    return false;
}

/* The answer before this one may not have been read, or not have been written down. */
static bool may_repeat(const struct ledger *l, const struct ledger_recipient *r)
{
    return !r->delivery_certain || crashed_soon_after(l, r->delivered_us);
}

static void deliver_one(struct ledger *l, struct ledger_submission *s, struct slice address,
                        uint64_t begun_us)
{
    struct ledger_recipient *r = find_recipient(s, address);

    if (!r) {
        ledger_fail(l, "%u goes to %.*s, who is no recipient", s->number, SLICE_ARG(address));
        return;
    }
    if (r->ended && begun_us > r->ended_us)
        ledger_fail(l, "%u goes to %.*s after its end", s->number, SLICE_ARG(address));
    if (r->deliveries && !may_repeat(l, r))
        ledger_fail(l, "%u goes to %.*s again, without need", s->number, SLICE_ARG(address));
    l->counts.repeated += r->deliveries > 0;
    r->deliveries++;
    r->delivered_us = now_us(l);
    r->delivery_certain = false;
}

void ledger_deliver(struct ledger *l, struct slice content, const struct slice *recipients,
                    size_t count, uint64_t begun_us, struct ledger_submission **ret_submission)
{
    struct ledger_submission *s = find_token(l, content);
    const char *why;

    *ret_submission = s;
    if (!s) {
        ledger_fail(l, "a host got a message that nobody sent: %.*s",
                    SLICE_ARG(slice_part(content, 0, 900)));
        return;
    }
    sim_trace(l->w, "mx: takes %u for %zu", s->number, count);
    if (s->answer == LEDGER_REFUSED)
        ledger_fail(l, "submission %u was refused, and is delivered", s->number);
    why = judge_content(s->content, content);
    if (!why)
        why = judge_signature(content, s->site_domain,
                              l->public_keys[(unsigned char)s->site_domain.data[4] - '0']);
    if (why)
        ledger_fail(l, "submission %u is not what was sent: %s", s->number, why);
    for (size_t i = 0; i < count; i++)
        deliver_one(l, s, recipients[i], begun_us);
}

void ledger_deliver_certain(struct ledger_submission *s, const struct slice *recipients,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ledger_recipient *r = find_recipient(s, recipients[i]);

        if (r)
            r->delivery_certain = true;
    }
}

void ledger_note_crash(struct ledger *l)
{
    assert(l->crash_count < LEDGER_CRASHES_MAX);
    l->crashes_us[l->crash_count++] = now_us(l);
}

static bool has_ended(const struct ledger_submission *s)
{
    for (size_t i = 0; i < s->recipient_count; i++)
        if (!s->recipients[i].ended)
            return false;
    return true;
}

bool ledger_is_settled(const struct ledger *l)
{
    LIST_FOREACH (link, &l->submissions) {
        struct ledger_submission *s = LIST_ENTRY(link, struct ledger_submission, link);

        if ((s->answer == LEDGER_ACKNOWLEDGED || s->id_known) && !has_ended(s))
            return false;
    }
    return true;
}

/* Every repetition was announced: the attempt before it was noted as ambiguous, by the gateway that
 * made it or by the next one after a crash. */
static void judge_recipient(struct ledger *l, const struct ledger_submission *s,
                            const struct ledger_recipient *r)
{
    if (!r->ended && (s->answer == LEDGER_ACKNOWLEDGED || s->id_known))
        ledger_fail(l, "%u to %.*s %s", s->number, SLICE_ARG(r->address),
                    r->held ? "is held for ever" : "is lost");
    if (r->deliveries > 1 + r->ambiguous_events)
        ledger_fail(l, "%u went to %.*s %u times, and %u events say that it might", s->number,
                    SLICE_ARG(r->address), r->deliveries, r->ambiguous_events);
}

void ledger_judge(struct ledger *l)
{
    LIST_FOREACH (link, &l->submissions) {
        const struct ledger_submission *s = LIST_ENTRY(link, struct ledger_submission, link);

        for (size_t i = 0; i < s->recipient_count; i++)
            judge_recipient(l, s, &s->recipients[i]);
    }
}
