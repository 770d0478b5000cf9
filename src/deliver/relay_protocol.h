/* What a gateway tells the steward of the relays it sends through: IPC_RELAY_USE, one or more of
 * these. Each stands for all that the gateway has said of that relay before. Pure; texts point into
 * what was read. */
#ifndef LETTERHEAD_DELIVER_RELAY_PROTOCOL_H
#define LETTERHEAD_DELIVER_RELAY_PROTOCOL_H

#include "base/buffer.h"

enum { RELAY_USES_A_FRAME_MAX = 40 }; /* each has two texts of QUEUE_TEXT_BYTES at most */

struct relay_use_told {
    uint64_t site_id, relay_id;
    uint64_t version;
    int64_t day_us;          /* when the account's day began (Unix time); 0: nothing was sent */
    uint64_t recipients;     /* since then */
    int64_t closed_until_us; /* a limit is reached until then; 0: none is */
    struct slice closed_why;
    struct slice trouble; /* with the account; empty: none */
    int64_t trouble_since_us;
};

void relay_use_write(struct buffer *body, const struct relay_use_told *one);
/* Takes the next one off *rest; false: no more, or (*rest is not empty) what is there is none. */
bool relay_use_read(struct slice *rest, struct relay_use_told *ret);

#endif
