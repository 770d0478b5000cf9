#include "onboard/check.h"

#include "base/log.h"
#include "onboard/advice.h"
#include "onboard/dmarc_check.h"
#include "onboard/identity_notice.h"
#include "onboard/survey.h"
#include "runtime/world.h"
#include "site/claim.h"
#include "site/identity.h"
#include "site/notice.h"
#include "site/pusher.h"

struct check {
    struct onboard_service *service;
    struct arena arena;
    struct survey survey;
    struct identity identity;  /* as it was, then as it will be */
    struct identity_look look; /* what is to be judged */
    bool changed;              /* the gateway must know */
    int64_t ousted_site_id;    /* which has lost the domain to this one; 0: none */
    bool key_seen;             /* one was seen for the first time */
};

static void check_done(struct check *check)
{
    survey_done(&check->survey);
    arena_done(&check->arena);
}

/* What must stand at a key's name. */
static int expect_record(struct arena *arena, const struct identity *identity,
                         const struct identity_key *key, struct record_expected *ret)
{
    *ret = (struct record_expected){.name = identity_record_name(arena, identity, key)};
    if (identity_is_cname(identity))
        ret->alias = identity_target_name(arena, identity, key);
    return identity_record_text(arena, key, &ret->text);
}

static int ask_all(struct task *t, struct check *check)
{
    const struct identity *identity = &check->identity;
    struct survey *survey = &check->survey;
    int r = 0;

    survey->domain = identity->domain;
    for (size_t i = 0; i < identity->key_count && r == 0; i++)
        if (!identity->keys[i].withdrawn_us)
            r = expect_record(&check->arena, identity, &identity->keys[i],
                              &survey->records[survey->record_count++].expected);
    survey->with_second = identity_has_second(identity);
    if (survey->with_second && r == 0)
        r = expect_record(&check->arena, identity, &identity->second,
                          &survey->records[survey->record_count++].expected);
    return r == 0 ? survey_run(t, &check->service->authority, survey) : r;
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
    key->record_cause = slice_text(record_cause_name(finding->cause));
    key->record_server = finding->server;
    if (!finding->proven)
        return false;
    changed = !slice_equal(key->record_state, state);
    if (changed)
        key->record_since_us = now_us;
    key->record_state = state;
    key->record_checked_us = now_us;
    key->record_seen = finding->seen;
    key->record_advice = finding->advice;
    if (finding->state == RECORD_RIGHT && !key->seen_us) {
        key->seen_us = now_us;
        return true;
    }
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
    query_bind_text(&q, key->record_cause);
    query_bind_text(&q, key->record_server);
    if (key->seen_us)
        query_bind_int(&q, key->seen_us);
    else
        query_bind_null(&q);
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
    query_bind_int(&q, identity->gone_since_us);
    query_bind_int(&q, identity->must_ask);
    query_bind_text(&q, identity->zone_servers);
    query_bind_text(&q, identity->zone_primary);
    return query_run(&q);
}

/* The finding for a key as it is now; NULL when another stood in its slot while the questions were
 * out. */
static const struct record_finding *finding_of(struct check *check, const struct identity_key *key)
{
    struct slice name = identity_record_name(&check->arena, &check->identity, key);

    for (size_t i = 0; i < check->survey.record_count; i++)
        if (slice_equal(check->survey.records[i].expected.name, name))
            return &check->survey.records[i].finding;
    return NULL;
}

static void apply_finding_to(struct check *check, struct identity_key *key,
                             const struct record_finding *finding)
{
    bool seen_before = key->seen_us != 0;

    check->changed |= apply_finding(key, finding, check->look.now_us);
    check->key_seen |= key->seen_us && !seen_before;
}

/* What rotate.c asks of the client when a key was compromised is done once its successor is
 * there. */
static int mend_key_notice(struct check *check)
{
    const struct identity *identity = &check->identity;
    const struct notice notice = {
        .site_id = (uint64_t)identity->site_id,
        .topic = arena_printf(&check->arena, "key:%lld", (long long)identity->id),
        .subject = arena_printf(&check->arena, "The new mail key of %.*s is there",
                                SLICE_ARG(identity->domain)),
        .text = SLICE("Its DNS record was found. Thank you; nothing else is to be done.\n"),
    };

    return check->key_seen ? notice_raise(check->service->store, &notice, check->look.now_us) : 0;
}

/* A key that took the place of a compromised one does not count before its record was seen for the
 * first time, and a withdrawn one counts no more: nobody is to lose his right to send by that. */
static bool is_waived(const struct identity *identity, const struct identity_key *key)
{
    return key->withdrawn_us || (!identity_is_cname(identity) && !key->seen_us &&
                                 key->created_us > identity->created_us);
}

/* They are taken to be as the best of the others. */
static void waive_records(struct check *check)
{
    const struct identity *identity = &check->identity;
    struct identity_look *look = &check->look;
    size_t best = identity->key_count;

    for (size_t i = 0; i < identity->key_count; i++)
        if (!is_waived(identity, &identity->keys[i]) &&
            (best == identity->key_count || look->records[i] == RECORD_RIGHT))
            best = i;
    for (size_t i = 0; best < identity->key_count && i < identity->key_count; i++)
        if (is_waived(identity, &identity->keys[i])) {
            look->records[i] = look->records[best];
            look->proven[i] = look->proven[best];
        }
}

static int judge_records(struct check *check)
{
    struct identity_look *look = &check->look;
    int r = 0;

    for (size_t i = 0; i < check->identity.key_count && r == 0; i++) {
        struct identity_key *key = &check->identity.keys[i];
        const struct record_finding *finding = finding_of(check, key);

        if (finding)
            apply_finding_to(check, key, finding);
        look->proven[i] = finding && finding->proven;
        r = record_state_parse(key->record_state, &look->records[i]);
    }
    if (r == 0)
        waive_records(check);
    return r;
}

/* Of no weight for the identity: the second key signs while its record is right, that is all. */
static void judge_second(struct check *check)
{
    struct identity_key *key = &check->identity.second;
    const struct record_finding *finding =
        identity_has_second(&check->identity) ? finding_of(check, key) : NULL;

    if (finding && apply_finding(key, finding, check->look.now_us)) {
        check->changed = true;
        log_info("the second key of %.*s: its record is %.*s", SLICE_ARG(check->identity.domain),
                 SLICE_ARG(key->record_state));
    }
}

/* When to look again for the record of a second key that is not there yet, or any more; 0: it is
 * there, or was not for longer than records are waited for. */
static int64_t second_check_us(const struct check *check)
{
    const struct identity_key *key = &check->identity.second;
    int64_t now_us = check->look.now_us,
            age_s = (now_us - key->record_since_us) / (int64_t)SECOND_US;

    if (!identity_has_second(&check->identity) || age_s < 0 ||
        age_s > check->service->times.patience_s || slice_equal(key->record_state, SLICE("right")))
        return 0;
    return now_us + identity_waiting_interval_s(age_s) * (int64_t)SECOND_US;
}

/* Both the names of its servers and that of the first among them: whoever only moves to another
 * provider brings the records along. */
static bool has_other_owner(const struct check *check)
{
    const struct authority_look *now = &check->survey.look;
    const struct identity *identity = &check->identity;

    if (now->domain_missing)
        return true;
    return now->servers.size && identity->zone_servers.size && now->primary.size &&
           !slice_equal(now->servers, identity->zone_servers) &&
           !slice_equal(now->primary, identity->zone_primary);
}

static void apply_zone(struct check *check)
{
    const struct authority_look *look = &check->survey.look;

    if (!look->servers.size)
        return;
    check->identity.zone_servers = look->servers;
    check->identity.zone_primary = look->primary;
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
    int64_t now_us = check->look.now_us, second_us = second_check_us(check);

    check->changed |= verdict->state != check->look.state;
    identity->state = slice_text(identity_state_name(verdict->state));
    identity->since_us = verdict->since_us;
    identity->checked_us = now_us;
    identity->next_check_us = verdict->next_check_us;
    if (verdict->reason != IDENTITY_REASON_VANISHED)
        identity->next_check_us += jitter_us(t, verdict->next_check_us - now_us);
    if (second_us && second_us < identity->next_check_us)
        identity->next_check_us = second_us;
    identity->gone_since_us = verdict->gone_since_us;
    identity->must_ask = verdict->must_ask;
    if (verdict->state == IDENTITY_SUCCESS)
        apply_zone(check);
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
        r = claim_is_held(s, &check->identity);
    if (r < 0)
        return r;
    check->look.taken = r == 1;
    check->look.since_us = check->identity.since_us;
    check->look.gone_since_us = check->identity.gone_since_us;
    check->look.must_ask = check->identity.must_ask;
    check->look.authority = check->survey.authority;
    check->look.other_owner = has_other_owner(check);
    return 0;
}

static int write_back(struct check *check)
{
    struct store *s = check->service->store;
    int r = store_identity(s, &check->identity);

    for (size_t i = 0; i < check->identity.key_count && r == 0; i++)
        r = store_key(s, &check->identity.keys[i]);
    if (r == 0 && identity_has_second(&check->identity))
        r = store_key(s, &check->identity.second);
    return r;
}

/* What the verdict means for other sites that claim the domain. */
static int settle_claim(struct check *check, const struct identity_verdict *verdict)
{
    struct store *s = check->service->store;
    int64_t now_us = check->look.now_us;

    if (verdict->state == IDENTITY_SUCCESS && !identity_sends(check->look.state))
        return claim_take(s, &check->identity, now_us, &check->ousted_site_id);
    if (verdict->reason == IDENTITY_REASON_TAKEN)
        return claim_contest(s, &check->identity, now_us);
    return 0;
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
    judge_second(check);
    verdict = identity_judge(&check->look, &check->service->times);
    apply_verdict(t, check, &verdict);
    r = settle_claim(check, &verdict);
    if (r == 0)
        r = write_back(check);
    if (r == 0)
        r = identity_notice_raise(check->service->store, &check->identity, check->look.state,
                                  &verdict, check->look.now_us);
    if (r == 0)
        r = mend_key_notice(check);
    return r < 0 ? r : store_transaction_commit(&all);
}

/* A gateway that does not answer hears of it when it is back. */
static int tell_of_ousted(struct task *t, const struct check *check)
{
    int r = site_pusher_push(t, check->service->pusher, check->ousted_site_id);

    log_info("identity %.*s has changed hands", SLICE_ARG(check->identity.domain));
    return r == -ECANCELED ? r : 0;
}

/* At once: what the check does after it may take its time. A gateway that is away hears it when it
 * is back. */
static int tell_gateways(struct task *t, const struct check *check)
{
    int r;

    log_info("identity %.*s is %.*s", SLICE_ARG(check->identity.domain),
             SLICE_ARG(check->identity.state));
    r = site_pusher_push(t, check->service->pusher, check->identity.site_id);
    return r == -ECANCELED ? r : 0;
}

int onboard_check(struct task *t, struct onboard_service *service, int64_t identity_id,
                  bool asked_for)
{
    CLEANUP(check_done) struct check check = {.service = service, .look.asked_for = asked_for};
    int r = identity_find(service->store, &check.arena, identity_id, &check.identity);

    if (r == 0)
        r = wait_for_fresh_answers(t, &check.identity);
    if (r == 0)
        r = ask_all(t, &check);
    if (r < 0)
        return r;
    check.look.now_us = task_wall_us(t);
    r = conclude(t, &check);
    if (r < 0)
        return r;
    if (check.ousted_site_id)
        r = tell_of_ousted(t, &check);
    if (r == 0 && check.changed)
        r = tell_gateways(t, &check);
    if (r < 0)
        return r;
    return dmarc_check(
        t, service->store,
        &(struct dmarc_check_options){service->bounce_domain, service->times.grace_s}, identity_id);
}
