#include "app/config.h"

#include "app/config_dkim.h"
#include "app/config_inbound.h"
#include "app/config_rules.h"
#include "app/config_values.h"
#include "app/role.h"
#include "app/text_file.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { CONFIG_FILE_BYTES_MAX = 1 << 20 };

#define AT(member) offsetof(struct config, member)
#define DURATION_AT(member) .type = SCHEMA_DURATION, .offset = AT(member)

static const char *const tls_modes[] = {"starttls", "implicit", "none", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

static const struct schema_field listener_fields[] = {
    {.name = "(line)", .type = SCHEMA_LINE, .offset = offsetof(struct config_listener, line)},
    {.name = "address",
     .type = SCHEMA_CUSTOM,
     .offset = offsetof(struct config_listener, address),
     .custom = config_read_endpoint,
     .expected = "an address with a port such as 0.0.0.0:587 or [::]:587"},
    {.name = "tls",
     .type = SCHEMA_CHOICE,
     .offset = offsetof(struct config_listener, tls),
     .choices = tls_modes,
     .fallback = "starttls"},
    {.name = "credential",
     .type = SCHEMA_TEXT,
     .offset = offsetof(struct config_listener, credential),
     .fallback = ""},
    {.name = NULL},
};

static const struct schema_field stub_fields[] = {
    {.name = "zone", .type = SCHEMA_TEXT, .offset = offsetof(struct config_stub, zone)},
    {.name = "address",
     .type = SCHEMA_CUSTOM,
     .offset = offsetof(struct config_stub, address),
     .custom = config_read_dns_server,
     .expected = "an address such as 127.0.0.1:53"},
    {.name = "signed",
     .type = SCHEMA_BOOLEAN,
     .offset = offsetof(struct config_stub, is_signed),
     .fallback = "false"},
    {.name = NULL},
};

static const struct schema_field listener_item = {
    .name = "listener", .type = SCHEMA_GROUP, .fields = listener_fields};
static const struct schema_field stub_item = {
    .name = "stub", .type = SCHEMA_GROUP, .fields = stub_fields};
static const struct schema_field network_item = {.name = "network",
                                                 .type = SCHEMA_CUSTOM,
                                                 .custom = config_read_network,
                                                 .expected = "a network such as 10.0.0.0/8"};
static const struct schema_field server_item = {.name = "server",
                                                .type = SCHEMA_CUSTOM,
                                                .custom = config_read_dns_server,
                                                .expected = "an address such as 127.0.0.1:53"};
static const struct schema_field delay_item = {
    .name = "delay", .type = SCHEMA_DURATION, .min = 1, .max = 7 * 86400};

static const struct schema_field vault_fields[] = {
    {.name = "user", .type = SCHEMA_TEXT, .offset = AT(vault_user), .fallback = "letterhead-vault"},
    {.name = "master_key_file",
     CONFIG_ABSOLUTE_PATH,
     .offset = AT(master_key_file),
     .fallback = "/etc/letterhead/master.key"},
    {.name = "signers",
     .type = SCHEMA_NUMBER,
     .offset = AT(signers),
     .fallback = "2",
     .min = 1,
     .max = 64},
    {.name = NULL},
};

static const struct schema_field tls_fields[] = {
    {.name = "(line)", .type = SCHEMA_LINE, .offset = AT(tls_line)},
    {.name = "certificate", CONFIG_ABSOLUTE_PATH, .offset = AT(tls_certificate), .fallback = ""},
    {.name = "key", CONFIG_ABSOLUTE_PATH, .offset = AT(tls_key), .fallback = ""},
    {.name = NULL},
};

static const struct schema_field submission_fields[] = {
    {.name = "listeners",
     .type = SCHEMA_LIST,
     .offset = AT(listeners),
     .fields = &listener_item,
     .item_size = sizeof(struct config_listener),
     .min = 1,
     .max = 16},
    {.name = "message_size_max",
     .type = SCHEMA_SIZE,
     .offset = AT(message_size_max_bytes),
     .fallback = "40MiB",
     .min = 65536,
     .max = 41943040},
    {.name = "recipients_max",
     .type = SCHEMA_NUMBER,
     .offset = AT(recipients_max),
     .fallback = "100",
     .min = 100,
     .max = 1000},
    {.name = "connections_max",
     .type = SCHEMA_NUMBER,
     .offset = AT(connections_max),
     .fallback = "2000",
     .min = 1,
     .max = 50000},
    {.name = "connections_per_address_max",
     .type = SCHEMA_NUMBER,
     .offset = AT(connections_per_address_max),
     .fallback = "200",
     .min = 1,
     .max = 50000},
    {.name = "connections_per_site_max",
     .type = SCHEMA_NUMBER,
     .offset = AT(connections_per_site_max),
     .fallback = "200",
     .min = 1,
     .max = 50000},
    {.name = "memory_max",
     .type = SCHEMA_SIZE,
     .offset = AT(submission_memory_max_bytes),
     .fallback = "512MiB",
     .min = 1 << 20},
    {.name = NULL},
};

static const struct schema_field delivery_fields[] = {
    {.name = "bounce_domain", CONFIG_HOST_NAME, .offset = AT(bounce_domain)},
    {.name = "port",
     .type = SCHEMA_NUMBER,
     .offset = AT(delivery_port),
     .fallback = "25",
     .min = 1,
     .max = 65535},
    {.name = "next_hop", .type = SCHEMA_TEXT, .offset = AT(next_hop), .fallback = ""},
    {.name = "allow_networks",
     .type = SCHEMA_LIST,
     .offset = AT(allow_networks),
     .fallback = "",
     .fields = &network_item,
     .item_size = sizeof(struct endpoint_network),
     .max = 64},
    {.name = "connections_per_provider_max",
     .type = SCHEMA_NUMBER,
     .offset = AT(connections_per_provider_max),
     .fallback = "20",
     .min = 1,
     .max = 1000},
    {.name = "connections_max",
     .type = SCHEMA_NUMBER,
     .offset = AT(delivery_connections_max),
     .fallback = "2000",
     .min = 1,
     .max = 50000},
    {.name = "messages_per_connection_max",
     .type = SCHEMA_NUMBER,
     .offset = AT(messages_per_connection_max),
     .fallback = "100",
     .min = 1,
     .max = 100000},
    {.name = "authorities_file",
     CONFIG_ABSOLUTE_PATH,
     .offset = AT(authorities_file),
     .fallback = "/etc/ssl/certs/ca-certificates.crt"},
    {.name = "relay_authorities",
     CONFIG_ABSOLUTE_PATH,
     .offset = AT(relay_authorities),
     .fallback = "/usr/share/ca-certificates/mozilla"},
    {.name = "dane", .type = SCHEMA_BOOLEAN, .offset = AT(dane), .fallback = "true"},
    {.name = "dane_signed_name",
     .type = SCHEMA_TEXT,
     .offset = AT(dane_signed_name),
     .fallback = "org"},
    {.name = "dane_bogus_name",
     .type = SCHEMA_TEXT,
     .offset = AT(dane_bogus_name),
     .fallback = "dnssec-failed.org"},
    {.name = "bounce_rules_file",
     CONFIG_ABSOLUTE_PATH,
     .offset = AT(bounce_rules_file),
     .fallback = ""},
    {.name = "shaping_file", CONFIG_ABSOLUTE_PATH, .offset = AT(shaping_file), .fallback = ""},
    {.name = "lifetime", DURATION_AT(lifetime_s), .fallback = "4d", .min = 60, .max = 14 * 86400},
    {.name = "retry_delays",
     .type = SCHEMA_LIST,
     .offset = AT(retry_delays),
     .fallback = "",
     .fields = &delay_item,
     .item_size = sizeof(uint64_t),
     .min = 1,
     .max = 32},
    {.name = NULL},
};

static const struct schema_field tls_reports_fields[] = {
    {.name = "(line)", .type = SCHEMA_LINE, .offset = AT(tls_reports_line)},
    {.name = "site", .type = SCHEMA_TEXT, .offset = AT(tls_reports_site), .fallback = ""},
    {.name = "from", CONFIG_MAIL_ADDRESS, .offset = AT(tls_reports_from), .fallback = ""},
    {.name = "organization",
     .type = SCHEMA_TEXT,
     .offset = AT(tls_reports_organization),
     .fallback = ""},
    {.name = "contact", .type = SCHEMA_TEXT, .offset = AT(tls_reports_contact), .fallback = ""},
    {.name = NULL},
};

static const struct schema_field queue_fields[] = {
    {.name = "spool_max",
     .type = SCHEMA_SIZE,
     .offset = AT(spool_max_bytes),
     .fallback = "50GiB",
     .min = 64 << 20},
    {.name = "spool_reserve",
     .type = SCHEMA_SIZE,
     .offset = AT(spool_reserve_bytes),
     .fallback = "256MiB",
     .min = 1 << 20},
    {.name = "memory_max",
     .type = SCHEMA_SIZE,
     .offset = AT(queue_memory_max_bytes),
     .fallback = "64MiB",
     .min = 1 << 20},
    {.name = NULL},
};

static const struct schema_field resolver_fields[] = {
    {.name = "forward",
     .type = SCHEMA_LIST,
     .offset = AT(resolver_forward),
     .fallback = "",
     .fields = &server_item,
     .item_size = sizeof(struct endpoint),
     .max = 8},
    {.name = "stubs",
     .type = SCHEMA_LIST,
     .offset = AT(resolver_stubs),
     .fallback = "",
     .fields = &stub_item,
     .item_size = sizeof(struct config_stub),
     .max = 256},
    {.name = "trust_anchor",
     CONFIG_ABSOLUTE_PATH,
     .offset = AT(resolver_trust_anchor),
     .fallback = ""},
    {.name = NULL},
};

static const struct schema_field history_fields[] = {
    {.name = "keep",
     DURATION_AT(history_keep_s),
     .fallback = "90d",
     .min = 7 * 86400,
     .max = (uint64_t)3650 * 86400},
    {.name = NULL},
};

static const struct schema_field operator_item = {.name = "address", CONFIG_MAIL_ADDRESS};

static const struct schema_field notices_fields[] = {
    {.name = "(line)", .type = SCHEMA_LINE, .offset = AT(notices_line)},
    {.name = "site", .type = SCHEMA_TEXT, .offset = AT(notices_site), .fallback = ""},
    {.name = "from", CONFIG_MAIL_ADDRESS, .offset = AT(notices_from), .fallback = ""},
    {.name = "operator",
     .type = SCHEMA_LIST,
     .offset = AT(notices_operators),
     .fallback = "",
     .fields = &operator_item,
     .item_size = sizeof(struct slice),
     .max = 10},
    {.name = NULL},
};

static const struct schema_field reputation_fields[] = {
    {.name = "window",
     .type = SCHEMA_DURATION,
     .offset = AT(reputation.window_s),
     .fallback = "30d",
     .min = 3600,
     .max = 90 * 86400},
    {.name = "representative_volume",
     .type = SCHEMA_NUMBER,
     .offset = AT(reputation.representative_volume),
     .fallback = "10000",
     .min = 1},
    {.name = "minimum_volume",
     .type = SCHEMA_NUMBER,
     .offset = AT(reputation.minimum_volume),
     .fallback = "100",
     .min = 1},
    {.name = "bounce_warn", CONFIG_PERCENT, .offset = AT(reputation.bounce_warn), .fallback = "5%"},
    {.name = "bounce_slow",
     CONFIG_PERCENT,
     .offset = AT(reputation.bounce_slow),
     .fallback = "7.5%"},
    {.name = "bounce_pause",
     CONFIG_PERCENT,
     .offset = AT(reputation.bounce_pause),
     .fallback = "10%"},
    {.name = "complaint_warn",
     CONFIG_PERCENT,
     .offset = AT(reputation.complaint_warn),
     .fallback = "0.1%"},
    {.name = "complaint_slow",
     CONFIG_PERCENT,
     .offset = AT(reputation.complaint_slow),
     .fallback = "0.3%"},
    {.name = "complaint_pause",
     CONFIG_PERCENT,
     .offset = AT(reputation.complaint_pause),
     .fallback = "0.5%"},
    {.name = NULL},
};

/* Groups have offset 0: their fields count from the same struct. */
static const struct schema_field config_fields[] = {
    {.name = "hostname", CONFIG_HOST_NAME, .offset = AT(hostname)},
    {.name = "region", .type = SCHEMA_TEXT, .offset = AT(region), .fallback = "eu-west-1"},
    {.name = "data_directory",
     CONFIG_ABSOLUTE_PATH,
     .offset = AT(data_directory),
     .fallback = "/var/lib/letterhead"},
    {.name = "control_socket",
     CONFIG_ABSOLUTE_PATH,
     .offset = AT(control_socket),
     .fallback = "/run/letterhead/control.sock"},
    {.name = "user", .type = SCHEMA_TEXT, .offset = AT(user), .fallback = "letterhead"},
    {.name = "log_level",
     .type = SCHEMA_CHOICE,
     .offset = AT(log_level),
     .choices = log_levels,
     .fallback = "info"},
    {.name = "gateways",
     .type = SCHEMA_NUMBER,
     .offset = AT(gateways),
     .fallback = "1",
     .min = 1,
     .max = ROLE_GATEWAYS_MAX},
    {.name = "vault", .type = SCHEMA_GROUP, .fields = vault_fields},
    {.name = "tls", .type = SCHEMA_GROUP, .fields = tls_fields},
    {.name = "submission", .type = SCHEMA_GROUP, .fields = submission_fields},
    {.name = "inbound", .type = SCHEMA_GROUP, .fields = config_inbound_fields},
    {.name = "delivery", .type = SCHEMA_GROUP, .fields = delivery_fields},
    {.name = "tls_reports", .type = SCHEMA_GROUP, .fields = tls_reports_fields},
    {.name = "queue", .type = SCHEMA_GROUP, .fields = queue_fields},
    {.name = "resolver", .type = SCHEMA_GROUP, .fields = resolver_fields},
    {.name = "dkim", .type = SCHEMA_GROUP, .fields = config_dkim_fields},
    {.name = "publishing", .type = SCHEMA_GROUP, .fields = config_publishing_fields},
    {.name = "history", .type = SCHEMA_GROUP, .fields = history_fields},
    {.name = "notices", .type = SCHEMA_GROUP, .fields = notices_fields},
    {.name = "reputation", .type = SCHEMA_GROUP, .fields = reputation_fields},
    {.name = NULL},
};

static int read_file(const char *path, struct buffer *text, struct buffer *problems)
{
    int r = text_file_read(path, CONFIG_FILE_BYTES_MAX, text);

    if (r < 0)
        buffer_printf(problems, "%s: cannot be read: %s; name another file with --config PATH\n",
                      path, strerror(-r));
    return r;
}

int config_load(const char *path, struct config **ret, struct buffer *problems)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct config *config;
    int r;

    r = read_file(path, &text, problems);
    if (r < 0)
        return r;
    config = base_allocate(sizeof *config);
    config->path = arena_copy(&config->arena, slice_text(path)).data;
    r = schema_load(&config->arena, path, buffer_slice(&text), config_fields, config, problems);
    if (r == 0) {
        size_t before = problems->size;

        config_fill_in(config);
        config_check_rules(config, problems);
        r = problems->size > before ? -EINVAL : 0;
    }
    if (r < 0) {
        config_free(config);
        return r;
    }
    *ret = config;
    return 0;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    arena_done(&config->arena);
    free(config);
}
