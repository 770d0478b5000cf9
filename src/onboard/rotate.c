#include "onboard/rotate.h"

#include "base/log.h"
#include "site/identity_key.h"
#include "site/notice.h"
#include "site/pusher.h"
#include "site/service.h"

enum { MINUTE_S = 60, AT_ONCE = 20, NOT_TODAY_S = 86400, KEY_CREATION_S = 60 };

static int run_with_id(struct store *s, enum store_statement statement, int64_t id, int64_t time_us)
{
    CLEANUP(query_done) struct query q = store_query(s, statement);

    query_bind_int(&q, id);
    query_bind_int(&q, time_us);
    return query_run(&q);
}

static int move(struct store *s, const struct identity_key *key, const char *slot, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_KEY_MOVE);

    query_bind_int(&q, key->id);
    query_bind_text(&q, slice_text(slot));
    query_bind_int(&q, now_us);
    return query_run(&q);
}

static int note_rotated(struct store *s, int64_t identity_id, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_ROTATED);

    query_bind_int(&q, identity_id);
    query_bind_int(&q, now_us);
    query_bind_int(&q, now_us);
    return query_run(&q);
}

static int tell_gateways(struct task *t, struct rotate_service *service, int64_t site_id)
{
    int r = site_pusher_push(t, service->site->pusher, site_id);

    if (service->site->wake_publisher)
        service->site->wake_publisher(service->site->context);
    return r == -ETIMEDOUT || r == -EIO ? 0 : r;
}

/* The turn is taken; if the vault cannot make the next key now, the clock has it made. */
static int refill_or_later(struct task *t, struct rotate_service *service, int64_t identity_id)
{
    int r = rotate_refill(t, service, identity_id);

    if (r < 0 && r != -ECANCELED)
        log_warning("identity %lld has no next key yet: %s", (long long)identity_id, strerror(-r));
    return r == -ECANCELED ? r : 0;
}

/* --- rotation --- */

static int take_turns(struct rotate_service *service, struct arena *arena, int64_t identity_id,
                      int64_t now_us, struct identity *identity, struct rotation_verdict *ret)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct store *s = service->site->store;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = identity_find(s, arena, identity_id, identity);
    if (r < 0)
        return r;
    *ret = rotation_judge(identity, &service->times, now_us);
    if (ret->answer != ROTATION_NOW)
        return 0;
    if (ret->from)
        r = move(s, ret->from, "retiring", now_us);
    if (r == 0)
        r = move(s, ret->to, "active", now_us);
    if (r == 0)
        r = note_rotated(s, identity_id, now_us);
    return r == 0 ? store_transaction_commit(&all) : r;
}

int rotate_keys(struct task *t, struct rotate_service *service, int64_t identity_id,
                struct rotation_verdict *ret)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct identity identity;
    int r = take_turns(service, &arena, identity_id, task_wall_us(t), &identity, ret);

    if (r < 0)
        return r;
    if (ret->answer == ROTATION_NOW) {
        log_info("identity %.*s signs with selector %.*s from now on", SLICE_ARG(identity.domain),
                 SLICE_ARG(ret->to->selector));
        r = tell_gateways(t, service, identity.site_id);
    }
    ret->from = ret->to = NULL; /* they go with the arena */
    return r < 0 ? r : refill_or_later(t, service, identity_id);
}

/* --- withdrawal --- */

/* What the vault has made for a key's place. */
static int make_key(struct task *t, struct rotate_service *service, struct arena *arena,
                    const struct identity *identity, struct identity_key *key)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, KEY_CREATION_S * SECOND_US);

    key->origin = SLICE("made");
    key->algorithm = KEY_RSA_SHA256;
    key->withdrawn_us = key->seen_us = 0;
    return identity_key_make(t, service->site, arena, identity, key);
}

static int notice_of_withdrawal(struct rotate_service *service, struct arena *arena,
                                const struct identity *identity, const struct identity_key *old,
                                const struct identity_key *added, int64_t now_us)
{
    const struct notice notice = {
        .site_id = (uint64_t)identity->site_id,
        .topic = arena_printf(arena, "key:%lld", (long long)identity->id),
        .trouble = true,
        .subject =
            arena_printf(arena, "A mail key of %.*s must be removed", SLICE_ARG(identity->domain)),
        .text = arena_printf(
            arena,
            "A key that signs the mail of %.*s has become known to others, and is not used any "
            "more. Please remove its DNS record at once, so that nobody can sign in your name:\n\n"
            "  %.*s._domainkey.%.*s\n\nand add the record %.*s._domainkey.%.*s in its place, with "
            "the value that letterhead identity records shows. Mail goes out meanwhile.\n",
            SLICE_ARG(identity->domain), SLICE_ARG(old->selector), SLICE_ARG(identity->domain),
            SLICE_ARG(added->selector), SLICE_ARG(identity->domain)),
    };

    return notice_raise(service->site->store, &notice, now_us);
}

/* By TXT only the client can take the record away; the place of the key gets another, which is
 * asked of the client too. */
static int replace_by_txt(struct rotate_service *service, struct arena *arena,
                          const struct identity *identity, const struct identity_key *old,
                          struct identity_key *added, int64_t now_us)
{
    struct store *s = service->site->store;
    int r = store_new_id(s, &added->id);

    added->slot = SLICE("retiring"); /* free at once, since it has never signed */
    if (r == 0)
        r = identity_key_remove(s, old);
    if (r == 0)
        r = identity_key_insert(s, identity->id, added, now_us);
    return r == 0 ? notice_of_withdrawal(service, arena, identity, old, added, now_us) : r;
}

static int replace_by_cname(struct rotate_service *service, const struct identity *identity,
                            const struct identity_key *old, int64_t now_us)
{
    struct identity_key withdrawn = *old;
    int r = run_with_id(service->site->store, STORE_IDENTITY_KEY_WITHDRAW, old->id, now_us);

    withdrawn.withdrawn_us = now_us;
    return r == 0 ? identity_key_publish(service->site->store, identity, &withdrawn, now_us) : r;
}

static int withdraw(struct rotate_service *service, struct arena *arena, int64_t identity_id,
                    struct slice selector, struct identity_key *added, int64_t now_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct store *s = service->site->store;
    struct rotation_verdict verdict;
    struct identity identity;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = identity_find(s, arena, identity_id, &identity);
    if (r == 0)
        r = rotation_judge_withdrawal(&identity, selector, &verdict);
    if (r < 0)
        return r;
    if (verdict.answer == ROTATION_WITHDRAWN)
        return -EALREADY;
    r = identity_is_cname(&identity)
            ? replace_by_cname(service, &identity, verdict.from, now_us)
            : replace_by_txt(service, arena, &identity, verdict.from, added, now_us);
    if (r == 0 && verdict.to)
        r = move(s, verdict.to, "active", now_us);
    if (r == 0)
        r = note_rotated(s, identity_id, now_us);
    log_warning(
        "audit: key %.*s of %.*s is withdrawn; %.*s signs now", SLICE_ARG(verdict.from->selector),
        SLICE_ARG(identity.domain),
        SLICE_ARG(verdict.to ? verdict.to->selector : SLICE("the same as before, or none")));
    return r == 0 ? store_transaction_commit(&all) : r;
}

/* The new key of the TXT way is made first: the vault takes its time, and a transaction must not
 * wait. */
int rotate_withdraw(struct task *t, struct rotate_service *service, int64_t identity_id,
                    struct slice selector)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct identity_key added = {.record_state = SLICE("unknown")};
    struct identity identity;
    int r = identity_find(service->site->store, &arena, identity_id, &identity);

    if (r == 0 && !identity_is_cname(&identity)) {
        added.selector = identity_selector(t, &arena);
        r = make_key(t, service, &arena, &identity, &added);
    }
    if (r == 0)
        r = withdraw(service, &arena, identity_id, selector, &added, task_wall_us(t));
    if (r == 0)
        r = tell_gateways(t, service, identity.site_id);
    return r == 0 ? refill_or_later(t, service, identity_id) : r;
}

/* --- the next key --- */

static int store_remade(struct store *s, const struct identity_key *key, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_KEY_REMAKE);

    query_bind_int(&q, key->id);
    query_bind_blob(&q, key->sealed);
    query_bind_blob(&q, key->public_key);
    query_bind_int(&q, now_us);
    return query_run(&q);
}

/* The row is looked at again: the vault took its time. */
static int put_remade(struct rotate_service *service, struct arena *arena, int64_t identity_id,
                      const struct identity_key *made, int64_t now_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct store *s = service->site->store;
    const struct identity_key *place;
    struct identity identity;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = identity_find(s, arena, identity_id, &identity);
    if (r < 0)
        return r;
    place = rotation_free(&identity, &service->times, now_us);
    if (!place || place->id != made->id)
        return 0;
    r = store_remade(s, made, now_us);
    if (r == 0)
        r = identity_key_publish(s, &identity, made, now_us);
    if (r == 0)
        r = run_with_id(s, STORE_IDENTITY_CHECK_SOON, identity_id, now_us);
    return r == 0 ? store_transaction_commit(&all) : r;
}

int rotate_refill(struct task *t, struct rotate_service *service, int64_t identity_id)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct identity_key *place;
    struct identity_key made;
    struct identity identity;
    int r = identity_find(service->site->store, &arena, identity_id, &identity);

    if (r < 0)
        return r;
    place = rotation_free(&identity, &service->times, task_wall_us(t));
    if (!place)
        return 0;
    if (!identity_is_cname(&identity) || rotation_is_fresh(place))
        return move(service->site->store, place, "next", task_wall_us(t));
    made = *place;
    r = make_key(t, service, &arena, &identity, &made);
    if (r == 0)
        r = put_remade(service, &arena, identity_id, &made, task_wall_us(t));
    if (r == 0 && service->site->wake_publisher)
        service->site->wake_publisher(service->site->context);
    return r;
}

/* --- by the clock --- */

static size_t list_due(struct query *q, int64_t *ids)
{
    size_t count = 0;

    while (count < AT_ONCE && query_step(q) == 1)
        ids[count++] = query_int(q, 0);
    return count;
}

static size_t rotations_due(struct rotate_service *service, int64_t now_us, int64_t *ids)
{
    CLEANUP(query_done)
    struct query q = store_query(service->site->store, STORE_IDENTITY_ROTATION_DUE);

    query_bind_int(&q, now_us);
    query_bind_int(&q, (int64_t)(service->times.every_s * SECOND_US));
    query_bind_int(&q, AT_ONCE);
    return service->times.every_s ? list_due(&q, ids) : 0;
}

static size_t refills_due(struct rotate_service *service, int64_t now_us, int64_t *ids)
{
    CLEANUP(query_done)
    struct query q = store_query(service->site->store, STORE_IDENTITY_REFILL_DUE);

    query_bind_int(&q, now_us - (int64_t)(service->times.keep_s * SECOND_US));
    query_bind_int(&q, now_us - (int64_t)(service->times.rest_s * SECOND_US));
    query_bind_int(&q, AT_ONCE);
    return list_due(&q, ids);
}

/* What cannot be rotated today is looked at again tomorrow: mail goes on with the key it has. */
static int rotate_one(struct task *t, struct rotate_service *service, int64_t id)
{
    struct rotation_verdict verdict;
    int r = rotate_keys(t, service, id, &verdict);

    if (r < 0 || verdict.answer == ROTATION_NOW)
        return r;
    log_info("identity %lld cannot rotate its keys yet: the next one is not ready", (long long)id);
    return run_with_id(service->site->store, STORE_IDENTITY_ROTATE_LATER, id,
                       task_wall_us(t) + (int64_t)(NOT_TODAY_S * SECOND_US));
}

static int work(struct task *t, struct rotate_service *service)
{
    int64_t ids[AT_ONCE];
    size_t count = refills_due(service, task_wall_us(t), ids);
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = rotate_refill(t, service, ids[i]);
    count = r == 0 ? rotations_due(service, task_wall_us(t), ids) : 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = rotate_one(t, service, ids[i]);
    return r;
}

int rotate_run(struct task *t, struct rotate_service *service)
{
    int r = 0;

    while (r == 0) {
        r = work(t, service);
        if (r < 0 && r != -ECANCELED)
            log_error("rotating keys: %s; tried again in a minute", strerror(-r));
        r = r == -ECANCELED ? r : task_sleep(t, MINUTE_S * SECOND_US);
    }
    return r;
}
