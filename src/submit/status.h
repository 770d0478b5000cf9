/* Submission's part of the reply to IPC_GATEWAY_STATUS, at both ends. */
#ifndef LETTERHEAD_SUBMIT_STATUS_H
#define LETTERHEAD_SUBMIT_STATUS_H

#include "submit/inbound.h"

struct submit_status {
    uint64_t connections_now;
    uint64_t logged_in_now; /* of them */
    struct submit_counters since_start;
    struct inbound_counters inbound; /* since the start, too */
};

void submit_status_of(const struct submit_service *service, const struct inbound_service *inbound,
                      struct submit_status *ret);
void submit_status_write(struct buffer *body, const struct submit_status *status);
/* Reads it off the front. -EBADMSG. */
MUST_CHECK int submit_status_read(struct cursor *c, struct submit_status *ret);

#endif
