/* The Received field that we put in front of each message (RFC 5321 §4.4): where it came from,
 * when, how, and under which id. It does not name the credential or the recipients. */
#ifndef LETTERHEAD_SUBMIT_TRACE_H
#define LETTERHEAD_SUBMIT_TRACE_H

#include "base/buffer.h"
#include "runtime/endpoint.h"
#include "wire/message_id.h"

struct submit_trace {
    struct slice hello;      /* what the client called itself; empty: not SMTP */
    struct endpoint address; /* of the client */
    struct slice host_name;
    const char *protocol; /* "ESMTPSA"; NULL: not SMTP */
    struct message_id id;
    int64_t time_s;
};

void submit_trace_write(const struct submit_trace *trace, struct buffer *out);

#endif
