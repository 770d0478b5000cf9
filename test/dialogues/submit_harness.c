/* Submission alone in one process, for dialogues with it: the real listener, sessions and gate, the
 * real vault behind a real pair of sockets, a directory of three sites, and a queue that writes
 * files (queue_to_files.h).
 *
 * submit_harness --certificate PEM --key PEM --folder FOLDER [--limit NAME=VALUE]...
 *
 * Prints one line of JSON (ports, credentials) when it serves. Then each line of standard input
 * is a command that is answered by a line "ok": see COMMANDS. Ends in an orderly way at the end
 * of input. */
#include "queue_to_files.h"

#include "base/log.h"
#include "runtime/io.h"
#include "runtime/tls.h"
#include "runtime/world_linux.h"
#include "submit/listener.h"
#include "submit/remote.h"
#include "vault/client.h"
#include "vault/service.h"
#include "wire/ipc.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SITES = 3, LISTENERS = 3 };

/* A site as the steward would push it. */
struct site {
    uint64_t id;
    const char *name, *domain, *unverified;
    enum site_state state;
    char user[VAULT_ACCESS_KEY_ID_CHARACTERS + 1];
    char password[64];
    struct buffer sealed;
    bool revoked;
};

struct harness {
    const char *certificate, *key;
    struct submit_limits limits;
    struct queue queue;
    struct site sites[SITES];
    struct directory *directory;
    struct tls_context *tls;
    struct vault *vault;
    struct vault_worker *worker;
    struct peer *asking, *answering; /* the two ends of the vault's pair */
    unsigned passwords_checked;
    struct submit_service *service;
    struct submit_remote *remote;
    struct peer *steward, *gateway; /* the two ends of the steward's pair */
    struct submit_listener listeners[LISTENERS];
    int ports[LISTENERS];
};

static void must(int r, const char *what)
{
    if (r < 0) {
        fprintf(stderr, "submit_harness: %s: %s\n", what, strerror(-r));
        exit(1);
    }
}

/* --- vault ------------------------------------------------------------------------------------ */

static int answer_as_vault(struct task *t, void *context, uint8_t type, struct slice body,
                           struct buffer *reply)
{
    struct harness *h = context;
    enum vault_caller caller = VAULT_CALLER_GATEWAY;

    (void)t;
    if (type == IPC_VAULT_CREATE_CREDENTIAL)
        caller = VAULT_CALLER_STEWARD;
    h->passwords_checked += type == IPC_VAULT_CHECK_PASSWORD;
    return vault_worker_answer(h->worker, caller, type, body, reply);
}

static int answer_nothing(struct task *t, void *context, uint8_t type, struct slice body,
                          struct buffer *reply)
{
    (void)t, (void)context, (void)type, (void)body, (void)reply;
    return -EPERM;
}

static int answer_as_gateway(struct task *t, void *context, uint8_t type, struct slice body,
                             struct buffer *reply)
{
    struct harness *h = context;

    return submit_remote_request(t, h->remote, type, body, reply);
}

static void make_pair(struct scope *scope, struct harness *h,
                      int (*answer)(struct task *, void *, uint8_t, struct slice, struct buffer *),
                      struct peer **ret_asking, struct peer **ret_answering)
{
    const struct peer_handlers asks = {.request = answer_nothing, .context = h};
    const struct peer_handlers answers = {.request = answer, .context = h};
    int pair[2];

    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), "socketpair");
    *ret_answering = peer_new(scope, "answers", pair[0], &answers);
    *ret_asking = peer_new(scope, "asks", pair[1], &asks);
}

static void open_vault(struct scope *scope, struct harness *h)
{
    const struct vault_options options = {.master_key = SLICE("0123456789abcdef0123456789abcdef"),
                                          .region = SLICE("eu-west-1")};

    must(vault_new(&options, &h->vault), "vault");
    h->worker = vault_worker_new(h->vault);
    make_pair(scope, h, answer_as_vault, &h->asking, &h->answering);
}

/* --- sites ------------------------------------------------------------------------------------ */

static void push_site(struct harness *h, struct site *site)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct directory_identity identities[] = {
        {.id = site->id * 10,
         .domain = slice_text(site->domain),
         .sending = true,
         .covers_subdomains = true},
        {.id = site->id * 10 + 1,
         .domain = slice_text(site->unverified),
         .why_not = SLICE("Its DNS records are not there yet")},
    };
    struct directory_credential credentials[] = {
        {site->id * 100, slice_text(site->user), buffer_slice(&site->sealed)}};
    struct directory_site pushed = {.id = site->id,
                                    .name = slice_text(site->name),
                                    .state = site->state,
                                    .method = SITE_METHOD_DKIM,
                                    .any_address = true,
                                    .identities = identities,
                                    .identity_count = ARRAY_LEN(identities),
                                    .credentials = credentials,
                                    .credential_count = !site->revoked};

    directory_site_write(&body, &pushed);
    must(directory_apply(h->directory, IPC_DIRECTORY_SITE, buffer_slice(&body)), "site");
}

static void make_credential(struct task *t, struct harness *h, struct site *site)
{
    struct vault_credential_binding binding = {.site_id = site->id};
    struct vault_new_credential made;
    struct slice password;

    vault_access_key_id_create(site->user);
    binding.access_key_id = slice_text(site->user);
    must(vault_create_credential(t, h->asking, &binding, &made), "credential");
    password = secret_slice(&made.smtp_password);
    snprintf(site->password, sizeof(site->password), "%.*s", SLICE_ARG(password));
    buffer_add(&site->sealed, buffer_slice(&made.sealed));
    vault_new_credential_done(&made);
}

static void open_directory(struct task *t, struct harness *h)
{
    CLEANUP(buffer_done) struct buffer push = BUFFER_NONE;
    static const struct site sites[SITES] = {
        {1, "own", "own.example", "unverified.example", SITE_ACTIVE},
        {2, "victim", "victim.example", "victim-new.example", SITE_ACTIVE},
        {3, "paused", "paused.example", "paused-new.example", SITE_PAUSED},
    };

    h->directory = directory_new();
    directory_push_write(&push, 1);
    must(directory_apply(h->directory, IPC_DIRECTORY_BEGIN, buffer_slice(&push)), "directory");
    for (int i = 0; i < SITES; i++) {
        h->sites[i] = sites[i];
        make_credential(t, h, &h->sites[i]);
        push_site(h, &h->sites[i]);
    }
    must(directory_apply(h->directory, IPC_DIRECTORY_END, buffer_slice(&push)), "directory");
}

/* --- listeners -------------------------------------------------------------------------------- */

static struct slice read_file(struct arena *arena, const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "rb");
    size_t size;

    must(file ? 0 : -errno, path);
    size = fread(text, 1, sizeof(text), file);
    fclose(file);
    return arena_copy(arena, slice_of(text, size));
}

static void open_tls(struct harness *h)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    char *problem = NULL;

    must(tls_context_new_server(read_file(&arena, h->certificate), read_file(&arena, h->key),
                                &h->tls, &problem),
         "certificate");
}

static int listen_loopback(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    must(s, "socket");
    must(bind(s, (struct sockaddr *)&address, sizeof(address)), "bind");
    must(listen(s, 100), "listen");
    must(getsockname(s, (struct sockaddr *)&address, &(socklen_t){sizeof(address)}), "getsockname");
    *ret_port = ntohs(address.sin_port);
    return s;
}

static void open_listeners(struct harness *h)
{
    static const struct submit_listener listeners[LISTENERS] = {
        {.name = "starttls", .tls = SUBMIT_TLS_STARTTLS},
        {.name = "implicit", .tls = SUBMIT_TLS_IMPLICIT},
        {.name = "none", .tls = SUBMIT_TLS_NONE},
    };

    for (int i = 0; i < LISTENERS; i++) {
        h->listeners[i] = listeners[i];
        h->listeners[i].socket = listen_loopback(&h->ports[i]);
    }
    h->listeners[SUBMIT_TLS_NONE].access_key_id = slice_text(h->sites[0].user);
}

static void say_where(struct harness *h)
{
    json_t *all = json_object(), *sites = json_object();

    for (int i = 0; i < LISTENERS; i++)
        json_object_set_new(all, h->listeners[i].name, json_integer(h->ports[i]));
    for (int i = 0; i < SITES; i++)
        json_object_set_new(
            sites, h->sites[i].name,
            json_pack("{s:s s:s}", "user", h->sites[i].user, "password", h->sites[i].password));
    json_object_set_new(all, "sites", sites);
    json_dumpf(all, stdout, JSON_COMPACT);
    json_decref(all);
    printf("\n");
    fflush(stdout);
}

/* --- commands --------------------------------------------------------------------------------- */

static struct site *site_named(struct harness *h, struct slice name)
{
    for (int i = 0; i < SITES; i++) {
        if (slice_equal(name, slice_text(h->sites[i].name)))
            return &h->sites[i];
    }
    must(-EINVAL, "no such site");
    return NULL;
}

static void set_state(struct harness *h, struct slice name, enum site_state state)
{
    struct site *site = site_named(h, name);

    site->state = state;
    push_site(h, site);
}

static void do_pause(struct task *t, struct harness *h, struct slice name)
{
    (void)t;
    set_state(h, name, SITE_PAUSED);
}

static void do_resume(struct task *t, struct harness *h, struct slice name)
{
    (void)t;
    set_state(h, name, SITE_ACTIVE);
}

static void do_revoke(struct task *t, struct harness *h, struct slice name)
{
    struct site *site = site_named(h, name);

    (void)t;
    site->revoked = true;
    push_site(h, site);
}

static void do_queue(struct task *t, struct harness *h, struct slice how)
{
    static const struct queue states[] = {
        {.name = "ok"},
        {.name = "full", .result = -ENOSPC},
        {.name = "broken", .result = -EIO},
        {.name = "no-room", .room = -ENOSPC},
        {.name = "closed", .room = -EIO},
        {.name = "slow", .slow = true},
        {.name = "discard", .discards = true},
    };
    struct queue *q = &h->queue;

    (void)t;
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (!slice_equal(how, slice_text(states[i].name)))
            continue;
        q->result = states[i].result;
        q->room = states[i].room;
        q->slow = states[i].slow;
        q->discards = states[i].discards;
        condition_broadcast(&q->go_on);
        return;
    }
    must(-EINVAL, "no such state of the queue");
}

/* send FROM TO FILE: submits the file as the steward does; prints the reply. */
static void do_send(struct task *t, struct harness *h, struct slice rest)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct queue_recipient to = {.notify = 0};
    struct submit_request request = {.site_id = 1};
    struct peer_group gateways = {.members = {{.peer = h->steward, .number = 1}}, .count = 1};
    struct wire_reply reply;
    struct wire_error error;
    struct slice from;
    int r;

    slice_cut(&rest, ' ', &from);
    slice_cut(&rest, ' ', &to.address);
    must(wire_address_parse(&arena, from, 0, &request.envelope.from, &error), "from");
    request.envelope.recipients = &to;
    request.envelope.recipient_count = 1;
    request.content = read_file(&arena, arena_copy(&arena, rest).data);
    r = submit_remote_send(t, &gateways, &arena, &request, &reply);
    must(r, "send");
    printf("%u %s %s\n", reply.code, reply.enhanced ? reply.enhanced : "-", reply.text);
}

/* How often the vault was asked about a password. */
static void do_checked(struct task *t, struct harness *h, struct slice rest)
{
    (void)t, (void)rest;
    printf("%u\n", h->passwords_checked);
}

static const struct {
    const char *word;
    void (*run)(struct task *t, struct harness *h, struct slice rest);
} COMMANDS[] = {
    {"pause", do_pause},   /* SITE */
    {"resume", do_resume}, /* SITE */
    {"revoke", do_revoke}, /* SITE */
    {"queue", do_queue},   /* a name in do_queue */
    {"send", do_send},     /* FROM TO FILE */
    {"checked", do_checked},
};

static void run_command(struct task *t, struct harness *h, struct slice line)
{
    struct slice word;

    slice_cut(&line, ' ', &word);
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
        if (slice_equal(word, slice_text(COMMANDS[i].word))) {
            COMMANDS[i].run(t, h, line);
            printf("ok\n");
            fflush(stdout);
            return;
        }
    }
    must(-EINVAL, "no such command");
}

/* Until the end of standard input, which is a socket or a pipe. */
static int obey(struct task *t, struct harness *h)
{
    CLEANUP(buffer_done) struct buffer input = BUFFER_NONE;
    struct io io;
    ssize_t n, end;

    must(fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK), "standard input");
    must(io_open(&io, task_world(t), STDIN_FILENO), "standard input");
    for (;;) {
        n = io_read(t, &io, buffer_reserve(&input, 4096), 4096);
        if (n <= 0)
            break;
        input.size += (size_t)n;
        while ((end = slice_find(buffer_slice(&input), '\n')) >= 0) {
            run_command(t, h, slice_part(buffer_slice(&input), 0, (size_t)end));
            buffer_consume(&input, (size_t)end + 1);
        }
    }
    io_close(&io, IO_OWN);
    return (int)n;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int serve(struct task *t, void *argument)
{
    struct harness *h = argument;

    return submit_serve(t, h->service, h->listeners, LISTENERS);
}

static void begin(struct task *t, struct scope *scope, struct harness *h)
{
    struct submit_options options = {.host_name = SLICE("mail.test"),
                                     .region = SLICE("eu-west-1"),
                                     .limits = h->limits,
                                     .queue = &h->queue};

    open_vault(scope, h);
    open_directory(t, h);
    open_tls(h);
    open_listeners(h);
    options.directory = h->directory;
    options.vault = h->asking;
    options.tls = h->tls;
    h->service = submit_service_new(t, &options);
    h->remote = submit_remote_new(h->service);
    make_pair(scope, h, answer_as_gateway, &h->steward, &h->gateway);
}

static void end(struct harness *h)
{
    submit_remote_free(h->remote);
    submit_service_free(h->service);
    peer_free(h->asking);
    peer_free(h->answering);
    peer_free(h->steward);
    peer_free(h->gateway);
    vault_worker_free(h->worker);
    vault_free(h->vault);
    directory_free(h->directory);
    tls_context_free(h->tls);
    for (int i = 0; i < SITES; i++)
        buffer_done(&h->sites[i].sealed);
}

static int main_task(struct task *t, void *argument)
{
    struct harness *h = argument;
    struct scope peers, front;
    int r;

    scope_open(&peers, t);
    scope_open(&front, t);
    begin(t, &peers, h);
    must(scope_spawn(&front, "submission", serve, h), "serve");
    say_where(h);
    r = obey(t, h);
    scope_close(&front);
    scope_close(&peers);
    end(h);
    return r;
}

static const struct {
    const char *name;
    size_t offset;
    bool wide;
    uint64_t unit;
} LIMITS[] = {
#define LIMIT(name, field, wide, unit)                                                             \
    {                                                                                              \
        name, offsetof(struct submit_limits, field), wide, unit                                    \
    }
    LIMIT("size", message_size_max_bytes, true, 1),
    LIMIT("recipients", recipients_max, true, 1),
    LIMIT("memory", memory_max_bytes, true, 1),
    LIMIT("connections", admission.connections_max, true, 1),
    LIMIT("per-address", admission.per_address_max, true, 1),
    LIMIT("per-site", admission.per_site_max, true, 1),
    LIMIT("auth-per-address", auth.per_address_max, false, 1),
    LIMIT("auth-per-account", auth.per_account_max, false, 1),
    LIMIT("handshake-ms", handshake_us, true, 1000),
    LIMIT("early-talk-ms", early_talk_us, true, 1000),
    LIMIT("login-ms", login_us, true, 1000),
    LIMIT("login-crowded-ms", login_crowded_us, true, 1000),
    LIMIT("command-ms", command_us, true, 1000),
    LIMIT("data-ms", data_us, true, 1000),
    LIMIT("data-grace-ms", data_grace_us, true, 1000),
    LIMIT("data-rate", data_rate_min_bytes, true, 1),
    LIMIT("session-ms", session_us, true, 1000),
    LIMIT("stop-grace-ms", stop_grace_us, true, 1000),
    LIMIT("login-delay-ms", login_delay_us, true, 1000),
    LIMIT("errors", errors_max, false, 1),
    LIMIT("idle-commands", idle_commands_max, false, 1),
};

static void set_limit(struct submit_limits *limits, struct slice text)
{
    struct slice name;
    uint64_t value;

    slice_cut(&text, '=', &name);
    must(slice_to_u64(text, UINT64_MAX, &value), "limit");
    for (size_t i = 0; i < ARRAY_LEN(LIMITS); i++) {
        void *field = (char *)limits + LIMITS[i].offset;
        if (!slice_equal(name, slice_text(LIMITS[i].name)))
            continue;
        if (LIMITS[i].wide)
            *(uint64_t *)field = value * LIMITS[i].unit;
        else
            *(unsigned *)field = (unsigned)value;
        return;
    }
    must(-EINVAL, "no such limit");
}

static void read_options(int argc, char **argv, struct harness *h)
{
    static const struct option options[] = {{"certificate", required_argument, NULL, 'c'},
                                            {"key", required_argument, NULL, 'k'},
                                            {"folder", required_argument, NULL, 'f'},
                                            {"limit", required_argument, NULL, 'l'},
                                            {NULL, 0, NULL, 0}};
    int option;

    submit_limits_default(&h->limits);
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            h->certificate = optarg;
        else if (option == 'k')
            h->key = optarg;
        else if (option == 'f')
            h->queue.folder = optarg;
        else if (option == 'l')
            set_limit(&h->limits, slice_text(optarg));
        else
            exit(2);
    }
    if (!h->certificate || !h->key || !h->queue.folder)
        must(-EINVAL, "--certificate, --key and --folder are needed");
}

int main(int argc, char **argv)
{
    static struct harness h;
    const struct world_linux_options options = {.disk = NULL};
    struct world *world;
    char *problem = NULL;
    int r;

    read_options(argc, argv, &h);
    log_init("harness", LOG_DEBUG);
    must(world_linux_new(&options, &world, &problem), "world");
    r = loop_run(world, main_task, &h);
    world_free(world);
    return r < 0;
}
