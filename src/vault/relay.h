/* What a SASL server is answered with a user and a password (RFC 4954 carries it, in base64 that is
 * not applied here). Pure; the response is a secret, since LOGIN and PLAIN hold the password and
 * CRAM-MD5 something that guesses can be tried on. */
#ifndef LETTERHEAD_VAULT_RELAY_H
#define LETTERHEAD_VAULT_RELAY_H

#include "base/secret.h"
#include "vault/relay_protocol.h"

/* CRAM-MD5 (RFC 2195): "user digest". LOGIN: the password, its second answer. PLAIN (RFC 4616):
 * NUL user NUL password. -EINVAL: a user or password with a NUL in it, or that is empty; -EIO: no
 * MD5 here. */
MUST_CHECK int vault_relay_respond(enum vault_mechanism mechanism, struct slice user,
                                   struct slice password, struct slice challenge,
                                   struct secret *ret_response);

/* "CRAM-MD5" */
const char *vault_mechanism_name(enum vault_mechanism mechanism);

#endif
