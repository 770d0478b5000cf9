/* The operation that tells how the service stands, and whether somebody must do something. */
#include "control/json.h"
#include "deliver/dane_proof.h"
#include "feedback/operations.h"
#include "feedback/stalest.h"
#include "queue/remote.h"
#include "runtime/peer.h"
#include "site/identity.h"
#include "site/site.h"
#include "wire/ipc.h"

enum { GATEWAY_WAIT_S = 5, BEHIND_EVENTS = 100000 };

static void add_problem(json_t *problems, const char *message, const char *cure)
{
    json_array_append_new(problems, json_pack("{s:s, s:s}", "message", message, "cure", cure));
}

static void add_number(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

struct gateway_status {
    struct queue_status queue;
    enum dane_proof_state dane;
    struct slice dane_words;
};

static int ask_gateway(struct task *t, struct feedback_service *service, struct buffer *reply,
                       struct gateway_status *ret)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, GATEWAY_WAIT_S * SECOND_US);
    struct cursor c;
    int r = peer_call(t, service->gateway, IPC_GATEWAY_STATUS, SLICE_NONE, reply);

    c = cursor_of(buffer_slice(reply));
    if (r == 0)
        r = queue_status_read(&c, &ret->queue);
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

static void judge_queue(const struct queue_status *status, json_t *problems)
{
    if (!status->accepting)
        add_problem(problems, "The gateway takes no mail.",
                    "See why_not; free disk space, or look into the kernel's log for disk errors.");
    if (status->events_next > status->events_acknowledged + BEHIND_EVENTS)
        add_problem(problems, "The history of events is far behind.",
                    "Look at the load of the machine and of its disk.");
}

static void add_gateway(struct task *t, struct feedback_service *service, json_t *output,
                        json_t *problems)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    struct gateway_status told = {.queue.accepting = false};
    int r = ask_gateway(t, service, &reply, &told);
    struct queue_status status = told.queue;

    json_object_set_new(output, "gateway", json_string(r == 0 ? "running" : "silent"));
    json_object_set_new(output, "accepting", json_boolean(r == 0 && status.accepting));
    json_object_set_new(output, "why_not", control_json_text(status.why_not));
    if (r < 0) {
        add_problem(problems, "The gateway does not answer.",
                    "It is started again by itself; look into the service's log.");
        return;
    }
    json_object_set_new(output, "queue", describe_queue(&status));
    json_object_set_new(output, "oldest_without_progress",
                        stalest_describe(service->store, &status));
    stalest_judge(json_object_get(output, "oldest_without_progress"), problems);
    json_object_set_new(output, "since_start", describe_counters(&status));
    add_number(output, "events_behind",
               status.events_next > status.events_acknowledged
                   ? status.events_next - status.events_acknowledged - 1
                   : 0);
    json_object_set_new(output, "dane", json_string(dane_proof_name(told.dane)));
    json_object_set_new(output, "dane_why", control_json_text(told.dane_words));
    judge_queue(&status, problems);
    judge_dane(&told, problems);
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

    json_object_set_new(call->output, "version", json_string(LETTERHEAD_VERSION));
    add_gateway(t, service, call->output, problems);
    json_object_set_new(call->output, "problems", problems);
    return add_sites(service, call->output);
}

static const struct control_field no_fields[] = {{NULL}};

static const struct control_operation operations[] = {
    {"status.show", "Show how the service stands, and whether somebody must do something",
     CONTROL_VIEWER, false, no_fields,
     "version, gateway, accepting, why_not, queue {}, oldest_without_progress {message_id, site, destination, state, "
     "since_s, waits, lost}, since_start {}, "
     "events_behind, sites, sites_paused, identities, identities_sending, problems[] {message, cure}",
     show_status},
};

struct control_set status_operations(struct feedback_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
