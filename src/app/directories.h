/* The directories that the service needs before its roles, which may not make them, are started. */
#ifndef LETTERHEAD_APP_DIRECTORIES_H
#define LETTERHEAD_APP_DIRECTORIES_H

#include "app/role.h"
#include "base/slice.h"

/* Makes the data directory, the spools of `gateways` gateways (app/role.h) and the directory of the
 * control socket where they are missing; as root they are given to `user` ("name", "UID" or
 * "UID:GID"). What exists is left as it is. On failure the log says what could not be done.
 * -errno. */
MUST_CHECK int directories_make(struct slice data_directory, struct slice control_socket,
                                unsigned gateways, const char *user);

/* The gateways that there must be: those configured, and one to empty each spool beyond them that
 * an earlier configuration left behind. Returns how many; at most ROLE_GATEWAYS_MAX. */
size_t directories_gateways(struct slice data_directory, unsigned gateways,
                            struct role_gateway ret[static ROLE_GATEWAYS_MAX]);

#endif
