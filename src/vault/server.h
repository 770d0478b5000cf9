/* The vault's threads: signers that wait on each gateway's socket and one that serves the
 * steward's, each taking requests and answering them itself. No queue and no hand-over between
 * threads: the kernel wakes one idle signer for each datagram (measured in
 * test/bench/vault_bench.c), and a key that takes seconds to make holds up no signature. With
 * several gateways each has as many signers as one would have: who is idle costs nothing, and a
 * lone busy gateway still gets every core.
 *
 * The sockets are SOCK_SEQPACKET and blocking. Whoever sends what is not a request of the protocol
 * was taken over: everything ends, and the supervisor starts a fresh vault. */
#ifndef LETTERHEAD_VAULT_SERVER_H
#define LETTERHEAD_VAULT_SERVER_H

#include "vault/service.h"

enum { VAULT_SIGNERS_DEFAULT = 2, VAULT_SIGNERS_MAX = 64 };

struct vault_server_options {
    struct vault *vault;        /* borrowed */
    int steward_socket;         /* borrowed, as the others */
    const int *gateway_sockets; /* not needed after vault_server_new */
    size_t gateway_count;       /* at least 1 */
    unsigned signers; /* of each gateway; 0: VAULT_SIGNERS_DEFAULT; all at most VAULT_SIGNERS_MAX */
};

struct vault_server;

/* Starts the threads; they have signed once each, and serve nothing yet: now is the time to enter
 * the sandbox. -EIO: signing does not work here. */
MUST_CHECK int vault_server_new(const struct vault_server_options *options,
                                struct vault_server **ret);
/* Says hello to all sides and serves until the first thread ends: 0 when the other end of a socket
 * was closed, -EPROTO when something came that is no request (it was logged). */
MUST_CHECK int vault_server_run(struct vault_server *server);
/* Waits for the threads, which end when the other ends of all sockets are closed. Accepts NULL. */
void vault_server_free(struct vault_server *server);

#endif
