/* What the vault can be asked about the passwords of clients' SMTP accounts (relays): bodies of
 * IPC_VAULT_SEAL_RELAY and IPC_VAULT_ANSWER_RELAY, by the rules of vault/protocol.h.
 *
 * A password is sealed the moment it is known, bound to its site, its relay and that relay's host.
 * From then on the vault answers servers' challenges with it: CRAM-MD5 so that the password never
 * leaves, LOGIN and PLAIN by handing it out, for the bound host only. Whoever asks for such an
 * answer has verified that host's TLS before; the vault cannot see that, and so it counts, limits
 * and logs what it hands out. */
#ifndef LETTERHEAD_VAULT_RELAY_PROTOCOL_H
#define LETTERHEAD_VAULT_RELAY_PROTOCOL_H

#include "vault/protocol.h"

enum {
    VAULT_RELAY_HOST_BYTES_MAX = LIMIT_DOMAIN_BYTES,
    VAULT_RELAY_USER_BYTES_MAX = 320,
    VAULT_CHALLENGE_BYTES_MAX = 1024, /* decoded; LIMIT_REPLY_LINE_BYTES of base64 has more */
    /* of LOGIN and PLAIN: NUL, user, NUL, password */
    VAULT_RESPONSE_BYTES_MAX = VAULT_RELAY_USER_BYTES_MAX + VAULT_PASSWORD_BYTES_MAX + 2,
};

/* Values are on the wire. */
enum vault_mechanism { VAULT_CRAM_MD5 = 1, VAULT_LOGIN, VAULT_PLAIN };

/* What a relay's password is for, and bound to. A relay that is not stored (a probe of an account
 * that was just typed in) has site 0 and a random id. */
struct vault_relay_binding {
    uint64_t site_id;
    uint64_t relay_id;
    struct slice host; /* as it is dialled: lower case, no final dot; a name or an address */
};
void vault_relay_binding_write(struct buffer *b, const struct vault_relay_binding *binding);

/* IPC_VAULT_SEAL_RELAY. Whoever holds the request wipes it. */
struct vault_relay_seal_request {
    uint64_t token;
    struct vault_relay_binding binding;
    struct slice password;
};
struct vault_relay_seal_reply {
    uint64_t token;
    struct slice sealed;
};
void vault_relay_seal_request_write(struct buffer *b,
                                    const struct vault_relay_seal_request *request);
MUST_CHECK int vault_relay_seal_request_read(struct slice body,
                                             struct vault_relay_seal_request *ret);
void vault_relay_seal_reply_write(struct buffer *b, const struct vault_relay_seal_reply *reply);
MUST_CHECK int vault_relay_seal_reply_read(struct slice body, struct vault_relay_seal_reply *ret);

/* IPC_VAULT_ANSWER_RELAY. The response is not encoded in base64 yet; whoever holds the reply wipes
 * it. */
struct vault_relay_answer_request {
    uint64_t token;
    struct vault_relay_binding binding;
    enum vault_mechanism mechanism;
    struct slice user;
    struct slice challenge; /* CRAM-MD5: the server's, decoded; the others: empty */
    struct slice sealed;
};
struct vault_relay_answer_reply {
    uint64_t token;
    struct slice response;
};
void vault_relay_answer_request_write(struct buffer *b,
                                      const struct vault_relay_answer_request *request);
MUST_CHECK int vault_relay_answer_request_read(struct slice body,
                                               struct vault_relay_answer_request *ret);
void vault_relay_answer_reply_write(struct buffer *b, const struct vault_relay_answer_reply *reply);
MUST_CHECK int vault_relay_answer_reply_read(struct slice body,
                                             struct vault_relay_answer_reply *ret);

#endif
