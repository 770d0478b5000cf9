/* The operation that tells how the service stands, and whether somebody must do something. */
#include "control/json.h"
#include "deliver/dane_proof.h"
#include "feedback/operations.h"
#include "feedback/stalest.h"
#include "queue/remote.h"
#include "runtime/peer_group.h"
#include "site/identity.h"
#include "site/site.h"
#include "submit/status.h"
#include "wire/ipc.h"

#include <stdio.h>

enum { GATEWAY_WAIT_S = 5, BEHIND_EVENTS = 100000 };

static void add_problem(json_t *problems, const char *message, const char *cure)
{
    json_array_append_new(problems, json_pack("{s:s, s:s}", "message", message, "cure", cure));
}

static void add_number(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

/* What one gateway said of itself. */
struct gateway_status {
    struct queue_status queue;
    struct submit_status submission;
    enum dane_proof_state dane;
    struct slice dane_words;
};

static int read_answer(const struct peer_answer *answer, struct gateway_status *ret)
{
    struct cursor c = cursor_of(buffer_slice(&answer->reply));
    int r = answer->result;

    if (r == 0)
        r = queue_status_read(&c, &ret->queue);
    if (r == 0)
        r = submit_status_read(&c, &ret->submission);
    return r == 0 ? dane_proof_read(&c, &ret->dane, &ret->dane_words) : r;
}

static json_t *describe_queue(const struct queue_status *status)
{
    json_t *object = json_object();

    add_number(object, "messages", status->messages);
    add_number(object, "recipients", status->recipients);
    add_number(object, "ready", status->ready);
    add_number(object, "busy", status->busy);
    add_number(object, "waiting", status->waiting);
    add_number(object, "held", status->held);
    add_number(object, "paused", status->paused);
    add_number(object, "destinations", status->destinations);
    add_number(object, "oldest_age_s", status->oldest_age_s);
    add_number(object, "oldest_without_progress_s", status->oldest_without_progress_s);
    add_number(object, "memory_bytes", status->memory_bytes);
    add_number(object, "spool_bytes", status->spool_bytes);
    add_number(object, "spool_live_bytes", status->spool_live_bytes);
    return object;
}

static json_t *describe_counters(const struct queue_status *status)
{
    json_t *object = json_object();

    add_number(object, "accepted", status->accepted);
    add_number(object, "delivered", status->delivered);
    add_number(object, "deferred", status->deferred);
    add_number(object, "bounced", status->bounced);
    add_number(object, "expired", status->expired);
    add_number(object, "cancelled", status->cancelled);
    add_number(object, "ambiguous", status->ambiguous);
    add_number(object, "commits", status->commits);
    add_number(object, "syncs_failed", status->syncs_failed);
    return object;
}

static json_t *describe_submission(const struct submit_status *status)
{
    const struct submit_counters *counters = &status->since_start;
    json_t *object = json_object();

    add_number(object, "connections_now", status->connections_now);
    add_number(object, "logged_in_now", status->logged_in_now);
    add_number(object, "connections", counters->connections);
    add_number(object, "connections_refused", counters->connections_refused);
    add_number(object, "logins", counters->logins);
    add_number(object, "logins_failed", counters->logins_failed);
    add_number(object, "messages_accepted", counters->messages_accepted);
    add_number(object, "messages_refused", counters->messages_refused);
    add_number(object, "messages_deferred", counters->messages_deferred);
    add_number(object, "sessions_cut", counters->sessions_cut);
    return object;
}

static json_t *describe_inbound(const struct inbound_counters *counters)
{
    json_t *object = json_object();

    add_number(object, "connections", counters->connections);
    add_number(object, "connections_refused", counters->connections_refused);
    add_number(object, "recipients_refused", counters->recipients_refused);
    add_number(object, "reports_taken", counters->reports_taken);
    add_number(object, "reports_deferred", counters->reports_deferred);
    return object;
}

/* What is off was meant to be; what is not proved yet may be in a minute. */
static void judge_dane(const struct gateway_status *status, json_t *problems)
{
    char message[DANE_WORDS_BYTES + 64];

    if (status->dane != DANE_REFUTED)
        return;
    snprintf(message, sizeof message, "DANE is not in use. %.*s", SLICE_ARG(status->dane_words));
    add_problem(problems, message,
                "Look at resolver.trust_anchor and resolver.forward: whoever is asked must hand on "
                "DNSSEC signatures.");
}

static void judge_queue(const struct peer_member *gateway, const struct queue_status *status,
                        json_t *problems)
{
    char message[64];

    snprintf(message, sizeof message, "Gateway %u takes no mail.", gateway->number);
    if (!status->accepting)
        add_problem(problems, message,
                    "See why_not; free disk space, or look into the kernel's log for disk errors.");
    if (status->events_next > status->events_acknowledged + BEHIND_EVENTS)
        add_problem(problems, "The history of events is far behind.",
                    "Look at the load of the machine and of its disk.");
}

static void describe_running(struct feedback_service *service, const struct peer_member *gateway,
                             const struct gateway_status *status, json_t *object)
{
    const struct queue_status *queue = &status->queue;

    json_object_set_new(object, "accepting", json_boolean(queue->accepting && !gateway->draining));
    json_object_set_new(object, "why_not", control_json_text(queue->why_not));
    json_object_set_new(object, "queue", describe_queue(queue));
    json_object_set_new(object, "oldest_without_progress", stalest_describe(service->store, queue));
    json_object_set_new(object, "since_start", describe_counters(queue));
    json_object_set_new(object, "submission", describe_submission(&status->submission));
    json_object_set_new(object, "inbound", describe_inbound(&status->submission.inbound));
    json_object_set_new(object, "dane", json_string(dane_proof_name(status->dane)));
    json_object_set_new(object, "dane_why", control_json_text(status->dane_words));
    add_number(object, "events_behind",
               queue->events_next > queue->events_acknowledged
                   ? queue->events_next - queue->events_acknowledged - 1
                   : 0);
}

static json_t *describe_gateway(struct feedback_service *service, const struct peer_member *gateway,
                                const struct peer_answer *answer, json_t *problems)
{
    struct gateway_status status;
    json_t *object = json_object();
    char message[64];
    int r = read_answer(answer, &status);
    const char *state = r < 0 ? "silent" : gateway->draining ? "draining" : "running";

    add_number(object, "number", gateway->number);
    json_object_set_new(object, "state", json_string(state));
    if (r == 0) {
        describe_running(service, gateway, &status, object);
        judge_queue(gateway, &status.queue, problems);
        judge_dane(&status, problems);
        return object;
    }
    snprintf(message, sizeof message, "Gateway %u does not answer.", gateway->number);
    add_problem(problems, message, "It is started again by itself; look into the service's log.");
    json_object_set_new(object, "accepting", json_false());
    json_object_set_new(object, "why_not", control_json_text(SLICE_NONE));
    return object;
}

/* Counts add up; of ages the oldest counts. */
static void add_up(json_t *total, const char *name, json_t *part)
{
    json_int_t before = json_integer_value(json_object_get(total, name));
    json_int_t more = json_integer_value(part);
    json_int_t sum = before + more;

    if (strncmp(name, "oldest", 6) == 0)
        sum = before > more ? before : more;
    json_object_set_new(total, name, json_integer(sum));
}

static void add_group(json_t *output, const char *group, json_t *gateway)
{
    json_t *parts = json_object_get(gateway, group), *total = json_object_get(output, group), *part;
    const char *name;

    if (!parts)
        return;
    if (!total) {
        total = json_object();
        json_object_set_new(output, group, total);
    }
    json_object_foreach(parts, name, part)
    {
        add_up(total, name, part);
    }
}

/* All of them together, beside each alone. */
static void add_totals(json_t *output, json_t *gateways)
{
    size_t i, silent = 0;
    bool accepting = false;
    json_t *gateway, *why_not = NULL, *behind;
    const json_t *stalest = NULL;

    json_array_foreach(gateways, i, gateway)
    {
        silent += !json_object_get(gateway, "queue");
        accepting |= json_is_true(json_object_get(gateway, "accepting"));
        if (json_string_length(json_object_get(gateway, "why_not")))
            why_not = json_object_get(gateway, "why_not");
        stalest = stalest_first(stalest, json_object_get(gateway, "oldest_without_progress"));
        add_group(output, "queue", gateway);
        add_group(output, "since_start", gateway);
        add_group(output, "submission", gateway);
        add_group(output, "inbound", gateway);
        behind = json_object_get(gateway, "events_behind");
        if (behind)
            add_up(output, "events_behind", behind);
    }
    json_object_set_new(output, "oldest_without_progress",
                        stalest ? json_deep_copy(stalest) : json_null());
    json_object_set_new(output, "gateway",
                        json_string(silent == 0                           ? "running"
                                    : silent == json_array_size(gateways) ? "silent"
                                                                          : "partly"));
    json_object_set_new(output, "accepting", json_boolean(accepting));
    json_object_set_new(output, "why_not", why_not ? json_incref(why_not) : json_string(""));
}

static int add_gateways(struct task *t, struct feedback_service *service, json_t *output,
                        json_t *problems)
{
    CLEANUP(peer_answers_done) struct peer_answers answers;
    json_t *list = json_array();
    int r = peer_group_call(t, service->gateways, IPC_GATEWAY_STATUS, SLICE_NONE,
                            GATEWAY_WAIT_S * SECOND_US, &answers);

    for (size_t i = 0; i < service->gateways->count && r == 0; i++)
        if (answers.of[i].result != -ESRCH)
            json_array_append_new(list, describe_gateway(service, &service->gateways->members[i],
                                                         &answers.of[i], problems));
    add_totals(output, list);
    json_object_set_new(output, "gateways", list);
    stalest_judge(json_object_get(output, "oldest_without_progress"), problems);
    return r;
}

struct site_counts {
    size_t sites, paused, identities, sending;
};

static int count_site(struct feedback_service *service, const struct site *site,
                      struct site_counts *counts)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct identity *identities;
    size_t count;
    int r = identity_list(service->store, &arena, site->id, &identities, &count);

    counts->sites++;
    counts->paused += slice_equal(site->state, SLICE("paused"));
    for (size_t i = 0; r == 0 && i < count; i++) {
        counts->identities++;
        counts->sending += identity_is_sending(&identities[i]);
    }
    return r;
}

static int add_sites(struct feedback_service *service, json_t *output)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_counts counts = {0};
    struct site *sites;
    size_t count = 0;
    int r = site_list(service->store, &arena, &sites, &count);

    for (size_t i = 0; i < count && r == 0; i++)
        r = count_site(service, &sites[i], &counts);
    add_number(output, "sites", counts.sites);
    add_number(output, "sites_paused", counts.paused);
    add_number(output, "identities", counts.identities);
    add_number(output, "identities_sending", counts.sending);
    return r;
}

static int show_status(struct task *t, struct control_call *call)
{
    struct feedback_service *service = call->context;
    json_t *problems = json_array();
    int r;

    json_object_set_new(call->output, "version", json_string(LETTERHEAD_VERSION));
    r = add_gateways(t, service, call->output, problems);
    json_object_set_new(call->output, "problems", problems);
    return r == 0 ? add_sites(service, call->output) : r;
}

static const struct control_field no_fields[] = {{NULL}};

static const struct control_operation operations[] = {
    {"status.show", "Show how the service stands, and whether somebody must do something",
     CONTROL_VIEWER, false, no_fields,
     "version, gateway, accepting, why_not, queue {}, oldest_without_progress {message_id, site, destination, state, "
     "since_s, waits, lost}, since_start {}, submission {}, inbound {}, "
     "events_behind, gateways[] {number, state, accepting, why_not, queue {}, since_start {}, "
     "submission {}, inbound {}, dane, dane_why, events_behind}, sites, sites_paused, identities, identities_sending, "
     "problems[] {message, cure}",
     show_status},
};

struct control_set status_operations(struct feedback_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
