/* The role `vault`: takes the master key, shuts itself in, and serves (vault/server.h). It reads no
 * configuration and, once it serves, no file at all. */
#include "app/privileges.h"
#include "app/role.h"
#include "app/sandbox.h"
#include "vault/server.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int open_vault(const struct role_start *start, struct vault **ret)
{
    CLEANUP(secret_done) struct secret master_key = SECRET_NONE;
    int r = role_read_handed(ROLE_VAULT_FD_GATEWAY_FIRST + (int)start->gateway_count, &master_key);
    struct vault_options options = {.region = slice_text(start->region)};

    if (r < 0) {
        log_error("the master key was not handed over: %s", strerror(-r));
        return r;
    }
    options.master_key = secret_slice(&master_key);
    r = vault_new(&options, ret);
    if (r < 0)
        log_error(
            "the master key file must hold 32 bytes, raw or in base64 in one line (`head -c 32 "
            "/dev/urandom | base64`)");
    return r;
}

/* Everything that may read a file for the first time does it here: the time zone, OpenSSL (which
 * reads no configuration of its own), and the signers' first signatures. */
static int start_server(const struct role_start *start, struct vault *vault,
                        struct vault_server **ret)
{
    int gateways[ROLE_GATEWAYS_MAX], r;
    const struct vault_server_options options = {
        .vault = vault,
        .steward_socket = ROLE_VAULT_FD_STEWARD,
        .gateway_sockets = gateways,
        .gateway_count = start->gateway_count,
        .signers = start->signers,
    };

    for (size_t i = 0; i < start->gateway_count; i++)
        gateways[i] = ROLE_VAULT_FD_GATEWAY_FIRST + (int)i;
    tzset();
    if (!privileges_lock_memory())
        log_warning(
            "memory cannot be locked, so open keys may reach the swap space: let the service lock "
            "as much as it wants (LimitMEMLOCK=infinity)");
    r = sandbox_prepare();
    if (r == 0)
        r = vault_server_new(&options, ret);
    if (r < 0)
        log_error("the vault cannot start: %s", strerror(-r));
    return r;
}

static int enter_sandbox(void)
{
    int r = sandbox_close();

    if (r < 0)
        log_error(
            "this kernel does not let the vault shut itself in (seccomp): %s. It does not run "
            "unprotected.",
            strerror(-r));
    return r;
}

/* Ends at once: the other threads still wait on the sockets, which their successors will serve, and
 * what they hold is gone with the process. */
static NORETURN void end(int r)
{
    _exit(r == -EPROTO ? ROLE_EXIT_ATTACK : r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* Of each gateway: at least one, and not too many of all. */
static void bound_signers(struct role_start *start)
{
    unsigned most = VAULT_SIGNERS_MAX / (unsigned)start->gateway_count;

    if (start->signers == 0)
        start->signers = VAULT_SIGNERS_DEFAULT;
    if (start->signers > most)
        start->signers = most;
}

int role_vault_main(int argc, char **argv)
{
    struct vault_server *server;
    struct role_start start;
    struct vault *vault;

    if (role_begin(argc, argv, &start) < 0)
        return ROLE_EXIT_CONFIG;
    bound_signers(&start);
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    if (open_vault(&start, &vault) < 0)
        return ROLE_EXIT_CONFIG;
    if (start_server(&start, vault, &server) < 0)
        return EXIT_FAILURE;
    if (enter_sandbox() < 0)
        _exit(ROLE_EXIT_CONFIG);
    log_info("serving with %u signers", start.signers * (unsigned)start.gateway_count);
    end(vault_server_run(server));
}
