#include "submit/service.h"

#include "base/limits.h"
#include "runtime/world.h"

#include <stdlib.h>

void submit_limits_default(struct submit_limits *ret)
{
    *ret = (struct submit_limits){
        .message_size_max_bytes = LIMIT_MESSAGE_BYTES,
        .recipients_max = 100,
        .memory_max_bytes = (uint64_t)512 << 20,
        .admission = {.connections_max = 2000, .per_address_max = 200, .per_site_max = 200},
        .auth = {.failure_cost_us = 60 * SECOND_US,
                 .per_address_max = 20,
                 .per_account_max = 30,
                 .per_known_pair_max = 30},
        .handshake_us = 30 * SECOND_US,
        .early_talk_us = SECOND_US / 500,
        .login_us = 60 * SECOND_US,
        .login_crowded_us = 10 * SECOND_US,
        .command_us = 300 * SECOND_US,
        .data_us = 600 * SECOND_US,
        .session_us = 3600 * SECOND_US,
        .data_grace_us = 180 * SECOND_US,
        .data_rate_min_bytes = 100,
        .farewell_us = 2 * SECOND_US,
        .errors_max = 10,
        .idle_commands_max = 100,
        .login_failures_max = 3,
        .login_delay_us = SECOND_US,
        .stop_grace_us = 10 * SECOND_US,
    };
}

/* Pages that are not touched before they are needed: without them nothing works. */
static void open_meters(struct submit_service *service)
{
    service->meters = service->options.meters;
    if (!service->meters && meters_open(-1, 0, &service->own_meters) < 0)
        abort();
    if (!service->meters)
        service->meters = service->own_meters;
}

struct submit_service *submit_service_new(struct task *t, const struct submit_options *options)
{
    struct submit_service *service = base_allocate(sizeof(*service));
    uint8_t key[SUBMIT_AUTH_HASH_KEY_BYTES];

    service->options = *options;
    service->options.host_name = arena_copy(&service->texts, options->host_name);
    service->options.region = arena_copy(&service->texts, options->region);
    service->budget.max_bytes = options->limits.memory_max_bytes;
    submit_admission_init(&service->admission, &options->limits.admission);
    world_random(task_world(t), key, sizeof(key));
    service->auth_limit = submit_auth_limit_new(&options->limits.auth, key);
    open_meters(service);
    return service;
}

void submit_service_free(struct submit_service *service)
{
    if (!service)
        return;
    assert(service->admission.count == 0);
    submit_auth_limit_free(service->auth_limit);
    meters_close(service->own_meters);
    arena_done(&service->texts);
    free(service);
}

const struct submit_counters *submit_service_counters(const struct submit_service *service)
{
    return &service->counters;
}

void submit_service_connections(const struct submit_service *service, size_t *ret_all,
                                size_t *ret_logged_in)
{
    *ret_all = service->admission.count;
    *ret_logged_in = service->admission.count - service->admission.anonymous;
}
