/* A site's credential: access key id, secret access key, and the SMTP password that is derived from
 * the secret as Amazon SES does it, so that whoever has the secret can compute the password with
 * the tools they have.
 *
 * What is kept (sealed) is the secret, which request signatures of the HTTP API need, and a hash of
 * the SMTP password, so that the password itself is nowhere. The hash is a plain SHA-256: the
 * password has the entropy of a 240-bit random secret, which no slow hash makes harder to guess,
 * and a fast check cannot be used to exhaust the vault. */
#ifndef LETTERHEAD_VAULT_CREDENTIAL_H
#define LETTERHEAD_VAULT_CREDENTIAL_H

#include "base/secret.h"

enum { VAULT_SECRET_ACCESS_KEY_CHARACTERS = 40, VAULT_SMTP_PASSWORD_CHARACTERS = 44 };

struct vault_credential {
    struct secret secret_access_key;
    struct secret smtp_password;
    struct secret kept; /* to be sealed; what vault_credential_check takes */
};

/* Makes a new one for the region, a name such as "eu-west-1". */
void vault_credential_create(struct slice region, struct vault_credential *ret);
void vault_credential_done(struct vault_credential *credential);

/* The SMTP password of a secret: base64 of 4 and a chain of HMAC-SHA256 over date, region, service
 * and action. */
void vault_credential_derive_password(struct slice secret_access_key, struct slice region,
                                      struct secret *ret_password);

/* Compares in a time that does not depend on where they differ. -EBADMSG: `kept` is none. */
MUST_CHECK int vault_credential_check(struct slice kept, struct slice password, bool *ret_match);

#endif
