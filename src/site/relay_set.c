#include "site/relay_set.h"

#include "runtime/task.h"
#include "site/domain.h"
#include "site/relay_json.h"
#include "site/relay_provider.h"
#include "vault/client.h"
#include "wire/address.h"

enum { VAULT_WAIT_S = 10, PORT_STARTTLS = 587, PORT_TLS = 465 };

/* What is to be stored, in the arena of the call. */
struct setting {
    struct site site;
    struct relay relay;
    bool fresh;            /* there was none */
    bool account;          /* host, user, password … change: it must be tested again */
    struct secret letters; /* an app password without its spaces */
    struct slice password; /* new; empty: as before */
};

static int find(struct control_call *call, struct arena *arena, struct setting *set)
{
    struct site_service *service = call->context;
    int r = site_of_call(service->store, arena, call, &set->site);

    if (r < 0)
        return r;
    if (set->site.method != SITE_METHOD_SMTP)
        return control_refuse(call, CONTROL_REFUSED, "site",
                              "Add a site for it: letterhead site add NAME --method smtp --from "
                              "ADDRESS.",
                              "%.*s is of method %s: its mail goes to the receivers directly. Only "
                              "a site of method smtp has a relay.",
                              SLICE_ARG(set->site.name), site_method_name(set->site.method));
    r = relay_of_site(service->store, arena, set->site.id, &set->relay);
    set->fresh = r == -ENOENT;
    return set->fresh ? 0 : r;
}

static int need(struct control_call *call, const char *field, const char *what, const char *cure)
{
    return control_refuse(call, CONTROL_INVALID, field, cure, "The relay needs %s.", what);
}

static int take_host(struct control_call *call, struct arena *arena, struct setting *set)
{
    struct slice text = control_text(call, "host"), host;

    if (text.size == 0)
        return set->fresh ? need(call, "host", "the name of the mail server",
                                 "Give --host smtp.example.org, as the client's IT staff say it.")
                          : 0;
    if (site_host_normalise(arena, text, &host) < 0)
        return control_refuse(call, CONTROL_INVALID, "host",
                              "Give the server's name, such as smtp.example.org: its certificate "
                              "is verified by it, so an address will not do.",
                              "\"%.*s\" is not the name of a host.", SLICE_ARG(text));
    set->account |= !slice_equal(host, set->relay.host);
    set->relay.host = host;
    return 0;
}

/* Port 465 is for TLS from the first byte, all others for STARTTLS, unless it is said. */
static void take_port(struct control_call *call, struct setting *set)
{
    struct slice text = control_text(call, "tls");
    int64_t port = control_number(call, "port", 0);
    enum relay_tls tls = set->relay.tls;

    if (text.size)
        tls = slice_equal(text, SLICE("tls")) ? RELAY_TLS : RELAY_STARTTLS;
    else if (set->fresh || port)
        tls = port == PORT_TLS ? RELAY_TLS : RELAY_STARTTLS;
    if (port == 0)
        port = set->fresh || tls != set->relay.tls ? tls == RELAY_TLS ? PORT_TLS : PORT_STARTTLS
                                                   : set->relay.port;
    set->account |= tls != set->relay.tls || port != set->relay.port;
    set->relay.tls = tls;
    set->relay.port = (uint16_t)port;
}

static int take_user(struct control_call *call, struct arena *arena, struct setting *set)
{
    struct slice text = control_text(call, "user");

    if (text.size == 0)
        return set->fresh ? need(call, "user", "the account's user name",
                                 "Give --user, often the mailbox's whole address.")
                          : 0;
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return control_refuse(call, CONTROL_INVALID, "user",
                                  "Type it as the client's IT staff say it.",
                                  "The user name has a control character in it.");
    set->account |= !slice_equal(text, set->relay.user);
    set->relay.user = arena_copy(arena, text);
    return 0;
}

/* By default what the site was added with. */
static int find_from(struct control_call *call, struct arena *arena, struct setting *set)
{
    struct site_service *service = call->context;
    struct slice *addresses;
    size_t count;
    int r = site_outgoing_addresses(service->store, arena, set->site.id, &addresses, &count);

    if (r < 0)
        return r;
    if (count == 0)
        return need(call, "from", "the address that its mail is from",
                    "Give --from info@example.org: an address that this account may send as.");
    set->relay.outgoing_address = addresses[0];
    return 0;
}

static int take_from(struct control_call *call, struct arena *arena, struct setting *set)
{
    struct slice text = control_text(call, "from");
    struct wire_error error;
    struct address address;

    if (text.size == 0)
        return set->fresh ? find_from(call, arena, set) : 0;
    if (wire_address_parse(arena, text, WIRE_ADDRESS_UTF8, &address, &error) < 0)
        return control_refuse(call, CONTROL_INVALID, "from",
                              "Give an address such as info@example.org, without a name.",
                              "\"%.*s\" is not a mail address: %s.", SLICE_ARG(text), error.what);
    text = wire_address_text(arena, &address);
    set->account |= !slice_equal(text, set->relay.outgoing_address);
    set->relay.outgoing_address = text;
    return 0;
}

/* 0 stands for the provider's own. */
static void take_limit(struct control_call *call, const char *field, uint64_t *limit)
{
    *limit = (uint64_t)control_number(call, field, (int64_t)*limit);
}

static void take_limits(struct control_call *call, struct setting *set)
{
    struct slice path = control_text(call, "return_path");

    take_limit(call, "connections", &set->relay.own.connections_max);
    take_limit(call, "messages_per_connection", &set->relay.own.messages_per_connection_max);
    take_limit(call, "messages_per_minute", &set->relay.own.messages_per_minute_max);
    take_limit(call, "recipients_per_day", &set->relay.own.recipients_per_day_max);
    if (path.size)
        set->relay.return_path_ours = slice_equal(path, SLICE("ours"));
}

static void drop_spaces(struct setting *set)
{
    size_t size = 0;

    secret_init(&set->letters, set->password.size);
    for (size_t i = 0; i < set->password.size; i++)
        if (set->password.data[i] != ' ')
            set->letters.data[size++] = set->password.data[i];
    set->password = slice_of(set->letters.data, size);
}

/* What can be known to be wrong before anybody is asked. */
static int judge_password(struct control_call *call, struct setting *set)
{
    const struct relay_provider *provider = relay_provider_find(set->relay.host);
    struct slice p = set->password;

    for (size_t i = 0; i < p.size; i++)
        if (p.data[i] == 0 || p.data[i] == '\r' || p.data[i] == '\n')
            return control_refuse(call, CONTROL_INVALID, "password",
                                  "Give the password alone, in one line.",
                                  "The password has a line end or a NUL in it.");
    if (!relay_provider_has_app_passwords(provider))
        return 0;
    if (relay_provider_is_app_password(p))
        drop_spaces(set);
    else if (relay_provider_is_cut_app_password(p) && !control_flag(call, "own_password"))
        return control_refuse(call, CONTROL_INVALID, "password", provider->password_advice,
                              "An app password of Google has %d letters, and this text does not. "
                              "(If it is the account's own password, say --own-password.)",
                              RELAY_APP_PASSWORD_BYTES);
    return 0;
}

/* It belongs to a user at a host: with either of these it is wanted again. */
static int take_password(struct control_call *call, const struct relay *before, struct setting *set)
{
    bool elsewhere =
        !slice_equal(before->host, set->relay.host) || !slice_equal(before->user, set->relay.user);

    set->password = control_text(call, "password");
    if (set->password.size) {
        set->account = true;
        return judge_password(call, set);
    }
    if (set->fresh || elsewhere)
        return control_refuse(call, CONTROL_INVALID, "password",
                              "Give it by --password (it is asked for), --password-file or "
                              "--password-fd.",
                              "The relay needs the password of %.*s at %.*s.",
                              SLICE_ARG(set->relay.user), SLICE_ARG(set->relay.host));
    return 0;
}

static int take_all(struct control_call *call, struct arena *arena, struct setting *set)
{
    struct relay before = set->relay;
    int r = take_host(call, arena, set);

    take_port(call, set);
    take_limits(call, set);
    if (r == 0)
        r = take_user(call, arena, set);
    if (r == 0)
        r = take_from(call, arena, set);
    return r == 0 ? take_password(call, &before, set) : r;
}

/* A relay's id is part of what its password is bound to, so it comes first; a crash in between
 * wastes numbers only. */
static int reserve_ids(struct store *s, struct setting *set)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all);

    if (r == 0 && set->fresh)
        r = store_new_id(s, &set->relay.id);
    if (r == 0 && (set->fresh || set->account))
        r = store_new_id(s, &set->relay.version);
    return r == 0 ? store_transaction_commit(&all) : r;
}

static int seal(struct task *t, const struct site_service *service, struct arena *arena,
                struct setting *set)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, VAULT_WAIT_S * SECOND_US);
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    const struct vault_relay_binding binding = {
        .site_id = (uint64_t)set->site.id,
        .relay_id = (uint64_t)set->relay.id,
        .host = set->relay.host,
    };
    int r = 0;

    if (set->password.size)
        r = vault_seal_relay(t, service->vault, &binding, set->password, &sealed);
    if (r == 0 && set->password.size)
        set->relay.sealed = arena_copy(arena, buffer_slice(&sealed));
    return r;
}

static void begin_anew(struct task *t, struct setting *set)
{
    struct relay *relay = &set->relay;

    relay->site_id = set->site.id;
    relay->changed_us = task_wall_us(t);
    if (!set->fresh && !set->account)
        return;
    relay->state = RELAY_UNTESTED;
    relay->since_us = relay->created_us = relay->changed_us;
    relay->failures = 0;
    relay->why = SLICE("The account has not been tested yet.");
    relay->next_step = SLICE("It is tested at once; letterhead relay show tells what was found.");
}

static int store_address(struct store *s, const struct relay *relay)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_OUTGOING_ADDRESS_REMOVE_ALL);
    int r;

    query_bind_int(&q, relay->site_id);
    r = query_run(&q);
    return r == 0 ? site_add_outgoing_address(s, relay->site_id, relay->outgoing_address) : r;
}

static int store_setting(struct store *s, const struct setting *set)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    const struct relay *relay = &set->relay;
    int r = store_transaction_begin(s, &all);

    if (r == 0)
        r = set->fresh ? relay_insert(s, relay) : relay_change(s, relay);
    if (r == 0 && !set->fresh && set->account)
        r = relay_set_state(s, relay);
    if (r == 0 && !set->fresh && set->account)
        r = relay_set_probed(s, relay->id, 0, relay->changed_us);
    if (r == 0)
        r = store_address(s, relay);
    return r == 0 ? store_transaction_commit(&all) : r;
}

static int tell(struct task *t, struct control_call *call, struct arena *arena,
                const struct setting *set)
{
    struct site_service *service = call->context;
    json_t *relay;
    int r = relay_to_json(service->store, arena, &set->relay, task_wall_us(t), &relay);

    if (r < 0)
        return r;
    json_object_set_new(call->output, "site",
                        json_stringn(set->site.name.data, set->site.name.size));
    json_object_set_new(call->output, "relay", relay);
    return site_push_change(t, service, call, set->site.id);
}

static int perform(struct task *t, struct control_call *call, struct arena *arena,
                   struct setting *set)
{
    struct site_service *service = call->context;
    int r = find(call, arena, set);

    if (r == 0)
        r = take_all(call, arena, set);
    if (r == 0)
        r = reserve_ids(service->store, set);
    if (r == 0)
        r = seal(t, service, arena, set);
    if (r < 0)
        return r;
    begin_anew(t, set);
    r = store_setting(service->store, set);
    if (r == -EEXIST)
        return control_refuse(call, CONTROL_EXISTS, "site", "Look at it: letterhead relay show.",
                              "Somebody else has just given %.*s a relay.",
                              SLICE_ARG(set->site.name));
    return r == 0 ? tell(t, call, arena, set) : r;
}

int relay_set(struct task *t, struct control_call *call)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct setting *set = ARENA_NEW(&arena, struct setting);
    int r = perform(t, call, &arena, set);

    secret_done(&set->letters);
    return r;
}

static const char *const tls_words[] = {"starttls", "tls", NULL};
static const char *const return_paths[] = {"account", "ours", NULL};

const struct control_field relay_set_fields[] = {
    SITE_FIELD,
    {.name = "host", .type = CONTROL_TEXT, .min = 1, .max = 255, .help = "the mail server's name"},
    {.name = "port",
     .type = CONTROL_NUMBER,
     .min = 1,
     .max = 65535,
     .help = "its port; by default 587, or 465 with --tls tls"},
    {.name = "tls",
     .type = CONTROL_TEXT,
     .max = 20,
     .choices = tls_words,
     .help = "starttls: encryption begins after EHLO; tls: with the first byte"},
    {.name = "user",
     .type = CONTROL_TEXT,
     .min = 1,
     .max = RELAY_USER_BYTES_MAX,
     .help = "the account's user name"},
    {.name = "password",
     .type = CONTROL_TEXT,
     .secret = true,
     .min = 1,
     .max = RELAY_PASSWORD_BYTES_MAX,
     .help = "the account's password"},
    {.name = "own_password",
     .type = CONTROL_FLAG,
     .help = "it is the account's own password, although it looks like an app password cut short"},
    {.name = "from",
     .type = CONTROL_TEXT,
     .min = 3,
     .max = 320,
     .help = "the one address that the site's mail is from; the account must be allowed to use it"},
    {.name = "return_path",
     .type = CONTROL_TEXT,
     .max = 20,
     .choices = return_paths,
     .help = "the envelope's sender; account: the address of --from, as most servers insist; ours: "
             "an address of Letterhead, which then sees late bounces"},
    {.name = "connections",
     .type = CONTROL_NUMBER,
     .min = 0,
     .max = 100,
     .help = "connections at a time; 0: as its provider allows"},
    {.name = "messages_per_connection",
     .type = CONTROL_NUMBER,
     .min = 0,
     .max = 100000,
     .help = "messages in one connection; 0: as its provider allows"},
    {.name = "messages_per_minute",
     .type = CONTROL_NUMBER,
     .min = 0,
     .max = 1000000,
     .help = "messages a minute; 0: as its provider allows"},
    {.name = "recipients_per_day",
     .type = CONTROL_NUMBER,
     .min = 0,
     .max = 1000000000,
     .help = "recipients in 24 hours; 0: as its provider allows"},
    {NULL},
};
