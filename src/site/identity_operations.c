/* The operations that show identities. The one that checks them is in onboard/. */
#include "control/json.h"
#include "site/identity_json.h"
#include "site/service.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 1000 };

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

/* identity.records and identity.show: the same facts, for those who install and those who watch. */
static int show_identities(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    json_t *list = json_array(), *item;
    struct identity *identities;
    struct site site;
    size_t count = 0;
    int r = site_of_call(service->store, &arena, call, &site);

    (void)t;
    json_object_set_new(call->output, "identities", list);
    if (r == 0)
        r = identity_list(service->store, &arena, site.id, &identities, &count);
    for (size_t i = 0; i < count && r == 0; i++) {
        r = identity_to_json(&arena, &identities[i], &item);
        if (r == 0)
            json_array_append_new(list, item);
    }
    if (r == 0)
        add_text(call->output, "site", site.name);
    return r;
}

static json_t *row_to_json(struct query *q)
{
    json_t *row = json_object();

    json_object_set_new(row, "id", json_integer(query_int(q, 0)));
    add_text(row, "site", query_text(q, 1));
    add_text(row, "domain", query_text(q, 2));
    add_text(row, "state", query_text(q, 3));
    json_object_set_new(row, "since", control_json_time(query_int(q, 4)));
    add_text(row, "why", query_text(q, 5));
    json_object_set_new(row, "checked", control_json_time(query_int(q, 6)));
    json_object_set_new(row, "next_check", control_json_time(query_int(q, 7)));
    add_text(row, "dmarc", query_text(q, 8));
    json_object_set_new(row, "records_right", json_integer(query_int(q, 9)));
    return row;
}

static int list_identities(struct task *t, struct control_call *call)
{
    struct site_service *service = call->context;
    CLEANUP(query_done) struct query q = store_query(service->store, STORE_IDENTITY_PAGE);
    int64_t limit = control_number(call, "limit", LIST_DEFAULT), last = 0;
    json_t *list = json_array();
    int r;

    (void)t;
    json_object_set_new(call->output, "identities", list);
    query_bind_int(&q, control_number(call, "after", 0));
    query_bind_text(&q, control_text(call, "state"));
    query_bind_int(&q, limit);
    while ((r = query_step(&q)) == 1) {
        last = query_int(&q, 0);
        json_array_append_new(list, row_to_json(&q));
    }
    if (r == 0 && json_array_size(list) == (size_t)limit)
        json_object_set_new(call->output, "next", json_integer(last));
    return r;
}

static const struct control_field fields[] = {SITE_FIELD, {NULL}};

static const char *const states[] = {"NOT_STARTED", "PENDING",           "SUCCESS",
                                     "FAILED",      "TEMPORARY_FAILURE", NULL};

static const struct control_field list_fields[] = {
    {.name = "state",
     .type = CONTROL_TEXT,
     .max = 20,
     .choices = states,
     .help = "only those in this state"},
    {.name = "after",
     .type = CONTROL_NUMBER,
     .max = INT64_MAX,
     .help = "go on behind this id: `next` of the page before"},
    {.name = "limit",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = LIST_MAX,
     .help = "how many at most (100)"},
    {NULL},
};

static const struct control_operation operations[] = {
    {"identity.records", "Show the DNS records that a site's client must install", CONTROL_VIEWER,
     false, fields, "site, identities[] {domain, state, records[] {name, value, strings[], zone}}",
     show_identities},
    {"identity.show", "Show what is known of a site's domains: states, records, what comes next",
     CONTROL_VIEWER, false, fields,
     "site, identities[] {domain, sending, dkim {state, since, why, next_step, checked, "
     "last_success, next_check}, dmarc {state, since, why, next_step, record}, name_servers, records[] {slot, name, "
     "state, since, checked, cause, seen, server, advice, trouble}}",
     show_identities},
    {"identity.list", "List the identities of all sites", CONTROL_VIEWER, false, list_fields,
     "identities[] {id, site, domain, state, since, why, checked, next_check, dmarc, "
     "records_right}, next",
     list_identities},
};

struct control_set identity_operations(struct site_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
