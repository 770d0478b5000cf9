/* The envelope sender of what we send: an address in our own bounce domain that names the message,
 * and the recipient when the transaction has just one. At most 64 characters before the `@`, and
 * safe from servers that change case. */
#ifndef LETTERHEAD_DELIVER_RETURN_PATH_H
#define LETTERHEAD_DELIVER_RETURN_PATH_H

#include "base/buffer.h"
#include "wire/message_id.h"

/* `recipient` is its index within the message, or -1: of several. */
void return_path_write(struct buffer *b, const struct message_id *id, int64_t recipient,
                       struct slice bounce_domain);

#endif
