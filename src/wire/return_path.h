/* The envelope sender of what we send (RFC 5321 §4.4): an address in our own bounce domain, one for
 * each recipient, that names message and recipient and is signed. What comes back to it is about
 * that recipient, whatever it says; an address that nobody was given is refused before a byte of
 * content. Pure: keys and time come from the caller.
 *
 * The local part is 63 characters of base32, so that a server may change their case:
 *
 *   u8 version of the key · 22 bytes message id · u16 recipient · u16 day of expiry · 12 bytes HMAC
 *
 * The HMAC-SHA256 (RFC 2104), cut to 96 bits, is of all bytes before it, and compared in constant
 * time. There is one way to write an address: any other bit, or another way to end the last
 * character, is refused. */
#ifndef LETTERHEAD_WIRE_RETURN_PATH_H
#define LETTERHEAD_WIRE_RETURN_PATH_H

#include "base/buffer.h"
#include "wire/message_id.h"

enum {
    RETURN_PATH_KEY_BYTES = 32,
    RETURN_PATH_CHARACTERS = 63, /* of the local part; RFC 5321 §4.5.3.1.1 allows 64 */
};

/* Version 0: there is none. */
struct return_path_key {
    uint8_t version;
    struct slice bytes; /* RETURN_PATH_KEY_BYTES */
};

/* Addresses are written with the current one and read with both. */
struct return_path_keys {
    struct return_path_key current, previous;
};

struct return_path {
    struct message_id id;
    uint16_t recipient; /* its index in the message */
    uint16_t last_day;  /* since 1970 (UTC), on which it is still taken */
};

/* The last day for a message that may wait in the queue until `expires_us` (Unix time): reports may
 * come for LIMIT_RETURN_PATH_DAYS more. */
uint16_t return_path_last_day(int64_t expires_us);

/* Adds the local part. */
void return_path_write(struct buffer *b, const struct return_path_key *key,
                       const struct return_path *path);

/* -EINVAL: not an address of ours; -EACCES: not signed by either key; -ETIME: its time is over. Who
 * refuses should not say which. */
MUST_CHECK int return_path_read(struct slice local_part, const struct return_path_keys *keys,
                                int64_t now_us, struct return_path *ret);

/* The same without signature and time, for what was read with them before. */
MUST_CHECK int return_path_parse(struct slice local_part, struct return_path *ret);

#endif
