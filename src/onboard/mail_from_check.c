#include "onboard/mail_from_check.h"

#include "base/log.h"
#include "onboard/dmarc_check.h"
#include "site/identity.h"
#include "site/notice.h"
#include "site/pusher.h"

enum {
    CHECK_S = 30,
    DUE_MAX = 8,
    PENDING_S = 60, /* at first; slower as time goes by */
    HOUR_S = 3600,
    SUCCESS_S = 4 * 3600,
    TEMPORARY_S = 600,
    UNPROVEN_S = 300,
};
static const int64_t S_US = 1000000;
static const uint64_t LOOK_EVERY_US = 2 * SECOND_US;

/* A tenth of the time that it has waited, an hour at most. */
static int64_t pending_pause_s(int64_t age_us)
{
    int64_t pause_s = age_us / S_US / 10;

    return pause_s < PENDING_S ? PENDING_S : pause_s > HOUR_S ? HOUR_S : pause_s;
}

static enum identity_state next_state(const struct mail_from_look *look,
                                      const struct identity_times *times)
{
    int64_t age_s = (look->now_us - look->since_us) / S_US;

    if (look->right)
        return IDENTITY_SUCCESS;
    switch (look->state) {
    case IDENTITY_SUCCESS:
        return IDENTITY_TEMPORARY_FAILURE;
    case IDENTITY_TEMPORARY_FAILURE:
        return age_s < times->grace_s ? look->state : IDENTITY_FAILED;
    case IDENTITY_FAILED:
        return IDENTITY_FAILED;
    default:
        return age_s < times->patience_s ? IDENTITY_PENDING : IDENTITY_FAILED;
    }
}

struct mail_from_verdict mail_from_judge(const struct mail_from_look *look,
                                         const struct identity_times *times)
{
    struct mail_from_verdict verdict = {.state = next_state(look, times)};
    int64_t pause_s;

    verdict.since_us = verdict.state == look->state ? look->since_us : look->now_us;
    pause_s = verdict.state == IDENTITY_SUCCESS             ? SUCCESS_S
              : verdict.state == IDENTITY_TEMPORARY_FAILURE ? TEMPORARY_S
              : verdict.state == IDENTITY_FAILED            ? HOUR_S
                                                 : pending_pause_s(look->now_us - verdict.since_us);
    verdict.next_check_us = look->now_us + pause_s * S_US;
    return verdict;
}

/* --- words --- */

static bool is_right(const struct mail_domain *found)
{
    return found->mx.state == RECORD_RIGHT && found->spf.state == RECORD_RIGHT;
}

/* What is wrong with one is proven even while the other is not known. */
static bool is_proven(const struct mail_domain *found)
{
    bool wrong = found->mx.state > RECORD_RIGHT || found->spf.state > RECORD_RIGHT;

    return wrong || is_right(found);
}

static struct slice behaviour_words(const struct mail_from *row)
{
    return slice_equal(row->on_failure, SLICE(MAIL_FROM_REJECT))
               ? SLICE("Mail of the site is refused meanwhile.")
               : SLICE("Mail goes out from the platform's bounce domain meanwhile.");
}

static void explain(struct arena *arena, const struct mail_host *host,
                    const struct mail_domain *found, bool owned, struct mail_from *row)
{
    if (!owned) {
        row->why = arena_printf(arena, "The site has not proven a domain above it. %.*s",
                                SLICE_ARG(behaviour_words(row)));
        row->next_step =
            SLICE("Install the records of the site's domain first (letterhead identity "
                  "records).");
        return;
    }
    if (is_right(found)) {
        row->why = arena_printf(arena,
                                "Its MX leads to this host and its SPF record allows our "
                                "addresses, so mail goes out from %.*s.",
                                SLICE_ARG(row->domain));
        row->next_step = SLICE("Nothing needs to be done.");
        return;
    }
    row->why = arena_printf(arena, "MX: %.*s SPF: %.*s %.*s",
                            SLICE_ARG(found->mx.advice.size ? found->mx.advice : SLICE("right.")),
                            SLICE_ARG(found->spf.advice.size ? found->spf.advice : SLICE("right.")),
                            SLICE_ARG(behaviour_words(row)));
    row->next_step = arena_printf(
        arena,
        "Publish for %.*s the MX record \"10 %.*s\", and no other, and the TXT record \"%.*s\".",
        SLICE_ARG(row->domain), SLICE_ARG(host->hostname), SLICE_ARG(mail_host_spf(arena, host)));
}

/* --- one look --- */

struct look {
    struct arena arena;
    struct mail_host host;
    struct mail_from row;
    struct mail_domain found;
    bool owned; /* it is below a domain that the site has proven */
};

static bool is_below(struct slice domain, struct slice upper)
{
    return domain.size > upper.size + 1 && domain.data[domain.size - upper.size - 1] == '.' &&
           slice_ends_nocase(domain, upper);
}

/* Nobody's mail goes out from a domain of somebody else. */
static int find_owner(const struct mail_from_watch *w, struct look *look)
{
    struct identity *identities;
    size_t count = 0;
    int r = identity_list(w->store, &look->arena, look->row.site_id, &identities, &count);

    look->owned = false;
    for (size_t i = 0; i < count && r == 0; i++)
        look->owned |=
            identity_is_sending(&identities[i]) && is_below(look->row.domain, identities[i].domain);
    return r;
}

static int ask(struct task *t, const struct mail_from_watch *w, struct look *look)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, CHECK_S * SECOND_US);
    int r = platform_host(t, &look->arena, w->platform, &look->host);

    if (r == 0)
        r = mail_domain_check(t, &look->arena, look->row.domain, &look->host, true, &look->found);
    if (r == -ETIMEDOUT)
        look->found = (struct mail_domain){{.advice = SLICE("There was no answer in time.")},
                                           {.state = RECORD_UNKNOWN}};
    return r == -ETIMEDOUT ? 0 : r;
}

static int raise_notice(struct store *s, struct look *look, int64_t now_us)
{
    const struct mail_from *row = &look->row;
    bool trouble = slice_equal(row->state, SLICE("FAILED")) ||
                   slice_equal(row->state, SLICE("TEMPORARY_FAILURE"));
    const struct notice notice = {
        .site_id = (uint64_t)row->site_id,
        .topic = SLICE("mail-from"),
        .trouble = trouble,
        .subject =
            arena_printf(&look->arena,
                         trouble ? "%.*s: the MAIL FROM domain's DNS records are not right"
                                 : "%.*s: the MAIL FROM domain's DNS records are right again",
                         SLICE_ARG(row->domain)),
        .text = arena_printf(&look->arena, "%.*s\n%.*s\n", SLICE_ARG(row->why),
                             SLICE_ARG(row->next_step)),
    };

    return notice_raise(s, &notice, now_us);
}

static int judge(const struct mail_from_watch *w, struct look *look, int64_t now_us)
{
    struct mail_from *row = &look->row;
    struct mail_from_look before = {.since_us = row->since_us,
                                    .now_us = now_us,
                                    .right = look->owned && is_right(&look->found)};
    struct mail_from_verdict verdict;
    int r = identity_state_parse(row->state, &before.state);

    if (r < 0)
        return r;
    verdict = mail_from_judge(&before, &w->times);
    row->state = slice_text(identity_state_name(verdict.state));
    row->since_us = verdict.since_us;
    row->next_check_us = verdict.next_check_us;
    row->checked_us = now_us;
    row->trouble = SLICE_NONE;
    explain(&look->arena, &look->host, &look->found, look->owned, row);
    return raise_notice(w->store, look, now_us);
}

/* The row as it is now: it may have been changed, or taken away, while the questions were out. */
static int read_again(const struct mail_from_watch *w, struct look *look)
{
    struct slice domain = look->row.domain;
    int r = mail_from_find(w->store, &look->arena, look->row.site_id, &look->row);

    return r < 0 ? r : slice_equal(domain, look->row.domain) ? 0 : -ENOENT;
}

static int conclude(const struct mail_from_watch *w, struct look *look, int64_t now_us,
                    bool *ret_changed)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct slice before;
    int r = store_transaction_begin(w->store, &all);

    if (r == 0)
        r = read_again(w, look);
    if (r < 0)
        return r;
    r = find_owner(w, look);
    if (r < 0)
        return r;
    before = look->row.state;
    look->row.next_check_us = now_us + UNPROVEN_S * S_US;
    if (!look->owned || is_proven(&look->found))
        r = judge(w, look, now_us);
    else
        look->row.trouble =
            look->found.mx.advice.size ? look->found.mx.advice : look->found.spf.advice;
    if (r == 0)
        r = mail_from_save(w->store, &look->row);
    if (r < 0)
        return r;
    *ret_changed = !slice_equal(before, look->row.state);
    return store_transaction_commit(&all);
}

static void look_done(struct look **look)
{
    arena_done(&(*look)->arena);
    base_free_pointer(look);
}

/* SPF is judged by another domain from now on. */
static int tell_change(struct task *t, const struct mail_from_watch *w, const struct look *look)
{
    const struct dmarc_check_options options = {w->platform->bounce_domain, w->times.grace_s};

    log_info("MAIL FROM domain %.*s is %.*s", SLICE_ARG(look->row.domain),
             SLICE_ARG(look->row.state));
    return dmarc_check_site(t, w->store, &options, look->row.site_id);
}

int mail_from_check(struct task *t, const struct mail_from_watch *w, int64_t site_id,
                    bool *ret_changed)
{
    CLEANUP(look_done) struct look *look = base_allocate(sizeof *look);
    bool changed = false;
    int r = mail_from_find(w->store, &look->arena, site_id, &look->row);

    if (r == 0)
        r = ask(t, w, look);
    if (r == 0)
        r = conclude(w, look, task_wall_us(t), &changed);
    if (r == 0 && changed)
        r = tell_change(t, w, look);
    *ret_changed = changed;
    return r == -ENOENT ? 0 : r;
}

static int look_after_one(struct task *t, const struct mail_from_watch *w, int64_t site_id)
{
    bool changed;
    int r = mail_from_check(t, w, site_id, &changed);

    if (r == 0 && changed)
        r = site_pusher_push(t, w->pusher, site_id);
    return r;
}

static int look_after_due(struct task *t, const struct mail_from_watch *w)
{
    int64_t due[DUE_MAX];
    size_t count = 0;
    int r = mail_from_due(w->store, task_wall_us(t), DUE_MAX, due, &count);

    for (size_t i = 0; i < count && r == 0; i++)
        r = look_after_one(t, w, due[i]);
    return r;
}

int mail_from_run(struct task *t, const struct mail_from_watch *w)
{
    int r = 0;

    while (r == 0) {
        r = look_after_due(t, w);
        if (r < 0 && r != -ECANCELED)
            log_warning("MAIL FROM domains cannot be looked after: %s (%s)", strerror(-r),
                        store_error(w->store));
        r = task_sleep(t, LOOK_EVERY_US);
    }
    return r;
}
