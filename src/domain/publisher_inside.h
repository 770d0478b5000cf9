/* The publisher from inside: for publisher.c and its operations alone. */
#ifndef LETTERHEAD_DOMAIN_PUBLISHER_INSIDE_H
#define LETTERHEAD_DOMAIN_PUBLISHER_INSIDE_H

#include "domain/publisher.h"

struct publisher {
    struct store *store;
    const struct zone_server *server;
    struct condition more;
    int64_t silences; /* times in a row that the server was not heard */
};

#endif
