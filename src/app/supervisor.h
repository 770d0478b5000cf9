/* The parent of all: opens what needs root, starts the roles, starts them again when they die, and
 * does nothing else. It parses nothing that a stranger sends and holds every socket between roles
 * open, so that a role that was started again goes on with the very same ones.
 *
 * Started as root, each role runs as its user; otherwise all run as whoever started it, which the
 * log says. */
#ifndef LETTERHEAD_APP_SUPERVISOR_H
#define LETTERHEAD_APP_SUPERVISOR_H

#include "app/role.h"
#include "runtime/endpoint.h"

struct supervisor_listener {
    const char *name; /* how the gateway knows it: role_start.listeners */
    struct endpoint endpoint;
};

/* Everything is borrowed for the life of the process. */
struct supervisor_options {
    const char *config_path; /* handed to the gateway and the steward */
    const struct supervisor_listener *listeners;
    size_t listener_count; /* at most ROLE_LISTENERS_MAX */
    const struct role_gateway *gateways;
    size_t gateway_count; /* 1 to ROLE_GATEWAYS_MAX */
    const char *control_path;
    mode_t control_mode;                                 /* its group is that of `user` */
    const char *certificate_path, *certificate_key_path; /* NULL: no TLS */
    const char *tsig_key_path;                           /* NULL: nothing is published */
    const char *master_key_path; /* $CREDENTIALS_DIRECTORY/master-key goes before, if it is there */
    /* As root only: "name", "UID" or "UID:GID". */
    const char *user;       /* of the gateway and the steward */
    const char *vault_user; /* of the vault: another one */
    const char *region;
    unsigned signers; /* 0: two */
    enum log_level log_level;
};

/* Runs until SIGTERM or SIGINT (the gateways are stopped first, then the steward, then the vault).
 * Returns the exit code; what was wrong is in the log. */
int supervisor_main(const struct supervisor_options *options);

#endif
