/* The name that Letterhead gives to a message: 60 characters in the form that applications written
 * for Amazon SES expect, "0f00" + milliseconds since 1970 as 12 hex digits + "-" + a version 4 UUID
 * + "-000000". Ids sort by time. Randomness and time come from the caller. */
#ifndef LETTERHEAD_WIRE_MESSAGE_ID_H
#define LETTERHEAD_WIRE_MESSAGE_ID_H

#include "base/slice.h"

enum { MESSAGE_ID_LENGTH = 60 };

struct message_id {
    uint64_t ms;      /* since 1970 UTC, below 2^48 */
    uint8_t uuid[16]; /* RFC 9562 §5.4 */
};

/* An id from a time and 16 random bytes; sets the version and variant bits. */
struct message_id message_id_make(uint64_t ms, const uint8_t random[16]);

/* Writes MESSAGE_ID_LENGTH characters and a NUL. */
void message_id_format(const struct message_id *id, char out[MESSAGE_ID_LENGTH + 1]);

/* Takes exactly the form that message_id_format writes (lower case). -EINVAL otherwise. */
MUST_CHECK int message_id_parse(struct slice text, struct message_id *ret);

/* Orders by time, then by UUID: < 0, 0, > 0. */
int message_id_compare(const struct message_id *a, const struct message_id *b);

#endif
