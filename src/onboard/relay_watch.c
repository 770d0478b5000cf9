#include "onboard/relay_watch.h"

#include "base/log.h"
#include "deliver/relay_protocol.h"
#include "onboard/due.h"
#include "onboard/relay_notice.h"
#include "runtime/world.h"
#include "site/pusher.h"

/* --- what follows from a test --- */

/* A quarter at most, so that not all are tested at one time. */
static int64_t add_jitter(struct task *t, int64_t now_us, int64_t next_us)
{
    uint64_t number, room = (uint64_t)(next_us - now_us) / 4;

    world_random(task_world(t), &number, sizeof number);
    return next_us + (int64_t)(room ? number % room : 0);
}

/* Mail that fails all the same counts for more than a test that found nothing. */
static int weigh(struct store *s, struct arena *arena, const struct relay *relay,
                 struct relay_test *test)
{
    struct relay_use *uses;
    size_t count;
    int r = relay_use_list(s, arena, relay->id, &uses, &count);

    for (size_t i = 0; r == 0 && i < count && test->finding == RELAY_FOUND_GOOD; i++) {
        if (uses[i].version != relay->version || !uses[i].trouble.size)
            continue;
        test->finding = RELAY_FOUND_WARNING;
        test->why = arena_printf(arena, "The test went well, but mail has met trouble: %.*s",
                                 SLICE_ARG(uses[i].trouble));
        test->next_step = SLICE("Letterhead tries again by itself, every half minute at first.");
    }
    return r;
}

/* What gateways have said while the test was under way, it may not have seen: then there is to be
 * another one at once. */
static bool is_wanted_again(const struct relay *relay, int64_t begun_us, int64_t now_us)
{
    return relay->next_probe_us > begun_us && relay->next_probe_us <= now_us;
}

static void apply(struct task *t, const struct relay_test *test, int64_t begun_us, int64_t now_us,
                  struct relay *relay)
{
    const struct relay_look look = {.state = relay->state,
                                    .since_us = relay->since_us,
                                    .failures = relay->failures,
                                    .finding = test->finding,
                                    .now_us = now_us};
    const struct relay_verdict verdict = relay_judge(&look);

    relay->state = verdict.state;
    relay->since_us = verdict.since_us;
    relay->failures = verdict.failures;
    relay->why = test->why;
    relay->next_step = test->next_step;
    if (!is_wanted_again(relay, begun_us, now_us))
        relay->next_probe_us = add_jitter(t, now_us, verdict.next_probe_us);
}

/* An open relay is one for whoever has an account there. */
static int test_others_soon(struct store *s, const struct relay *relay, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_RELAY_PROBE_OTHERS_OF_HOST);

    query_bind_text(&q, relay->host);
    query_bind_int(&q, relay->port);
    query_bind_int(&q, relay->id);
    query_bind_int(&q, now_us);
    return query_run(&q);
}

static int store_all(struct store *s, const struct relay *relay, enum relay_state before,
                     const struct relay_test *test, struct slice occasion, int64_t begun_us,
                     int64_t now_us)
{
    const struct relay_probe probe = {.begun_us = begun_us,
                                      .occasion = occasion,
                                      .finding = test->finding,
                                      .state = relay->state,
                                      .why = test->why,
                                      .report = test->report};
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = relay_set_state(s, relay);
    if (r == 0)
        r = relay_set_probed(s, relay->id, now_us, relay->next_probe_us);
    if (r == 0)
        r = relay_probe_add(s, relay, &probe);
    if (r == 0)
        r = relay_notice_raise(s, relay, test->finding, now_us);
    if (r == 0 && test->finding == RELAY_FOUND_OPEN && before != RELAY_REFUSED)
        r = test_others_soon(s, relay, now_us);
    return r == 0 ? store_transaction_commit(&all) : r;
}

static int push(struct task *t, struct relay_watch *watch, int64_t site_id)
{
    int r = site_pusher_push(t, watch->pusher, site_id);

    return r == -ETIMEDOUT || r == -EIO ? 0 : r; /* they are told when they are back */
}

int relay_watch_note(struct task *t, struct relay_watch *watch, const struct relay *relay,
                     const struct relay_test *test, struct slice occasion, int64_t begun_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct relay_test weighed = *test;
    int64_t now_us = task_wall_us(t);
    enum relay_state before;
    struct relay now;
    int r = relay_find(watch->store, &arena, relay->id, &now);

    if (r == 0 && now.version != relay->version)
        r = -ESTALE;
    if (r == 0)
        r = weigh(watch->store, &arena, &now, &weighed);
    if (r < 0)
        return r;
    before = now.state;
    apply(t, &weighed, begun_us, now_us, &now);
    r = store_all(watch->store, &now, before, &weighed, occasion, begun_us, now_us);
    if (r < 0)
        return r;
    if (now.state != before)
        log_info("the relay of site %lld is %s now, and was %s: %.*s", (long long)now.site_id,
                 relay_state_name(now.state), relay_state_name(before), SLICE_ARG(now.why));
    return push(t, watch, now.site_id);
}

/* --- what gateways say --- */

static bool had_trouble(const struct relay_use *uses, size_t count, unsigned gateway,
                        int64_t version)
{
    for (size_t i = 0; i < count; i++)
        if (uses[i].gateway == gateway && uses[i].version == version)
            return uses[i].trouble.size > 0;
    return false;
}

/* It is tested soon, since a test says more than a failure. Whether people are told depends on
 * that. */
static int note_trouble(struct store *s, struct relay *relay, struct slice trouble, int64_t now_us)
{
    int r = 0;

    if (relay->state == RELAY_READY) {
        relay->state = RELAY_DEGRADED;
        relay->since_us = now_us;
        relay->why = trouble;
        relay->next_step = SLICE("Mail waits and is tried again; the account is being tested.");
        r = relay_set_state(s, relay);
    }
    return r == 0 ? relay_set_probed(s, relay->id, 0, now_us) : r;
}

static int take_one(struct store *s, struct arena *arena, unsigned gateway,
                    const struct relay_use_told *told, int64_t now_us)
{
    const struct relay_use use = {.gateway = gateway,
                                  .version = (int64_t)told->version,
                                  .day_us = told->day_us,
                                  .recipients = told->recipients,
                                  .closed_until_us = told->closed_until_us,
                                  .closed_why = told->closed_why,
                                  .trouble = told->trouble,
                                  .trouble_since_us = told->trouble_since_us};
    struct relay_use *uses;
    struct relay relay;
    size_t count;
    bool before;
    int r = relay_find(s, arena, (int64_t)told->relay_id, &relay);

    if (r == 0)
        r = relay_use_list(s, arena, relay.id, &uses, &count);
    if (r < 0)
        return r == -ENOENT ? 0 : r; /* it was removed */
    before = had_trouble(uses, count, gateway, use.version);
    r = relay_use_note(s, relay.id, &use);
    if (r < 0 || use.version != relay.version)
        return r;
    if (use.trouble.size && !before)
        r = note_trouble(s, &relay, use.trouble, now_us);
    else if (before && !use.trouble.size)
        r = relay_set_probed(s, relay.id, 0, now_us); /* a test says whether all is well again */
    return r;
}

/* One that is in trouble goes on getting mail, so the gateways need not be told. */
int relay_watch_take_use(struct task *t, struct relay_watch *watch, unsigned gateway,
                         struct slice body)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct relay_use_told told;
    int r = store_transaction_begin(watch->store, &all);

    while (r == 0 && relay_use_read(&body, &told))
        r = take_one(watch->store, &arena, gateway, &told, task_wall_us(t));
    if (r == 0 && body.size)
        return -EBADMSG;
    return r == 0 ? store_transaction_commit(&all) : r;
}

/* --- the clock --- */

static struct slice occasion_of(const struct relay *relay)
{
    if (relay->probed_us == 0 || relay->state == RELAY_UNTESTED)
        return SLICE("set");
    return relay->failures || relay->state != RELAY_READY ? SLICE("trouble") : SLICE("daily");
}

static int test_relay(struct task *t, struct relay_watch *watch, int64_t id)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct relay_test test = {.finding = RELAY_FOUND_TEMPORARY};
    int64_t begun_us = task_wall_us(t);
    struct relay relay;
    int r = relay_find(watch->store, &arena, id, &relay);

    if (r == 0)
        r = watch->test(t, watch->context, &arena, &relay, &test);
    if (r == 0)
        r = relay_watch_note(t, watch, &relay, &test, occasion_of(&relay), begun_us);
    return r == -ESTALE || r == -ENOENT ? 0 : r;
}

static int test_one(struct task *t, void *context, int64_t id)
{
    static const int64_t AGAIN_US = 60 * (int64_t)SECOND_US;
    struct relay_watch *watch = context;
    int r = test_relay(t, watch, id);

    if (r < 0 && r != -ECANCELED) {
        log_error("testing relay %lld: %s", (long long)id, strerror(-r));
        r = relay_set_probed(watch->store, id, 0, task_wall_us(t) + AGAIN_US);
    }
    return r;
}

int relay_watch_run(struct task *t, struct relay_watch *watch)
{
    const struct due_options options = {
        .name = "test of a relay",
        .statement = STORE_RELAY_DUE,
        .at_once_max = watch->test ? RELAY_TESTS_MAX : 0,
        .starts_max = RELAY_TESTS_MAX,
        .look = test_one,
        .context = watch,
    };

    return due_run(t, watch->store, &options);
}
