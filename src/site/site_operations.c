/* The operations on sites: add, list, show, pause, resume, remove. */
#include "control/json.h"
#include "runtime/task.h"
#include "site/contact.h"
#include "site/credential.h"
#include "site/identity_json.h"
#include "site/mail_from.h"
#include "site/publication.h"
#include "site/pusher.h"
#include "site/relay_json.h"
#include "site/senders.h"
#include "site/service.h"
#include "site/site_add.h"
#include "site/site_set.h"

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

int site_of_call(struct store *s, struct arena *arena, struct control_call *call, struct site *ret)
{
    struct slice name = control_text(call, "site");
    int r = site_find(s, arena, name, ret);

    if (r != -ENOENT)
        return r;
    return control_refuse(call, CONTROL_NOT_FOUND, "site", "letterhead site list shows the names.",
                          "There is no site \"%.*s\".", SLICE_ARG(name));
}

int site_push_change(struct task *t, struct site_service *service, struct control_call *call,
                     int64_t site_id)
{
    int r = site_pusher_push(t, service->pusher, site_id);

    if (r == -ECANCELED)
        return r;
    json_object_set_new(call->output, "gateway", json_string(r == 0 ? "applied" : "waiting"));
    return 0;
}

static json_t *describe_site(const struct site *site)
{
    json_t *object = json_object();

    add_text(object, "site", site->name);
    json_object_set_new(object, "method", json_string(site_method_name(site->method)));
    add_text(object, "state", site->state);
    json_object_set_new(object, "tls", json_string(site_tls_word(site->verified_tls)));
    json_object_set_new(object, "since", control_json_time(site->state_since_us));
    add_text(object, "why", site->state_why);
    json_object_set_new(object, "created", control_json_time(site->created_us));
    return object;
}

static int add_identities(struct store *s, struct arena *arena, int64_t site_id, json_t *object)
{
    json_t *list = json_array(), *item;
    struct identity *identities;
    size_t count;
    int r = identity_list(s, arena, site_id, &identities, &count);

    json_object_set_new(object, "identities", list);
    for (size_t i = 0; i < count && r == 0; i++) {
        r = identity_to_json(arena, &identities[i], &item);
        if (r == 0)
            json_array_append_new(list, item);
    }
    return r;
}

static int add_addresses(struct store *s, struct arena *arena, int64_t site_id, json_t *object)
{
    json_t *list = json_array();
    struct slice *addresses;
    size_t count = 0;
    int r = site_outgoing_addresses(s, arena, site_id, &addresses, &count);

    json_object_set_new(object, "from", list);
    if (r == 0) {
        r = senders_any(s, site_id);
        json_object_set_new(object, "senders", json_string(senders_words[r > 0]));
    }
    r = r < 0 ? r : 0;
    for (size_t i = 0; r == 0 && i < count; i++)
        json_array_append_new(list, control_json_text(addresses[i]));
    return r;
}

int site_describe_contacts(struct store *s, struct arena *arena, int64_t site_id, json_t *object)
{
    json_t *list = json_array();
    struct slice *addresses;
    size_t count = 0;
    int r = site_contact_list(s, arena, site_id, &addresses, &count);

    json_object_set_new(object, "contacts", list);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, control_json_text(addresses[i]));
    return r;
}

static int add_credentials(struct store *s, struct arena *arena, int64_t site_id, json_t *object)
{
    struct credential *credentials;
    size_t count;
    int r = credential_list(s, arena, site_id, &credentials, &count);

    if (r == 0)
        json_object_set_new(object, "credentials",
                            json_integer((json_int_t)credential_count_active(credentials, count)));
    return r;
}

/* A site of another method has none. */
static int add_relay(struct store *s, struct arena *arena, const struct site *site, int64_t now_us,
                     json_t *object)
{
    struct relay relay;
    json_t *item;
    int r;

    if (site->method != SITE_METHOD_SMTP)
        return 0;
    r = relay_of_site(s, arena, site->id, &relay);
    if (r == 0)
        r = relay_to_json(s, arena, &relay, now_us, &item);
    if (r == 0)
        json_object_set_new(object, "relay", item);
    if (r == -ENOENT)
        json_object_set_new(object, "relay", json_null());
    return r == -ENOENT ? 0 : r;
}

static int describe_whole(struct store *s, struct arena *arena, const struct site *site,
                          int64_t now_us, json_t *object)
{
    int r = add_identities(s, arena, site->id, object);

    if (r == 0)
        r = add_addresses(s, arena, site->id, object);
    if (r == 0)
        r = site_describe_contacts(s, arena, site->id, object);
    if (r == 0)
        r = add_credentials(s, arena, site->id, object);
    if (r == 0)
        r = mail_from_describe(s, arena, site->id, object);
    if (r == 0)
        r = add_relay(s, arena, site, now_us, object);
    return r;
}

static int list_sites(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    json_t *list = json_array();
    struct site *sites;
    size_t count;
    int r = site_list(service->store, &arena, &sites, &count);

    json_object_set_new(call->output, "sites", list);
    for (size_t i = 0; i < count && r == 0; i++) {
        json_t *item = describe_site(&sites[i]);

        r = describe_whole(service->store, &arena, &sites[i], task_wall_us(t), item);
        json_array_append_new(list, item);
    }
    return r;
}

static int show_site(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct site site;
    json_t *object;
    int r = site_of_call(service->store, &arena, call, &site);

    if (r < 0)
        return r;
    object = describe_site(&site);
    r = describe_whole(service->store, &arena, &site, task_wall_us(t), object);
    if (r == 0)
        r = site_describe_quota(service->store, &arena, site.id, task_wall_us(t), object);
    json_object_update(call->output, object);
    json_decref(object);
    return r;
}

static int change_state(struct task *t, struct control_call *call, struct slice state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct site site;
    int r = site_of_call(service->store, &arena, call, &site);

    if (r == 0 && !slice_equal(site.state, state))
        r = site_set_state(service->store, site.id, state, task_wall_us(t),
                           control_text(call, "why"));
    if (r < 0)
        return r;
    add_text(call->output, "site", site.name);
    add_text(call->output, "state", state);
    return site_push_change(t, service, call, site.id);
}

static int pause_site(struct task *t, struct control_call *call)
{
    return change_state(t, call, SLICE("paused"));
}

static int resume_site(struct task *t, struct control_call *call)
{
    return change_state(t, call, SLICE("active"));
}

/* What it has signed may still be on its way: its records in the platform's zone go later. */
static int erase_site(struct site_service *service, int64_t id, int64_t now_us)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct store *s = service->store;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = publication_drop_site(s, id, now_us,
                                  now_us + (int64_t)(service->publication_keep_s * SECOND_US));
    if (r == 0)
        r = site_erase(s, id, now_us);
    if (r == 0)
        r = store_transaction_commit(&all);
    return r;
}

static int remove_site(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct site site;
    int r = site_of_call(service->store, &arena, call, &site);

    if (r == 0 && !control_flag(call, "yes"))
        r = control_refuse(call, CONTROL_REFUSED, "yes",
                           "Pause it instead (letterhead site pause), or say --yes.",
                           "Removing %.*s destroys its keys and credentials for ever, its DNS "
                           "records become useless, and its mail still queued is cancelled.",
                           SLICE_ARG(site.name));
    if (r == 0)
        r = erase_site(service, site.id, task_wall_us(t));
    if (r < 0)
        return r;
    add_text(call->output, "site", site.name);
    json_object_set_new(call->output, "state", json_string("removed"));
    r = site_push_change(t, service, call, site.id);
    if (r == 0 && service->cancel_mail)
        r = service->cancel_mail(t, service->context, (uint64_t)site.id);
    return r;
}

static const char *const records_words[] = {"txt", "cname", NULL};
static const char *const methods[] = {"dkim", "smtp", NULL};

static const struct control_field add_fields[] = {
    {.name = "site",
     .type = CONTROL_TEXT,
     .required = true,
     .positional = true,
     .min = 1,
     .max = 63,
     .help = "the new site's name: a-z, 0-9, hyphens"},
    {.name = "domain",
     .type = CONTROL_TEXT,
     .min = 1,
     .max = 1000,
     .help = "the domain it sends as; by default that of the first --from"},
    {.name = "from",
     .type = CONTROL_TEXTS,
     .min = 3,
     .max = 320,
     .count_max = DIRECTORY_ADDRESSES_MAX,
     .help = "an address it sends as; it may use no others, unless --senders any is said"},
    {.name = "method",
     .type = CONTROL_TEXT,
     .max = 10,
     .choices = methods,
     .help =
         "how its mail is authorised; dkim: the client installs three DNS records; smtp: it goes "
         "through an SMTP account of the client (letterhead relay set)"},
    {.name = "subdomains",
     .type = CONTROL_FLAG,
     .help = "let it send as the domains below the domain, too"},
    {.name = "records",
     .type = CONTROL_TEXT,
     .max = 10,
     .choices = records_words,
     .help = "what the client installs: txt, the keys themselves; cname, names that lead into the "
             "platform's zone, where Letterhead publishes and changes the keys"},
    {.name = "tls",
     .type = CONTROL_TEXT,
     .max = 20,
     .choices = site_tls_words,
     .help = "verified: its mail goes out only under TLS to servers that can be verified"},
    SENDERS_FIELD,
    SITE_CONTACT_FIELD,
    {NULL},
};
static const struct control_field no_fields[] = {{NULL}};
static const struct control_field site_fields[] = {SITE_FIELD, {NULL}};
static const struct control_field state_fields[] = {
    SITE_FIELD,
    {.name = "why",
     .type = CONTROL_TEXT,
     .max = 200,
     .help = "the reason, for those who look later"},
    {NULL},
};
static const struct control_field remove_fields[] = {
    SITE_FIELD,
    {.name = "yes", .type = CONTROL_FLAG, .help = "yes, destroy its keys and credentials"},
    {NULL},
};

static const struct control_operation operations[] = {
    {"site.add", "Add a site, make its three keys, and say which DNS records it needs",
     CONTROL_OPERATOR, true, add_fields,
     "site, method, identity {domain, state, records[]}, gateway", site_add},
    {"site.list", "List the sites with the state of their identities", CONTROL_VIEWER, false,
     no_fields, "sites[] as of site.show", list_sites},
    {"site.show", "Show all about one site", CONTROL_VIEWER, false, site_fields,
     "site, method, state, tls, since, why, created, identities[], from[], senders, contacts[], quota {}, credentials, "
     "mail_from {domain, on_failure, state, since, why, next_step, trouble, checked}, "
     "relay {as of relay.show; of method smtp alone}",
     show_site},
    {"site.set", "Change what holds for a site: how its mail goes out, whom to tell",
     CONTROL_OPERATOR, true, site_set_fields, "site, tls, quota {}, contacts[], mail_from, gateway",
     site_set},
    {"site.pause", "Take no more mail from a site; what is queued is still delivered",
     CONTROL_OPERATOR, true, state_fields, "site, state, gateway", pause_site},
    {"site.resume", "Take mail from a paused site again", CONTROL_OPERATOR, true, state_fields,
     "site, state, gateway", resume_site},
    {"site.remove", "Remove a site with its keys and credentials", CONTROL_OPERATOR, true,
     remove_fields, "site, state, gateway", remove_site},
};

struct control_set site_operations(struct site_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
