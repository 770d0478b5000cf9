/* The operations on credentials: add, list, revoke. */
#include "control/json.h"
#include "runtime/task.h"
#include "site/credential.h"
#include "site/service.h"
#include "vault/client.h"

enum { VAULT_WAIT_S = 10 };

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

static int judge_count(struct control_call *call, struct store *s, struct arena *arena,
                       const struct site *site)
{
    struct credential *credentials;
    size_t count;
    int r = credential_list(s, arena, site->id, &credentials, &count);

    if (r < 0 || credential_count_active(credentials, count) < CREDENTIALS_ACTIVE_MAX)
        return r;
    return control_refuse(call, CONTROL_REFUSED, "site",
                          "Revoke one first (letterhead credential list, credential revoke).",
                          "%.*s has %d credentials already, the most a site may have: the one in "
                          "use and its successor.",
                          SLICE_ARG(site->name), CREDENTIALS_ACTIVE_MAX);
}

static int reserve_id(struct store *s, int64_t *ret)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = store_new_id(s, ret);
    if (r == 0)
        r = store_transaction_commit(&all);
    return r;
}

static json_t *describe_ports(const struct site_service *service)
{
    json_t *list = json_array();

    for (size_t i = 0; i < service->port_count; i++)
        json_array_append_new(list, json_pack("{s:i, s:s}", "port", service->ports[i].port,
                                              "security", service->ports[i].security));
    return list;
}

/* The only time that the secrets are seen. */
static void show_secrets(const struct site_service *service, struct control_call *call,
                         const struct credential *credential,
                         const struct vault_new_credential *made)
{
    add_text(call->output, "access_key_id", credential->access_key_id);
    add_text(call->output, "secret_access_key", secret_slice(&made->secret_access_key));
    add_text(call->output, "smtp_host", service->hostname);
    json_object_set_new(call->output, "smtp_ports", describe_ports(service));
    add_text(call->output, "smtp_username", credential->access_key_id);
    add_text(call->output, "smtp_password", secret_slice(&made->smtp_password));
}

/* Another request may have added one while the vault worked, so they are counted again. */
static int store_credential(struct site_service *service, struct arena *arena,
                            struct control_call *call, const struct site *site,
                            const struct credential *credential)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(service->store, &all);

    if (r == 0)
        r = judge_count(call, service->store, arena, site);
    if (r == 0)
        r = credential_insert(service->store, site->id, credential);
    if (r == 0)
        r = store_transaction_commit(&all);
    return r;
}

static int create(struct task *t, struct site_service *service, const struct site *site,
                  struct credential *credential, struct vault_new_credential *ret_made)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, VAULT_WAIT_S * SECOND_US);
    struct vault_credential_binding binding = {(uint64_t)site->id, credential->access_key_id};

    return vault_create_credential(t, service->vault, &binding, ret_made);
}

static int add_credential(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(vault_new_credential_done)
    struct vault_new_credential made = {BUFFER_NONE, SECRET_NONE, SECRET_NONE};
    struct site_service *service = call->context;
    char name[VAULT_ACCESS_KEY_ID_CHARACTERS + 1] = "";
    struct credential credential = {.access_key_id = slice_of(name, sizeof name - 1)};
    struct site site;
    int r = site_of_call(service->store, &arena, call, &site);

    if (r == 0)
        r = judge_count(call, service->store, &arena, &site);
    if (r == 0)
        r = reserve_id(service->store, &credential.id);
    if (r < 0)
        return r;
    vault_access_key_id_create(name);
    r = create(t, service, &site, &credential, &made);
    if (r < 0)
        return r;
    credential.sealed = buffer_slice(&made.sealed);
    credential.created_us = task_wall_us(t);
    r = store_credential(service, &arena, call, &site, &credential);
    if (r < 0)
        return r;
    add_text(call->output, "site", site.name);
    show_secrets(service, call, &credential, &made);
    return site_push_change(t, service, call, site.id);
}

static json_t *describe_credential(const struct credential *credential)
{
    json_t *object = json_object();

    add_text(object, "access_key_id", credential->access_key_id);
    json_object_set_new(object, "state",
                        json_string(credential->revoked_us ? "revoked" : "active"));
    json_object_set_new(object, "created", control_json_time(credential->created_us));
    json_object_set_new(object, "last_used", control_json_time(credential->used_us));
    json_object_set_new(object, "revoked", control_json_time(credential->revoked_us));
    return object;
}

static int list_credentials(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    json_t *list = json_array();
    struct credential *credentials;
    struct site site;
    size_t count;
    int r = site_of_call(service->store, &arena, call, &site);

    (void)t;
    json_object_set_new(call->output, "credentials", list);
    if (r == 0)
        r = credential_list(service->store, &arena, site.id, &credentials, &count);
    if (r < 0)
        return r;
    add_text(call->output, "site", site.name);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, describe_credential(&credentials[i]));
    return 0;
}

static int revoke_credential(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site_service *service = call->context;
    struct slice name = control_text(call, "access_key_id");
    struct site site;
    int r = site_of_call(service->store, &arena, call, &site);

    if (r == 0)
        r = credential_revoke(service->store, site.id, name, task_wall_us(t));
    if (r == -ENOENT)
        return control_refuse(call, CONTROL_NOT_FOUND, "access_key_id",
                              "letterhead credential list shows those of the site.",
                              "%.*s has no active credential \"%.*s\".", SLICE_ARG(site.name),
                              SLICE_ARG(name));
    if (r < 0)
        return r;
    add_text(call->output, "site", site.name);
    add_text(call->output, "access_key_id", name);
    json_object_set_new(call->output, "state", json_string("revoked"));
    return site_push_change(t, service, call, site.id);
}

static const struct control_field site_fields[] = {SITE_FIELD, {NULL}};
static const struct control_field revoke_fields[] = {
    SITE_FIELD,
    {.name = "access_key_id",
     .type = CONTROL_TEXT,
     .required = true,
     .positional = true,
     .min = 1,
     .max = 64,
     .help = "which one: its access key id, which is the SMTP user name"},
    {NULL},
};

static const struct control_operation operations[] = {
    {"credential.add", "Make a credential for a site's application and show its secrets, once",
     CONTROL_OPERATOR, true, site_fields,
     "site, access_key_id, secret_access_key, smtp_host, smtp_ports[] {port, security}, "
     "smtp_username, smtp_password, gateway",
     add_credential},
    {"credential.list", "List a site's credentials", CONTROL_VIEWER, false, site_fields,
     "site, credentials[] {access_key_id, state, created, last_used, revoked}", list_credentials},
    {"credential.revoke", "Revoke a credential: it is refused from now on", CONTROL_OPERATOR, true,
     revoke_fields, "site, access_key_id, state, gateway", revoke_credential},
};

struct control_set credential_operations(struct site_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
