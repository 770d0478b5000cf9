/* What the vault does with a request: judges who asks and for what, does it, writes the reply. No
 * sockets and no threads here (vault/server.h has those), so that a test or a simulator can put it
 * behind whatever carries frames.
 *
 * It decides for itself: the gateway may sign and check passwords, the steward may create, both may
 * have a relay's challenge answered; a blob opens only for the site and the names that it was
 * sealed for; a site that asks for more than is sane is refused. Whatever is created, handed out or
 * refused leaves a line in the log, without any secret. */
#ifndef LETTERHEAD_VAULT_SERVICE_H
#define LETTERHEAD_VAULT_SERVICE_H

#include "base/buffer.h"

enum vault_caller { VAULT_CALLER_GATEWAY = 1, VAULT_CALLER_STEWARD };

/* Five thousand a second for a whole minute: more than the sites of one machine send together. */
enum { VAULT_SITE_SIGNATURES_PER_MINUTE_MAX = 300000 };
/* One a second for each relay: an answer opens a connection, and connections are kept. */
enum { VAULT_RELAY_ANSWERS_PER_MINUTE_MAX = 60 };

struct vault_options {
    struct slice master_key;                 /* as in its file (vault/seal.h); not kept */
    struct slice region;                     /* for SMTP passwords; copied */
    uint32_t site_signatures_per_minute_max; /* 0: VAULT_SITE_SIGNATURES_PER_MINUTE_MAX */
};

/* What all workers share. -EINVAL: no master key. */
struct vault;
MUST_CHECK int vault_new(const struct vault_options *options, struct vault **ret);
void vault_free(struct vault *vault); /* accepts NULL */

/* What one thread needs; keeps its own open keys. Never NULL. Freed before the vault. */
struct vault_worker *vault_worker_new(struct vault *vault);
void vault_worker_free(struct vault_worker *worker); /* accepts NULL */

/* Signs once with each algorithm in this thread, so that everything OpenSSL does on first use is
 * done before the process may open no files any more. -EIO: signing does not work here. */
MUST_CHECK int vault_warm_up(void);

/* Answers one request (IPC_VAULT_*): 0 with the reply's body added to `reply`, or a negative errno
 * for the caller, as vault/client.h lists them. -EPROTO: no request of the protocol; whoever sent
 * it is not to be trusted. The reply may hold secrets: its memory is to be wiped after it was sent.
 */
MUST_CHECK int vault_worker_answer(struct vault_worker *worker, enum vault_caller caller,
                                   uint8_t type, struct slice body, struct buffer *reply);

#endif
