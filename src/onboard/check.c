#include "onboard/check.h"

#include "base/log.h"
#include "onboard/advice.h"
#include "onboard/misplaced.h"
#include "onboard/record.h"
#include "runtime/world.h"
#include "site/identity.h"
#include "site/pusher.h"

enum { DMARC_QUESTIONS_MAX = 8 /* RFC 9989 §4.10 */ };

/* One question, asked in a task of its own beside the others. */
struct question {
    struct arena arena;
    struct slice name;
    struct slice domain, expected; /* of a key's record */
    struct dns_answer answer;
    struct slice slip; /* where the record went instead, for people; or empty */
    bool asked;
};

struct check {
    struct onboard_service *service;
    struct arena arena;
    struct question records[IDENTITY_KEYS];
    struct question dmarc;
    struct identity identity;  /* as it was, then as it will be */
    struct identity_look look; /* what is to be judged */
    bool changed;              /* the gateway must know */
};

static void check_done(struct check *check)
{
    for (size_t i = 0; i < IDENTITY_KEYS; i++)
        arena_done(&check->records[i].arena);
    arena_done(&check->dmarc.arena);
    arena_done(&check->arena);
}

/* Is it worth looking for the record elsewhere? */
static bool is_amiss(struct question *q)
{
    struct record_finding finding;

    record_judge(&q->arena, &q->answer, q->expected, &finding);
    return finding.proven && finding.state != RECORD_RIGHT;
}

static int ask_record(struct task *t, void *argument)
{
    struct question *q = argument;
    int r = resolver_query(t, &q->arena, q->name, DNS_TXT, &q->answer);

    q->asked = r == 0;
    if (r == 0 && is_amiss(q))
        r = misplaced_find(t, &q->arena, q->name, q->domain, q->expected, &q->answer, &q->slip);
    return r;
}

/* The policy may be at a domain above (RFC 9989 §4.10). */
static int ask_dmarc(struct task *t, void *argument)
{
    struct question *q = argument;
    struct slice domain = q->name, label, state, record;
    int r = 0;

    for (int i = 0; i < DMARC_QUESTIONS_MAX && domain.size && r == 0; i++) {
        struct slice name = arena_printf(&q->arena, "_dmarc.%.*s", SLICE_ARG(domain));

        r = resolver_query(t, &q->arena, name, DNS_TXT, &q->answer);
        q->asked = r == 0;
        if (r == 0)
            dmarc_judge(&q->arena, &q->answer, &state, &record);
        if (r == 0 && !slice_equal(state, SLICE("absent")))
            return 0;
        slice_cut(&domain, '.', &label);
    }
    return r;
}

/* A question without an answer when the time is over counts as a fault of the net. */
static void give_up(struct question *q)
{
    if (q->asked)
        return;
    q->answer =
        (struct dns_answer){.status = DNS_TEMPORARY, .why = SLICE("There was no answer in time.")};
}

static int spawn_questions(struct check *check, struct scope *scope)
{
    const struct identity *identity = &check->identity;
    int r = 0;

    for (size_t i = 0; i < identity->key_count && r == 0; i++) {
        struct question *q = &check->records[i];

        q->name = identity_record_name(&q->arena, identity, &identity->keys[i]);
        q->domain = identity->domain;
        r = identity_record_text(&q->arena, &identity->keys[i], &q->expected);
        if (r == 0)
            r = scope_spawn(scope, "check", ask_record, q);
    }
    check->dmarc.name = identity->domain;
    return r == 0 ? scope_spawn(scope, "check", ask_dmarc, &check->dmarc) : r;
}

static int ask_all(struct task *t, struct check *check)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, ONBOARD_CHECK_S * SECOND_US);
    CLEANUP(scope_close) struct scope scope;
    int r;

    scope_open(&scope, t);
    r = spawn_questions(check, &scope);
    if (r == 0)
        r = scope_wait(t, &scope);
    return r == -ETIMEDOUT ? 0 : r;
}

/* The resolver remembers answers for a moment; what was asked for just before would come from
 * there. */
static int wait_for_fresh_answers(struct task *t, const struct identity *identity)
{
    int64_t age_us = task_wall_us(t) - identity->checked_us;

    if (age_us < 0 || age_us >= (int64_t)RESOLVER_FRESH_US)
        return 0;
    return task_sleep(t, RESOLVER_FRESH_US - (uint64_t)age_us);
}

/* Takes the finding over into the key's row; true when its state has changed. */
static bool apply_finding(struct identity_key *key, const struct record_finding *finding,
                          int64_t now_us)
{
    struct slice state = slice_text(record_state_name(finding->state));
    bool changed;

    key->record_trouble = finding->trouble;
    if (!finding->proven)
        return false;
    changed = !slice_equal(key->record_state, state);
    if (changed)
        key->record_since_us = now_us;
    key->record_state = state;
    key->record_checked_us = now_us;
    key->record_seen = finding->seen;
    key->record_advice = finding->advice;
    return changed;
}

static int store_key(struct store *s, const struct identity_key *key)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_KEY_JUDGED);

    query_bind_int(&q, key->id);
    query_bind_text(&q, key->record_state);
    query_bind_int(&q, key->record_since_us);
    if (key->record_checked_us)
        query_bind_int(&q, key->record_checked_us);
    else
        query_bind_null(&q);
    query_bind_text(&q, key->record_seen);
    query_bind_text(&q, key->record_advice);
    query_bind_text(&q, key->record_trouble);
    return query_run(&q);
}

static int store_identity(struct store *s, const struct identity *identity)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_JUDGED);

    query_bind_int(&q, identity->id);
    query_bind_text(&q, identity->state);
    query_bind_int(&q, identity->since_us);
    query_bind_text(&q, identity->why);
    query_bind_text(&q, identity->next_step);
    query_bind_int(&q, identity->checked_us);
    if (identity->next_check_us)
        query_bind_int(&q, identity->next_check_us);
    else
        query_bind_null(&q);
    query_bind_text(&q, identity->dmarc_state);
    query_bind_text(&q, identity->dmarc_record);
    return query_run(&q);
}

/* 1 when another site holds the domain, 0 when none does. */
static int is_taken(struct store *s, const struct identity *identity)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_TAKEN);

    query_bind_text(&q, identity->domain);
    query_bind_int(&q, identity->id);
    return query_step(&q);
}

static int judge_records(struct check *check)
{
    struct identity_look *look = &check->look;
    struct record_finding finding;
    struct slice expected;
    int r = 0;

    for (size_t i = 0; i < check->identity.key_count && r == 0; i++) {
        struct identity_key *key = &check->identity.keys[i];

        r = identity_record_text(&check->arena, key, &expected);
        if (r < 0)
            break;
        record_judge(&check->arena, &check->records[i].answer, expected, &finding);
        if (finding.proven && finding.state != RECORD_RIGHT && check->records[i].slip.size > 0)
            finding.advice = check->records[i].slip;
        check->changed |= apply_finding(key, &finding, look->now_us);
        look->proven[i] = finding.proven;
        r = record_state_parse(key->record_state, &look->records[i]);
    }
    return r;
}

static void apply_dmarc(struct check *check)
{
    struct slice state, record;

    dmarc_judge(&check->arena, &check->dmarc.answer, &state, &record);
    if (state.size == 0)
        return;
    check->identity.dmarc_state = state;
    check->identity.dmarc_record = record;
}

/* Spreads the checks of many identities: up to a quarter later. */
static int64_t jitter_us(struct task *t, int64_t interval_us)
{
    uint32_t random;

    world_random(task_world(t), &random, sizeof random);
    return (int64_t)((double)interval_us / 4 * random / UINT32_MAX);
}

static void apply_verdict(struct task *t, struct check *check,
                          const struct identity_verdict *verdict)
{
    struct identity *identity = &check->identity;
    int64_t now_us = check->look.now_us;

    check->changed |= verdict->state != check->look.state;
    identity->state = slice_text(identity_state_name(verdict->state));
    identity->since_us = verdict->since_us;
    identity->checked_us = now_us;
    identity->next_check_us = verdict->next_check_us;
    if (verdict->next_check_us)
        identity->next_check_us += jitter_us(t, verdict->next_check_us - now_us);
    onboard_advise(&check->arena, verdict, identity);
}

/* The rows as they are now: they may have changed while the questions were out. */
static int read_again(struct check *check)
{
    struct store *s = check->service->store;
    int r = identity_find(s, &check->arena, check->identity.id, &check->identity);

    if (r == 0)
        r = identity_state_parse(check->identity.state, &check->look.state);
    if (r == 0)
        r = is_taken(s, &check->identity);
    if (r < 0)
        return r;
    check->look.taken = r == 1;
    check->look.since_us = check->identity.since_us;
    return 0;
}

static int write_back(struct check *check)
{
    struct store *s = check->service->store;
    int r = store_identity(s, &check->identity);

    for (size_t i = 0; i < check->identity.key_count && r == 0; i++)
        r = store_key(s, &check->identity.keys[i]);
    return r;
}

static int conclude(struct task *t, struct check *check)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct identity_verdict verdict;
    int r = store_transaction_begin(check->service->store, &all);

    if (r == 0)
        r = read_again(check);
    if (r == 0)
        r = judge_records(check);
    if (r < 0)
        return r;
    verdict = identity_judge(&check->look, &check->service->times);
    apply_dmarc(check);
    apply_verdict(t, check, &verdict);
    r = write_back(check);
    return r < 0 ? r : store_transaction_commit(&all);
}

int onboard_check(struct task *t, struct onboard_service *service, int64_t identity_id,
                  bool asked_for, bool *ret_changed)
{
    CLEANUP(check_done) struct check check = {.service = service, .look.asked_for = asked_for};
    int r = identity_find(service->store, &check.arena, identity_id, &check.identity);

    if (r == 0)
        r = wait_for_fresh_answers(t, &check.identity);
    if (r == 0)
        r = ask_all(t, &check);
    if (r < 0)
        return r;
    for (size_t i = 0; i < IDENTITY_KEYS; i++)
        give_up(&check.records[i]);
    give_up(&check.dmarc);
    check.look.now_us = task_wall_us(t);
    r = conclude(t, &check);
    if (r < 0)
        return r;
    if (check.changed)
        log_info("identity %.*s is %.*s", SLICE_ARG(check.identity.domain),
                 SLICE_ARG(check.identity.state));
    *ret_changed = check.changed;
    return 0;
}
