/* TLS sessions of a client, kept to be resumed: by key, each used once (RFC 8446 §C.4), none older
 * than an hour, as many as were asked for; the oldest goes first. A resumed session was judged when
 * it was made, so the key must say by what demand. For the inside of TLS only. */
#ifndef LETTERHEAD_RUNTIME_TLS_SESSIONS_H
#define LETTERHEAD_RUNTIME_TLS_SESSIONS_H

#include "base/slice.h"

#include <openssl/ssl.h>

enum { TLS_SESSION_KEY_BYTES = 32, TLS_SESSION_AGE_MAX_S = 3600, TLS_SESSIONS_A_KEY_MAX = 4 };

struct tls_session_key {
    unsigned char bytes[TLS_SESSION_KEY_BYTES];
};

struct tls_sessions;

struct tls_sessions *tls_sessions_new(size_t max);
/* Accepts NULL. */
void tls_sessions_free(struct tls_sessions *sessions);
/* Takes the reference over. Of one key the newest TLS_SESSIONS_A_KEY_MAX are kept. */
void tls_sessions_put(struct tls_sessions *sessions, const struct tls_session_key *key,
                      SSL_SESSION *session);
/* The newest one, with its reference; it is forgotten here. NULL: none that can be used. */
SSL_SESSION *tls_sessions_take(struct tls_sessions *sessions, const struct tls_session_key *key);
size_t tls_sessions_count(const struct tls_sessions *sessions);

#endif
