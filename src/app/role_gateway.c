/* The role `gateway`: what it was handed and what the configuration says, made into the options of
 * gateway_run. */
#include "app/config.h"
#include "app/gateway.h"
#include "app/relay_judge.h"
#include "app/role.h"
#include "app/stop_signal.h"
#include "base/limits.h"
#include "runtime/tls.h"
#include "runtime/world_linux.h"

#include "app/resolver_config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct gateway_role {
    struct role_start start;
    struct config *config;
    struct tls_context *server_tls, *client_tls, *relay_tls;
    struct disk *disk;
    struct world *world;
    struct submit_board *board;
    struct meters *meters;
    struct submit_listener listeners[ROLE_LISTENERS_MAX];
    struct inbound_listener inbound[ROLE_LISTENERS_MAX];
    uint32_t retry_delays_s[32];
};

static int complain(const char *what, char *problem, int r)
{
    log_error("%s: %s", what, problem ? problem : strerror(-r));
    free(problem);
    return r;
}

static int load_config(struct gateway_role *g)
{
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    int r = config_load(g->start.config_path, &g->config, &problems);

    if (r < 0)
        log_error("configuration: %.*s", SLICE_ARG(buffer_slice(&problems)));
    return r;
}

/* The listeners' certificate comes through pipes, so that this user need not be able to read it. */
static int load_server_tls(struct gateway_role *g)
{
    CLEANUP(secret_done) struct secret certificate = SECRET_NONE, key = SECRET_NONE;
    char *problem = NULL;
    int r = role_read_handed(ROLE_GATEWAY_FD_CERTIFICATE, &certificate);

    if (r == 0)
        r = role_read_handed(ROLE_GATEWAY_FD_CERTIFICATE_KEY, &key);
    if (r == 0 && certificate.size == 0)
        return 0;
    if (r == 0)
        r = tls_context_new_server(secret_slice(&certificate), secret_slice(&key), &g->server_tls,
                                   &problem);
    return r < 0 ? complain("tls.certificate, tls.key", problem, r) : 0;
}

static int load_client_tls(struct gateway_role *g)
{
    const struct tls_client_options options = {.authorities_pem_path =
                                                   g->config->authorities_file.data,
                                               .sessions_max = LIMIT_TLS_SESSIONS};
    char *problem = NULL;
    int r = tls_context_new_client(&options, &g->client_tls, &problem);

    return r < 0 ? complain("delivery.authorities_file", problem, r) : 0;
}

/* A client's server must be vouched for by an authority that the world knows. */
static int load_relay_tls(struct gateway_role *g)
{
    const struct tls_client_options options = {.authorities_pem_path =
                                                   g->config->relay_authorities.data,
                                               .sessions_max = LIMIT_TLS_SESSIONS};
    char *problem = NULL;
    int r = tls_context_new_client(&options, &g->relay_tls, &problem);

    return r < 0 ? complain("delivery.relay_authorities", problem, r) : 0;
}

/* Two processes that write one log would destroy it. */
static int lock_spool(struct gateway_role *g, const char *path)
{
    uint64_t holder = 0;
    int r = disk_lock_linux(g->disk, &holder);

    if (r == -EBUSY)
        log_error(
            "the spool %s is in use by another Letterhead (process %llu); stop that one first, "
            "or give this one a data_directory of its own",
            path, (unsigned long long)holder);
    else if (r < 0)
        log_error("the spool %s cannot be locked: %s", path, strerror(-r));
    return r;
}

static int open_spool(struct gateway_role *g)
{
    char path[4096], name[ROLE_SPOOL_NAME_BYTES];
    int directory;

    snprintf(path, sizeof path, "%.*s/%s", SLICE_ARG(g->config->data_directory),
             role_spool_name(g->start.gateways[0].number, name));
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return complain(path, NULL, -errno);
    g->disk = disk_new_linux(directory);
    return lock_spool(g, path);
}

/* One that takes no mail stays off the board: nobody is to leave connections to it. */
static int open_board(struct gateway_role *g)
{
    int r = 0;

    if (g->start.share.count > 1 && !g->start.gateways[0].draining)
        r = submit_board_open(ROLE_GATEWAY_FD_BOARD, g->start.share.index, &g->board);
    if (r == 0)
        r = meters_open(ROLE_GATEWAY_FD_BOARD, SUBMIT_BOARD_METERS_OFFSET, &g->meters);
    close(ROLE_GATEWAY_FD_BOARD);
    return r < 0 ? complain("the memory that the gateways share", NULL, r) : 0;
}

static int open_world(struct gateway_role *g)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct resolver_options resolver;
    struct world_linux_options options = {.disk = g->disk, .resolver = &resolver};
    char *problem = NULL;
    int r;

    resolver_config(&arena, g->config, &resolver);
    r = world_linux_new(&options, &g->world, &problem);
    return r < 0 ? complain("resolver", problem, r) : 0;
}

/* The processes that share a limit cannot ask one another, so each has its part of it. */
static void share_submit(const struct share *share, struct submit_limits *l)
{
    l->memory_max_bytes = share_of(share, l->memory_max_bytes);
    l->admission.connections_max = share_of(share, l->admission.connections_max);
    l->admission.per_address_max = share_of(share, l->admission.per_address_max);
    l->admission.per_site_max = share_of(share, l->admission.per_site_max);
    l->auth.per_address_max = (unsigned)share_of(share, l->auth.per_address_max);
    l->auth.per_account_max = (unsigned)share_of(share, l->auth.per_account_max);
    l->auth.per_known_pair_max = (unsigned)share_of(share, l->auth.per_known_pair_max);
}

static void fill_submit(const struct gateway_role *g, struct submit_options *o)
{
    const struct config *c = g->config;

    o->host_name = c->hostname;
    o->region = c->region;
    o->tls = g->server_tls;
    o->board = g->board;
    o->meters = g->meters;
    submit_limits_default(&o->limits);
    o->limits.message_size_max_bytes = c->message_size_max_bytes;
    o->limits.recipients_max = c->recipients_max;
    o->limits.memory_max_bytes = c->submission_memory_max_bytes;
    o->limits.admission.connections_max = c->connections_max;
    o->limits.admission.per_address_max = c->connections_per_address_max;
    o->limits.admission.per_site_max = c->connections_per_site_max;
    share_submit(&g->start.share, &o->limits);
}

static void fill_inbound(const struct gateway_role *g, struct inbound_options *o)
{
    const struct config *c = g->config;
    struct submit_admission_limits *places = &o->limits.admission;

    o->host_name = c->hostname;
    o->bounce_domain = c->bounce_domain;
    o->feedback_address = c->feedback_address;
    o->tls = g->server_tls;
    inbound_limits_default(&o->limits);
    o->limits.memory_max_bytes = share_of(&g->start.share, o->limits.memory_max_bytes);
    places->connections_max = share_of(&g->start.share, c->inbound_connections_max);
    places->per_address_max = share_of(&g->start.share, c->inbound_connections_per_address_max);
}

static void fill_queue(struct gateway_role *g, struct queue_options *o)
{
    const uint64_t *delays = g->config->retry_delays.items;

    for (size_t i = 0; i < g->config->retry_delays.count; i++)
        g->retry_delays_s[i] = (uint32_t)delays[i];
    *o = (struct queue_options){
        .disk = g->disk,
        .lifetime_s = g->config->lifetime_s,
        .retry_delays_s = g->retry_delays_s,
        .retry_delay_count = g->config->retry_delays.count,
        .memory_max_bytes = share_of(&g->start.share, g->config->queue_memory_max_bytes),
        .spool_max_bytes = share_of(&g->start.share, g->config->spool_max_bytes),
        .spool_reserve_bytes = g->config->spool_reserve_bytes,
    };
}

static void fill_deliver(struct gateway_role *g, struct deliver_options *o)
{
    const struct config *c = g->config;

    *o = (struct deliver_options){
        .route = {.hostname = c->hostname,
                  .next_hop = c->next_hop,
                  .port = (uint16_t)c->delivery_port,
                  .policy = {c->allow_networks.items, c->allow_networks.count}},
        .hostname = c->hostname,
        .bounce_domain = c->bounce_domain,
        .tls_context = g->client_tls,
        .relay_tls_context = g->relay_tls,
        .connections_per_provider_max = c->connections_per_provider_max,
        .connections_max = c->delivery_connections_max,
        .share = g->start.share,
        .messages_per_connection_max = c->messages_per_connection_max,
        .judge_relay = relay_judge_reply,
    };
}

static void fill_transport(const struct gateway_role *g, struct transport_options *o)
{
    const struct config *c = g->config;
    const char *off = NULL;

    if (!c->dane)
        off = "It is switched off (delivery.dane).";
    else if (!c->resolver_trust_anchor.size)
        off = "resolver.trust_anchor is not set, so that DNSSEC is not validated.";
    else if (c->next_hop.size)
        off = "All mail goes to delivery.next_hop.";
    *o = (struct transport_options){.dane_off = off,
                                    .dane_signed_name = c->dane_signed_name,
                                    .dane_bogus_name = c->dane_bogus_name};
}

/* The supervisor opened the listeners in the order of the configuration. */
static int fill_listeners(struct gateway_role *g, struct gateway_options *o)
{
    static const enum submit_tls modes[] = {
        [CONFIG_TLS_STARTTLS] = SUBMIT_TLS_STARTTLS,
        [CONFIG_TLS_IMPLICIT] = SUBMIT_TLS_IMPLICIT,
        [CONFIG_TLS_NONE] = SUBMIT_TLS_NONE,
    };
    const struct config_listener *configured = g->config->listeners.items;
    size_t count = g->config->listeners.count;

    if (count + g->config->inbound_listeners.count != g->start.listener_count) {
        log_error("the configuration has changed since the start; restart the service");
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++)
        g->listeners[i] = (struct submit_listener){
            .name = g->start.listeners[i],
            .socket = ROLE_GATEWAY_FD_LISTENER_FIRST + (int)i,
            .tls = modes[configured[i].tls],
            .access_key_id = configured[i].credential,
        };
    for (size_t i = count; i < g->start.listener_count; i++)
        g->inbound[i - count] = (struct inbound_listener){g->start.listeners[i],
                                                          ROLE_GATEWAY_FD_LISTENER_FIRST + (int)i};
    o->listeners = g->listeners;
    o->listener_count = count;
    o->inbound_listeners = g->inbound;
    o->inbound_listener_count = g->start.listener_count - count;
    return 0;
}

static int main_task(struct task *t, void *argument)
{
    struct gateway_role *g = argument;
    struct gateway_options options = {
        .vault_socket = ROLE_GATEWAY_FD_VAULT,
        .steward_socket = ROLE_GATEWAY_FD_STEWARD,
        .draining = g->start.gateways[0].draining,
        .wait_for_stop = stop_signal_wait,
    };
    int r = fill_listeners(g, &options);

    if (r < 0)
        return r;
    fill_submit(g, &options.submit);
    fill_inbound(g, &options.inbound);
    fill_queue(g, &options.queue);
    fill_deliver(g, &options.deliver);
    fill_transport(g, &options.transport);
    return gateway_run(t, &options);
}

int role_gateway_main(int argc, char **argv)
{
    struct gateway_role g = {.config = NULL};
    int r = role_begin(argc, argv, &g.start);

    if (r < 0)
        return ROLE_EXIT_CONFIG;
    stop_signal_block();
    r = load_config(&g);
    if (r == 0)
        r = load_server_tls(&g);
    if (r == 0)
        r = load_client_tls(&g);
    if (r == 0)
        r = load_relay_tls(&g);
    if (r == 0)
        r = open_spool(&g);
    if (r == 0)
        r = open_board(&g);
    if (r == 0)
        r = open_world(&g);
    if (r < 0)
        return ROLE_EXIT_CONFIG;
    r = loop_run(g.world, main_task, &g);
    if (r < 0)
        log_error("the gateway ends: %s", strerror(-r));
    submit_board_close(g.board);
    meters_close(g.meters);
    world_free(g.world);
    disk_free(g.disk);
    tls_context_free(g.client_tls);
    tls_context_free(g.relay_tls);
    tls_context_free(g.server_tls);
    config_free(g.config);
    if (r == GATEWAY_DRAINED)
        return ROLE_EXIT_DRAINED;
    return r < 0 ? 1 : 0;
}
