/* Questions to name servers and their answers as bytes (RFC 1035 §4.1), for asking a domain's own
 * servers one by one (onboard/authority.h). Everything else that asks the DNS goes through the
 * resolver.
 *
 * Only what such an answer needs: the header, the question, the records of the answer and authority
 * sections; what follows those is not read. Names come out as text in lower case, without a final
 * dot; bytes that no host name has are written as \DDD, so that they compare unequal to any name of
 * ours and are harmless to print. */
#ifndef LETTERHEAD_WIRE_DNS_MESSAGE_H
#define LETTERHEAD_WIRE_DNS_MESSAGE_H

#include "base/arena.h"
#include "base/buffer.h"

enum {
    WIRE_DNS_MESSAGE_BYTES_MAX = 65535, /* over TCP, RFC 1035 §4.2.2 */
    WIRE_DNS_RECORDS_MAX = 100,         /* of one message; more are not read */
};

/* RFC 1035 §4.1.1 */
enum wire_dns_rcode {
    WIRE_DNS_NO_ERROR = 0,
    WIRE_DNS_FORMAT_ERROR = 1,
    WIRE_DNS_SERVER_FAILURE = 2,
    WIRE_DNS_NAME_ERROR = 3,
    WIRE_DNS_NOT_IMPLEMENTED = 4,
    WIRE_DNS_REFUSED = 5,
};

/* RFC 1035 §3.2.2 */
enum wire_dns_type {
    WIRE_DNS_NS = 2,
    WIRE_DNS_CNAME = 5,
    WIRE_DNS_SOA = 6,
    WIRE_DNS_TXT = 16,
};

struct wire_dns_record {
    bool in_answer; /* or else in the authority section */
    struct slice name;
    uint16_t type;
    uint32_t ttl_s;
    struct slice rdata;  /* as it came; in the message */
    struct slice target; /* NS, CNAME: the name it points to; SOA: the primary server */
    uint32_t serial;     /* SOA */
    struct slice text;   /* TXT: its strings joined */
};

struct wire_dns_message {
    uint16_t id;
    bool is_answer, authoritative, truncated;
    uint8_t rcode;
    struct slice name; /* of the question; a server that did not understand may leave it out */
    uint16_t type;     /* 0: it did */
    struct wire_dns_record *records; /* of class IN only */
    size_t record_count;
};

/* Adds a question of class IN that asks for no recursion. -EINVAL (out as before): not a name. */
MUST_CHECK int wire_dns_question_write(struct buffer *out, uint16_t id, struct slice name,
                                       uint16_t type);

/* Reads a message; memory comes from the arena, a bounded amount. -EBADMSG: it does not parse. A
 * record whose contents do not fit its type has them empty, and its `rdata`. */
MUST_CHECK int wire_dns_message_read(struct arena *arena, struct slice bytes,
                                     struct wire_dns_message *ret);

#endif
