/* The operation that checks a site's DNS records now. */
#include "control/json.h"
#include "onboard/check.h"
#include "onboard/mail_from_check.h"
#include "site/identity_json.h"
#include "site/mail_from.h"
#include "site/pusher.h"
#include "site/service.h"

static int check_all(struct task *t, struct onboard_service *service, struct arena *arena,
                     int64_t site_id)
{
    struct identity *identities;
    bool changed;
    size_t count;
    int r = identity_list(service->store, arena, site_id, &identities, &count);

    for (size_t i = 0; i < count && r == 0; i++)
        r = onboard_check(t, service, identities[i].id, true);
    if (r == 0 && service->mail_from)
        r = mail_from_check(t, service->mail_from, site_id, &changed);
    return r;
}

static int describe_all(struct onboard_service *service, struct arena *arena, int64_t site_id,
                        struct control_call *call)
{
    json_t *list = json_array(), *item;
    struct identity *identities;
    bool sending = true;
    size_t count;
    int r = identity_list(service->store, arena, site_id, &identities, &count);

    json_object_set_new(call->output, "identities", list);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = identity_to_json(arena, &identities[i], &item);
        if (r == 0)
            json_array_append_new(list, item);
        sending &= identity_is_sending(&identities[i]);
    }
    json_object_set_new(call->output, "sending", json_boolean(sending && r == 0 && count > 0));
    return r;
}

static int check_site(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct onboard_service *service = call->context;
    struct site site;
    int r = site_of_call(service->store, &arena, call, &site);

    if (r == 0)
        r = check_all(t, service, &arena, site.id);
    if (r == 0)
        r = describe_all(service, &arena, site.id, call);
    if (r < 0)
        return r;
    json_object_set_new(call->output, "site", control_json_text(site.name));
    r = mail_from_describe(service->store, &arena, site.id, call->output);
    if (r < 0)
        return r;
    r = site_pusher_push(t, service->pusher, site.id);
    if (r == -ECANCELED)
        return r;
    json_object_set_new(call->output, "gateway", json_string(r == 0 ? "applied" : "waiting"));
    return 0;
}

static const struct control_field fields[] = {SITE_FIELD, {NULL}};

static const struct control_operation operations[] = {
    {"identity.check", "Look for a site's DNS records now, and say what is right and what is not",
     CONTROL_OPERATOR, true, fields,
     "site, sending, identities[] {domain, state, why, next_step, records[] {state, seen, advice}, "
     "dmarc}, gateway",
     check_site},
};

struct control_set onboard_operations(struct onboard_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
