/* Private keys that somebody else made, as they lie in files: RSA in PKCS#8 (RFC 5958) or PKCS#1
 * (RFC 8017 appendix A.1.2), in PEM, in base64 without PEM's lines (as Amazon SES takes them), or
 * in DER. Without a password. */
#ifndef LETTERHEAD_VAULT_KEY_IMPORT_H
#define LETTERHEAD_VAULT_KEY_IMPORT_H

#include "base/secret.h"
#include "vault/protocol.h"

/* Yields what vault_key_create does. The key's parts are checked against each other. -EINVAL: it
 * cannot be read as a private key; -EKEYREJECTED: it is none for DKIM (RSA of VAULT_RSA_BITS_MIN to
 * VAULT_RSA_BITS_MAX), or its parts do not agree. */
MUST_CHECK int vault_key_import(struct slice file, struct secret *ret_private,
                                struct buffer *ret_public, unsigned *ret_bits);

#endif
