/* The operations on reputations: show, override. */
#include "control/json.h"
#include "feedback/reputation_keeper.h"
#include "runtime/task.h"
#include "site/pusher.h"
#include "site/service.h"

#include <time.h>

enum { SITE_NAME_MAX = 63 };

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

/* In per cent, for people and scripts. */
static json_t *percent(uint64_t millionths)
{
    return json_real((double)millionths / 10000);
}

static void describe_finding(const struct reputation_finding *f, json_t *object)
{
    json_object_set_new(object, "judged", json_boolean(f->judged));
    json_object_set_new(object, "recipients", json_integer(f->delivered + f->bounced));
    json_object_set_new(object, "delivered", json_integer(f->delivered));
    json_object_set_new(object, "bounced", json_integer(f->bounced));
    json_object_set_new(object, "complained", json_integer(f->complained));
    json_object_set_new(object, "bounce_percent", percent(f->bounces));
    json_object_set_new(object, "complaint_percent", percent(f->complaints));
    json_object_set_new(object, "from",
                        control_json_time(f->from_hour * 3600 * (int64_t)SECOND_US));
}

static int describe(const struct reputation_service *service, struct arena *arena,
                    const struct site *site, int64_t now_us, json_t *object)
{
    struct reputation_finding finding;
    struct reputation reputation;
    int r = reputation_of_site(service->store, arena, site->id, &reputation);

    if (r == 0)
        r = reputation_find(service, arena, site->id, now_us, &finding);
    if (r < 0)
        return r;
    add_text(object, "site", site->name);
    json_object_set_new(object, "state", json_string(reputation_state_name(reputation.state)));
    json_object_set_new(object, "since", control_json_time(reputation.since_us));
    add_text(object, "effect", reputation.effect);
    describe_finding(&finding, object);
    if (slice_equal(reputation.effect, SLICE("slow")))
        json_object_set_new(object, "messages_per_hour",
                            json_integer(reputation.messages_per_hour));
    if (reputation.override_until_us > now_us) {
        json_object_set_new(object, "override_until",
                            control_json_time(reputation.override_until_us));
        add_text(object, "override_why", reputation.override_why);
    }
    return 0;
}

static int describe_all(struct task *t, struct control_call *call, struct arena *arena)
{
    const struct reputation_service *service = call->context;
    json_t *list = json_array();
    struct site *sites;
    size_t count = 0;
    int r = site_list(service->store, arena, &sites, &count);

    json_object_set_new(call->output, "reputations", list);
    for (size_t i = 0; i < count && r == 0; i++) {
        json_t *item = json_object();

        r = describe(service, arena, &sites[i], task_wall_us(t), item);
        json_array_append_new(list, item);
    }
    return r;
}

static int show_reputation(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct reputation_service *service = call->context;
    json_t *list = json_array(), *item = json_object();
    struct site site;
    int r;

    if (control_text(call, "site").size == 0) {
        json_decref(list);
        json_decref(item);
        return describe_all(t, call, &arena);
    }
    json_object_set_new(call->output, "reputations", list);
    json_array_append_new(list, item);
    r = site_of_call(service->store, &arena, call, &site);
    return r < 0 ? r : describe(service, &arena, &site, task_wall_us(t), item);
}

/* "2026-12-01", or with a time, "2026-12-01T12:00:00Z". */
static int read_until(struct control_call *call, int64_t *ret_us)
{
    CLEANUP(base_free_pointer) char *text = slice_duplicate(control_text(call, "until"));
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct tm parts = {0};
        const char *end = strptime(text, forms[i], &parts);

        if (end && *end == '\0') {
            *ret_us = timegm(&parts) * (int64_t)SECOND_US;
            return 0;
        }
    }
    return control_refuse(call, CONTROL_INVALID, "until",
                          "Write 2026-12-01, or 2026-12-01T12:00:00Z (UTC).", "That is no date.");
}

static int store_override(struct store *s, int64_t site_id, int64_t until_us, struct slice why,
                          int64_t now_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    CLEANUP(query_done) struct query mark = store_query(s, STORE_REPUTATION_MARK);
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPUTATION_OVERRIDE);
    int r = store_transaction_begin(s, &all);

    query_bind_int(&mark, site_id);
    query_bind_int(&mark, now_us);
    query_bind_int(&q, site_id);
    query_bind_int(&q, until_us);
    query_bind_text(&q, why);
    if (r == 0)
        r = query_run(&mark);
    if (r == 0)
        r = query_run(&q);
    return r < 0 ? r : store_transaction_commit(&all);
}

static int override_reputation(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct reputation_service *service = call->context;
    struct site site;
    int64_t until_us = 0;
    bool changed;
    int r = site_of_call(service->store, &arena, call, &site);

    if (r == 0)
        r = read_until(call, &until_us);
    if (r == 0)
        r = store_override(service->store, site.id, until_us, control_text(call, "why"),
                           task_wall_us(t));
    if (r == 0)
        r = reputation_keep(service, site.id, task_wall_us(t), &changed);
    if (r == 0)
        r = describe(service, &arena, &site, task_wall_us(t), call->output);
    if (r < 0)
        return r;
    r = site_pusher_push(t, service->pusher, site.id);
    if (r == -ECANCELED)
        return r;
    json_object_set_new(call->output, "gateway", json_string(r == 0 ? "applied" : "waiting"));
    return 0;
}

static const struct control_field show_fields[] = {
    {.name = "site",
     .type = CONTROL_TEXT,
     .positional = true,
     .min = 1,
     .max = SITE_NAME_MAX,
     .help = "the site's name; all sites without it"},
    {NULL},
};
static const struct control_field override_fields[] = {
    SITE_FIELD,
    {.name = "until",
     .type = CONTROL_TEXT,
     .required = true,
     .min = 10,
     .max = 20,
     .help = "until when its mail is neither slowed nor stopped: 2026-12-01, or "
             "2026-12-01T12:00:00Z (UTC); a time that is over ends an earlier word"},
    {.name = "why",
     .type = CONTROL_TEXT,
     .required = true,
     .min = 1,
     .max = 200,
     .help = "the reason, for those who look later"},
    {NULL},
};

#define REPUTATION_FIELDS                                                                          \
    "site, state, since, effect, judged, recipients, delivered, bounced, complained, "             \
    "bounce_percent, complaint_percent, from, messages_per_hour, override_until, override_why"

/* In this order: the command line takes the first whose words fit. */
static const struct control_operation operations[] = {
    {"reputation.override", "Neither slow nor stop a site's mail for its reputation, for a time",
     CONTROL_OPERATOR, true, override_fields, REPUTATION_FIELDS ", gateway", override_reputation},
    {"reputation.show", "Show how sites' mail is received, and what follows from it",
     CONTROL_VIEWER, false, show_fields, "reputations[] {" REPUTATION_FIELDS "}", show_reputation},
};

struct control_set reputation_operations(struct reputation_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
