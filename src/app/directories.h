/* The directories that the service needs before its roles, which may not make them, are started. */
#ifndef LETTERHEAD_APP_DIRECTORIES_H
#define LETTERHEAD_APP_DIRECTORIES_H

#include "base/slice.h"

/* Makes the data directory, its spool and the directory of the control socket where they are
 * missing; as root they are given to `user` ("name", "UID" or "UID:GID"). What exists is left as it
 * is. On failure the log says what could not be done. -errno. */
MUST_CHECK int directories_make(struct slice data_directory, struct slice control_socket,
                                const char *user);

#endif
