#include "site/site_set.h"

#include "control/json.h"
#include "runtime/task.h"
#include "site/contact.h"
#include "site/mail_from_change.h"
#include "site/quota.h"
#include "site/senders.h"
#include "site/service.h"

const char *const site_tls_words[] = {"opportunistic", "verified", NULL};

const char *site_tls_word(bool verified)
{
    return site_tls_words[verified];
}

/* What is to be changed, checked. In the arena of the call. */
struct change {
    struct site site;
    bool contacts_given;
    struct slice *contacts;
    size_t contact_count;
    struct quota quota; /* as it will be */
    struct mail_from_change mail_from;
    struct senders_change senders;
};

static int judge(struct control_call *call, struct store *s, struct arena *arena,
                 struct change *change)
{
    int r = mail_from_change_read(call, s, arena, change->site.id, &change->mail_from);
    bool given = control_texts_count(call, "contact") > 0;

    if (r == 0)
        r = senders_change_read(call, s, arena, &change->site, &change->senders);
    if (r < 0)
        return r;
    change->contacts_given = given || control_flag(call, "no_contact");
    if (given && control_flag(call, "no_contact"))
        return control_refuse(call, CONTROL_INVALID, "no_contact", "Give one or the other.",
                              "Contacts are named and taken away at once.");
    if (!change->contacts_given && !change->mail_from.given && !change->senders.given &&
        control_text(call, "tls").size == 0 && control_number(call, "send_rate", -1) < 0 &&
        control_number(call, "recipients_per_day", -1) < 0)
        return control_refuse(call, CONTROL_INVALID, NULL,
                              "letterhead site set --help lists what can be.",
                              "It is not said what is to be changed.");
    return site_contact_read(call, arena, &change->contacts, &change->contact_count);
}

static int apply_quota(struct store *s, struct control_call *call, struct change *change)
{
    struct quota *quota = &change->quota;
    int r = quota_of_site(s, change->site.id, quota);

    if (r < 0)
        return r;
    quota->messages_per_second =
        (uint32_t)control_number(call, "send_rate", quota->messages_per_second);
    quota->recipients_per_day =
        (uint32_t)control_number(call, "recipients_per_day", quota->recipients_per_day);
    return quota_set(s, change->site.id, quota);
}

static int apply(struct task *t, struct store *s, struct control_call *call, struct arena *arena,
                 struct change *change)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct site *site = &change->site;
    int r = store_transaction_begin(s, &all);

    if (control_text(call, "tls").size)
        site->verified_tls = slice_equal(control_text(call, "tls"), SLICE("verified"));
    if (r == 0)
        r = site_set_verified_tls(s, site->id, site->verified_tls);
    if (r == 0)
        r = apply_quota(s, call, change);
    if (r == 0)
        r = senders_change_apply(s, site->id, &change->senders);
    if (r == 0 && change->contacts_given)
        r = site_contact_replace(s, site->id, change->contacts, change->contact_count);
    if (r == 0)
        r = mail_from_change_apply(s, arena, site->id, &change->mail_from, task_wall_us(t));
    return r < 0 ? r : store_transaction_commit(&all);
}

int site_set(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct change *change = ARENA_NEW(&arena, struct change);
    int r = site_of_call(service->store, &arena, call, &change->site);

    if (r == 0)
        r = judge(call, service->store, &arena, change);
    if (r == 0)
        r = apply(t, service->store, call, &arena, change);
    if (r < 0)
        return r;
    json_object_set_new(call->output, "site", control_json_text(change->site.name));
    json_object_set_new(call->output, "tls", json_string(site_tls_word(change->site.verified_tls)));
    r = site_describe_quota(service->store, &arena, change->site.id, task_wall_us(t), call->output);
    if (r == 0)
        r = site_describe_contacts(service->store, &arena, change->site.id, call->output);
    if (r == 0)
        r = mail_from_describe(service->store, &arena, change->site.id, call->output);
    return r < 0 ? r : site_push_change(t, service, call, change->site.id);
}

const struct control_field site_set_fields[] = {
    SITE_FIELD,
    {.name = "tls",
     .type = CONTROL_TEXT,
     .max = 20,
     .choices = site_tls_words,
     .help = "verified: its mail goes out only under TLS to servers that can be verified; "
             "opportunistic: as each receiver allows"},
    SITE_CONTACT_FIELD,
    {.name = "from",
     .type = CONTROL_TEXTS,
     .min = 3,
     .max = 320,
     .count_max = DIRECTORY_ADDRESSES_MAX,
     .help = "an address it sends as, in place of those before; it sends as no others"},
    SENDERS_FIELD,
    {.name = "send_rate",
     .type = CONTROL_NUMBER,
     .min = 0,
     .max = QUOTA_RATE_MAX,
     .help = "how many messages a second are taken from it; 0: as many as come"},
    {.name = "recipients_per_day",
     .type = CONTROL_NUMBER,
     .min = 0,
     .max = QUOTA_RECIPIENTS_MAX,
     .help = "how many recipients it may send to in any 24 hours; 0: any number"},
    MAIL_FROM_FIELDS,
    {.name = "no_contact", .type = CONTROL_FLAG, .help = "tell nobody of the client's people"},
    {NULL},
};
