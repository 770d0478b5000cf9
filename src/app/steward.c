#include "app/steward.h"

#include "app/operations.h"
#include "app/rules_file.h"
#include "base/log.h"
#include "control/server.h"
#include "deliver/sts_keeper.h"
#include "feedback/credential_uses.h"
#include "feedback/history_feedback.h"
#include "feedback/intake.h"
#include "feedback/operations.h"
#include "feedback/outcome.h"
#include "onboard/probe_operations.h"
#include "onboard/probe_relay.h"
#include "queue/operations.h"
#include "site/pusher.h"
#include "site/return_keys.h"
#include "site/suppression_clock.h"
#include "submit/operations.h"
#include "wire/ipc.h"

/* What a gateway's peer needs to know whose it is. */
struct gateway_link {
    struct steward *steward;
    size_t place;
};

struct steward {
    struct steward_options options;
    struct peer *vault;
    struct peer_group gateways;
    struct gateway_link links[PEER_GROUP_MAX];
    struct site_service site;
    struct onboard_service onboard;
    struct platform_service platform;
    struct mail_from_watch mail_from;
    struct relay_watch relays;
    struct probe_operations_service probes;
    struct submit_operations_service submit;
    struct queue_service queue;
    struct feedback_service feedback;
    struct sts_service sts;
    struct own_mail_sender mail;
    struct reputation_service reputation;
    struct outcomes *outcomes;
    struct intake *intake;
    struct tls_reporter tls_reporter;
    struct return_keeper return_keeper;
    struct publisher *publisher;
    struct rotate_service rotate;
    struct control_set sets[OPERATION_SETS];
    struct credential_uses uses;
    struct condition changed;
    bool ending;
    int result; /* why it ends, when nobody asked for it */
};

/* A batch of a gateway, or of the steward's own. */
static int take_batch(struct task *t, void *context, struct slice body, uint64_t *ret_cursor)
{
    struct history_use uses[HISTORY_USES_MAX];
    struct steward *s = context;
    size_t count;
    int r = history_apply(t, s->options.history, body, ret_cursor, uses, &count);

    if (r == 0)
        r = outcome_apply(t, s->outcomes, body);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        credential_uses_note(&s->uses, &uses[i]);
    return 0;
}

static int take_events(struct task *t, struct steward *s, struct slice body, struct buffer *reply)
{
    uint64_t cursor;
    int r = take_batch(t, s, body, &cursor);

    if (r == 0)
        buffer_add_u64(reply, cursor);
    return r;
}

/* It has nothing left, and ends: it is not asked any more. */
static int note_drained(struct steward *s, size_t place)
{
    struct peer_member *gateway = &s->gateways.members[place];

    if (!gateway->draining)
        return -EPERM;
    if (!gateway->gone)
        log_info("gateway %u has nothing left to do", gateway->number);
    gateway->gone = true;
    return 0;
}

static int gateway_request(struct task *t, void *context, uint8_t type, struct slice body,
                           struct buffer *reply)
{
    struct gateway_link *link = context;

    switch (type) {
    case IPC_EVENTS:
        return take_events(t, link->steward, body, reply);
    case IPC_REPORT_BEGIN:
    case IPC_REPORT_CONTENT:
    case IPC_REPORT_END:
        return intake_request(t, link->steward->intake, link->place, type, body);
    case IPC_GATEWAY_DRAINED:
        return note_drained(link->steward, link->place);
    case IPC_STS_ASK:
        return sts_keeper_answer(t, link->steward->sts.keeper, body, reply);
    case IPC_SOURCES_SENT:
        return shaping_service_note_sent(link->steward->options.shaping,
                                         link->steward->gateways.members[link->place].number, body);
    case IPC_RELAY_USE:
        return relay_watch_take_use(t, &link->steward->relays,
                                    link->steward->gateways.members[link->place].number, body);
    default:
        return -EPERM;
    }
}

static void gateway_hello(struct task *t, void *context)
{
    struct gateway_link *link = context;
    struct peer_member *gateway = &link->steward->gateways.members[link->place];
    int r;

    gateway->gone = false;
    log_info("gateway %u has started; it gets the directory of sites", gateway->number);
    site_pusher_push_all(link->steward->site.pusher, link->place);
    r = shaping_service_push(t, link->steward->options.shaping, gateway);
    if (r < 0 && r != -ECANCELED)
        log_error("gateway %u did not take the shaping file: %s", gateway->number, strerror(-r));
    return_keeper_greet(t, &link->steward->return_keeper, gateway);
}

static int vault_request(struct task *t, void *context, uint8_t type, struct slice body,
                         struct buffer *reply)
{
    (void)t;
    (void)context;
    (void)type;
    (void)body;
    (void)reply;
    return -EPERM; /* the vault answers; it never asks */
}

static int cancel_mail(struct task *t, void *context, uint64_t site_id)
{
    struct steward *s = context;

    return queue_cancel_site(t, &s->queue, site_id);
}

static void wake_publisher(void *context)
{
    struct steward *s = context;

    publisher_wake(s->publisher);
}

static void meet_gateways(struct scope *scope, struct steward *s)
{
    const struct steward_options *o = &s->options;

    assert(o->gateway_count <= PEER_GROUP_MAX);
    for (size_t i = 0; i < o->gateway_count; i++) {
        const struct peer_handlers handlers = {gateway_request, gateway_hello, &s->links[i]};

        s->links[i] = (struct gateway_link){s, i};
        s->gateways.members[i] = (struct peer_member){
            .peer = peer_new(scope, "gateway", o->gateways[i].socket, &handlers),
            .number = o->gateways[i].number,
            .draining = o->gateways[i].draining,
        };
    }
    s->gateways.count = o->gateway_count;
}

/* Peers begin to run at the next wait, and by then the pusher and the keeper are there. */
static int meet_neighbours(struct scope *scope, struct steward *s)
{
    const struct peer_handlers to_vault = {.request = vault_request, .context = s};

    s->vault = peer_new(scope, "vault", s->options.vault_socket, &to_vault);
    meet_gateways(scope, s);
    s->return_keeper = (struct return_keeper){.vault = s->vault, .gateways = &s->gateways};
    s->site = s->options.site;
    s->site.store = s->options.store;
    s->site.vault = s->vault;
    s->site.cancel_mail = cancel_mail;
    s->site.context = s;
    s->site.wake_publisher = wake_publisher;
    s->publisher = publisher_new(s->options.store, s->options.zone_server);
    s->options.shaping->store = s->options.store;
    s->options.shaping->gateways = &s->gateways;
    s->sts = (struct sts_service){s->options.store,
                                  sts_keeper_new(scope, s->options.store, s->options.https)};
    return site_pusher_new(scope, s->options.store, &s->gateways, &s->site.pusher);
}

/* Accounts are tested for operators and by the clock with the same probe. */
static void join_probes(struct steward *s)
{
    s->probes = (struct probe_operations_service){
        .store = s->options.store,
        .probe = {.vault = s->vault,
                  .tls = s->options.relay_tls,
                  .policy = s->options.relay_policy,
                  .hostname = s->options.site.hostname,
                  .guesses = s->options.store},
        .watch = &s->relays,
    };
    s->relays = (struct relay_watch){.store = s->options.store,
                                     .pusher = s->site.pusher,
                                     .test = probe_test_relay,
                                     .context = &s->probes.probe};
}

static void join_operations(struct steward *s)
{
    s->onboard =
        (struct onboard_service){s->options.store,     s->site.pusher,           s->options.times,
                                 s->options.authority, s->options.bounce_domain, &s->mail_from};
    s->mail_from =
        (struct mail_from_watch){s->options.store, s->site.pusher, &s->platform, s->options.times};
    s->platform = (struct platform_service){s->options.site.hostname, s->options.bounce_domain,
                                            s->options.shaping};
    join_probes(s);
    s->rotate = (struct rotate_service){&s->site, s->options.rotation};
    s->submit = (struct submit_operations_service){s->options.store, &s->gateways};
    s->queue = (struct queue_service){s->options.store, &s->gateways};
    s->uses.store = s->options.store;
    s->mail = s->options.mail;
    s->mail.store = s->options.store;
    s->mail.history = s->options.history;
    s->mail.gateways = &s->gateways;
    s->mail.hostname = s->options.site.hostname;
    s->reputation =
        (struct reputation_service){s->options.store, s->site.pusher, s->options.reputation};
    s->feedback = (struct feedback_service){
        .store = s->options.store,
        .history = s->options.history,
        .gateways = &s->gateways,
        .outcomes = s->outcomes,
        .load_rules = rules_file_load,
        .context = (void *)(uintptr_t)s->options.bounce_rules_path,
    };
    s->tls_reporter = (struct tls_reporter){s->options.tls_reports, s->options.store,
                                            s->options.history, s->options.https, &s->gateways};
    operations_join(&(struct operation_services){&s->site, &s->onboard, &s->submit, &s->queue,
                                                 &s->feedback, s->options.shaping, &s->sts,
                                                 &s->tls_reporter, s->publisher, &s->platform,
                                                 &s->probes, &s->rotate, &s->reputation},
                    s->sets);
}

static void end(struct steward *s, int result)
{
    if (!s->ending)
        s->result = result;
    s->ending = true;
    condition_broadcast(&s->changed);
}

static int serve(struct task *t, void *argument)
{
    struct steward *s = argument;
    const struct control_server_options options = {s->options.control_socket, s->sets,
                                                   OPERATION_SETS};
    int r = control_serve(t, &options);

    end(s, r == -ECANCELED ? 0 : r);
    return r;
}

static int check(struct task *t, void *argument)
{
    struct steward *s = argument;
    int r = onboard_run(t, &s->onboard);

    end(s, r == -ECANCELED ? 0 : r);
    return r;
}

static int keep_policies(struct task *t, void *argument)
{
    struct steward *s = argument;

    return sts_keeper_run(t, s->sts.keeper);
}

static int watch_relays(struct task *t, void *argument)
{
    struct steward *s = argument;

    return relay_watch_run(t, &s->relays);
}

static int judge_reputations(struct task *t, void *argument)
{
    struct steward *s = argument;

    return reputation_run(t, &s->reputation);
}

static int send_own_mail(struct task *t, void *argument)
{
    struct steward *s = argument;

    return own_mail_sender_run(t, &s->mail);
}

static int watch_mail_from(struct task *t, void *argument)
{
    struct steward *s = argument;

    return mail_from_run(t, &s->mail_from);
}

static int report_tls(struct task *t, void *argument)
{
    struct steward *s = argument;

    return tls_reporter_run(t, &s->tls_reporter);
}

static int keep_return_keys(struct task *t, void *argument)
{
    struct steward *s = argument;

    return return_keeper_run(t, &s->return_keeper);
}

static int rotate(struct task *t, void *argument)
{
    struct steward *s = argument;

    return rotate_run(t, &s->rotate);
}

static int publish(struct task *t, void *argument)
{
    struct steward *s = argument;

    return publisher_run(t, s->publisher);
}

static int forget_suppressions(struct task *t, void *argument)
{
    struct steward *s = argument;

    return suppression_clock_run(t, &s->site);
}

static int take_reports(struct task *t, void *argument)
{
    struct steward *s = argument;

    return intake_run(t, s->intake);
}

static int wait_for_stop(struct task *t, void *argument)
{
    struct steward *s = argument;
    int r = s->options.wait_for_stop(t, s->options.context);

    end(s, 0);
    return r;
}

static int note_uses(struct task *t, void *argument)
{
    struct steward *s = argument;

    return credential_uses_run(t, &s->uses);
}

static int work(struct task *t, struct steward *s)
{
    static const struct {
        const char *name;
        task_function *function;
    } tasks[] = {
        {"wait for stop", wait_for_stop},
        {"control", serve},
        {"checks", check},
        {"uses", note_uses},
        {"policies", keep_policies},
        {"MAIL FROM domains", watch_mail_from},
        {"relays", watch_relays},
        {"suppressions", forget_suppressions},
        {"own mail", send_own_mail},
        {"reputations", judge_reputations},
        {"tls reports", report_tls},
        {"return keys", keep_return_keys},
        {"reports", take_reports},
        {"publish", publish},
        {"rotate", rotate},
    };
    CLEANUP(scope_close) struct scope scope;
    int r = 0;

    scope_open(&scope, t);
    for (size_t i = 0; i < ARRAY_LEN(tasks) && r == 0; i++)
        r = scope_spawn(&scope, tasks[i].name, tasks[i].function, s);
    while (r == 0 && !s->ending)
        r = condition_wait(t, &s->changed);
    https_stop(s->options.https); /* tasks may be waiting for an answer, in this scope and around */
    return r < 0 ? r : s->result;
}

static void tell_suppressed(void *context, int64_t site_id, struct slice address)
{
    struct steward *s = context;

    site_pusher_note_suppression(s->site.pusher, site_id, address);
}

int steward_run(struct task *t, const struct steward_options *options)
{
    struct steward *s = base_allocate(sizeof *s);
    CLEANUP(base_free_pointer) void *memory = s;
    struct scope neighbours;
    int r;

    s->options = *options;
    s->outcomes = outcomes_new(&(struct outcome_options){
        .store = options->outcome_store,
        .history = options->history,
        .rules = rules_file_load_any(options->bounce_rules_path),
        .suppressed = tell_suppressed,
        .context = s,
    });
    history_set_classifier(options->history, outcomes_classify, s->outcomes);
    s->intake = intake_new(&(struct intake_options){
        .store = options->outcome_store,
        .history = options->history,
        .rules = rules_file_load_any(options->bounce_rules_path),
        .keys = &s->return_keeper.keys.keys,
        .bounce_domain = options->bounce_domain,
        .apply = take_batch,
        .context = s,
    });
    scope_open(&neighbours, t);
    r = meet_neighbours(&neighbours, s);
    if (r == 0) {
        join_operations(s);
        r = work(t, s);
    }
    scope_close(&neighbours);
    outcomes_free(s->outcomes);
    intake_free(s->intake);
    sts_keeper_free(s->sts.keeper);
    site_pusher_free(s->site.pusher);
    publisher_free(s->publisher);
    for (size_t i = 0; i < s->gateways.count; i++)
        peer_free(s->gateways.members[i].peer);
    peer_free(s->vault);
    return_keys_done(&s->return_keeper.keys);
    return r;
}
