/* The operations on relays: set (site/relay_set.h), list, show, remove. */
#include "control/json.h"
#include "runtime/task.h"
#include "site/notice.h"
#include "site/relay_json.h"
#include "site/relay_set.h"

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static int list_relays(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    json_t *list = json_array();
    struct relay *relays;
    size_t count = 0;
    int r = relay_list(service->store, &arena, &relays, &count);

    json_object_set_new(call->output, "relays", list);
    for (size_t i = 0; i < count && r == 0; i++) {
        json_t *item;

        r = relay_to_json(service->store, &arena, &relays[i], task_wall_us(t), &item);
        if (r < 0)
            return r;
        add_text(item, "site", relays[i].site_name);
        json_array_append_new(list, item);
    }
    return r;
}

static int find_relay(struct control_call *call, struct arena *arena, struct site *site,
                      struct relay *relay)
{
    struct site_service *service = call->context;
    int r = site_of_call(service->store, arena, call, site);

    if (r == 0)
        r = relay_of_site(service->store, arena, site->id, relay);
    if (r != -ENOENT)
        return r;
    return control_refuse(call, CONTROL_NOT_FOUND, "site",
                          site->method == SITE_METHOD_SMTP
                              ? "Set it up: letterhead relay set SITE --host … --user …."
                              : "letterhead relay list shows the sites that have one.",
                          "%.*s has no relay.", SLICE_ARG(site->name));
}

static int show_relay(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct relay relay;
    struct site site;
    json_t *object, *probes;
    int r = find_relay(call, &arena, &site, &relay);

    if (r == 0)
        r = relay_to_json(service->store, &arena, &relay, task_wall_us(t), &object);
    if (r < 0)
        return r;
    add_text(call->output, "site", site.name);
    json_object_update(call->output, object);
    json_decref(object);
    r = relay_probes_to_json(service->store, &arena, relay.id, &probes);
    if (r == 0)
        json_object_set_new(call->output, "probes", probes);
    return r;
}

/* What was wrong with it is nobody's trouble any more. */
static int settle_notice(struct store *s, struct arena *arena, const struct relay *relay,
                         int64_t now_us)
{
    const struct notice notice = {
        .site_id = (uint64_t)relay->site_id,
        .topic = arena_printf(arena, "relay:%lld", (long long)relay->id),
        .subject =
            arena_printf(arena, "%.*s: the SMTP account was taken away", SLICE_ARG(relay->host)),
        .text = SLICE("Mail of the site waits until it has another one.\n"),
    };

    return notice_raise(s, &notice, now_us);
}

static int erase(struct store *s, struct arena *arena, const struct relay *relay, int64_t now_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = settle_notice(s, arena, relay, now_us);
    if (r == 0)
        r = relay_remove(s, relay->site_id);
    return r == 0 ? store_transaction_commit(&all) : r;
}

static int remove_relay(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct relay relay;
    struct site site;
    int r = find_relay(call, &arena, &site, &relay);

    if (r == 0 && !control_flag(call, "yes"))
        r = control_refuse(call, CONTROL_REFUSED, "yes", "Say --yes if that is what you want.",
                           "Without its relay %.*s can send nothing: its mail waits until there is "
                           "another one, or its time is over. The password is destroyed.",
                           SLICE_ARG(site.name));
    if (r == 0)
        r = erase(service->store, &arena, &relay, task_wall_us(t));
    if (r < 0)
        return r;
    add_text(call->output, "site", site.name);
    json_object_set_new(call->output, "removed", json_true());
    return site_push_change(t, service, call, site.id);
}

static const struct control_field no_fields[] = {{NULL}};
static const struct control_field site_fields[] = {SITE_FIELD, {NULL}};
static const struct control_field remove_fields[] = {
    SITE_FIELD,
    {.name = "yes", .type = CONTROL_FLAG, .help = "yes, destroy its password"},
    {NULL},
};

#define RELAY_OUTPUT                                                                               \
    "host, port, tls, user, from, return_path, version, state, since, why, next_step, probed, "    \
    "next_probe, limits {connections, messages_per_connection, messages_per_minute, "              \
    "recipients_per_day}, provider, expect, sent {recipients, since, ends}, closed_until, "        \
    "closed_why, trouble, trouble_since"

static const struct control_operation operations[] = {
    {"relay.set", "Give a site its SMTP account, or change it; a changed account is tested at once",
     CONTROL_OPERATOR, true, relay_set_fields, "site, relay {as of relay.show}, gateway",
     relay_set},
    {"relay.list", "List the sites' SMTP accounts and how they stand", CONTROL_VIEWER, false,
     no_fields, "relays[] {site, and as of relay.show}", list_relays},
    {"relay.show", "Show a site's SMTP account, how it stands and why, and its last tests",
     CONTROL_VIEWER, false, site_fields,
     "site, " RELAY_OUTPUT ", probes[] {begun, occasion, finding, state, why}", show_relay},
    {"relay.remove", "Take a site's SMTP account away; its mail waits", CONTROL_OPERATOR, true,
     remove_fields, "site, removed, gateway", remove_relay},
};

struct control_set relay_operations(struct site_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
