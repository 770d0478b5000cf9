#include "app/resolver_config.h"

/* libunbound writes a port as "address@port". */
static const char *server_text(struct arena *arena, const struct endpoint *server)
{
    char address[ENDPOINT_TEXT_BYTES];

    endpoint_format_address(server, address);
    return arena_printf(arena, "%s@%u", address, server->port).data;
}

void resolver_config(struct arena *arena, const struct config *config, struct resolver_options *ret)
{
    const struct endpoint *servers = config->resolver_forward.items;
    const struct config_stub *configured = config->resolver_stubs.items;
    const char **forwarders = ARENA_ARRAY(arena, const char *, config->resolver_forward.count);
    struct resolver_stub *stubs =
        ARENA_ARRAY(arena, struct resolver_stub, config->resolver_stubs.count);

    for (size_t i = 0; i < config->resolver_forward.count; i++)
        forwarders[i] = server_text(arena, &servers[i]);
    for (size_t i = 0; i < config->resolver_stubs.count; i++)
        stubs[i] = (struct resolver_stub){
            .zone = arena_copy(arena, configured[i].zone).data,
            .address = server_text(arena, &configured[i].address),
            .unsigned_zone = !configured[i].is_signed,
        };
    *ret = (struct resolver_options){
        .forwarders = forwarders,
        .forwarder_count = config->resolver_forward.count,
        .stubs = stubs,
        .stub_count = config->resolver_stubs.count,
        .trust_anchor_path =
            config->resolver_trust_anchor.size ? config->resolver_trust_anchor.data : NULL,
    };
}

void resolver_config_authority(struct arena *arena, const struct config *config,
                               struct authority_options *ret)
{
    const struct config_stub *configured = config->resolver_stubs.items;
    size_t count = config->resolver_stubs.count;
    struct authority_stub *stubs = ARENA_ARRAY(arena, struct authority_stub, count);

    for (size_t i = 0; i < count; i++) {
        stubs[i] = (struct authority_stub){configured[i].zone, configured[i].address};
        if (slice_ends_nocase(stubs[i].zone, SLICE(".")))
            stubs[i].zone.size--;
    }
    *ret = (struct authority_options){
        .policy = {config->allow_networks.items, config->allow_networks.count},
        .stubs = stubs,
        .stub_count = count,
    };
}
