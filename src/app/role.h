/* What the supervisor and the roles have agreed on: names, descriptors, arguments, exit codes.
 *
 * The supervisor starts a role as `letterhead role NAME …` with exactly the descriptors listed here
 * and no others; 0 is /dev/null, 1 and 2 are the log. Its environment holds nothing but the
 * variables named in child.c. When main() is reached the role already has its user, no
 * capabilities, and will be killed when the supervisor dies. */
#ifndef LETTERHEAD_APP_ROLE_H
#define LETTERHEAD_APP_ROLE_H

#include "base/log.h"
#include "base/secret.h"
#include "base/share.h"

/* In the order in which they are started; they are stopped the other way round. */
enum role { ROLE_VAULT, ROLE_STEWARD, ROLE_GATEWAY, ROLE_COUNT };

enum {
    ROLE_GATEWAYS_MAX = 16,
    ROLE_LISTENERS_MAX = 64,
    ROLE_HANDED_BYTES_MAX = 65536, /* of a file handed over through a pipe: what a pipe holds */
};

enum {
    ROLE_FD_FIRST = 3,

    /* Ends of SOCK_SEQPACKET pairs, for peer_new or vault_server_new; blocking as they come. Those
     * of the gateways are in the order of role_start.gateways. */
    ROLE_VAULT_FD_STEWARD = 3,
    ROLE_VAULT_FD_GATEWAY_FIRST = 4, /* behind the last of them: the master key, as in its file; a
                                      * pipe: read once, then gone */

    ROLE_STEWARD_FD_VAULT = 3,
    ROLE_STEWARD_FD_CONTROL = 4,       /* the listening Unix socket, not blocking */
    ROLE_STEWARD_FD_GATEWAY_FIRST = 5, /* behind the last of them: the TSIG key, as in its file; a
                                        * pipe; empty when none is configured */

    ROLE_GATEWAY_FD_VAULT = 3,
    ROLE_GATEWAY_FD_STEWARD = 4,
    ROLE_GATEWAY_FD_CERTIFICATE = 5,     /* PEM chain; a pipe; empty when none is configured */
    ROLE_GATEWAY_FD_CERTIFICATE_KEY = 6, /* PEM key; the same */
    ROLE_GATEWAY_FD_BOARD = 7,           /* submit/board.h */
    ROLE_GATEWAY_FD_LISTENER_FIRST = 8,  /* as in role_start.listeners; not blocking */
};

/* Exit codes, from sysexits(3). A role that ends with ROLE_EXIT_CONFIG when first started would end
 * so again: the supervisor then gives up instead of trying for ever. */
enum {
    ROLE_EXIT_ATTACK = 76,
    ROLE_EXIT_CONFIG = 78,
    ROLE_EXIT_DRAINED = 79, /* a gateway that has nothing left to do: not started again */
};

/* A gateway and the spool that is its alone. Number 1 has `spool` in the data directory, number 2
 * `spool-2`, and so on. */
struct role_gateway {
    unsigned number; /* 1 to ROLE_GATEWAYS_MAX */
    bool draining;   /* more than are configured: it empties its spool and takes no mail */
};

/* What a role is started with. */
struct role_start {
    enum role role;
    struct role_gateway gateways[ROLE_GATEWAYS_MAX]; /* of a gateway: itself alone */
    size_t gateway_count;
    struct share share; /* of a gateway: its part of what is for all of them */
    const char *config_path;
    const char *listeners[ROLE_LISTENERS_MAX]; /* names, as in struct supervisor_listener */
    size_t listener_count;
    const char *region; /* what SMTP passwords are derived for */
    unsigned signers;   /* threads of the vault that sign */
    enum log_level log_level;
};

const char *role_name(enum role role);

/* The spool's directory within the data directory; yields `out`. */
enum { ROLE_SPOOL_NAME_BYTES = 16 };
const char *role_spool_name(unsigned gateway, char out[static ROLE_SPOOL_NAME_BYTES]);

/* The first thing that a role's main does: reads its arguments (argv[0] is the role's name), starts
 * its log, and makes the process one that cannot dump core, be traced, or gain privileges. -EINVAL:
 * not started by the supervisor, and a message was printed. */
MUST_CHECK int role_begin(int argc, char **argv, struct role_start *ret);

/* Reads a handed-over file to its end and closes the descriptor. -EFBIG over ROLE_HANDED_BYTES_MAX.
 */
MUST_CHECK int role_read_handed(int descriptor, struct secret *ret);

/* The roles. Each returns the exit code. */
int role_vault_main(int argc, char **argv);
int role_steward_main(int argc, char **argv);
int role_gateway_main(int argc, char **argv);

#endif
