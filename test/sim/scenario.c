#include "scenario.h"

#include "actors.h"
#include "app/gateway.h"
#include "disk_sim.h"
#include "fairness.h"

#include <stdio.h>
#include <stdlib.h>

/* The longest that a recipient may be in the queue, and then some. */
static const uint64_t LIFETIME_S = 4 * 3600;
static const uint64_t SETTLE_US = 6ull * 3600 * 1000000;

static const uint32_t retry_delays_s[] = {30, 120, 600};

static int wait_for_stop(struct task *t, void *context)
{
    struct scenario *s = context;

    while (!s->stop_wanted) {
        int r = condition_wait(t, &s->stop);

        if (r < 0)
            return r;
    }
    return 0;
}

static void fill_options(struct scenario *s, struct gateway_options *o,
                         const struct endpoint_network *network)
{
    submit_limits_default(&o->submit.limits);
    o->submit.host_name = SLICE("mail.letterhead.example");
    o->submit.region = SLICE("eu-west-1");
    o->queue = (struct queue_options){.disk = world_disk(sim_world_base(s->w)),
                                      .lifetime_s = LIFETIME_S,
                                      .retry_delays_s = retry_delays_s,
                                      .retry_delay_count = ARRAY_LEN(retry_delays_s),
                                      .memory_max_bytes = 200000,
                                      .spool_max_bytes = 8 << 20,
                                      .spool_reserve_bytes = 1 << 20};
    o->deliver = (struct deliver_options){.hostname = SLICE("mail.letterhead.example"),
                                          .bounce_domain = SLICE("bounce.letterhead.example"),
                                          .connections_per_provider_max = 2,
                                          .connections_max = 8,
                                          .messages_per_connection_max = 5};
    o->deliver.route = (struct route_options){
        .hostname = SLICE("mail.letterhead.example"), .port = 25, .policy = {network, 1}};
    inbound_limits_default(&o->inbound.limits);
    o->inbound.host_name = SLICE("mail.letterhead.example");
    o->inbound.bounce_domain = SLICE("bounce.letterhead.example");
    o->vault_socket = s->vault_pair[0];
    o->steward_socket = s->steward_pair[0];
    o->wait_for_stop = wait_for_stop;
    o->context = s;
}

/* The process on trial. */
static int gateway_main(struct task *t, void *argument)
{
    struct scenario *s = argument;
    struct submit_listener listeners[SCENARIO_SITES];
    struct endpoint_network network;
    struct gateway_options options = {.listeners = listeners, .listener_count = SCENARIO_SITES};

    if (endpoint_network_parse(SLICE("203.0.113.0/24"), &network) < 0)
        abort();
    fill_options(s, &options, &network);
    for (unsigned i = 0; i < SCENARIO_SITES; i++)
        listeners[i] = (struct submit_listener){.name = "simulated",
                                                .socket = s->submission_listeners[i],
                                                .tls = SUBMIT_TLS_NONE,
                                                .access_key_id = site_access_key_id(i)};
    const struct inbound_listener inbound = {"simulated", s->inbound_listener};

    options.inbound_listeners = &inbound;
    options.inbound_listener_count = 1;
    return gateway_run(t, &options);
}

struct run {
    struct scenario *scenario;
    bool ended;
    int result;
};

static int run_main(struct task *t, void *argument)
{
    struct run *run = argument;

    run->result = gateway_main(t, run->scenario);
    run->ended = true;
    condition_broadcast(&run->scenario->changed);
    return 0;
}

/* Runs the gateway until it crashes or ends by itself. */
static int run_gateway(struct task *t, struct scenario *s)
{
    CLEANUP(scope_close) struct scope process;
    struct run run = {.scenario = s};
    int r;

    s->starts++;
    s->stop_wanted = false;
    sim_trace(s->w, "gateway: start %u", s->starts);
    scope_open(&process, t);
    r = scope_spawn(&process, "gateway", run_main, &run);
    while (r == 0 && !run.ended && !s->crashed)
        r = condition_wait(t, &s->changed);
    scope_close(&process);
    sim_trace(s->w, "gateway: ended, %d", run.result);
    return r;
}

/* The supervisor: whatever happens, the gateway is started again. */
static int supervise(struct task *t, void *argument)
{
    struct scenario *s = argument;
    int r = 0;

    while (r == 0 && !s->ending) {
        r = run_gateway(t, s);
        if (r == 0)
            r = pause_for(t, s, 5 * SECOND_US);
        if (s->crashed) {
            s->crashed = false;
            sim_world_revive(s->w);
        }
    }
    return r;
}

static void crashed(void *context)
{
    struct scenario *s = context;

    s->crashed = true;
    ledger_note_crash(s->ledger);
    condition_broadcast(&s->changed);
}

static void stop_gateway(struct scenario *s)
{
    s->stop_wanted = true;
    condition_broadcast(&s->stop);
}

static void strike_neighbour(struct scenario *s)
{
    sim_trace(s->w, "a neighbour dies");
    s->strike_vault = chance_ppm(s->chance, 500000);
    s->strike_steward = !s->strike_vault;
    condition_broadcast(&s->strike);
}

/* A host goes away for as long as its mail rests, and longer, and comes back to all that has come
 * together. */
static int strike_host(struct task *t, struct scenario *s)
{
    struct host *host = &s->hosts[chance_below(s->chance, HOSTS)];
    int r;

    sim_trace(s->w, "host %u goes away", host->number);
    host->away = true;
    r = pause_for(t, s, 3600 * SECOND_US);
    host->away = false;
    sim_trace(s->w, "host %u is back", host->number);
    return r;
}

static int strike_site(struct task *t, struct scenario *s)
{
    unsigned site = (unsigned)chance_below(s->chance, SCENARIO_SITES);
    int r;

    sim_trace(s->w, "site %u is paused", site + 1);
    neighbours_pause(s, site, true);
    r = pause_for(t, s, 600 * SECOND_US);
    neighbours_pause(s, site, false);
    sim_trace(s->w, "site %u is released", site + 1);
    return r;
}

/* The client takes its records away, and restores them: what was accepted waits meanwhile. */
static int strike_identity(struct task *t, struct scenario *s)
{
    unsigned site = (unsigned)chance_below(s->chance, SCENARIO_SITES);
    int r;

    sim_trace(s->w, "the domain of site %u is taken back", site + 1);
    neighbours_revoke(s, site, true);
    r = pause_for(t, s, 3600 * SECOND_US);
    neighbours_revoke(s, site, false);
    sim_trace(s->w, "the domain of site %u is restored", site + 1);
    return r;
}

/* One of the things that befall the gateway and its neighbours. */
static int strike(struct task *t, struct scenario *s)
{
    switch (chance_below(s->chance, 11)) {
    case 0:
        sim_world_crash(s->w);
        return 0;
    case 1:
    case 2:
        sim_world_crash_at_sync(s->w, (unsigned)chance_between(s->chance, 1, 12));
        return 0;
    case 3:
        stop_gateway(s);
        return 0;
    case 4:
        sim_world_jump(s->w, ((int64_t)chance_below(s->chance, 7200) - 3600) * (int64_t)SECOND_US);
        return 0;
    case 5:
    case 6:
        strike_neighbour(s);
        return 0;
    case 7:
        return strike_host(t, s);
    case 8:
        return strike_site(t, s);
    case 9:
        return strike_identity(t, s);
    default:
        s->steward_away = true;
        return pause_for(t, s, 600 * SECOND_US);
    }
}

static int strikes_main(struct task *t, void *argument)
{
    struct scenario *s = argument;
    unsigned strikes = (unsigned)chance_below(s->chance, 10);
    int r = 0;

    while (r == 0 && strikes-- && !s->healed) {
        r = pause_for(t, s, s->trouble_us);
        if (r == 0 && !s->healed)
            r = strike(t, s);
        s->steward_away = false;
    }
    return r;
}

static uint32_t sometimes(struct chance *c, uint32_t most)
{
    return chance_ppm(c, 500000) ? (uint32_t)chance_skewed(c, most) : 0;
}

/* Half of the faults are off in any one run: some bugs show only where all else is well. */
static void choose_faults(struct scenario *s)
{
    struct chance *c = s->chance;

    *sim_world_faults(s->w) = (struct sim_faults){
        .short_read = sometimes(c, 300000),
        .short_write = sometimes(c, 300000),
        .reset = sometimes(c, 10000),
        .half_open = sometimes(c, 3000),
        .refused = sometimes(c, 200000),
        .unreachable = sometimes(c, 100000),
        .connect_silent = sometimes(c, 100000),
        .slow_job = sometimes(c, 50000),
        .sync_error = chance_ppm(c, 200000) ? sometimes(c, 30000) : 0,
        .write_error = chance_ppm(c, 100000) ? sometimes(c, 10000) : 0,
        .latency_most_us = 100 + chance_skewed(c, 300000),
    };
    s->ledger->disk_fails =
        sim_world_faults(s->w)->sync_error || sim_world_faults(s->w)->write_error;
    s->dns_trouble = sometimes(c, 300000);
    s->steward_is_moody = chance_ppm(c, 500000);
    s->vault_delay_us = chance_ppm(c, 300000) ? 10 * SECOND_US : 20000;
    if (chance_ppm(c, 100000))
        sim_disk_set_capacity(sim_world_disk(s->w), (3 << 20) + chance_below(c, 5 << 20));
    s->trouble_us = chance_between(c, 10 * SECOND_US, 300 * SECOND_US);
    s->linger_us = chance_ppm(c, 300000) ? chance_skewed(c, 7200 * SECOND_US) : 0;
    s->clients = (unsigned)chance_between(c, 1, CLIENTS_MAX);
    s->messages_each = (unsigned)chance_between(c, 1, 6);
    s->report_count = (unsigned)chance_below(c, REPORTS_MAX + 1);
    s->bulk = chance_ppm(c, 700000) ? (uint32_t)chance_below(c, 1000000) : 0;
    s->hurry = chance_ppm(c, 400000) ? (uint32_t)chance_below(c, 1000000) : 0;
}

/* From here on nothing goes wrong any more. */
static void heal(struct scenario *s)
{
    sim_trace(s->w, "the faults end");
    s->healed = true;
    *sim_world_faults(s->w) = (struct sim_faults){.latency_most_us = 1000};
    sim_world_crash_at_sync(s->w, 0);
    s->dns_trouble = 0;
    s->steward_is_moody = s->steward_away = false;
    sim_disk_set_capacity(sim_world_disk(s->w), 1ull << 40);
    for (size_t i = 0; i < HOSTS; i++) {
        s->hosts[i].habits = (struct host_habits){.pipelining = true};
        s->hosts[i].away = false;
    }
    for (unsigned i = 0; i < SCENARIO_SITES; i++) {
        neighbours_pause(s, i, false);
        neighbours_revoke(s, i, false);
    }
    if (s->ledger->disk_fails) { /* an operator starts it anew: it may have stopped accepting */
        ledger_note_crash(s->ledger); /* what a bad disk did not take is lost all the same */
        stop_gateway(s);
    }
}

static int start_clients(struct scenario *s)
{
    int r = 0;

    const struct endpoint at = {.family = 4, .address = {127, 0, 0, 1}, .port = INBOUND_PORT};

    s->inbound_listener = sim_world_listen(s->w, &at, true);
    s->clients_left = s->clients + 1;
    r = scope_spawn(s->outside, "reports", reports_main, s);
    for (unsigned i = 0; r == 0 && i < s->clients; i++) {
        struct client *c = base_allocate(sizeof *c);

        c->scenario = s;
        c->number = i;
        r = scope_spawn(s->outside, "client", client_main, c);
    }
    return r;
}

static int start_outside(struct scenario *s)
{
    int r = 0;

    for (unsigned i = 0; i < SCENARIO_SITES; i++) {
        const struct endpoint at = {
            .family = 4, .address = {127, 0, 0, 1}, .port = (uint16_t)(SUBMISSION_PORT_FIRST + i)};

        s->submission_listeners[i] = sim_world_listen(s->w, &at, true);
    }
    sim_world_pair(s->w, s->vault_pair);
    sim_world_pair(s->w, s->steward_pair);
    r = scope_spawn(s->outside, "neighbours", neighbours_main, s);
    for (unsigned i = 0; r == 0 && i < HOSTS; i++) {
        s->hosts[i] = (struct host){.scenario = s, .number = i};
        host_open(&s->hosts[i]);
        r = scope_spawn(s->outside, "host", host_main, &s->hosts[i]);
    }
    if (r == 0)
        r = start_clients(s);
    if (r == 0)
        r = scope_spawn(s->outside, "strikes", strikes_main, s);
    return r;
}

/* Everything accepted must end within a recipient's lifetime. */
static int wait_until_settled(struct task *t, struct scenario *s)
{
    uint64_t until_us = task_now_us(t) + SETTLE_US;
    int r = 0;

    while (r == 0 && !(ledger_is_settled(s->ledger) && reports_are_settled(s)) &&
           !*s->ledger->problem && task_now_us(t) < until_us) {
        r = task_sleep(t, 60 * SECOND_US);
        if (r == 0)
            r = neighbours_release(t, s);
    }
    return r;
}

/* Clients, then healing, then the rest of all messages' lives, then the end. */
static int act(struct task *t, struct scenario *s)
{
    int r = 0;

    while (r == 0 && s->clients_left)
        r = condition_wait(t, &s->changed);
    if (r == 0)
        r = task_sleep(t, s->linger_us);
    if (r < 0)
        return r;
    heal(s);
    r = wait_until_settled(t, s);
    if (r == 0)
        r = neighbours_audit(t, s);
    s->ending = true;
    stop_gateway(s);
    ledger_judge(s->ledger);
    reports_judge(s);
    return r;
}

static int main_task(struct task *t, void *argument)
{
    struct scenario *s = argument;
    CLEANUP(scope_close) struct scope outside, supervisor;
    int r;

    scope_open(&outside, t);
    scope_open(&supervisor, t);
    s->outside = &outside;
    r = start_outside(s);
    if (r == 0)
        r = scope_spawn(&supervisor, "supervisor", supervise, s);
    if (r == 0)
        r = act(t, s);
    if (r == 0)
        r = scope_wait(t, &supervisor);
    scope_close(&supervisor);
    scope_close(&outside);
    return r;
}

/* All sites may send again long before the end: whatever waited for that has gone out. */
static void judge_waiting(const struct scenario *s)
{
    for (unsigned i = 0; i < SCENARIO_SITES; i++)
        if (s->site_ever_revoked[i] && s->ledger->counts.expired > 0)
            ledger_fail(s->ledger,
                        "%u recipients expired, and a site's domain had been taken back and "
                        "restored",
                        (unsigned)s->ledger->counts.expired);
}

static void report(const struct scenario *s, int r, struct scenario_result *ret)
{
    const struct ledger *l = s->ledger;

    if (r < 0)
        ledger_fail(s->ledger, "the run itself failed: %d", r);
    judge_waiting(s);
    snprintf(ret->problem, sizeof ret->problem, "%s", l->problem);
    ret->hash = sim_world_trace_hash(s->w);
    ret->simulated_us = world_now_us(sim_world_base(s->w));
    ret->acknowledged = l->counts.acknowledged;
    ret->refused = l->counts.refused;
    ret->unanswered = l->counts.unanswered;
    ret->delivered = l->counts.delivered;
    ret->bounced = l->counts.bounced;
    ret->expired = l->counts.expired;
    ret->repeated = l->counts.repeated;
    ret->ambiguous = l->counts.ambiguous;
    ret->crashes = (unsigned)l->crash_count;
    ret->starts = s->starts;
}

void scenario_run(const struct scenario_options *options, struct scenario_result *ret)
{
    struct scenario s = {
        .options = options, .take_report = reports_request, .forget_report = reports_forget};
    const struct sim_world_options world = {.seed = options->seed,
                                            .verbose = options->verbose,
                                            .resolve = host_resolve,
                                            .crashed = crashed,
                                            .context = &s};
    int r;

    s.w = sim_world_new(&world);
    s.chance = sim_world_chance(s.w);
    s.ledger = ledger_new(s.w);
    for (unsigned i = 0; i < SCENARIO_SITES; i++)
        s.ledger->public_keys[i] = buffer_slice(&options->keys->public_keys[i]);
    choose_faults(&s);
    fairness_begin(s.ledger);
    r = loop_run(sim_world_base(s.w), main_task, &s);
    report(&s, r, ret);
    ret->contested = fairness_end();
    for (size_t i = 0; i < HOSTS; i++)
        host_done(&s.hosts[i]);
    ledger_free(s.ledger);
    sim_world_free(s.w);
}
