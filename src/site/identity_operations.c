/* The operation that shows a site's DNS records. The one that checks them is in onboard/. */
#include "control/json.h"
#include "site/identity_json.h"
#include "site/service.h"

static int show_records(struct task *t, struct control_call *call)
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
        json_object_set_new(call->output, "site", control_json_text(site.name));
    return r;
}

static const struct control_field fields[] = {SITE_FIELD, {NULL}};

static const struct control_operation operations[] = {
    {"identity.records", "Show the DNS records that a site's client must install", CONTROL_VIEWER,
     false, fields, "site, identities[] {domain, state, records[] {name, value, strings[], zone}}",
     show_records},
};

struct control_set identity_operations(struct site_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
