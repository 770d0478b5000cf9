#include "app/publishing.h"

#include "app/role.h"

static int read_key(const struct config *config, struct slice file, struct publishing *ret)
{
    const char *problem;
    int r;

    secret_init(&ret->secret, WIRE_TSIG_SECRET_BYTES_MAX);
    r = wire_tsig_key_read(file, ret->secret.data, &ret->server.key, &problem);
    if (r < 0)
        log_error("publishing.tsig_key_file: %.*s: %s. Make one with: tsig-keygen letterhead",
                  SLICE_ARG(config->tsig_key_file), problem);
    return r;
}

static int fill_server(const struct config *config, struct zone_server *ret)
{
    ret->address = config->publishing_server;
    ret->zone_text = config->publishing_zone;
    ret->ttl_s = (uint32_t)config->publishing_ttl_s;
    return wire_packet_name_of(config->publishing_zone, &ret->zone);
}

int publishing_open(const struct config *config, int key_descriptor, struct publishing *ret)
{
    CLEANUP(secret_done) struct secret file = SECRET_NONE;
    int r = role_read_handed(key_descriptor, &file);

    if (r < 0) {
        log_error("the TSIG key was not handed over: %s", strerror(-r));
        return r;
    }
    if (config->publishing_zone.size == 0)
        return 0;
    r = read_key(config, secret_slice(&file), ret);
    return r == 0 ? fill_server(config, &ret->server) : r;
}

void publishing_done(struct publishing *p)
{
    secret_done(&p->secret);
}

const struct zone_server *publishing_server(const struct publishing *p)
{
    return p->server.zone.size ? &p->server : NULL;
}
