#include "site/site_add.h"

#include "site/contact.h"
#include "site/domain.h"
#include "site/identity.h"
#include "site/identity_json.h"
#include "site/identity_key.h"
#include "site/publication.h"
#include "site/senders.h"
#include "wire/address.h"
#include "wire/dns_text.h"

enum {
    KEY_CREATION_S = 60,
    DOMAIN_BYTES_MAX =
        WIRE_DNS_NAME_BYTES_MAX - IDENTITY_SELECTOR_CHARACTERS - sizeof("._domainkey."),
};

/* What is to be added, checked and complete. In the arena of the call. */
struct plan {
    struct site site;
    struct identity identity;
    struct slice *addresses;
    size_t address_count;
    struct slice *contacts;
    size_t contact_count;
    bool any_address;
};

static int judge_domain(struct control_call *call, struct arena *arena, const char *field,
                        struct slice text, struct plan *plan)
{
    const char *why = "Its name is too long: there must be room for the records in front of it.";

    if (site_domain_normalise(arena, text, &plan->identity.domain, &why) == 0 &&
        plan->identity.domain.size <= DOMAIN_BYTES_MAX)
        return 0;
    return control_refuse(call, CONTROL_INVALID, field,
                          "Give the domain that stands after the @ of the site's addresses.",
                          "\"%.*s\" cannot be an identity. %s", SLICE_ARG(text), why);
}

static bool covered(const struct identity *identity, struct slice domain)
{
    size_t own = identity->domain.size;

    if (slice_equal(identity->domain, domain))
        return true;
    return identity->covers_subdomains && domain.size > own + 1 &&
           domain.data[domain.size - own - 1] == '.' && slice_ends_nocase(domain, identity->domain);
}

static int judge_address(struct control_call *call, struct arena *arena, size_t i,
                         struct plan *plan)
{
    struct slice text = control_texts_at(call, "from", i);
    struct slice place = arena_printf(arena, "from[%zu]", i);
    struct wire_error error;
    struct address address;

    if (wire_address_parse(arena, text, WIRE_ADDRESS_UTF8, &address, &error) < 0)
        return control_refuse(call, CONTROL_INVALID, place.data,
                              "Give an address such as info@example.org.",
                              "\"%.*s\" is not a mail address: %s.", SLICE_ARG(text), error.what);
    if (plan->identity.domain.size == 0 && plan->site.method != SITE_METHOD_SMTP &&
        judge_domain(call, arena, place.data, address.domain, plan) < 0)
        return -ENOMSG;
    if (plan->identity.domain.size && !covered(&plan->identity, address.domain))
        return control_refuse(
            call, CONTROL_INVALID, place.data,
            "Give addresses of the identity's domain, or add --subdomains if it is below.",
            "\"%.*s\" is not an address of %.*s.", SLICE_ARG(text),
            SLICE_ARG(plan->identity.domain));
    plan->addresses[plan->address_count++] = wire_address_text(arena, &address);
    return 0;
}

/* Such a site sends as one address, the account's; an identity, which signs, is as it likes. */
static int judge_smtp(struct control_call *call, const struct plan *plan)
{
    if (plan->address_count == 1)
        return 0;
    return control_refuse(call, CONTROL_INVALID, "from",
                          "Give --from info@example.org, once: an address that the client's SMTP "
                          "account may send as.",
                          "A site of method smtp sends as one address.");
}

static int judge_records(const struct site_service *service, struct control_call *call,
                         struct plan *plan)
{
    struct slice wanted = control_text(call, "records");
    bool cname = wanted.size ? slice_equal(wanted, SLICE("cname")) : service->dkim_by_cname;

    if (cname && service->dkim_zone.size == 0)
        return control_refuse(
            call, CONTROL_REFUSED, "records",
            "Set publishing.zone, .server and .tsig_key_file in the configuration, "
            "or take --records txt.",
            "There is no zone of the platform that CNAME records could lead to.");
    if (cname)
        plan->identity.dkim_zone = service->dkim_zone;
    return 0;
}

/* All of a domain's addresses, the director's among them, is what an operator must ask for. */
static int judge_senders(struct control_call *call, struct arena *arena, const struct plan *plan)
{
    struct slice domain = plan->identity.domain;
    struct slice advice;

    if (plan->address_count || plan->any_address)
        return 0;
    advice = arena_printf(arena,
                          "Give --from info@%.*s, once for each address; or --senders any, if it "
                          "is to send as every address of %.*s.",
                          SLICE_ARG(domain), SLICE_ARG(domain));
    return control_refuse(call, CONTROL_INVALID, "from", advice.data,
                          "It is not said which addresses of %.*s the site sends as.",
                          SLICE_ARG(domain));
}

static int judge_input(const struct site_service *service, struct control_call *call,
                       struct arena *arena, struct plan *plan)
{
    size_t count = control_texts_count(call, "from");
    int r = 0;

    plan->site.method = slice_equal(control_text(call, "method"), SLICE("smtp")) ? SITE_METHOD_SMTP
                                                                                 : SITE_METHOD_DKIM;
    plan->site.name = control_text(call, "site");
    if (!site_name_valid(plan->site.name))
        return control_refuse(call, CONTROL_INVALID, "site",
                              "Use a-z, 0-9 and single hyphens, such as \"town-library\".",
                              "\"%.*s\" cannot be a site's name.", SLICE_ARG(plan->site.name));
    if (control_text(call, "domain").size)
        r = judge_domain(call, arena, "domain", control_text(call, "domain"), plan);
    plan->identity.covers_subdomains = control_flag(call, "subdomains");
    plan->any_address = slice_equal(control_text(call, "senders"), SLICE("any"));
    plan->addresses = ARENA_ARRAY(arena, struct slice, count);
    for (size_t i = 0; i < count && r == 0; i++)
        r = judge_address(call, arena, i, plan);
    if (r == 0 && plan->site.method == SITE_METHOD_SMTP)
        return judge_smtp(call, plan);
    if (r == 0 && plan->identity.domain.size == 0)
        r = control_refuse(call, CONTROL_INVALID, "domain",
                           "Give --domain example.org, or --from info@example.org.",
                           "The site needs a domain to send as.");
    if (r == 0)
        r = judge_senders(call, arena, plan);
    if (r == 0)
        r = judge_records(service, call, plan);
    return r < 0 ? r : site_contact_read(call, arena, &plan->contacts, &plan->contact_count);
}

static int refuse_name(struct control_call *call)
{
    return control_refuse(call, CONTROL_EXISTS, "site",
                          "Choose another name, or look at the site with: letterhead site show.",
                          "There is a site of this name already.");
}

/* The vault binds keys to the site's id, so ids come first; a crash in between wastes numbers
 * only. */
static int reserve_ids(struct store *s, struct plan *plan)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = store_new_id(s, &plan->site.id);
    if (r == 0)
        r = store_new_id(s, &plan->identity.id);
    for (size_t i = 0; i < IDENTITY_KEYS && r == 0; i++)
        r = store_new_id(s, &plan->identity.keys[i].id);
    if (r == 0)
        r = store_transaction_commit(&all);
    return r;
}

static int create_keys(struct task *t, const struct site_service *service, struct arena *arena,
                       struct plan *plan)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, KEY_CREATION_S * SECOND_US);
    struct identity *identity = &plan->identity;
    int r = 0;

    if (identity->domain.size == 0)
        return 0;
    identity->site_id = plan->site.id;
    identity->key_count = IDENTITY_KEYS;
    for (size_t i = 0; i < IDENTITY_KEYS && r == 0; i++) {
        identity->keys[i].slot = slice_text(identity_slots[i]);
        identity->keys[i].record_state = SLICE("unknown");
        identity->keys[i].origin = SLICE("made");
        identity->keys[i].algorithm = KEY_RSA_SHA256;
        identity->keys[i].selector = identity_selector(t, arena);
        r = identity_key_make(t, service, arena, identity, &identity->keys[i]);
    }
    return r;
}

static int publish_keys(struct store *s, const struct identity *identity)
{
    int r = 0;

    for (size_t i = 0; i < identity->key_count && r == 0; i++)
        r = identity_key_publish(s, identity, &identity->keys[i], identity->created_us);
    return r;
}

static int store_plan(struct store *s, const struct plan *plan)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = site_insert(s, &plan->site);
    if (r == 0 && plan->identity.domain.size)
        r = identity_insert(s, &plan->identity);
    if (r == 0)
        r = publish_keys(s, &plan->identity);
    for (size_t i = 0; i < plan->address_count && r == 0; i++) {
        r = site_add_outgoing_address(s, plan->site.id, plan->addresses[i]);
        if (r == -EEXIST) /* given twice */
            r = 0;
    }
    if (r == 0)
        r = senders_set_any(s, plan->site.id, plan->any_address);
    if (r == 0)
        r = site_contact_replace(s, plan->site.id, plan->contacts, plan->contact_count);
    if (r == 0)
        r = store_transaction_commit(&all);
    return r;
}

static void describe_start(struct task *t, struct arena *arena, struct control_call *call,
                           struct plan *plan)
{
    struct identity *identity = &plan->identity;

    plan->site.verified_tls = slice_equal(control_text(call, "tls"), SLICE("verified"));
    plan->site.created_us = identity->created_us = identity->since_us = task_wall_us(t);
    identity->site_id = plan->site.id;
    identity->state = SLICE("NOT_STARTED");
    identity->why = arena_printf(arena, "The DNS records of %.*s have not been looked for yet.",
                                 SLICE_ARG(identity->domain));
    identity->next_step =
        arena_printf(arena,
                     "Add the three %s records to the DNS of %.*s, then run: letterhead identity "
                     "check %.*s. Letterhead looks by itself too, every minute at first.",
                     identity_is_cname(identity) ? "CNAME" : "TXT", SLICE_ARG(identity->domain),
                     SLICE_ARG(plan->site.name));
}

static int describe_result(struct task *t, struct site_service *service, struct arena *arena,
                           struct control_call *call, const struct plan *plan)
{
    json_t *identity = NULL;
    int r = 0;

    if (plan->identity.domain.size)
        r = identity_to_json(arena, &plan->identity, &identity);
    if (r < 0)
        return r;
    json_object_set_new(call->output, "site",
                        json_stringn(plan->site.name.data, plan->site.name.size));
    json_object_set_new(call->output, "method", json_string(site_method_name(plan->site.method)));
    if (identity)
        json_object_set_new(call->output, "identity", identity);
    return site_push_change(t, service, call, plan->site.id);
}

int site_add(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct plan *plan = ARENA_NEW(&arena, struct plan);
    struct site existing;
    int r = judge_input(service, call, &arena, plan);

    if (r == 0 && site_find(service->store, &arena, plan->site.name, &existing) == 0)
        r = refuse_name(call);
    if (r == 0)
        r = reserve_ids(service->store, plan);
    if (r == 0)
        r = create_keys(t, service, &arena, plan);
    if (r < 0)
        return r;
    describe_start(t, &arena, call, plan);
    r = store_plan(service->store, plan);
    if (r == -EEXIST)
        return refuse_name(call); /* someone was faster */
    if (r < 0)
        return r;
    if (service->wake_publisher)
        service->wake_publisher(service->context);
    return describe_result(t, service, &arena, call, plan);
}
