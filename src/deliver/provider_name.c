#include "deliver/provider_name.h"

#include <libpsl.h>

/* Empty for what is a public suffix itself, or no name. */
static struct slice registrable(struct arena *arena, struct slice name)
{
    struct slice text = arena_copy_lower(arena, name); /* which ends it with NUL */

    return slice_text(psl_registrable_domain(psl_builtin(), text.data));
}

static struct slice network_of(struct arena *arena, const struct endpoint *address)
{
    struct endpoint base = *address;
    size_t bytes = address->family == 4 ? 3 : 6;
    char text[ENDPOINT_TEXT_BYTES];

    memset(base.address + bytes, 0, sizeof base.address - bytes);
    return arena_printf(arena, "%s/%zu", endpoint_format_address(&base, text), bytes * 8);
}

static struct provider_name by_rule(struct arena *arena, struct slice domain,
                                    const struct route_host *host)
{
    struct slice of_host = registrable(arena, host->name);
    struct slice of_domain = registrable(arena, domain);
    struct provider_name name = {.kind = PROVIDER_BY_DOMAIN, .name = of_host, .host = host->name};

    name.rule =
        arena_printf(arena, "hosts under %.*s, by the public suffix list", SLICE_ARG(of_host));
    if (of_host.size && !slice_equal(of_host, of_domain))
        return name;
    name.kind = PROVIDER_BY_NETWORK;
    name.name = network_of(arena, &host->addresses[0]);
    name.rule = arena_printf(arena, "hosts in %.*s, since their names are the recipient's own",
                             SLICE_ARG(name.name));
    return name;
}

/* Hosts of the same preference come in any order; the name must not depend on it. */
static const struct route_host *first_by_name(const struct route *route)
{
    const struct route_host *first = &route->hosts[0];

    for (size_t i = 1; i < route->host_count; i++)
        if (route->hosts[i].preference == first->preference &&
            slice_compare(route->hosts[i].name, first->name) < 0)
            first = &route->hosts[i];
    return first;
}

struct provider_name provider_name_of(struct arena *arena, const struct shaping *shaping,
                                      struct slice domain, const struct route *route)
{
    const struct shaping_provider *entry = shaping_by_domain(shaping, domain);
    const struct route_host *host = first_by_name(route);
    struct slice rule;

    if (entry)
        return (struct provider_name){PROVIDER_LISTED, entry->name, host->name,
                                      arena_printf(arena, "recipients at %.*s", SLICE_ARG(domain))};
    for (size_t i = 0; i < route->host_count; i++) {
        entry = shaping_by_host(shaping, route->hosts[i].name, &rule);
        if (entry)
            return (struct provider_name){PROVIDER_LISTED, entry->name, route->hosts[i].name,
                                          arena_printf(arena, "hosts under %.*s", SLICE_ARG(rule))};
    }
    return by_rule(arena, domain, host);
}
