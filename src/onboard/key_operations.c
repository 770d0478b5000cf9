/* The operations that show an identity's keys and have them take turns. */
#include "control/json.h"
#include "onboard/rotate.h"
#include "onboard/second_key.h"
#include "site/service.h"
#include "wire/date.h"
#include "wire/dns_text.h"

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static json_t *describe_key(struct arena *arena, const struct identity *identity,
                            const struct identity_key *key)
{
    json_t *object = json_object();

    add_text(object, "slot", key->slot);
    json_object_set_new(object, "since", control_json_time(key->slot_since_us));
    add_text(object, "selector", key->selector);
    add_text(object, "name", identity_record_name(arena, identity, key));
    json_object_set_new(
        object, "algorithm",
        json_string(key->algorithm == KEY_ED25519_SHA256 ? "ed25519-sha256" : "rsa-sha256"));
    add_text(object, "origin", key->origin);
    json_object_set_new(object, "created", control_json_time(key->created_us));
    json_object_set_new(object, "seen", control_json_time(key->seen_us));
    json_object_set_new(object, "withdrawn", control_json_time(key->withdrawn_us));
    json_object_set_new(object, "signs",
                        json_boolean(key == identity_signing_key(identity) ||
                                     key == identity_second_signing_key(identity)));
    add_text(object, "record", key->record_state);
    return object;
}

static json_t *describe(struct arena *arena, const struct identity *identity,
                        const struct rotation_times *times)
{
    json_t *object = json_object(), *keys = json_array();
    int64_t last_us = identity->rotated_us ? identity->rotated_us : identity->created_us;

    add_text(object, "domain", identity->domain);
    add_text(object, "way", identity_is_cname(identity) ? SLICE("cname") : SLICE("txt"));
    json_object_set_new(object, "rotated", control_json_time(identity->rotated_us));
    json_object_set_new(
        object, "rotates",
        control_json_time(times->every_s ? last_us + (int64_t)(times->every_s * SECOND_US) : 0));
    for (size_t i = 0; i < identity->key_count; i++)
        json_array_append_new(keys, describe_key(arena, identity, &identity->keys[i]));
    if (identity_has_second(identity))
        json_array_append_new(keys, describe_key(arena, identity, &identity->second));
    json_object_set_new(object, "keys", keys);
    return object;
}

static int describe_all(struct rotate_service *service, struct arena *arena, int64_t site_id,
                        json_t *output)
{
    json_t *list = json_array();
    struct identity *identities;
    size_t count = 0;
    int r = identity_list(service->site->store, arena, site_id, &identities, &count);

    json_object_set_new(output, "identities", list);
    for (size_t i = 0; i < count && r == 0; i++)
        json_array_append_new(list, describe(arena, &identities[i], &service->times));
    return r;
}

static int show_keys(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct rotate_service *service = call->context;
    struct site site;
    int r = site_of_call(service->site->store, &arena, call, &site);

    (void)t;
    if (r < 0)
        return r;
    add_text(call->output, "site", site.name);
    return describe_all(service, &arena, site.id, call->output);
}

/* The site, and the identity of it that the field "domain" names; without one, its only one. */
static int identity_of_call(struct rotate_service *service, struct arena *arena,
                            struct control_call *call, struct site *ret_site, struct identity *ret)
{
    struct slice domain = control_text(call, "domain");
    struct identity *identities;
    size_t count;
    int r = site_of_call(service->site->store, arena, call, ret_site);

    if (r == 0)
        r = identity_list(service->site->store, arena, ret_site->id, &identities, &count);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        if (domain.size == 0 ? count == 1 : slice_equal_nocase(identities[i].domain, domain)) {
            *ret = identities[i];
            return 0;
        }
    return control_refuse(call, CONTROL_NOT_FOUND, "domain",
                          "letterhead identity keys shows the site's domains; name one of them.",
                          domain.size ? "The site has no identity \"%.*s\"."
                                      : "The site has none, or more than one, identity.%.*s",
                          SLICE_ARG(domain));
}

static struct slice date_of(struct arena *arena, int64_t time_us)
{
    char text[WIRE_DATE_ISO_BYTES];

    return arena_copy(arena, slice_part(wire_date_iso(time_us / (int64_t)SECOND_US, text), 0, 10));
}

static int refuse(struct control_call *call, struct arena *arena,
                  const struct rotation_verdict *verdict)
{
    switch (verdict->answer) {
    case ROTATION_NO_NEXT:
        return control_refuse(
            call, CONTROL_REFUSED, NULL, "If the key has become known to others: --compromised.",
            "There is no next key before %.*s: the others have signed mail that may still be "
            "verified.",
            SLICE_ARG(verdict->at_us ? date_of(arena, verdict->at_us) : SLICE("later")));
    case ROTATION_SETTLING:
        return control_refuse(call, CONTROL_UNAVAILABLE, NULL,
                              "Try again in some minutes (publishing.ttl).",
                              "The next key has been in the DNS for a moment only; receivers may "
                              "remember what was there before.");
    default:
        return control_refuse(
            call, CONTROL_REFUSED, NULL,
            "letterhead identity check says what is seen of its record; letterhead publication "
            "list how it stands in the platform's zone.",
            "The next key is not to be seen in the DNS, so nothing may be signed with it.");
    }
}

static int rotate(struct task *t, struct rotate_service *service, struct arena *arena,
                  struct control_call *call, int64_t identity_id)
{
    struct rotation_verdict verdict;
    int r = rotate_keys(t, service, identity_id, &verdict);

    return r == 0 && verdict.answer != ROTATION_NOW ? refuse(call, arena, &verdict) : r;
}

static int withdraw(struct task *t, struct rotate_service *service, struct control_call *call,
                    int64_t identity_id)
{
    struct slice selector = control_text(call, "selector");
    int r = rotate_withdraw(t, service, identity_id, selector);

    if (r == -ENOENT)
        return control_refuse(call, CONTROL_NOT_FOUND, "selector",
                              "letterhead identity keys shows them; the one of slot \"second\" is "
                              "destroyed by letterhead identity remove-ed25519.",
                              "No key of this selector takes turns.");
    if (r == -EALREADY)
        return control_refuse(call, CONTROL_REFUSED, "selector", "There is nothing left to do.",
                              "This key was withdrawn before.");
    return r;
}

static int rotate_site(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct rotate_service *service = call->context;
    struct identity identity = {0};
    struct site site;
    int r = identity_of_call(service, &arena, call, &site, &identity);

    if (r == 0 && control_text(call, "selector").size && !control_flag(call, "compromised"))
        r = control_refuse(call, CONTROL_INVALID, "selector", "Add --compromised, or leave it out.",
                           "A key is named only when it is to be withdrawn.");
    if (r == 0)
        r = control_flag(call, "compromised") ? withdraw(t, service, call, identity.id)
                                              : rotate(t, service, &arena, call, identity.id);
    if (r < 0)
        return r;
    add_text(call->output, "site", site.name);
    r = describe_all(service, &arena, site.id, call->output);
    return r == 0 ? site_push_change(t, service->site, call, site.id) : r;
}

static int refuse_import(struct control_call *call, int r)
{
    switch (r) {
    case -EINVAL:
        return control_refuse(call, CONTROL_INVALID, "key",
                              "Give the private key in PKCS#8 or PKCS#1, as PEM, base64 or DER, "
                              "without a password.",
                              "The file cannot be read as a private key.");
    case -EKEYREJECTED:
        return control_refuse(call, CONTROL_INVALID, "key",
                              "Give an RSA key of 1024 to 4096 bits; 2048 is a good size.",
                              "This is no key for DKIM, or its parts do not agree.");
    case -EOPNOTSUPP:
        return control_refuse(
            call, CONTROL_REFUSED, NULL, "Keys of the client's own need a site with --records txt.",
            "The site has CNAME records, behind which Letterhead makes the keys.");
    case -EAGAIN:
        return control_refuse(call, CONTROL_REFUSED, NULL,
                              "letterhead identity keys shows since when the others rest.",
                              "There is no next key whose place it could take yet.");
    case -EEXIST:
        return control_refuse(call, CONTROL_EXISTS, "selector", "Choose another selector.",
                              "The identity has a key of this selector.");
    default:
        return r;
    }
}

static int judge_selector(struct control_call *call, struct slice selector)
{
    if (wire_dns_name_valid(selector) && slice_find(selector, '.') < 0 &&
        slice_find(selector, '_') < 0)
        return 0;
    return control_refuse(call, CONTROL_INVALID, "selector",
                          "Use letters, digits and hyphens, such as \"mail2026\".",
                          "\"%.*s\" cannot be a selector.", SLICE_ARG(selector));
}

static int import_key(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct rotate_service *service = call->context;
    struct slice selector = arena_copy_lower(&arena, control_text(call, "selector"));
    struct identity identity;
    struct site site;
    int r = identity_of_call(service, &arena, call, &site, &identity);

    if (r == 0)
        r = judge_selector(call, selector);
    if (r < 0)
        return r;
    r = rotate_import(t, service, identity.id, selector, control_text(call, "key"));
    if (r < 0)
        return refuse_import(call, r);
    add_text(call->output, "site", site.name);
    return describe_all(service, &arena, site.id, call->output);
}

static int refuse_second(struct control_call *call, int r)
{
    if (r == -EEXIST)
        return control_refuse(call, CONTROL_EXISTS, "domain",
                              "To replace it: letterhead identity remove-ed25519, then this again.",
                              "The identity has an Ed25519 key.");
    return control_refuse(call, CONTROL_NOT_FOUND, "domain", "There is nothing left to do.",
                          "The identity has no Ed25519 key.");
}

static int change_second(struct task *t, struct control_call *call,
                         int (*change)(struct task *, const struct site_service *, int64_t))
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct rotate_service *service = call->context;
    struct identity identity = {0};
    struct site site;
    int r = identity_of_call(service, &arena, call, &site, &identity);

    if (r < 0)
        return r;
    r = change(t, service->site, identity.id);
    if (r == -EEXIST || r == -ENOENT)
        return refuse_second(call, r);
    if (r == 0)
        r = describe_all(service, &arena, site.id, call->output);
    add_text(call->output, "site", site.name);
    return r == 0 ? site_push_change(t, service->site, call, site.id) : r;
}

static int add_second(struct task *t, struct control_call *call)
{
    return change_second(t, call, second_key_add);
}

static int remove_second(struct task *t, struct control_call *call)
{
    return change_second(t, call, second_key_remove);
}

#define DOMAIN_FIELD                                                                               \
    {                                                                                              \
        .name = "domain", .type = CONTROL_TEXT, .min = 1, .max = 255,                              \
        .help = "which of its identities, if it has several"                                       \
    }

static const struct control_field import_fields[] = {
    SITE_FIELD,
    {.name = "selector",
     .type = CONTROL_TEXT,
     .required = true,
     .min = 1,
     .max = 63,
     .help = "the name of its record, before ._domainkey"},
    {.name = "key",
     .type = CONTROL_TEXT,
     .required = true,
     .secret = true,
     .whole_file = true,
     .min = 1,
     .max = 8000,
     .help = "the private key: RSA in PKCS#8 or PKCS#1, as PEM, base64 or DER"},
    DOMAIN_FIELD,
    {NULL},
};
static const struct control_field second_fields[] = {
    SITE_FIELD,
    DOMAIN_FIELD,
    {NULL},
};
static const struct control_field keys_fields[] = {SITE_FIELD, {NULL}};
static const struct control_field rotate_fields[] = {
    SITE_FIELD,
    DOMAIN_FIELD,
    {.name = "compromised",
     .type = CONTROL_FLAG,
     .help = "the key has become known to others: withdraw and destroy it at once"},
    {.name = "selector",
     .type = CONTROL_TEXT,
     .min = 1,
     .max = 63,
     .help = "with --compromised: this key instead of the active one"},
    {NULL},
};

static const struct control_operation operations[] = {
    {"identity.keys", "Show a site's keys and whose turn it is", CONTROL_VIEWER, false, keys_fields,
     "site, identities[] {domain, way, rotated, rotates, keys[] {slot, since, selector, name, "
     "algorithm, origin, created, seen, withdrawn, signs, record}}",
     show_keys},
    {"identity.rotate", "Let the next key sign from now on", CONTROL_OPERATOR, true, rotate_fields,
     "site, identities[] as of identity.keys, gateway", rotate_site},
    {"identity.import_key", "Take a key of the client's own as the next one", CONTROL_OPERATOR,
     true, import_fields, "site, identities[] as of identity.keys", import_key},
    {"identity.add_ed25519", "Have a second key, Ed25519, sign beside RSA once its record is there",
     CONTROL_OPERATOR, true, second_fields, "site, identities[] as of identity.keys, gateway",
     add_second},
    {"identity.remove_ed25519", "Destroy the second key: from now on RSA signs alone",
     CONTROL_OPERATOR, true, second_fields, "site, identities[] as of identity.keys, gateway",
     remove_second},
};

struct control_set rotate_operations(struct rotate_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
