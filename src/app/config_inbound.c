#include "app/config_inbound.h"

#include "app/config_values.h"
#include "base/limits.h"

#define AT(member) offsetof(struct config, member)

static int read_feedback_address(struct slice text, void *target)
{
    ssize_t at = slice_find_last(text, '@');

    if (at < 1 || (size_t)at + 1 == text.size || text.size > LIMIT_PATH_BYTES)
        return -EINVAL;
    *(struct slice *)target = text;
    return 0;
}

static const struct schema_field listener_fields[] = {
    {.name = "address",
     .type = SCHEMA_CUSTOM,
     .offset = offsetof(struct config_inbound, address),
     .custom = config_read_endpoint,
     .expected = "an address with a port such as 0.0.0.0:25 or [::]:25"},
    {.name = NULL},
};

static const struct schema_field listener_item = {
    .name = "listener", .type = SCHEMA_GROUP, .fields = listener_fields};

const struct schema_field config_inbound_fields[] = {
    {.name = "listeners",
     .type = SCHEMA_LIST,
     .offset = AT(inbound_listeners),
     .fallback = "",
     .fields = &listener_item,
     .item_size = sizeof(struct config_inbound),
     .max = 16},
    {.name = "feedback_address",
     .type = SCHEMA_CUSTOM,
     .offset = AT(feedback_address),
     .custom = read_feedback_address,
     .expected = "an address such as feedback@bounce.example.net",
     .fallback = ""},
    {.name = "connections_max",
     .type = SCHEMA_NUMBER,
     .offset = AT(inbound_connections_max),
     .fallback = "200",
     .min = 1,
     .max = 10000},
    {.name = "connections_per_address_max",
     .type = SCHEMA_NUMBER,
     .offset = AT(inbound_connections_per_address_max),
     .fallback = "20",
     .min = 1,
     .max = 10000},
    {.name = NULL},
};
