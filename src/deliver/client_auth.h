/* AUTH (RFC 4954): signing in to a client's own mail server, for delivery and for probes alike.
 *
 * Mechanisms: CRAM-MD5 (RFC 2195), PLAIN (RFC 4616), LOGIN, in this order of preference; what the
 * server does not offer is not tried. Nothing is sent unless TLS is there and the server's
 * certificate was verified, whatever the server offers. At most CLIENT_AUTH_TRIES_MAX tries: a
 * second one only where the first mechanism may have been the trouble, since a server that keeps a
 * hash of the password may offer CRAM-MD5 and still not be able to do it.
 *
 * The password is behind struct client_account and is seen here only on its way from the vault to
 * the TLS layer; from then on whatever the server says has it blotted out (wire/redact.h), so that
 * replies may be logged, kept and shown. Challenges are a stranger's data: one line, bounded. */
#ifndef LETTERHEAD_DELIVER_CLIENT_AUTH_H
#define LETTERHEAD_DELIVER_CLIENT_AUTH_H

#include "deliver/client.h"
#include "vault/client.h"

enum { CLIENT_AUTH_TRIES_MAX = 2 };

/* Who signs in, and who answers challenges for him: as vault_answer_relay, whose errors it may
 * return. Borrowed for the time of client_auth. */
struct client_account {
    struct slice user;
    unsigned mechanisms; /* enum smtp_mechanism, ORed: which may be tried; 0: all that we know */
    int (*respond)(struct task *t, void *context, enum vault_mechanism mechanism,
                   struct slice challenge, struct secret *ret_response);
    void *context;
};

/* The usual one: a password that the vault has sealed. */
struct client_vault_account {
    struct peer *vault;
    struct vault_relay_binding relay;
    struct slice sealed;
    struct slice user;
};
struct client_account client_account_of_vault(struct client_vault_account *account);

enum client_auth_verdict {
    CLIENT_AUTH_ACCEPTED,
    CLIENT_AUTH_REFUSED,      /* `reply` says why; a 4xx may be gone later */
    CLIENT_AUTH_UNPROTECTED,  /* no verified TLS: nothing was sent */
    CLIENT_AUTH_NOT_OFFERED,  /* the server has no AUTH at all */
    CLIENT_AUTH_NO_MECHANISM, /* it has, but none that we know or may use */
    CLIENT_AUTH_NO_SENSE,     /* it does not keep to the protocol, as `reply` shows */
};

struct client_auth {
    enum client_auth_verdict verdict;
    enum vault_mechanism mechanism; /* of the last try; 0: none was made */
    unsigned tries;
    struct smtp_reply reply; /* to the last try, in the client's arena; code 0: none came */
};

/* 0, also when the server refuses; otherwise the link failed or the account could not answer, as
 * client_problem says, and only client_close may follow. */
MUST_CHECK int client_auth(struct task *t, struct client *c, const struct client_account *account,
                           struct client_auth *ret);

/* The bit of what EHLO offers that this mechanism is. */
enum smtp_mechanism client_mechanism_bit(enum vault_mechanism mechanism);

#endif
