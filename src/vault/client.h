/* Asking the vault, for the gateway and the steward: requests over the pair's socket
 * (runtime/peer.h), within the task's deadlines. What is secret is wiped here as soon as it is sent
 * or handed over.
 *
 * Besides 0, -ECANCELED and -ETIMEDOUT all of these return
 *   -EACCES  the sealed blob was not made for this site, domain, selector or access key id, or was
 * altered -ENOKEY  it was sealed under another master key -EDQUOT  this site asks for more than a
 * site may (VAULT_SITE_SIGNATURES_PER_MINUTE_MAX) -EPERM   this process may not ask for that
 *   -EINVAL  a name, a size or an algorithm that the vault does not take
 *   -EIO     the vault could not do it; its log says why
 *   -EBADMSG the answer is none (a bug) */
#ifndef LETTERHEAD_VAULT_CLIENT_H
#define LETTERHEAD_VAULT_CLIENT_H

#include "base/secret.h"
#include "runtime/task.h"
#include "vault/relay_protocol.h"

struct peer;

struct vault_signing {
    struct vault_key_binding key;
    struct slice sealed;
    const uint8_t *digest; /* VAULT_DIGEST_BYTES */
};
/* Adds the signature to `ret_signature`. */
MUST_CHECK int vault_sign(struct task *t, struct peer *vault, const struct vault_signing *signing,
                          struct buffer *ret_signature);

/* Says whether the password is that of the credential. For a user name that nobody has: site 0, an
 * empty `sealed`; asked all the same, so that answer and time tell nothing. */
struct vault_login {
    struct vault_credential_binding credential;
    struct slice sealed;
    struct slice password;
};
MUST_CHECK int vault_check_password(struct task *t, struct peer *vault,
                                    const struct vault_login *login, bool *ret_match);

struct vault_new_key {
    struct buffer sealed;
    struct buffer public_key; /* for p= of the DNS record (vault_key_reply) */
};
void vault_new_key_done(struct vault_new_key *key);
/* `bits`: VAULT_RSA_BITS_MIN to VAULT_RSA_BITS_MAX, 0 for Ed25519. RSA takes up to some seconds. */
MUST_CHECK int vault_create_key(struct task *t, struct peer *vault,
                                const struct vault_key_binding *binding, uint16_t bits,
                                struct vault_new_key *ret);

/* Seals a key that somebody else made, as it lies in its file. -EINVAL: it cannot be read as one;
 * -EKEYREJECTED: it is no RSA key of VAULT_RSA_BITS_MIN to VAULT_RSA_BITS_MAX, or its parts do not
 * agree. */
MUST_CHECK int vault_import_key(struct task *t, struct peer *vault,
                                const struct vault_key_binding *binding, struct slice key,
                                struct vault_new_key *ret);

struct vault_new_credential {
    struct buffer sealed;
    struct secret secret_access_key; /* 40 characters, shown once */
    struct secret smtp_password;     /* 44 characters, shown once */
};
void vault_new_credential_done(struct vault_new_credential *credential);
/* The caller chooses the access key id (vault_access_key_id_create). */
MUST_CHECK int vault_create_credential(struct task *t, struct peer *vault,
                                       const struct vault_credential_binding *binding,
                                       struct vault_new_credential *ret);

/* Seals the password of a client's SMTP account, for this relay and host only. Added to
 * `ret_sealed`. -EINVAL: no host name, or no password that can be said. */
MUST_CHECK int vault_seal_relay(struct task *t, struct peer *vault,
                                const struct vault_relay_binding *binding, struct slice password,
                                struct buffer *ret_sealed);

/* Has a server's challenge answered with it; vault/relay.h says with what. To be asked only when
 * the TLS of the bound host was verified; the response is wiped as soon as it is sent. -EDQUOT:
 * more often than VAULT_RELAY_ANSWERS_PER_MINUTE_MAX. */
struct vault_relay_challenge {
    struct vault_relay_binding relay;
    struct slice sealed;
    enum vault_mechanism mechanism;
    struct slice user;
    struct slice challenge; /* decoded; CRAM-MD5 only */
};
MUST_CHECK int vault_answer_relay(struct task *t, struct peer *vault,
                                  const struct vault_relay_challenge *challenge,
                                  struct secret *ret_response);

/* The key that return paths are signed with in a period (vault/protocol.h), into `ret_key`. */
MUST_CHECK int vault_return_key(struct task *t, struct peer *vault, uint32_t period,
                                struct secret *ret_key);

/* A fresh access key id, which is the SMTP user name too: "LHKA" and 16 of A-Z, 2-7; ended by NUL.
 */
enum { VAULT_ACCESS_KEY_ID_CHARACTERS = 20 };
void vault_access_key_id_create(char out[static VAULT_ACCESS_KEY_ID_CHARACTERS + 1]);

#endif
