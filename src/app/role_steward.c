/* The role `steward`: what it was handed and what the configuration says, made into the options
 * of steward_run. */
#include "app/config.h"
#include "app/publishing.h"
#include "app/resolver_config.h"
#include "app/role.h"
#include "app/shaping_file.h"
#include "app/steward.h"
#include "app/stop_signal.h"
#include "control/json.h"
#include "runtime/tls.h"
#include "runtime/world_linux.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DAY_S = 86400,
    KEEP_AFTER_QUEUE_S = 8 * DAY_S, /* what left on its last day in the queue may be read so long */
};

struct steward_role {
    struct role_start start;
    struct config *config;
    struct store *store, *outcome_store;
    struct history *history;
    struct world *world;
    struct https *https;
    struct tls_context *relay_tls;
    struct shaping_service shaping;
    struct publishing publishing;
    bool serving; /* a mistake in the shaping file is an answer from now on */
};

static int complain(char *problem, int r)
{
    log_error("%s", problem ? problem : strerror(-r));
    free(problem);
    return r;
}

static int load_config(struct steward_role *s)
{
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    int r = config_load(s->start.config_path, &s->config, &problems);

    if (r < 0)
        log_error("configuration: %.*s", SLICE_ARG(buffer_slice(&problems)));
    return r;
}

static int open_store(struct steward_role *s)
{
    char path[PATH_MAX];
    const struct store_options options = {.path = path, .schema = STORE_CONTROL};
    char *problem = NULL;
    int r;

    snprintf(path, sizeof path, "%.*s/control.db", SLICE_ARG(s->config->data_directory));
    r = store_open(&options, &s->store, &problem);
    if (r == 0)
        r = store_open(&options, &s->outcome_store, &problem);
    if (r < 0)
        return complain(problem, r);
    log_info("the control database is at version %d", store_schema_version(s->store));
    return 0;
}

static int open_history(struct steward_role *s)
{
    char path[PATH_MAX];
    const struct history_options options = {path, (uint32_t)(s->config->history_keep_s / DAY_S)};
    char *problem = NULL;
    int r;

    snprintf(path, sizeof path, "%.*s/history", SLICE_ARG(s->config->data_directory));
    r = history_open(&options, &s->history, &problem);
    return r < 0 ? complain(problem, r) : 0;
}

/* Checks must see what was installed a moment ago, so nothing is remembered. */
static int open_world(struct steward_role *s)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct resolver_options resolver;
    const struct world_linux_options options = {.resolver = &resolver};
    char *problem = NULL;
    int r;

    resolver_config(&arena, s->config, &resolver);
    resolver.fresh = true;
    r = world_linux_new(&options, &s->world, &problem);
    return r < 0 ? complain(problem, r) : 0;
}

/* Without it no policy could be fetched, and mail would go out with less protection than its
 * recipients ask for: rather no steward, and the name of what is missing. */
static int open_https(struct steward_role *s)
{
    const struct config *c = s->config;
    const struct https_options options = {
        .authorities_file = c->authorities_file.data,
        .policy = {c->allow_networks.items, c->allow_networks.count},
    };
    char *problem = NULL;
    int r = https_new(&options, &s->https, &problem);

    return r < 0 ? complain(problem, r) : 0;
}

/* Clients' servers are judged by Mozilla's list, unless the configuration says otherwise. */
static int open_relay_tls(struct steward_role *s)
{
    const struct tls_client_options options = {
        .verify = true, .authorities_pem_path = s->config->relay_authorities.data};
    char *problem = NULL;
    int r = tls_context_new_client(&options, &s->relay_tls, &problem);

    if (r < 0)
        log_error("delivery.relay_authorities:");
    return r < 0 ? complain(problem, r) : 0;
}

static void fill_ports(const struct config *config, struct site_service *site)
{
    static const char *const security[] = {
        [CONFIG_TLS_STARTTLS] = "STARTTLS",
        [CONFIG_TLS_IMPLICIT] = "TLS",
        [CONFIG_TLS_NONE] = "none",
    };
    const struct config_listener *listeners = config->listeners.items;

    for (size_t i = 0; i < config->listeners.count && site->port_count < SITE_PORTS_MAX; i++)
        if (listeners[i].tls != CONFIG_TLS_NONE) /* the others are bound to a credential of old */
            site->ports[site->port_count++] =
                (struct site_port){listeners[i].address.port, security[listeners[i].tls]};
}

static void fill_gateways(const struct role_start *start, struct steward_options *o)
{
    for (size_t i = 0; i < start->gateway_count; i++)
        o->gateways[i] = (struct steward_gateway){
            .socket = ROLE_STEWARD_FD_GATEWAY_FIRST + (int)i,
            .number = start->gateways[i].number,
            .draining = start->gateways[i].draining,
        };
    o->gateway_count = start->gateway_count;
}

/* At the start the network may not be whole yet; whoever reloads is told. */
static int read_shaping(void *context, struct arena *arena, struct shaping *ret,
                        struct buffer *problems)
{
    const struct steward_role *s = context;
    const char *path = s->config->shaping_file.size ? s->config->shaping_file.data : "";
    CLEANUP(buffer_done) struct buffer missing = BUFFER_NONE;
    int r = shaping_file_load(arena, path, ret, problems);

    if (r < 0 || shaping_file_try_sources(path, ret, &missing) == 0)
        return r;
    if (s->serving) {
        buffer_add(problems, buffer_slice(&missing));
        return -EINVAL;
    }
    log_error("some source addresses are passed over until they are there: %.*s",
              SLICE_ARG(buffer_slice(&missing)));
    return 0;
}

static int read_builtin(void *context, struct arena *arena, struct shaping *ret,
                        struct buffer *problems)
{
    (void)context;
    return shaping_file_load(arena, "", ret, problems);
}

/* A file with mistakes does not keep the service from working: what is built in does instead. */
static int load_shaping(struct steward_role *s)
{
    CLEANUP(buffer_done) struct buffer problems = BUFFER_NONE;
    int r;

    s->shaping = (struct shaping_service){.load = read_shaping, .context = s};
    r = shaping_service_load(&s->shaping, &problems);
    if (r == 0)
        return 0;
    log_error("the shaping file has mistakes, and what is built in is used instead; mend it and "
              "run letterhead shaping reload: %.*s",
              SLICE_ARG(buffer_slice(&problems)));
    s->shaping.load = read_builtin;
    r = shaping_service_load(&s->shaping, &problems);
    s->shaping.load = read_shaping;
    return r;
}

static int main_task(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct steward_role *s = argument;
    struct steward_options options = {
        .store = s->store,
        .outcome_store = s->outcome_store,
        .history = s->history,
        .vault_socket = ROLE_STEWARD_FD_VAULT,
        .control_socket = ROLE_STEWARD_FD_CONTROL,
        .site = {.hostname = s->config->hostname,
                 .key_bits = (uint16_t)s->config->key_bits,
                 .dkim_zone = s->config->publishing_zone,
                 .dkim_by_cname = s->config->dkim_records == CONFIG_RECORDS_CNAME,
                 .publication_keep_s = s->config->lifetime_s + KEEP_AFTER_QUEUE_S},
        .rotation = {.every_s = s->config->dkim_rotate_every_s,
                     .keep_s = s->config->lifetime_s + KEEP_AFTER_QUEUE_S,
                     .settle_s = s->config->publishing_ttl_s,
                     .rest_s = DAY_S},
        .zone_server = publishing_server(&s->publishing),
        .reputation = s->config->reputation,
        .mail = {.site = s->config->notices_site,
                 .from = s->config->notices_from,
                 .operators = s->config->notices_operators.items,
                 .operator_count = s->config->notices_operators.count},
        .bounce_domain = s->config->bounce_domain,
        .times = {(uint32_t)s->config->identity_patience_s, (uint32_t)s->config->identity_grace_s,
                  (uint32_t)s->config->identity_revoke_s},
        .shaping = &s->shaping,
        .https = s->https,
        .relay_tls = s->relay_tls,
        .relay_policy = {s->config->allow_networks.items, s->config->allow_networks.count},
        .tls_reports = {.hostname = s->config->hostname,
                        .site = s->config->tls_reports_site,
                        .from = s->config->tls_reports_from,
                        .organization = s->config->tls_reports_organization,
                        .contact = s->config->tls_reports_contact},
        .bounce_rules_path =
            s->config->bounce_rules_file.size ? s->config->bounce_rules_file.data : "",
        .wait_for_stop = stop_signal_wait,
    };

    s->serving = true;
    resolver_config_authority(&arena, s->config, &options.authority);
    fill_ports(s->config, &options.site);
    fill_gateways(&s->start, &options);
    return steward_run(t, &options);
}

static int open_publishing(struct steward_role *s)
{
    return publishing_open(s->config, ROLE_STEWARD_FD_GATEWAY_FIRST + (int)s->start.gateway_count,
                           &s->publishing);
}

static int prepare(struct steward_role *s)
{
    int r = load_config(s);

    if (r == 0)
        r = open_publishing(s);
    if (r == 0)
        r = open_store(s);
    if (r == 0)
        r = open_history(s);
    if (r == 0)
        r = open_world(s);
    if (r == 0)
        r = open_https(s);
    if (r == 0)
        r = open_relay_tls(s);
    if (r == 0)
        r = load_shaping(s);
    return r;
}

static void release(struct steward_role *s)
{
    shaping_service_done(&s->shaping);
    publishing_done(&s->publishing);
    if (s->world)
        world_free(s->world);
    tls_context_free(s->relay_tls);
    https_free(s->https);
    history_close(s->history);
    store_close(s->outcome_store);
    store_close(s->store);
    if (s->config)
        config_free(s->config);
}

int role_steward_main(int argc, char **argv)
{
    struct steward_role s = {.config = NULL};
    int r = role_begin(argc, argv, &s.start);

    if (r < 0)
        return ROLE_EXIT_CONFIG;
    stop_signal_block();
    control_json_wipe_memory();
    r = prepare(&s);
    if (r < 0) {
        release(&s);
        return ROLE_EXIT_CONFIG;
    }
    r = loop_run(s.world, main_task, &s);
    if (r < 0)
        log_error("the steward ends: %s", strerror(-r));
    release(&s);
    return r < 0 ? 1 : 0;
}
