#include "feedback/outcome.h"

#include "base/log.h"
#include "feedback/breaker_store.h"
#include "feedback/reputation.h"
#include "site/refused_setup.h"
#include "site/site.h"
#include "site/suppression.h"

#include <stdlib.h>

static const int64_t HOUR_US = 3600 * (int64_t)1000000;
static const int64_t DAY_US = 86400 * (int64_t)1000000;

struct outcomes {
    struct outcome_options options; /* its rules are those of the loop */
    /* Of the helper thread, as all that follows: the same rules, but while they change. */
    struct feedback_rules *rules;
    struct breaker *breaker;
    bool remembers;  /* what was known of domains has been read */
    int64_t kept_us; /* when it was kept last; of an event */
};

/* Of one site, in this batch. */
struct tally {
    uint64_t site_id;
    int64_t time_us;
    uint32_t accepted, delivered;
};

/* An address that has come onto its site's list. */
struct newcomer {
    struct newcomer *next;
    int64_t site_id;
    struct slice address;
};

/* A batch under way, on the helper thread. */
struct application {
    struct outcomes *outcomes;
    struct slice body;
    uint64_t spool_id;
    uint64_t sequence; /* the last one that has counted */
    int64_t time_us;   /* of the latest event */
    struct arena arena;
    struct tally *tallies;
    size_t tally_count, tally_capacity;
    struct newcomer *newcomers;
};

struct outcomes *outcomes_new(const struct outcome_options *options)
{
    struct outcomes *o = base_allocate(sizeof *o);

    o->options = *options;
    o->rules = options->rules;
    o->breaker = breaker_new();
    return o;
}

void outcomes_free(struct outcomes *o)
{
    if (!o)
        return;
    feedback_rules_free(o->options.rules);
    breaker_free(o->breaker);
    free(o);
}

static bool has_failed(const struct queue_event *event)
{
    return event->type == QUEUE_EVENT_BOUNCED || event->type == QUEUE_EVENT_EXPIRED ||
           event->type == QUEUE_EVENT_RETURNED;
}

/* A reply is words of the receiver; without one the text is our own. */
struct feedback_verdict outcome_judge(const struct feedback_rules *rules,
                                      const struct queue_event *event)
{
    struct feedback_evidence evidence = {
        .status = {event->enhanced[0], event->enhanced[1], event->enhanced[2]},
        .reply_code = event->reply_code,
    };
    struct feedback_verdict verdict;

    if (event->reply_code)
        evidence.reply = event->text;
    else
        evidence.words = event->text;
    verdict = feedback_rules_judge(rules, &evidence);
    verdict.hard = verdict.hard && event->type != QUEUE_EVENT_EXPIRED;
    return verdict;
}

/* Nothing that the mailbox simulator answered says anything about a person or a site. */
static bool has_consequences(const struct queue_event *event)
{
    if (event->reason == QUEUE_REASON_SIMULATED || event->site_id == 0)
        return false;
    return has_failed(event) || event->type == QUEUE_EVENT_ACCEPTED ||
           event->type == QUEUE_EVENT_DELIVERED || event->type == QUEUE_EVENT_COMPLAINED;
}

/* A bounce of an address that is not there, or a complaint. */
static bool suppresses(const struct outcome *outcome)
{
    if (outcome->type == QUEUE_EVENT_COMPLAINED)
        return true;
    return has_failed(outcome->event) && outcome->verdict.hard &&
           feedback_class_fault(outcome->verdict.class) == FEEDBACK_FAULT_RECIPIENT;
}

static int64_t expiry_of(const struct outcome *outcome)
{
    if (outcome->type == QUEUE_EVENT_COMPLAINED)
        return 0;
    return outcome->time_us + DAY_US * (outcome->verdict.class == FEEDBACK_HARD_DOMAIN
                                            ? SUPPRESSION_DOMAIN_DAYS
                                            : SUPPRESSION_BOUNCE_DAYS);
}

static struct suppression describe_suppression(struct application *a, const struct outcome *outcome)
{
    bool complaint = outcome->type == QUEUE_EVENT_COMPLAINED;
    char id[MESSAGE_ID_LENGTH + 1];

    message_id_format(&outcome->event->id, id);
    return (struct suppression){
        .site_id = (int64_t)outcome->site_id,
        .address = suppression_fold(&a->arena, outcome->address),
        .reason = complaint ? SUPPRESSION_COMPLAINT : SUPPRESSION_BOUNCE,
        .class = complaint ? SLICE_NONE : slice_text(feedback_class_name(outcome->verdict.class)),
        .message = arena_copy(&a->arena, slice_text(id)),
        .text = outcome->event->text,
        .since_us = outcome->time_us,
        .expires_us = expiry_of(outcome),
    };
}

static void note_newcomer(struct application *a, const struct suppression *suppression)
{
    struct newcomer *newcomer = ARENA_NEW(&a->arena, struct newcomer);

    *newcomer = (struct newcomer){a->newcomers, suppression->site_id, suppression->address};
    a->newcomers = newcomer;
}

/* A site that is not there any more, or was not yet in a database that was restored, keeps no
 * list. */
static int site_is_known(struct application *a, uint64_t site_id)
{
    struct site site;
    int r = site_find_by_id(a->outcomes->options.store, &a->arena, (int64_t)site_id, &site);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return !slice_equal(site.state, SLICE("removed"));
}

/* Whether the domain is to be believed that it does not know the recipient. */
static int ask_breaker(struct application *a, const struct outcome *outcome,
                       struct suppression *suppression)
{
    struct suppression *released;
    size_t count;
    int r;

    if (outcome->verdict.class != FEEDBACK_HARD_RECIPIENT)
        return 0;
    r = breaker_store_ask(a->outcomes->breaker, a->outcomes->options.store, &a->arena,
                          suppression->address, outcome->time_us, &suppression->held, &released,
                          &count);
    for (size_t i = 0; r == 0 && i < count; i++)
        note_newcomer(a, &released[i]);
    return r;
}

static int note_suppression(struct application *a, const struct outcome *outcome)
{
    struct suppression suppression;
    bool changed;
    int r;

    if (outcome->type == QUEUE_EVENT_DELIVERED || !outcome->address.size || !suppresses(outcome))
        return 0;
    r = site_is_known(a, outcome->site_id);
    if (r < 1)
        return r;
    suppression = describe_suppression(a, outcome);
    r = ask_breaker(a, outcome, &suppression);
    if (r < 0)
        return r;
    r = suppression_put(a->outcomes->options.store, &suppression, &changed);
    if (r == -ENOSPC) {
        log_warning("the suppression list of site %llu is full; an address that bounced was not "
                    "put on it",
                    (unsigned long long)outcome->site_id);
        return 0;
    }
    if (r == 0 && changed)
        note_newcomer(a, &suppression);
    return r;
}

static struct slice domain_of(struct slice address)
{
    return slice_part(address, (size_t)(slice_find_last(address, '@') + 1), address.size);
}

/* The site's people are told of what they alone can mend. */
static int note_setup(struct application *a, const struct outcome *outcome)
{
    int r;

    if (!outcome->event || !has_failed(outcome->event) || !outcome->address.size ||
        feedback_class_fault(outcome->verdict.class) != FEEDBACK_FAULT_SITE_SETUP)
        return 0;
    r = site_is_known(a, outcome->site_id);
    if (r < 1)
        return r;
    return refused_setup_note(a->outcomes->options.store, outcome->site_id,
                              domain_of(outcome->address), outcome->event->text, outcome->time_us);
}

/* All that takes note of outcomes, in one transaction. */
static int note(struct application *a, const struct outcome *outcome)
{
    int r = reputation_note(a->outcomes->options.store, outcome);

    if (r < 0 || outcome->type == QUEUE_EVENT_ACCEPTED)
        return r;
    r = note_setup(a, outcome);
    return r == 0 ? note_suppression(a, outcome) : r;
}

static struct tally *tally_of(struct application *a, uint64_t site_id)
{
    for (size_t i = 0; i < a->tally_count; i++)
        if (a->tallies[i].site_id == site_id)
            return &a->tallies[i];
    if (a->tally_count == a->tally_capacity) {
        size_t capacity = a->tally_capacity ? 2 * a->tally_capacity : 16;
        struct tally *tallies = ARENA_ARRAY(&a->arena, struct tally, capacity);

        if (a->tally_count)
            memcpy(tallies, a->tallies, a->tally_count * sizeof *tallies);
        a->tallies = tallies;
        a->tally_capacity = capacity;
    }
    a->tallies[a->tally_count] = (struct tally){.site_id = site_id};
    return &a->tallies[a->tally_count++];
}

/* An acceptance that takes several events names all its recipients in the first. */
static void tally_event(struct application *a, const struct queue_event *event)
{
    struct tally *tally = tally_of(a, event->site_id);

    if (event->type == QUEUE_EVENT_DELIVERED)
        tally->delivered++;
    else if (event->accepted.first_recipient == 0)
        tally->accepted += event->accepted.recipient_count;
    if (event->time_us > tally->time_us)
        tally->time_us = event->time_us;
}

static int note_tally(struct application *a, const struct tally *tally, enum queue_event_type type,
                      uint32_t count)
{
    const struct outcome outcome = {
        .type = type, .site_id = tally->site_id, .time_us = tally->time_us, .count = count};

    return count ? note(a, &outcome) : 0;
}

static int note_tallies(struct application *a)
{
    int r = 0;

    for (size_t i = 0; i < a->tally_count && r == 0; i++) {
        const struct tally *tally = &a->tallies[i];

        r = note_tally(a, tally, QUEUE_EVENT_ACCEPTED, tally->accepted);
        if (r == 0)
            r = note_tally(a, tally, QUEUE_EVENT_DELIVERED, tally->delivered);
    }
    return r;
}

static int note_event(struct application *a, const struct queue_event *event)
{
    const struct outcome_options *options = &a->outcomes->options;
    struct outcome outcome = {
        .type = event->type,
        .site_id = event->site_id,
        .time_us = event->time_us,
        .count = 1,
        .event = event,
    };
    int r = history_recipient(options->history, &a->arena, &event->id, event->recipient,
                              &outcome.address);

    if (r < 0 && r != -ENOENT)
        return r;
    if (has_failed(event))
        outcome.verdict = outcome_judge(a->outcomes->rules, event);
    return note(a, &outcome);
}

static int note_events(struct application *a, struct cursor c)
{
    struct queue_event event;
    int r = 0;

    while (r == 0 && c.rest.size) {
        r = queue_event_read(&c, &event);
        if (r < 0 || event.sequence <= a->sequence)
            continue;
        a->sequence = event.sequence;
        if (event.time_us > a->time_us)
            a->time_us = event.time_us;
        if (!has_consequences(&event))
            continue;
        if (event.type == QUEUE_EVENT_DELIVERED || event.type == QUEUE_EVENT_ACCEPTED)
            tally_event(a, &event);
        else
            r = note_event(a, &event);
    }
    return r == 0 ? note_tallies(a) : r;
}

static int get_position(struct application *a)
{
    CLEANUP(query_done)
    struct query q = store_query(a->outcomes->options.store, STORE_OUTCOME_POSITION);
    int r;

    query_bind_int(&q, (int64_t)a->spool_id);
    r = query_step(&q);
    if (r == 1)
        a->sequence = (uint64_t)query_int(&q, 0);
    return r < 0 ? r : 0;
}

static int set_position(const struct application *a)
{
    CLEANUP(query_done)
    struct query q = store_query(a->outcomes->options.store, STORE_OUTCOME_POSITION_SET);

    query_bind_int(&q, (int64_t)a->spool_id);
    query_bind_int(&q, (int64_t)a->sequence);
    return query_run(&q);
}

/* Once an hour. */
static int keep_breaker(const struct application *a)
{
    struct outcomes *o = a->outcomes;

    if (a->time_us - o->kept_us < HOUR_US)
        return 0;
    o->kept_us = a->time_us;
    return breaker_store_keep(o->breaker, o->options.store, a->time_us);
}

static int store_all(struct application *a, struct cursor c)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(a->outcomes->options.store, &all);

    if (r == 0)
        r = get_position(a);
    if (r == 0)
        r = note_events(a, c);
    if (r == 0)
        r = keep_breaker(a);
    if (r == 0)
        r = set_position(a);
    return r == 0 ? store_transaction_commit(&all) : r;
}

/* 1: something follows from one of the events. */
static int look_for_consequences(struct cursor c)
{
    struct queue_event event;

    while (c.rest.size) {
        int r = queue_event_read(&c, &event);

        if (r < 0)
            return r;
        if (has_consequences(&event))
            return 1;
    }
    return 0;
}

static int remember(struct outcomes *o)
{
    int r = o->remembers ? 0 : breaker_store_load(o->breaker, o->options.store);

    o->remembers = r == 0;
    return r;
}

static int apply_batch(void *argument)
{
    struct application *a = argument;
    struct cursor c = cursor_of(a->body);
    int r = queue_event_batch_read(&c, &a->spool_id);

    if (r == 0)
        r = remember(a->outcomes);
    if (r == 0)
        r = look_for_consequences(c);
    if (r >= 0)
        breaker_note_sent(a->outcomes->breaker, a->spool_id, c);
    if (r == 1)
        r = store_all(a, c);
    if (r < 0)
        log_error("what follows from a batch of events could not be stored (%s; the database says: "
                  "%s); it comes again",
                  strerror(-r), store_error(a->outcomes->options.store));
    return r;
}

int outcome_apply(struct task *t, struct outcomes *o, struct slice batch)
{
    struct application a = {.outcomes = o, .body = batch};
    int r = task_offload(t, TASK_LANE_COMMIT, apply_batch, &a);

    if (r == 0 && o->options.suppressed)
        for (const struct newcomer *n = a.newcomers; n; n = n->next)
            o->options.suppressed(o->options.context, n->site_id, n->address);
    arena_done(&a.arena);
    return r;
}

const struct feedback_rules *outcomes_rules(const struct outcomes *o)
{
    return o->options.rules;
}

static int change_rules(void *argument)
{
    struct outcomes *o = argument;

    o->rules = o->options.rules;
    return 0;
}

/* The helper thread has its own pointer, which it changes between two batches. */
int outcomes_set_rules(struct task *t, struct outcomes *o, struct feedback_rules *rules)
{
    struct feedback_rules *before = o->options.rules;
    int r;

    o->options.rules = rules;
    r = task_offload(t, TASK_LANE_COMMIT, change_rules, o);
    feedback_rules_free(before);
    return r;
}

const char *outcomes_classify(void *context, const struct queue_event *event)
{
    const struct outcomes *o = context;

    if (has_failed(event))
        return feedback_class_name(outcome_judge(o->rules, event).class);
    if (event->type == QUEUE_EVENT_COMPLAINED)
        return feedback_class_name(FEEDBACK_CLASS_COMPLAINT);
    if (event->type == QUEUE_EVENT_ANSWERED)
        return feedback_class_name(FEEDBACK_CLASS_AUTO_REPLY);
    return NULL;
}
