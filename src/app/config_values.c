#include "app/config_values.h"

#include "runtime/endpoint.h"
#include "wire/address.h"

int config_read_endpoint(struct slice text, void *target)
{
    return endpoint_parse(text, target);
}

/* An address to ask; DNS listens on 53 unless told otherwise. */
int config_read_dns_server(struct slice text, void *target)
{
    struct endpoint *server = target;

    if (endpoint_parse(text, server) == 0)
        return 0;
    if (endpoint_parse_address(text, server) < 0)
        return -EINVAL;
    server->port = 53;
    return 0;
}

int config_read_network(struct slice text, void *target)
{
    return endpoint_network_parse(text, target);
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* The bytes stay in the file's memory; config_load keeps that in the arena. */
int config_read_host_name(struct slice text, void *target)
{
    struct slice rest = text, label;
    bool more = true;
    size_t labels = 0;

    while (more) {
        more = slice_cut(&rest, '.', &label);
        if (label.size == 0 || label.size > 63)
            return -EINVAL;
        for (size_t i = 0; i < label.size; i++)
            if (!is_name_byte(label.data[i]))
                return -EINVAL;
        labels++;
    }
    if (labels < 2 || text.size > 253)
        return -EINVAL;
    *(struct slice *)target = text;
    return 0;
}

int config_read_absolute_path(struct slice text, void *target)
{
    if (text.size == 0 || text.data[0] != '/' || text.size > 4000)
        return -EINVAL;
    *(struct slice *)target = text;
    return 0;
}

int config_read_mail_address(struct slice text, void *target)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct address address;
    struct wire_error error;

    if (wire_address_parse(&arena, text, 0, &address, &error) < 0)
        return -EINVAL;
    *(struct slice *)target = text;
    return 0;
}

int config_read_percent(struct slice text, void *target)
{
    uint64_t whole, part = 0;
    struct slice digits;

    if (text.size < 2 || text.data[text.size - 1] != '%')
        return -EINVAL;
    text.size--;
    if (slice_cut(&text, '.', &digits)) {
        if (text.size > 4 || slice_to_u64(text, 9999, &part) < 0)
            return -EINVAL;
        for (size_t i = text.size; i < 4; i++)
            part *= 10;
    }
    if (slice_to_u64(digits, 100, &whole) < 0)
        return -EINVAL;
    *(uint64_t *)target = whole * 10000 + part;
    return 0;
}
