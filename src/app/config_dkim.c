#include "app/config_dkim.h"

#include "app/config.h"
#include "app/config_values.h"

#define AT(member) offsetof(struct config, member)
#define DURATION_AT(member) .type = SCHEMA_DURATION, .offset = AT(member)

static const char *const records_words[] = {"txt", "cname", NULL};

const struct schema_field config_dkim_fields[] = {
    {.name = "key_bits",
     .type = SCHEMA_NUMBER,
     .offset = AT(key_bits),
     .fallback = "2048",
     .min = 1024,
     .max = 4096},
    {.name = "records",
     .type = SCHEMA_CHOICE,
     .offset = AT(dkim_records),
     .choices = records_words,
     .fallback = "txt"},
    {.name = "rotate_every",
     .type = SCHEMA_DURATION,
     .offset = AT(dkim_rotate_every_s),
     .fallback = "180d",
     .max = (uint64_t)3650 * 86400},
    {.name = "patience",
     DURATION_AT(identity_patience_s),
     .fallback = "72h",
     .min = 3600,
     .max = 90 * 86400},
    {.name = "grace", DURATION_AT(identity_grace_s), .fallback = "72h", .max = 30 * 86400},
    {.name = "revoke_after", DURATION_AT(identity_revoke_s), .fallback = "10m", .max = 86400},
    {.name = NULL},
};

const struct schema_field config_publishing_fields[] = {
    {.name = "(line)", .type = SCHEMA_LINE, .offset = AT(publishing_line)},
    {.name = "zone", CONFIG_HOST_NAME, .offset = AT(publishing_zone), .fallback = ""},
    {.name = "server",
     .type = SCHEMA_CUSTOM,
     .offset = AT(publishing_server),
     .fallback = "",
     .custom = config_read_dns_server,
     .expected = "an address such as 192.0.2.53 or 127.0.0.1:53"},
    {.name = "tsig_key_file", CONFIG_ABSOLUTE_PATH, .offset = AT(tsig_key_file), .fallback = ""},
    {.name = "ttl",
     .type = SCHEMA_DURATION,
     .offset = AT(publishing_ttl_s),
     .fallback = "10m",
     .min = 1,
     .max = 86400},
    {.name = NULL},
};
