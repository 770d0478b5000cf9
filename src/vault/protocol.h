/* What the vault can be asked: the bodies of the frames IPC_VAULT_* (wire/ipc.h), one codec for
 * both sides.
 *
 * Operations, never exports: no answer holds a private key, and a credential's secret is shown
 * once, when it is made. The one key that leaves is that of return paths (IPC_VAULT_RETURN_KEY):
 * the gateways judge strangers' recipients by it, and who has it can do no more than tell us of
 * bounces that never were. The caller carries the sealed blob (vault/seal.h) with each request; the
 * vault keeps none and decides by the blob's own binding whether this site may use it. Every field
 * has a length and a bound; a body that does not parse is an attack, and the vault ends itself
 * (vault/server.h).
 *
 * A request has a token that its reply repeats. Sockets outlive processes (runtime/peer.h), so the
 * answer to a dead process may be met by its successor: the token keeps a "yes" for one password
 * from being taken for another's.
 *
 * Slices that a read yields lie in the body. */
#ifndef LETTERHEAD_VAULT_PROTOCOL_H
#define LETTERHEAD_VAULT_PROTOCOL_H

#include "base/buffer.h"
#include "base/limits.h"

enum {
    VAULT_DIGEST_BYTES = 32,         /* SHA-256 */
    VAULT_RSA_BITS_MIN = 1024,       /* RFC 8301 §3.2 */
    VAULT_RSA_BITS_MAX = 4096,       /* what verifiers must be able to check, same section */
    VAULT_SIGNATURE_BYTES_MAX = 512, /* of RSA-4096 */
    VAULT_PUBLIC_KEY_BYTES_MAX = 1024,
    VAULT_SEALED_BYTES_MAX = 4096,   /* RSA-4096 takes 2.5 KiB */
    VAULT_KEY_FILE_BYTES_MAX = 8192, /* RSA-4096 in PEM takes 3.3 KiB */
    VAULT_SELECTOR_BYTES_MAX = LIMIT_LABEL_BYTES,
    VAULT_DOMAIN_BYTES_MAX = LIMIT_DOMAIN_BYTES,
    VAULT_ACCESS_KEY_ID_BYTES_MAX = 64,
    VAULT_SECRET_ACCESS_KEY_BYTES_MAX = 128,
    VAULT_PASSWORD_BYTES_MAX = 1024,
    VAULT_RETURN_PATH_KEY_BYTES = 32,
};

/* Values are on the wire, in sealed blobs and in the database. Both sign a SHA-256 digest:
 * RSASSA-PKCS1-v1_5 (RFC 6376 §3.3.1), or Ed25519 with the digest as its message (RFC 8463 §3). */
enum vault_algorithm { VAULT_RSA_SHA256 = 1, VAULT_ED25519_SHA256 = 2 };

/* What a DKIM key is for, and bound to. */
struct vault_key_binding {
    uint64_t site_id;
    struct slice domain; /* A-label, lower case */
    struct slice selector;
    enum vault_algorithm algorithm;
};

/* What a credential is for, and bound to. */
struct vault_credential_binding {
    uint64_t site_id;
    struct slice access_key_id;
};

/* Added to `b`: in requests, and as the data that a sealed blob is bound to. */
void vault_key_binding_write(struct buffer *b, const struct vault_key_binding *binding);
void vault_credential_binding_write(struct buffer *b,
                                    const struct vault_credential_binding *binding);

/* IPC_VAULT_SIGN */
struct vault_sign_request {
    uint64_t token;
    struct vault_key_binding binding;
    struct slice digest; /* VAULT_DIGEST_BYTES */
    struct slice sealed;
};
struct vault_sign_reply {
    uint64_t token;
    struct slice signature;
};
void vault_sign_request_write(struct buffer *b, const struct vault_sign_request *request);
MUST_CHECK int vault_sign_request_read(struct slice body, struct vault_sign_request *ret);
void vault_sign_reply_write(struct buffer *b, const struct vault_sign_reply *reply);
MUST_CHECK int vault_sign_reply_read(struct slice body, struct vault_sign_reply *ret);

/* IPC_VAULT_CHECK_PASSWORD. A user name that nobody has is asked about with an empty `sealed`; the
 * answer is no, and takes as long as any other. */
struct vault_password_request {
    uint64_t token;
    struct vault_credential_binding binding;
    struct slice password;
    struct slice sealed;
};
struct vault_password_reply {
    uint64_t token;
    bool match;
};
void vault_password_request_write(struct buffer *b, const struct vault_password_request *request);
MUST_CHECK int vault_password_request_read(struct slice body, struct vault_password_request *ret);
void vault_password_reply_write(struct buffer *b, const struct vault_password_reply *reply);
MUST_CHECK int vault_password_reply_read(struct slice body, struct vault_password_reply *ret);

/* IPC_VAULT_CREATE_KEY */
struct vault_key_request {
    uint64_t token;
    struct vault_key_binding binding;
    uint16_t bits; /* of RSA; 0 for Ed25519 */
};
struct vault_key_reply {
    uint64_t token;
    struct slice sealed;
    struct slice public_key; /* what p= of the DNS record carries: SubjectPublicKeyInfo (RFC 6376
                                §3.6.1), or the 32 bytes of Ed25519 (RFC 8463 §4.2) */
};
void vault_key_request_write(struct buffer *b, const struct vault_key_request *request);
MUST_CHECK int vault_key_request_read(struct slice body, struct vault_key_request *ret);
void vault_key_reply_write(struct buffer *b, const struct vault_key_reply *reply);
MUST_CHECK int vault_key_reply_read(struct slice body, struct vault_key_reply *ret);

/* IPC_VAULT_IMPORT_KEY: a key that somebody else made, as it lies in its file, is sealed as if it
 * were made here. The reply is that of IPC_VAULT_CREATE_KEY. Whoever holds the request wipes it. */
struct vault_import_request {
    uint64_t token;
    struct vault_key_binding binding;
    struct slice key; /* PEM, base64 or DER (vault/key_import.h) */
};
void vault_import_request_write(struct buffer *b, const struct vault_import_request *request);
MUST_CHECK int vault_import_request_read(struct slice body, struct vault_import_request *ret);

/* IPC_VAULT_CREATE_CREDENTIAL. The reply is full of secrets: whoever holds it wipes it. */
struct vault_credential_request {
    uint64_t token;
    struct vault_credential_binding binding;
};
struct vault_credential_reply {
    uint64_t token;
    struct slice sealed;
    struct slice secret_access_key;
    struct slice smtp_password;
};
void vault_credential_request_write(struct buffer *b,
                                    const struct vault_credential_request *request);
MUST_CHECK int vault_credential_request_read(struct slice body,
                                             struct vault_credential_request *ret);
void vault_credential_reply_write(struct buffer *b, const struct vault_credential_reply *reply);
MUST_CHECK int vault_credential_reply_read(struct slice body, struct vault_credential_reply *ret);

/* IPC_VAULT_RETURN_KEY. A period is a stretch of time as site/return_keys.h counts them; each has
 * its own key. Whoever holds the reply wipes it. */
struct vault_return_key_request {
    uint64_t token;
    uint32_t period;
};
struct vault_return_key_reply {
    uint64_t token;
    struct slice key; /* VAULT_RETURN_PATH_KEY_BYTES */
};
void vault_return_key_request_write(struct buffer *b,
                                    const struct vault_return_key_request *request);
MUST_CHECK int vault_return_key_request_read(struct slice body,
                                             struct vault_return_key_request *ret);
void vault_return_key_reply_write(struct buffer *b, const struct vault_return_key_reply *reply);
MUST_CHECK int vault_return_key_reply_read(struct slice body, struct vault_return_key_reply *ret);

#endif
