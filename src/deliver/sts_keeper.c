#include "deliver/sts_keeper.h"

#include "base/log.h"
#include "deliver/https.h"
#include "runtime/world.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FETCHES_MAX = 64,          /* at one time; further questions wait */
    FETCH_S = 40,              /* the DNS and the fetch itself */
    DUE_MAX = 16,              /* taken up at one time by the clock */
    FAILED_KEPT_S = 7 * 86400, /* a domain without a policy that nobody asks for is forgotten */
};
static const int64_t S_US = 1000000, DAY_US = 86400 * (int64_t)1000000;

struct sts_keeper {
    struct scope *scope;
    struct store *store;
    struct https *https;
    struct list fetches;
    size_t fetch_count;
    struct condition ended; /* a fetch */
};

/* One fetch on its way, in a task of its own: whoever waits for it may give up. */
struct fetch {
    struct list link;
    struct sts_keeper *keeper;
    struct arena arena;
    struct slice domain, id; /* id empty: the record is looked up first */
    struct slice missing;    /* a sentence: there is no record */
};

struct sts_keeper *sts_keeper_new(struct scope *scope, struct store *store, struct https *https)
{
    struct sts_keeper *k = base_allocate(sizeof *k);

    k->scope = scope;
    k->store = store;
    k->https = https;
    list_init(&k->fetches);
    return k;
}

void sts_keeper_free(struct sts_keeper *k)
{
    if (!k)
        return;
    assert(list_empty(&k->fetches));
    free(k);
}

/* --- what comes of a fetch --- */

static int find_row(struct sts_keeper *k, struct arena *arena, struct slice domain,
                    struct sts_row *ret)
{
    int r = sts_store_find(k->store, arena, domain, ret);

    if (r == -ENOENT)
        *ret = (struct sts_row){.domain = domain};
    return r == -ENOENT ? 0 : r;
}

/* So that what began together does not go on together: up to a quarter later. */
static int64_t jitter_us(struct task *t, int64_t interval_us)
{
    uint32_t random;

    world_random(task_world(t), &random, sizeof random);
    return interval_us / 4 * (random % 1024) / 1024;
}

static int save_row(struct task *t, struct sts_keeper *k, struct sts_row *row)
{
    int64_t now_us = task_wall_us(t);
    bool evicted = false;
    int r;

    row->next_us += jitter_us(t, row->next_us - now_us);
    r = sts_store_save(k->store, row, &evicted);
    if (r < 0)
        log_error("MTA-STS: what was learned of %.*s cannot be stored: %s (%s)",
                  SLICE_ARG(row->domain), strerror(-r), store_error(k->store));
    else if (evicted)
        log_warning("MTA-STS: policies of %d domains are kept, which is the most; the one that was "
                    "not asked for the longest was forgotten",
                    LIMIT_STS_DOMAINS);
    return r;
}

static void log_change(const struct sts_row *row, struct slice mode_before)
{
    if (!slice_equal(row->mode, mode_before))
        log_info("MTA-STS: the policy of %.*s is \"%.*s\" now", SLICE_ARG(row->domain),
                 SLICE_ARG(row->mode));
}

static int conclude(struct task *t, struct fetch *f, const struct sts_fetched *fetched)
{
    struct sts_keeper *k = f->keeper;
    int64_t now_us = task_wall_us(t);
    struct slice mode_before;
    struct sts_row row;
    int r = find_row(k, &f->arena, f->domain, &row);

    if (r < 0)
        return r;
    mode_before = sts_row_holds(&row, now_us) ? row.mode : SLICE_NONE;
    if (row.asked_us == 0)
        row.asked_us = now_us;
    if (fetched->failure == WIRE_TLS_SUCCESS) {
        sts_row_renew(&row, &f->arena, f->id, &fetched->policy, now_us);
        log_change(&row, mode_before);
    } else {
        sts_row_fail(&row, fetched->failure, fetched->why, now_us);
        log_info("MTA-STS: the policy of %.*s could not be fetched: %.*s", SLICE_ARG(row.domain),
                 SLICE_ARG(row.trouble));
    }
    return save_row(t, k, &row);
}

/* What is kept goes on; nothing is written for a domain that nothing is kept of. */
static int conclude_missing(struct task *t, struct fetch *f)
{
    struct sts_row row;
    int r = sts_store_find(f->keeper->store, &f->arena, f->domain, &row);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    sts_row_vanish(&row, task_wall_us(t));
    return save_row(t, f->keeper, &row);
}

/* --- the fetch --- */

/* 1: there is an id; 0: there is none, and f->missing says so; -EAGAIN with *ret: the DNS gave no
 * answer. */
static int look_up(struct task *t, struct fetch *f, struct sts_fetched *ret)
{
    struct wire_mta_sts_records records = {.count = 0};
    struct slice name = arena_printf(&f->arena, "_mta-sts.%.*s", SLICE_ARG(f->domain));
    struct dns_answer answer;
    int r = resolver_query(t, &f->arena, name, DNS_TXT, &answer);

    if (r < 0)
        return r;
    if (answer.status == DNS_TEMPORARY || answer.status == DNS_BOGUS) {
        *ret = (struct sts_fetched){.failure = WIRE_TLS_STS_POLICY_FETCH_ERROR,
                                    .why = SLICE("the DNS gave no answer for the TXT record")};
        return -EAGAIN;
    }
    for (size_t i = 0; answer.status == DNS_FOUND && i < answer.count; i++)
        wire_mta_sts_records_add(&records, answer.records[i].text);
    if (wire_mta_sts_records_id(&records, &f->id) == 0)
        return 1;
    f->missing = records.count ? SLICE("its TXT records are not one that can be read")
                               : SLICE("it has no TXT record for MTA-STS");
    return 0;
}

static int fetch_policy(struct task *t, struct fetch *f, struct https_answer *answer,
                        struct sts_fetched *ret)
{
    struct https_request request = sts_fetch_request(&f->arena, f->domain);
    int r = https_ask(t, f->keeper->https, &request, answer);

    if (r == 0)
        sts_fetch_judge(&f->arena, answer, ret);
    return r;
}

static int fetch_within_time(struct task *t, struct fetch *f, struct https_answer *answer,
                             struct sts_fetched *ret)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, FETCH_S * SECOND_US);
    int r = f->id.size ? 1 : look_up(t, f, ret);

    if (r == 1)
        r = fetch_policy(t, f, answer, ret);
    return f->missing.size ? -ENOENT : r;
}

static void explain_error(int r, struct sts_fetched *ret)
{
    if (r == -EAGAIN)
        return;
    *ret = (struct sts_fetched){
        .failure = WIRE_TLS_STS_POLICY_FETCH_ERROR,
        .why = r == -EINVAL ? SLICE("no public web server can have the name of its policy's host")
                            : SLICE("there was no answer in time"),
    };
}

static int fetch(struct task *t, struct fetch *f)
{
    CLEANUP(https_answer_done) struct https_answer answer = HTTPS_ANSWER_NONE;
    struct sts_fetched *fetched = ARENA_NEW(&f->arena, struct sts_fetched);
    int r = fetch_within_time(t, f, &answer, fetched), stopped = task_check(t);

    if (stopped < 0)
        return stopped; /* cut short: that says nothing about the domain */
    if (r == -ENOENT)
        return conclude_missing(t, f);
    if (r < 0)
        explain_error(r, fetched);
    return conclude(t, f, fetched);
}

static void fetch_done(struct fetch *f)
{
    list_remove(&f->link);
    f->keeper->fetch_count--;
    condition_broadcast(&f->keeper->ended);
    arena_done(&f->arena);
    free(f);
}

static int fetch_main(struct task *t, void *argument)
{
    struct fetch *f = argument;
    int r = fetch(t, f);

    fetch_done(f);
    return r == -ECANCELED ? r : 0;
}

static bool is_on_its_way(const struct sts_keeper *k, struct slice domain)
{
    LIST_FOREACH (link, &k->fetches)
        if (slice_equal(CONTAINER_OF(link, struct fetch, link)->domain, domain))
            return true;
    return false;
}

/* True when one is on its way now. */
static bool start_fetch(struct sts_keeper *k, struct slice domain, struct slice id)
{
    struct fetch *f;

    if (is_on_its_way(k, domain))
        return true;
    if (k->fetch_count >= FETCHES_MAX)
        return false;
    f = base_allocate(sizeof *f);
    f->keeper = k;
    f->domain = arena_copy_lower(&f->arena, domain);
    f->id = arena_copy(&f->arena, id);
    list_add_last(&k->fetches, &f->link);
    k->fetch_count++;
    if (scope_spawn(k->scope, "policy", fetch_main, f) == 0)
        return true;
    fetch_done(f);
    return false;
}

/* --- questions --- */

static void note_asked(struct task *t, struct sts_keeper *k, const struct sts_row *row)
{
    int64_t now_us = task_wall_us(t), age_us = now_us - row->asked_us;

    if (age_us >= 0 && age_us < STS_ASKED_EXACT_S * S_US)
        return;
    if (sts_store_asked(k->store, row->domain, now_us) < 0)
        log_warning("MTA-STS: that %.*s was asked for cannot be noted: %s", SLICE_ARG(row->domain),
                    store_error(k->store));
}

/* 1: answered; 0: fetch first. */
static int answer_from_store(struct task *t, struct sts_keeper *k,
                             const struct sts_question *question, struct buffer *reply)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct sts_answer *answer = ARENA_NEW(&arena, struct sts_answer);
    struct sts_row row;
    int r = sts_store_find(k->store, &arena, question->domain, &row);

    if (r < 0 && r != -ENOENT)
        return r;
    if (!sts_row_answer(r == 0 ? &row : NULL, question, task_wall_us(t), answer))
        return 0;
    if (r == 0)
        note_asked(t, k, &row);
    sts_answer_write(reply, answer);
    return 1;
}

/* Until a fetch for the domain has ended. */
static int wait_for_fetch(struct task *t, struct sts_keeper *k, const struct sts_question *question)
{
    int r = 0;

    while (r == 0 && !start_fetch(k, question->domain, question->id))
        r = condition_wait(t, &k->ended);
    while (r == 0 && is_on_its_way(k, question->domain))
        r = condition_wait(t, &k->ended);
    return r;
}

int sts_keeper_answer(struct task *t, struct sts_keeper *k, struct slice body, struct buffer *reply)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, STS_ANSWER_S * SECOND_US);
    struct sts_question question;
    int r = sts_question_read(body, &question), answered;

    if (r < 0)
        return r;
    answered = answer_from_store(t, k, &question, reply);
    if (answered != 0)
        return answered < 0 ? answered : 0;
    r = wait_for_fetch(t, k, &question);
    if (r < 0)
        return r;
    answered = answer_from_store(t, k, &question, reply);
    return answered == 0 ? -EIO : answered < 0 ? answered : 0;
}

int sts_keeper_refresh(struct task *t, struct sts_keeper *k, struct arena *arena,
                       struct slice domain, struct slice *ret_why)
{
    const struct sts_question question = {.domain = domain};
    struct sts_row row;
    int r = wait_for_fetch(t, k, &question);

    if (r == 0)
        r = sts_store_find(k->store, arena, domain, &row);
    if (r == -ENOENT)
        *ret_why = SLICE("It has no TXT record for MTA-STS that can be read.");
    return r;
}

/* --- the clock --- */

static int forget(struct sts_keeper *k, const struct sts_row *row)
{
    log_info("MTA-STS: %.*s is forgotten, since no mail goes there any more",
             SLICE_ARG(row->domain));
    return sts_store_remove(k->store, row->domain);
}

/* A policy that nobody needs lives to its end; without one, trying again waits for a question. */
static int put_off(struct task *t, struct sts_keeper *k, struct sts_row *row)
{
    int64_t now_us = task_wall_us(t), unused_us = now_us - row->asked_us;
    bool evicted;

    if (!sts_row_holds(row, now_us) && unused_us > FAILED_KEPT_S * S_US)
        return forget(k, row);
    row->next_us = sts_row_holds(row, now_us) ? row->expires_us : now_us + DAY_US;
    return sts_store_save(k->store, row, &evicted);
}

static int look_after(struct task *t, struct sts_keeper *k, struct slice domain)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    int64_t now_us = task_wall_us(t);
    struct sts_row row;
    int r = sts_store_find(k->store, &arena, domain, &row);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (sts_row_holds(&row, now_us) && now_us - row.asked_us < STS_UNUSED_S * S_US) {
        start_fetch(k, domain, SLICE_NONE);
        return 0;
    }
    return put_off(t, k, &row);
}

static int look_after_due(struct task *t, struct sts_keeper *k)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct slice domains[DUE_MAX];
    size_t count = 0;
    int r = sts_store_due(k->store, &arena, task_wall_us(t), DUE_MAX, domains, &count);

    for (size_t i = 0; i < count && r == 0; i++)
        r = look_after(t, k, domains[i]);
    return r;
}

int sts_keeper_run(struct task *t, struct sts_keeper *k)
{
    int r = 0;

    while (r == 0) {
        if (look_after_due(t, k) < 0)
            log_warning("MTA-STS: the kept policies cannot be looked after: %s",
                        store_error(k->store));
        r = task_sleep(t, 5 * SECOND_US);
    }
    return r;
}
