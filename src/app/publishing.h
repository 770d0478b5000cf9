/* Where the platform's zone is and how it is changed, from the configuration and the TSIG key that
 * was handed over. */
#ifndef LETTERHEAD_APP_PUBLISHING_H
#define LETTERHEAD_APP_PUBLISHING_H

#include "app/config.h"
#include "base/secret.h"
#include "domain/zone_server.h"

struct publishing {
    struct zone_server server;
    struct secret secret; /* the key's */
};

/* Takes the key from the descriptor and closes it. The configuration must outlive it. What is wrong
 * was logged: -EINVAL. */
MUST_CHECK int publishing_open(const struct config *config, int key_descriptor,
                               struct publishing *ret);
void publishing_done(struct publishing *p);

/* NULL: nothing is to be published. */
const struct zone_server *publishing_server(const struct publishing *p);

#endif
