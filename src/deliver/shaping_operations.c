/* The operations on shaping: what holds for a domain, how the providers stand, the file read anew,
 * suspensions. */
#include "control/json.h"
#include "deliver/shaping_remote.h"
#include "deliver/shaping_service.h"
#include "deliver/shaping_sources.h"
#include "wire/dns_text.h"
#include "wire/ipc.h"

#include <time.h>

#include "base/limits.h"

static const uint64_t WAIT_US = 20 * SECOND_US;

static void add_number(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static json_t *limits_json(const struct shaping_limits *l)
{
    json_t *object = json_object();

    add_number(object, "connections_max", l->connections_max);
    add_number(object, "messages_per_connection_max", l->messages_per_connection_max);
    add_number(object, "connections_per_minute_max", l->connections_per_minute_max);
    add_number(object, "messages_per_minute_max", l->messages_per_minute_max);
    add_number(object, "back_off_min_s", l->back_off_min_s);
    add_number(object, "back_off_max_s", l->back_off_max_s);
    return object;
}

/* What differs between gateways; the limits are its share of the provider's. */
static void add_state(json_t *object, const struct shaping_state *s)
{
    add_number(object, "connections", s->connections);
    add_number(object, "connections_allowed", s->connections_allowed);
    add_number(object, "waiting", s->waiting);
    add_number(object, "delivered", s->delivered);
    add_number(object, "deferred", s->deferred);
    add_number(object, "back_off_since_s", s->back_off_age_s);
    add_number(object, "back_off_left_s", s->back_off_left_s);
    add_text(object, "back_off_why", s->back_off_why);
    add_text(object, "suspended_why", s->suspended_why);
    add_text(object, "holding", s->holding);
    json_object_set_new(object, "limits", limits_json(&s->limits));
}

static int refuse_silence(struct control_call *call)
{
    return control_refuse(call, CONTROL_UNAVAILABLE, NULL,
                          "It is started again by itself; look into the service's log.",
                          "No gateway answers.");
}

/* --- shaping.show --- */

static json_t *gateway_json(unsigned number, const struct shaping_show *show)
{
    json_t *object = json_object();

    add_number(object, "gateway", number);
    add_state(object, &show->state);
    add_number(object, "domain_rest_since_s", show->rest_age_s);
    add_number(object, "domain_rest_left_s", show->rest_left_s);
    add_text(object, "domain_rest_why", show->rest_why);
    add_text(object, "domain_suspended_why", show->suspended_why);
    if (show->holding.size)
        add_text(object, "holding", show->holding);
    return object;
}

/* What all gateways find alike. */
static void add_finding(json_t *output, const struct shaping_show *show)
{
    add_text(output, "hosts", show->hosts);
    add_text(output, "provider", show->state.name);
    add_text(output, "rule", show->rule);
    add_text(output, "failure", show->failure);
}

static int show_domain(struct task *t, struct control_call *call)
{
    struct shaping_service *s = call->context;
    struct slice domain = control_text(call, "domain");
    CLEANUP(peer_answers_done) struct peer_answers answers = {0};
    json_t *gateways = json_array();
    int r;

    if (!wire_dns_host_valid(domain)) {
        json_decref(gateways);
        return control_refuse(call, CONTROL_INVALID, "domain", "Give it as example.org.",
                              "That is no domain name.");
    }
    r = peer_group_call(t, s->gateways, IPC_SHAPING_SHOW, domain, WAIT_US, &answers);
    for (size_t i = 0; r == 0 && i < s->gateways->count; i++) {
        struct shaping_show show;

        if (answers.of[i].result < 0 ||
            shaping_show_read(buffer_slice(&answers.of[i].reply), &show) < 0)
            continue;
        if (json_array_size(gateways) == 0)
            add_finding(call->output, &show);
        json_array_append_new(gateways, gateway_json(s->gateways->members[i].number, &show));
    }
    add_text(call->output, "domain", domain);
    json_object_set_new(call->output, "gateways", gateways);
    if (r == 0)
        r = shaping_sources_list(s, task_wall_us(t), call->output);
    return r == 0 && json_array_size(gateways) == 0 ? refuse_silence(call) : r;
}

/* --- shaping.list --- */

static int list_providers(struct task *t, struct control_call *call)
{
    struct shaping_service *s = call->context;
    CLEANUP(peer_answers_done) struct peer_answers answers = {0};
    json_t *providers = json_array();
    size_t answered = 0;
    int r = peer_group_call(t, s->gateways, IPC_SHAPING_LIST, SLICE_NONE, WAIT_US, &answers);

    for (size_t i = 0; r == 0 && i < s->gateways->count; i++) {
        struct slice rest = buffer_slice(&answers.of[i].reply);
        struct shaping_state state;

        answered += answers.of[i].result == 0;
        while (answers.of[i].result == 0 && shaping_state_read(&rest, &state)) {
            json_t *one = json_object();

            add_text(one, "provider", state.name);
            add_number(one, "gateway", s->gateways->members[i].number);
            add_state(one, &state);
            json_array_append_new(providers, one);
        }
    }
    json_object_set_new(call->output, "providers", providers);
    return r == 0 && answered == 0 ? refuse_silence(call) : r;
}

/* --- shaping.reload, .suspend, .resume --- */

/* The gateways work by it when this has returned; what they do not hear now they hear at their
 * start. */
static int push_all(struct task *t, struct control_call *call)
{
    struct shaping_service *s = call->context;
    size_t told = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < s->gateways->count; i++) {
        CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, WAIT_US);

        if (s->gateways->members[i].gone)
            continue;
        r = shaping_service_push(t, s, &s->gateways->members[i]);
        told += r == 0;
        if (r == -ETIMEDOUT)
            r = 0;
    }
    add_text(call->output, "gateway", told ? SLICE("applied") : SLICE("waiting"));
    return r;
}

static int reload(struct task *t, struct control_call *call)
{
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    struct shaping_service *s = call->context;
    int r = shaping_service_load(s, &problems);

    if (r < 0)
        return control_refuse(call, CONTROL_INVALID, NULL,
                              "Mend the file; until then the one read before stays in force.",
                              "The shaping file has mistakes:\n%.*s",
                              SLICE_ARG(slice_trim(buffer_slice(&problems))));
    add_number(call->output, "providers", s->providers);
    add_number(call->output, "replies", s->replies);
    return push_all(t, call);
}

/* A name with a dot is a recipients' domain, any other one a provider, unless it is said. */
static struct slice kind_of(struct control_call *call)
{
    struct slice name = control_text(call, "name");
    bool domain = slice_find(name, '.') >= 0 && slice_find(name, '/') < 0;

    return domain && !control_flag(call, "provider") ? SLICE("domain") : SLICE("provider");
}

static int write_suspension(struct shaping_service *s, struct slice kind, struct slice name,
                            struct slice why, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s->store, STORE_SUSPENSION_ADD);

    query_bind_text(&q, kind);
    query_bind_text(&q, name);
    query_bind_text(&q, why);
    query_bind_int(&q, now_us);
    return query_run(&q);
}

static int suspend(struct task *t, struct control_call *call)
{
    struct slice why = control_text(call, "why");
    struct slice name = control_text(call, "name"), kind = kind_of(call);
    int r = write_suspension(call->context, kind, name, why.size ? why : SLICE("by an operator"),
                             task_wall_us(t));

    add_text(call->output, "kind", kind);
    add_text(call->output, "name", name);
    add_text(call->output, "state", SLICE("suspended"));
    return r < 0 ? r : push_all(t, call);
}

static int remove_suspension(struct shaping_service *s, struct slice kind, struct slice name,
                             bool *ret_there)
{
    CLEANUP(query_done) struct query q = store_query(s->store, STORE_SUSPENSION_REMOVE);
    int r;

    query_bind_text(&q, kind);
    query_bind_text(&q, name);
    r = query_run(&q);
    *ret_there = r == 0 && store_changes(s->store) > 0;
    return r;
}

static int resume(struct task *t, struct control_call *call)
{
    struct slice name = control_text(call, "name"), kind = kind_of(call);
    bool there;
    int r = remove_suspension(call->context, kind, name, &there);

    if (r == 0 && !there)
        return control_refuse(call, CONTROL_NOT_FOUND, "name",
                              "letterhead shaping list shows what is suspended.",
                              "The %.*s %.*s is not suspended.", SLICE_ARG(kind), SLICE_ARG(name));
    add_text(call->output, "kind", kind);
    add_text(call->output, "name", name);
    add_text(call->output, "state", SLICE("in service"));
    return r < 0 ? r : push_all(t, call);
}

/* --- the table --- */

static const struct control_field no_fields[] = {{NULL}};

static int list_sources(struct task *t, struct control_call *call)
{
    return shaping_sources_list(call->context, task_wall_us(t), call->output);
}

static const struct control_field show_fields[] = {{.name = "domain",
                                                    .type = CONTROL_TEXT,
                                                    .required = true,
                                                    .positional = true,
                                                    .min = 1,
                                                    .max = LIMIT_DOMAIN_BYTES,
                                                    .help = "the recipients' domain"},
                                                   {NULL}};

#define NAME_FIELDS                                                                                \
    {.name = "name",                                                                               \
     .type = CONTROL_TEXT,                                                                         \
     .required = true,                                                                             \
     .positional = true,                                                                           \
     .min = 1,                                                                                     \
     .max = LIMIT_DOMAIN_BYTES,                                                                    \
     .help = "a provider, as letterhead shaping list shows it, or a recipients' domain"},          \
    {                                                                                              \
        .name = "provider", .type = CONTROL_FLAG,                                                  \
        .help = "the name is a provider's although it looks like a domain"                         \
    }

static const struct control_field suspend_fields[] = {
    NAME_FIELDS,
    {.name = "why", .type = CONTROL_TEXT, .min = 1, .max = 200, .help = "the reason, for people"},
    {NULL}};

static const struct control_field resume_fields[] = {NAME_FIELDS, {NULL}};

static const struct control_operation operations[] = {
    {"shaping.show", "Show what holds for mail to a domain, and why", CONTROL_VIEWER, false,
     show_fields,
     "domain, hosts, provider, rule, failure, gateways[] {gateway, connections, "
     "connections_allowed, waiting, delivered, deferred, back_off_since_s, back_off_left_s, "
     "back_off_why, suspended_why, domain_rest_since_s, domain_rest_left_s, domain_rest_why, "
     "domain_suspended_why, holding, limits {}}, sources[] as of shaping.sources",
     show_domain},
    {"shaping.list", "List the providers that mail goes to, and how they stand", CONTROL_VIEWER,
     false, no_fields,
     "providers[] {provider, gateway, connections, connections_allowed, waiting, delivered, "
     "deferred, back_off_since_s, back_off_left_s, back_off_why, suspended_why, holding, limits "
     "{}}",
     list_providers},
    {"shaping.sources", "List the addresses that mail goes out from, and what each may send today",
     CONTROL_VIEWER, false, no_fields,
     "sources[] {address, hostname, pools, plan, day, started, sent, limit, why}", list_sources},
    {"shaping.reload", "Read the shaping file anew", CONTROL_OPERATOR, true, no_fields,
     "providers, replies, gateway", reload},
    {"shaping.suspend", "Send nothing to a provider or domain until it is resumed",
     CONTROL_OPERATOR, true, suspend_fields, "kind, name, state, gateway", suspend},
    {"shaping.resume", "Send to a suspended provider or domain again", CONTROL_OPERATOR, true,
     resume_fields, "kind, name, state, gateway", resume},
};

struct control_set shaping_operations(struct shaping_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
