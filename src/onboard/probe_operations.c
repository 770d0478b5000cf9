#include "onboard/probe_operations.h"

#include "control/json.h"
#include "onboard/probe_json.h"
#include "onboard/probe_relay.h"
#include "runtime/world.h"
#include "site/domain.h"
#include "site/relay_provider.h"
#include "site/service.h"
#include "vault/client.h"
#include "wire/address.h"

#include <stdlib.h>

enum { VAULT_WAIT_S = 10, PORT_STARTTLS = 587, PORT_TLS = 465 };

/* --- an account that was typed in --- */

static int need(struct control_call *call, const char *field, const char *cure)
{
    return control_refuse(call, CONTROL_INVALID, field, cure,
                          "A test of an account that no site has yet needs \"%s\".", field);
}

static int take_host(struct control_call *call, struct arena *arena, struct probe_account *account)
{
    struct slice text = control_text(call, "host");

    if (text.size == 0)
        return need(call, "host", "Give a site's name, or --host smtp.example.org and the rest.");
    if (site_host_normalise(arena, text, &account->host) == 0)
        return 0;
    return control_refuse(call, CONTROL_INVALID, "host",
                          "Give the server's name, such as smtp.example.org: its certificate is "
                          "verified by it, so an address will not do.",
                          "\"%.*s\" is not the name of a host.", SLICE_ARG(text));
}

/* Port 465 is for TLS from the first byte, all others for STARTTLS, unless it is said. */
static void take_port(struct control_call *call, struct probe_account *account)
{
    struct slice tls = control_text(call, "tls");
    int64_t port = control_number(call, "port", 0);

    account->tls = slice_equal(tls, SLICE("tls")) || (tls.size == 0 && port == PORT_TLS)
                       ? RELAY_TLS
                       : RELAY_STARTTLS;
    if (port == 0)
        port = account->tls == RELAY_TLS ? PORT_TLS : PORT_STARTTLS;
    account->port = (uint16_t)port;
}

static int take_address(struct control_call *call, struct arena *arena, const char *field,
                        struct slice *ret)
{
    struct slice text = control_text(call, field);
    struct wire_error error;
    struct address address;

    if (wire_address_parse(arena, text, WIRE_ADDRESS_UTF8, &address, &error) < 0)
        return control_refuse(call, CONTROL_INVALID, field,
                              "Give an address such as info@example.org, without a name.",
                              "\"%.*s\" is not a mail address: %s.", SLICE_ARG(text), error.what);
    *ret = wire_address_text(arena, &address);
    return 0;
}

/* What can be known to be wrong before anybody is asked. An app password loses the spaces that
 * Google shows it with: those that are left are moved up in `letters`. */
static int judge_password(struct control_call *call, struct probe_account *account,
                          struct secret *letters)
{
    const struct relay_provider *provider = relay_provider_find(account->host);
    struct slice password = control_text(call, "password");
    size_t size = 0;

    if (password.size == 0)
        return need(call, "password",
                    "Give it by --password (it is asked for), --password-file or --password-fd.");
    secret_copy(letters, password);
    if (!relay_provider_has_app_passwords(provider))
        return 0;
    account->own_password = !relay_provider_is_app_password(password);
    if (relay_provider_is_cut_app_password(password) && !control_flag(call, "own_password"))
        return control_refuse(call, CONTROL_INVALID, "password", provider->password_advice,
                              "An app password of Google has %d letters, and this text does not. "
                              "(If it is the account's own password, say --own-password.)",
                              RELAY_APP_PASSWORD_BYTES);
    for (size_t i = 0; i < letters->size; i++)
        if (letters->data[i] != ' ' || account->own_password)
            letters->data[size++] = letters->data[i];
    letters->size = size;
    return 0;
}

/* It gets an id that no stored relay has, so that the blob is of no use for anything else. */
static int seal(struct task *t, struct control_call *call, struct arena *arena,
                struct probe_account *account)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, VAULT_WAIT_S * SECOND_US);
    struct probe_operations_service *service = call->context;
    CLEANUP(secret_done) struct secret password = SECRET_NONE;
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    int r = judge_password(call, account, &password);

    if (r < 0)
        return r;
    account->binding = (struct vault_relay_binding){.host = account->host};
    world_random(task_world(t), &account->binding.relay_id, sizeof account->binding.relay_id);
    account->binding.relay_id |= (uint64_t)1 << 63;
    r = vault_seal_relay(t, service->probe.vault, &account->binding, secret_slice(&password),
                         &sealed);
    account->sealed = arena_copy(arena, buffer_slice(&sealed));
    return r;
}

static int take_typed(struct task *t, struct control_call *call, struct arena *arena,
                      struct probe_account *account)
{
    int r = take_host(call, arena, account);

    take_port(call, account);
    account->user = control_text(call, "user");
    if (r == 0 && account->user.size == 0)
        r = need(call, "user", "Give --user, often the mailbox's whole address.");
    if (r == 0 && control_text(call, "from").size == 0)
        r = need(call, "from", "Give --from info@example.org: the address that mail will be from.");
    if (r == 0)
        r = take_address(call, arena, "from", &account->outgoing_address);
    return r == 0 ? seal(t, call, arena, account) : r;
}

/* --- a site's account --- */

static int refuse_both(struct control_call *call)
{
    static const char *const fields[] = {"host", "user", "from", "password", "tls"};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (control_text(call, fields[i]).size)
            return control_refuse(call, CONTROL_INVALID, fields[i],
                                  "Leave the site out to test an account that is typed in; to "
                                  "change the site's, use letterhead relay set.",
                                  "A site's account is tested as it is stored.");
    return 0;
}

static int find_relay(struct control_call *call, struct arena *arena, struct relay *ret)
{
    struct probe_operations_service *service = call->context;
    struct site site;
    int r = refuse_both(call);

    if (r == 0)
        r = site_of_call(service->store, arena, call, &site);
    if (r == 0)
        r = relay_of_site(service->store, arena, site.id, ret);
    if (r != -ENOENT)
        return r;
    return control_refuse(call, CONTROL_NOT_FOUND, "site",
                          "letterhead relay list shows the sites that have one.",
                          "%.*s has no account of its own to be tested.", SLICE_ARG(site.name));
}

/* --- both --- */

static void tell_finding(struct task *t, void *context, const struct probe_finding *finding)
{
    control_progress(t, context, probe_finding_to_json(finding));
}

/* An account that was changed or removed meanwhile is no longer the one that was tested. */
static int note(struct task *t, struct control_call *call, const struct relay *relay,
                const struct probe_report *report, int64_t begun_us)
{
    struct probe_operations_service *service = call->context;
    char *json = json_dumps(call->output, JSON_COMPACT);
    const struct relay_test test = probe_test_of_report(report, slice_text(json));
    int r = relay_watch_note(t, service->watch, relay, &test, SLICE("asked"), begun_us);

    free(json);
    return r == -ESTALE || r == -ENOENT ? 0 : r;
}

static int run(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct probe_operations_service *service = call->context;
    const struct probe_watch watch = {tell_finding, call};
    int64_t begun_us = task_wall_us(t);
    struct probe_account account = {.port = 0};
    struct relay relay = {.id = 0};
    struct probe_report report;
    int r;

    if (control_text(call, "site").size) {
        r = find_relay(call, &arena, &relay);
        if (r == 0)
            account = probe_account_of_relay(&relay);
    } else {
        r = take_typed(t, call, &arena, &account);
    }
    if (r == 0 && control_text(call, "send_to").size)
        r = take_address(call, &arena, "send_to", &account.send_to);
    if (r == 0)
        r = probe_run(t, &service->probe, &account, &watch, &arena, &report);
    if (r < 0)
        return r;
    if (relay.id)
        json_object_set_new(call->output, "site", control_json_text(control_text(call, "site")));
    probe_report_to_json(&account, &report, control_flag(call, "transcript"), call->output);
    return relay.id ? note(t, call, &relay, &report, begun_us) : 0;
}

static const char *const tls_choices[] = {"starttls", "tls", NULL};

static const struct control_field fields[] = {
    {.name = "site",
     .type = CONTROL_TEXT,
     .positional = true,
     .min = 1,
     .max = 63,
     .help = "the site whose account is tested, as it is stored"},
    {.name = "host",
     .type = CONTROL_TEXT,
     .min = 1,
     .max = LIMIT_DOMAIN_BYTES,
     .help = "or: the name of a mail server"},
    {.name = "port",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = 65535,
     .help = "its port; 587 for starttls, 465 for tls"},
    {.name = "tls",
     .type = CONTROL_TEXT,
     .max = 8,
     .choices = tls_choices,
     .help = "the kind of encryption"},
    {.name = "user",
     .type = CONTROL_TEXT,
     .min = 1,
     .max = RELAY_USER_BYTES_MAX,
     .help = "the account's user name"},
    {.name = "from",
     .type = CONTROL_TEXT,
     .min = 1,
     .max = LIMIT_PATH_BYTES,
     .help = "the address that mail will be from"},
    {.name = "password",
     .type = CONTROL_TEXT,
     .secret = true,
     .min = 1,
     .max = RELAY_PASSWORD_BYTES_MAX,
     .help = "the account's password"},
    {.name = "own_password",
     .type = CONTROL_FLAG,
     .help = "it is not meant to be an app password (Google)"},
    {.name = "send_to",
     .type = CONTROL_TEXT,
     .min = 1,
     .max = LIMIT_PATH_BYTES,
     .help = "send one real message to this address, too"},
    {.name = "transcript",
     .type = CONTROL_FLAG,
     .help = "show what both sides said, without what is secret"},
    {NULL},
};

static const struct control_operation operations[] = {
    {"probe.run", "Test a mail account from the name to the last reply, and say what to do",
     CONTROL_OPERATOR, true, fields,
     "site, host, port, tls, user, from, provider, expect, verdict (good, warning, trouble, "
     "temporary, open), why, next_step, seconds, mechanism, capabilities {pipelining, "
     "eight_bit_mime, smtputf8, dsn, requiretls, size_bytes}, stages[] {stage, title, result "
     "(passed, warning, failed, skipped), code, what, cure, evidence}, transcript[]",
     run},
};

struct control_set probe_operations(struct probe_operations_service *service)
{
    return (struct control_set){operations, ARRAY_LEN(operations), service};
}
