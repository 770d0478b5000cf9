#include "app/estate.h"

#include "app/handover.h"
#include "app/ports.h"
#include "base/buffer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* In each direction: some hundred requests to the vault, each with a sealed key. */
enum { PAIR_BUFFER_BYTES = 1 << 20 };

enum { NUMBER_BYTES = 16 };

/* What is opened must not take the place of the log when that is closed. */
static int fill_standard_descriptors(void)
{
    int null;

    do {
        null = open("/dev/null", O_RDWR);
    } while (null >= 0 && null <= STDERR_FILENO);
    return null < 0 ? -errno : close(null);
}

static int find_user(const char *what, const char *text, struct privileges_user *ret)
{
    int r = text ? privileges_find_user(text, ret) : -EINVAL;

    if (r == -ENOENT)
        log_error("%s: there is no user %s on this machine. Make it (systemd-sysusers, or adduser "
                  "--system --group %s), or name another one.",
                  what, text, text);
    else if (r < 0)
        log_error("%s: when started as root, this must name a user other than root", what);
    return r;
}

static int find_users(struct estate *e)
{
    int r;

    e->changes_user = geteuid() == 0;
    if (!e->changes_user) {
        log_info("not started as root: all roles run as user %u", geteuid());
        return 0;
    }
    r = find_user("user", e->options->user, &e->user);
    if (r == 0)
        r = find_user("vault.user", e->options->vault_user, &e->vault_user);
    if (r == 0 && e->user.uid == e->vault_user.uid)
        log_warning(
            "user and vault.user are the same: a taken-over gateway could then reach for the "
            "vault. Give the vault a user of its own.");
    return r;
}

/* systemd's own way to hand over a secret goes before the file. */
static int read_master_key(struct estate *e)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    const char *path = e->options->master_key_path;
    CLEANUP(buffer_done) struct buffer credential = BUFFER_NONE;

    if (directory) {
        buffer_printf(&credential, "%s/master-key", directory);
        if (access(credential.data, F_OK) == 0)
            path = credential.data;
    }
    if (!path) {
        log_error("there is no master key: name its file in the configuration, or give the "
                  "service the credential master-key");
        return -ENOENT;
    }
    return handover_read("master key", path, HANDOVER_OWNER_ALONE, &e->master_key);
}

static int read_files(struct estate *e)
{
    const struct supervisor_options *o = e->options;
    int r = read_master_key(e);

    if (r == 0 && o->certificate_path)
        r = handover_read("TLS certificate", o->certificate_path, HANDOVER_PUBLIC, &e->certificate);
    if (r == 0 && o->certificate_key_path)
        r = handover_read("TLS key", o->certificate_key_path, HANDOVER_NOT_WORLD,
                          &e->certificate_key);
    if (r == 0 && o->tsig_key_path)
        r = handover_read("TSIG key", o->tsig_key_path, HANDOVER_NOT_WORLD, &e->tsig_key);
    return r;
}

static int make_pair(int pair[2])
{
    static const int size = PAIR_BUFFER_BYTES;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    for (int i = 0; i < 2; i++)
        if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
            setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    return 0;
}

static int make_pairs(struct estate *e)
{
    int r = make_pair(e->vault_steward);

    for (size_t i = 0; i < e->options->gateway_count && r == 0; i++) {
        r = make_pair(e->vault_gateway[i]);
        if (r == 0)
            r = make_pair(e->gateway_steward[i]);
    }
    return r;
}

/* The supervisor's own place is behind those of all gateways. */
static int make_board(struct estate *e)
{
    int r = submit_board_make(&e->board_memory);

    return r == 0 ? submit_board_open(e->board_memory, ROLE_GATEWAYS_MAX, &e->board) : r;
}

static int open_ports(struct estate *e)
{
    const struct supervisor_options *o = e->options;
    int r = ports_listen_control(o->control_path, o->control_mode,
                                 e->changes_user ? &e->user : NULL, &e->control);

    assert(o->listener_count <= ROLE_LISTENERS_MAX);
    for (size_t i = 0; r == 0 && i < o->listener_count; i++)
        r = ports_listen(o->listeners[i].name, &o->listeners[i].endpoint, &e->listeners[i]);
    return r;
}

/* Of the very file that runs: a new one that was installed meanwhile starts with the next
 * supervisor. */
static int open_executable(struct estate *e)
{
    e->executable = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    return e->executable < 0 ? -errno : 0;
}

int estate_open(struct estate *e, const struct supervisor_options *options)
{
    int r;

    *e = (struct estate){.options = options};
    r = fill_standard_descriptors();
    if (r == 0)
        r = open_executable(e);
    if (r == 0)
        r = find_users(e);
    if (r == 0)
        r = read_files(e);
    if (r == 0)
        r = make_pairs(e);
    if (r == 0)
        r = make_board(e);
    if (r == 0)
        r = open_ports(e);
    if (r < 0)
        submit_board_close(TAKE(e->board));
    return r;
}

void estate_done(struct estate *e)
{
    (void)unlink(e->options->control_path);
    submit_board_close(e->board);
    secret_done(&e->master_key);
    secret_done(&e->certificate);
    secret_done(&e->certificate_key);
    secret_done(&e->tsig_key);
}

void estate_gateway_died(struct estate *e, size_t place, bool drained)
{
    submit_board_strike(e->board, (unsigned)place);
    e->drained[place] |= drained;
}

/* The arguments of a role, with the memory of those that are made. */
struct arguments {
    const char *list[2 * ROLE_LISTENERS_MAX + 2 * ROLE_GATEWAYS_MAX + 16];
    size_t count;
    char level[NUMBER_BYTES], signers[NUMBER_BYTES], share[2 * NUMBER_BYTES];
    char gateways[ROLE_GATEWAYS_MAX][NUMBER_BYTES];
};

static void add_option(struct arguments *a, const char *name, const char *value)
{
    a->list[a->count++] = name;
    a->list[a->count++] = value;
}

static void add_gateway(struct arguments *a, const struct estate *e, size_t place)
{
    const struct role_gateway *gateway = &e->options->gateways[place];

    snprintf(a->gateways[place], NUMBER_BYTES, "%u", gateway->number);
    add_option(a, gateway->draining ? "--draining" : "--gateway", a->gateways[place]);
}

/* The steward is not to wait for those that have ended for good. */
static bool is_dealt(const struct estate *e, enum role role, size_t place)
{
    return role == ROLE_VAULT || !e->drained[place];
}

/* Those that take mail share what is for all among themselves. One that empties its spool takes a
 * share as if it were one more: for a while a little more than all goes out, rather than less than
 * all for ever. */
static void add_share(struct arguments *a, const struct estate *e, size_t place)
{
    const struct supervisor_options *o = e->options;
    size_t sharing = 0;

    for (size_t i = 0; i < o->gateway_count; i++)
        sharing += !o->gateways[i].draining;
    if (o->gateways[place].draining)
        place = sharing++;
    snprintf(a->share, sizeof a->share, "%zu/%zu", place, sharing);
    add_option(a, "--share", a->share);
}

static void add_own_gateway(struct arguments *a, const struct estate *e, size_t place)
{
    add_gateway(a, e, place);
    add_share(a, e, place);
    for (size_t i = 0; i < e->options->listener_count; i++)
        add_option(a, "--listener", e->options->listeners[i].name);
}

static void fill_arguments(const struct estate *e, const struct child *child, struct arguments *ret)
{
    const struct supervisor_options *o = e->options;
    enum role role = child->role;

    *ret = (struct arguments){.list = {"letterhead", "role", role_name(role)}, .count = 3};
    snprintf(ret->level, sizeof ret->level, "%d", (int)o->log_level);
    add_option(ret, "--log-level", ret->level);
    if (role == ROLE_VAULT) {
        snprintf(ret->signers, sizeof ret->signers, "%u", o->signers);
        add_option(ret, "--signers", ret->signers);
        add_option(ret, "--region", o->region);
    } else {
        add_option(ret, "--config", o->config_path);
    }
    for (size_t i = 0; role != ROLE_GATEWAY && i < o->gateway_count; i++)
        if (is_dealt(e, role, i))
            add_gateway(ret, e, i);
    if (role == ROLE_GATEWAY)
        add_own_gateway(ret, e, child->place);
}

/* The descriptors of a role in the order of role.h, and which of them are its alone. */
struct hand {
    int list[CHILD_DESCRIPTORS_MAX];
    size_t count;
    int pipes[2]; /* -1: none; closed here once the role has them */
};

static void hand_done(struct hand *hand)
{
    base_close_descriptor(&hand->pipes[0]);
    base_close_descriptor(&hand->pipes[1]);
}

static int add_pipe(struct hand *hand, int which, const struct secret *contents)
{
    int r = handover_pipe(secret_slice(contents), &hand->pipes[which]);

    if (r == 0)
        hand->list[hand->count++] = hand->pipes[which];
    return r;
}

static int deal_vault(const struct estate *e, size_t place, struct hand *hand)
{
    (void)place;
    hand->list[hand->count++] = e->vault_steward[0];
    for (size_t i = 0; i < e->options->gateway_count; i++)
        hand->list[hand->count++] = e->vault_gateway[i][0];
    return add_pipe(hand, 0, &e->master_key);
}

static int deal_steward(const struct estate *e, size_t place, struct hand *hand)
{
    (void)place;
    hand->list[hand->count++] = e->vault_steward[1];
    hand->list[hand->count++] = e->control;
    for (size_t i = 0; i < e->options->gateway_count; i++)
        if (is_dealt(e, ROLE_STEWARD, i))
            hand->list[hand->count++] = e->gateway_steward[i][1];
    return add_pipe(hand, 0, &e->tsig_key);
}

static int deal_gateway(const struct estate *e, size_t place, struct hand *hand)
{
    int r;

    hand->list[hand->count++] = e->vault_gateway[place][1];
    hand->list[hand->count++] = e->gateway_steward[place][0];
    r = add_pipe(hand, 0, &e->certificate);
    if (r == 0)
        r = add_pipe(hand, 1, &e->certificate_key);
    hand->list[hand->count++] = e->board_memory;
    for (size_t i = 0; i < e->options->listener_count; i++)
        hand->list[hand->count++] = e->listeners[i];
    return r;
}

int estate_start(const struct estate *e, struct child *child, uint64_t now_ms)
{
    static int (*const deal[ROLE_COUNT])(const struct estate *, size_t, struct hand *) = {
        [ROLE_VAULT] = deal_vault,
        [ROLE_STEWARD] = deal_steward,
        [ROLE_GATEWAY] = deal_gateway,
    };
    CLEANUP(hand_done) struct hand hand = {.pipes = {-1, -1}};
    struct arguments arguments;
    struct child_plan plan;
    int r = deal[child->role](e, child->place, &hand);

    if (r < 0)
        return r;
    fill_arguments(e, child, &arguments);
    plan = (struct child_plan){
        .executable = e->executable,
        .descriptors = hand.list,
        .descriptor_count = hand.count,
        .arguments = arguments.list,
    };
    if (e->changes_user)
        plan.user = child->role == ROLE_VAULT ? &e->vault_user : &e->user;
    return child_start(child, &plan, now_ms);
}
