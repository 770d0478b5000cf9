/* newsletter: one site sends a newsletter, and single messages must not wait for it.
 *
 *   newsletter --recipients N --each M [--connections C] [--seed S]
 *
 * Site 0 hands in N recipients, M a message, as fast as it is let, from several connections at
 * once. Half of them are at one provider, the others at some dozens; all are in thousands of
 * domains, and all receivers take their time. Meanwhile site 1, and site 0 as well, send a notice
 * now and then. Each must be delivered within NOTICE_MOST_US of its 250, for as long as the
 * newsletter is under way. The code on trial is the gateway's own, from submission to delivery;
 * time is simulated. */
#include "newsletter.h"

#include "app/gateway.h"
#include "base/log.h"
#include "queue/remote.h"
#include "wire/ipc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t NOTICE_MOST_US = 2 * SECOND_US;
static const uint64_t PATIENCE_US = 48ull * 3600 * SECOND_US;

struct run run;

/* What neighbours.c tells: events are taken, and forgotten. */
int ledger_store_events(struct ledger *l, struct slice batch)
{
    struct cursor c = cursor_of(batch);
    struct queue_event event;
    uint64_t spool_id;
    int r = queue_event_batch_read(&c, &spool_id);

    while (r == 0 && c.rest.size) {
        r = queue_event_read(&c, &event);
        l->cursor = r == 0 ? event.sequence : l->cursor;
        if (r == 0 && event.type != QUEUE_EVENT_ACCEPTED && event.type != QUEUE_EVENT_DELIVERED)
            run.problem = "something was not delivered at once";
    }
    return r;
}

void ledger_fail(struct ledger *l, const char *format, ...)
{
    (void)l;
    run.problem = format;
}

static int wait_for_stop(struct task *t, void *context)
{
    struct scenario *s = context;
    int r = 0;

    while (r == 0 && !s->stop_wanted)
        r = condition_wait(t, &s->stop);
    return r;
}

static int gateway_main(struct task *t, void *argument)
{
    static const uint32_t retry_delays_s[] = {300};
    struct scenario *s = argument;
    struct submit_listener listeners[SCENARIO_SITES];
    struct endpoint_network network;
    struct gateway_options o = {.listeners = listeners, .listener_count = SCENARIO_SITES};

    if (endpoint_network_parse(SLICE("203.0.113.0/24"), &network) < 0)
        abort();
    submit_limits_default(&o.submit.limits);
    o.submit.limits.recipients_max = LIMIT_RECIPIENTS;
    o.submit.host_name = SLICE("mail.letterhead.example");
    o.submit.region = SLICE("eu-west-1");
    o.queue = (struct queue_options){.disk = world_disk(sim_world_base(s->w)),
                                     .lifetime_s = 5 * 86400,
                                     .retry_delays_s = retry_delays_s,
                                     .retry_delay_count = 1,
                                     .memory_max_bytes = 64 << 20,
                                     .spool_max_bytes = 1ull << 40};
    o.deliver = (struct deliver_options){.hostname = SLICE("mail.letterhead.example"),
                                         .bounce_domain = SLICE("bounce.letterhead.example"),
                                         .connections_per_provider_max = 20,
                                         .connections_max = run.connections_max,
                                         .messages_per_connection_max = 100,
                                         .route = {.hostname = SLICE("mail.letterhead.example"),
                                                   .port = 25,
                                                   .policy = {&network, 1}}};
    o.vault_socket = s->vault_pair[0];
    o.steward_socket = s->steward_pair[0];
    o.wait_for_stop = wait_for_stop;
    o.context = s;
    for (unsigned i = 0; i < SCENARIO_SITES; i++)
        listeners[i] = (struct submit_listener){.name = "simulated",
                                                .socket = s->submission_listeners[i],
                                                .tls = SUBMIT_TLS_NONE,
                                                .access_key_id = site_access_key_id(i)};
    return gateway_run(t, &o);
}

static int start_gateway(struct scope *scope)
{
    struct scenario *s = &run.s;
    int r;

    for (unsigned i = 0; i < SCENARIO_SITES; i++) {
        const struct endpoint at = {
            .family = 4, .address = {127, 0, 0, 1}, .port = (uint16_t)(SUBMISSION_PORT_FIRST + i)};

        s->submission_listeners[i] = sim_world_listen(s->w, &at, true);
    }
    sim_world_pair(s->w, s->vault_pair);
    sim_world_pair(s->w, s->steward_pair);
    r = scope_spawn(scope, "neighbours", neighbours_main, s);
    return r == 0 ? scope_spawn(scope, "gateway", gateway_main, s) : r;
}

/* In the middle of it an operator looks: what waits must say for what. */
static int look(struct task *t)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, answer = BUFFER_NONE;
    const struct queue_list_request request = {.max = QUEUE_LIST_MAX};
    unsigned waiting = 0, explained = 0;
    struct queue_list_reply page;
    struct queue_list_entry entry;
    int r;

    queue_list_request_write(&body, &request);
    r = peer_call(t, run.s.steward_end, IPC_QUEUE_LIST, buffer_slice(&body), &answer);
    if (r == 0)
        r = queue_list_reply_read(buffer_slice(&answer), &page);
    while (r == 0 && queue_list_entry_read(&page.entries, &entry)) {
        waiting += entry.state == QUEUE_ENTRY_READY;
        explained += entry.holding.size > 0;
        if (entry.holding.size && explained == 1)
            printf("an operator saw: %.*s\n", SLICE_ARG(entry.holding));
    }
    if (r == 0 && (waiting < 20 || explained < waiting - waiting / 10))
        run.problem = "what waits does not say for what";
    return r;
}

static int main_task(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope world;
    CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, PATIENCE_US);
    int r;

    (void)argument;
    scope_open(&world, t);
    r = start_receivers(&world);
    if (r == 0)
        r = start_gateway(&world);
    if (r == 0)
        r = task_sleep(t, SECOND_US); /* until it has its directory */
    if (r == 0)
        r = start_senders(&world);
    if (r == 0)
        r = task_sleep(t, 8 * SECOND_US);
    if (r == 0)
        r = look(t);
    while (r == 0 && !run.news_done_us && !run.problem)
        r = condition_wait_for(t, &run.done, SECOND_US) == -ETIMEDOUT ? 0 : task_check(t);
    return r == 0 ? task_sleep(t, 10 * SECOND_US) : r; /* the last notices arrive */
}

/* --- the verdict --- */

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

static bool judge_notices(void)
{
    static uint64_t took_us[NOTICES_MAX];
    unsigned late = 0, n = run.notice_count;

    for (unsigned i = 0; i < n; i++) {
        const struct notice *one = &run.notices[i];

        took_us[i] = one->delivered_us ? one->delivered_us - one->accepted_us : 1000000 * SECOND_US;
        late += took_us[i] > NOTICE_MOST_US;
    }
    qsort(took_us, n, sizeof *took_us, compare);
    printf("%u notices: half within %llu ms, 99 in 100 within %llu ms, all within %llu ms\n", n,
           (unsigned long long)took_us[n / 2] / 1000,
           (unsigned long long)took_us[n - n / 100 - 1] / 1000,
           (unsigned long long)took_us[n - 1] / 1000);
    if (late)
        printf("%u of them took longer than %llu s\n", late,
               (unsigned long long)(NOTICE_MOST_US / SECOND_US));
    return late == 0 && n >= 20;
}

static bool report(int r)
{
    double took_s = (double)run.news_done_us / 1e6;

    printf(
        "%llu of %llu recipients of the newsletter delivered in %.0f simulated seconds; it was handed "
        "in after %.0f\n",
        (unsigned long long)run.news_delivered, (unsigned long long)run.recipients, took_s,
        (double)run.news_accepted_us / 1e6);
    if (run.problem)
        printf("%s\n", run.problem);
    if (r < 0)
        printf("the run failed: %s\n", strerror(-r));
    return judge_notices() && !run.problem && r == 0;
}

static bool read_number(int *i, int count, char **words, const char *name, uint64_t *ret)
{
    if (strcmp(words[*i], name) != 0 || *i + 1 == count)
        return false;
    *ret = strtoull(words[++*i], NULL, 10);
    return true;
}

static bool read_arguments(int count, char **words, uint64_t *seed)
{
    for (int i = 1; i < count; i++)
        if (!read_number(&i, count, words, "--recipients", &run.recipients) &&
            !read_number(&i, count, words, "--each", &run.each) &&
            !read_number(&i, count, words, "--connections", &run.connections_max) &&
            !read_number(&i, count, words, "--seed", seed))
            return false;
    return run.recipients > 0 && run.each > 0 && run.each <= LIMIT_RECIPIENTS;
}

int main(int count, char **words)
{
    uint64_t seed = 1;
    struct scenario_options options = {0};
    struct sim_world_options world = {.resolve = resolve, .crashed = NULL};
    struct ledger ledger = {0};
    bool good;
    int r;

    run.connections_max = 400;
    if (!read_arguments(count, words, &seed)) {
        fprintf(stderr, "usage: newsletter --recipients N --each M [--connections C] [--seed S]\n");
        return 2;
    }
    log_init("newsletter", LOG_WARNING);
    options.keys = scenario_keys_new();
    world.seed = options.seed = seed;
    run.s.options = &options;
    run.s.w = sim_world_new(&world);
    run.s.chance = sim_world_chance(run.s.w);
    run.s.vault_delay_us = 1000;
    run.s.ledger = &ledger;
    list_init(&ledger.submissions);
    *sim_world_faults(run.s.w) = (struct sim_faults){.latency_most_us = 40000};
    r = loop_run(sim_world_base(run.s.w), main_task, NULL);
    good = report(r);
    sim_world_free(run.s.w);
    scenario_keys_free((struct scenario_keys *)(uintptr_t)options.keys);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
