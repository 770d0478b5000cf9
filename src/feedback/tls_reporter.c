#include "feedback/tls_reporter.h"

#include "base/log.h"
#include "runtime/world.h"

enum {
    DOMAINS_AT_ONCE = 16, /* looked up */
    REPORTS_AT_ONCE = 8,  /* sent */
    DAYS_BACK = 2, /* whose reports are made: yesterday's and, after an outage, the one before */
};
static const int64_t S_US = 1000000, DAY_US = 86400 * (int64_t)1000000;
static const uint64_t LOOK_EVERY_US = 5 * SECOND_US;

static int64_t draw_us(struct task *t, int64_t within_s)
{
    uint32_t random;

    world_random(task_world(t), &random, sizeof random);
    return (int64_t)random % within_s * S_US;
}

/* --- a day's domains --- */

struct lookup {
    struct arena arena;
    struct slice domain;
    struct tls_report_places *places;
    int result;
};

static int look_up(struct task *t, void *argument)
{
    struct lookup *l = argument;

    l->places = ARENA_NEW(&l->arena, struct tls_report_places);
    l->result = tls_report_places_find(t, &l->arena, l->domain, l->places);
    return l->result;
}

static int look_up_all(struct task *t, struct lookup *lookups, size_t count)
{
    CLEANUP(scope_close) struct scope scope;
    int r = 0;

    scope_open(&scope, t);
    for (size_t i = 0; i < count && r == 0; i++)
        r = scope_spawn(&scope, "tls report record", look_up, &lookups[i]);
    return r < 0 ? r : scope_wait(t, &scope);
}

static int save_places(struct task *t, struct tls_reporter *r, const struct tls_day *day,
                       const struct lookup *l, int64_t *rows_left)
{
    struct tls_report_row rows[LIMIT_TLSRPT_DESTINATIONS];
    int64_t due_us = task_wall_us(t) + draw_us(t, TLS_REPORT_SPREAD_S);
    size_t count = tls_report_rows_for(l->places, slice_text(day->text), l->domain, due_us, rows);

    if ((int64_t)count > *rows_left) {
        log_warning("TLS reports: %.*s gets none for %s, since %d are to be sent already",
                    SLICE_ARG(l->domain), day->text, LIMIT_TLS_REPORTS);
        return 0;
    }
    *rows_left -= (int64_t)count;
    return tls_report_rows_replace(r->store, rows, count);
}

/* The rows and how far we are: in one transaction, so that none comes twice or not at all. */
static int save_page(struct task *t, struct tls_reporter *r, const struct tls_day *day,
                     const struct lookup *lookups, size_t count,
                     const struct tls_report_progress *progress)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int64_t there = 0, left;
    int result = tls_report_rows_count(r->store, slice_text(day->text), &there);

    left = LIMIT_TLS_REPORTS - there;
    if (result == 0)
        result = store_transaction_begin(r->store, &all);
    for (size_t i = 0; i < count && result == 0; i++)
        result = save_places(t, r, day, &lookups[i], &left);
    if (result == 0)
        result = tls_report_day_save(r->store, slice_text(day->text), progress);
    return result < 0 ? result : store_transaction_commit(&all);
}

static int go_through_page(struct task *t, struct tls_reporter *r, const struct tls_day *day,
                           struct tls_report_progress *progress,
                           const struct tls_tally_domain *domains, size_t count)
{
    struct lookup lookups[DOMAINS_AT_ONCE] = {{ARENA_NONE}};
    int result;

    for (size_t i = 0; i < count; i++)
        lookups[i].domain = domains[i].domain;
    progress->done = count < DOMAINS_AT_ONCE;
    if (count)
        progress->last_domain = domains[count - 1].domain;
    result = look_up_all(t, lookups, count);
    if (result == 0)
        result = save_page(t, r, day, lookups, count, progress);
    for (size_t i = 0; i < count; i++)
        arena_done(&lookups[i].arena);
    return result;
}

static int find_progress(struct task *t, struct tls_reporter *r, struct arena *arena,
                         const struct tls_day *day, struct tls_report_progress *ret)
{
    int64_t begins_us = day->from_us + DAY_US + TLS_REPORT_LATE_S * S_US;
    int result = tls_report_day_find(r->store, arena, slice_text(day->text), ret);

    if (result != -ENOENT)
        return result;
    *ret = (struct tls_report_progress){.begins_us = begins_us + draw_us(t, TLS_REPORT_BEGIN_S)};
    return tls_report_day_save(r->store, slice_text(day->text), ret);
}

/* 1: there is more to go through. */
static int go_on_with_day(struct task *t, struct tls_reporter *r, const struct tls_day *day)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct tls_report_progress progress;
    struct tls_tally_domain *domains;
    size_t count;
    int result = find_progress(t, r, &arena, day, &progress);

    if (result < 0 || progress.done || task_wall_us(t) < progress.begins_us)
        return result;
    result = tls_tally_domains(t, r->history, &arena, day, progress.last_domain, DOMAINS_AT_ONCE,
                               &domains, &count);
    if (result == 0)
        result = go_through_page(t, r, day, &progress, domains, count);
    return result < 0 ? result : !progress.done;
}

static int go_on_with_days(struct task *t, struct tls_reporter *r)
{
    int more = 0;

    for (int back = DAYS_BACK; back > 0; back--) {
        struct tls_day day = tls_day_of(task_wall_us(t) - back * DAY_US);
        int result = go_on_with_day(t, r, &day);

        if (result < 0)
            return result;
        more |= result;
    }
    return more;
}

/* --- what is due --- */

struct sending {
    struct tls_reporter *reporter;
    struct arena arena;
    struct tls_report_row *row;
};

/* A report that cannot be made does not keep the others back. */
static int send_one(struct task *t, void *argument)
{
    struct sending *sending = argument;
    int r = tls_report_send(t, sending->reporter, &sending->arena, sending->row);

    if (r < 0 && r != -ECANCELED)
        log_error("TLS report of %.*s: %s", SLICE_ARG(sending->row->domain), strerror(-r));
    return r;
}

static int send_all(struct task *t, struct tls_reporter *r, struct tls_report_row *rows,
                    size_t count)
{
    struct sending sendings[REPORTS_AT_ONCE] = {{.arena = ARENA_NONE}};
    struct scope scope;
    int result = 0;

    scope_open(&scope, t);
    for (size_t i = 0; i < count && result == 0; i++) {
        sendings[i] = (struct sending){r, ARENA_NONE, &rows[i]};
        result = scope_spawn(&scope, "tls report", send_one, &sendings[i]);
    }
    if (result == 0)
        result = scope_wait(t, &scope);
    scope_close(&scope);
    for (size_t i = 0; i < count; i++)
        arena_done(&sendings[i].arena);
    return result;
}

/* 1: there may be more. */
static int send_due(struct task *t, struct tls_reporter *r)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct tls_report_row *rows;
    size_t count;
    int result =
        tls_report_rows_due(r->store, &arena, task_wall_us(t), REPORTS_AT_ONCE, &rows, &count);

    if (result == 0)
        result = send_all(t, r, rows, count);
    return result < 0 ? result : count == REPORTS_AT_ONCE;
}

static int forget_old(struct task *t, struct tls_reporter *r)
{
    struct tls_day day = tls_day_of(task_wall_us(t) - TLS_REPORT_KEPT_DAYS * DAY_US);

    return tls_report_forget(r->store, slice_text(day.text));
}

/* 1: there is more to do at once. */
static int work(struct task *t, struct tls_reporter *r)
{
    int more = go_on_with_days(t, r), due = 0, result = more < 0 ? more : 0;

    if (result == 0)
        result = due = send_due(t, r);
    if (result >= 0)
        result = forget_old(t, r);
    return result < 0 ? result : more || due;
}

int tls_reporter_run(struct task *t, struct tls_reporter *r)
{
    int more;

    while (r->settings.from.size) {
        more = work(t, r);
        if (more < 0 && more != -ECANCELED)
            log_warning("TLS reports cannot be looked after: %s (%s)", strerror(-more),
                        store_error(r->store));
        more = more == 1 ? task_yield(t) : task_sleep(t, LOOK_EVERY_US);
        if (more < 0)
            return more;
    }
    return 0;
}
