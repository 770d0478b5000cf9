/* TLS for load and sink: OpenSSL straight on their non-blocking sockets.
 *
 * Reads and writes look like those of the socket itself; without TLS (NULL) they are. The handshake
 * happens inside of the first of them. Instruments of `make bench`: nothing of Letterhead uses
 * them, so that both servers meet the same client and the same receiver. */
#ifndef LETTERHEAD_BENCH_SECURE_H
#define LETTERHEAD_BENCH_SECURE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>

/* Verifies against the certificates of a file, or nothing when `authorities` is NULL. Tickets are
 * kept, to be resumed with; ends the program with words when the file is no good. */
SSL_CTX *secure_client_new(const char *authorities);
/* With one session ticket for each full handshake. */
SSL_CTX *secure_server_new(const char *certificate, const char *key);

/* `ticket`: the place for the newest session of this client, used to resume and then replaced. */
SSL *secure_connect(SSL_CTX *context, int socket, SSL_SESSION **ticket);
SSL *secure_accept(SSL_CTX *context, int socket);

/* As read(2) and send(2); -1 with EAGAIN, or EPROTO when TLS failed. */
ssize_t secure_read(SSL *tls, int socket, void *out, size_t size);
ssize_t secure_write(SSL *tls, int socket, const void *data, size_t size);
/* Whether EAGAIN of a write means that the socket is full, and not that the handshake waits. */
bool secure_waits_for_room(const SSL *tls);
/* Says goodbye without waiting for an answer; the socket stays open. */
void secure_end(SSL *tls);

#endif
