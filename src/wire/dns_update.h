/* Dynamic updates (RFC 2136) of one TXT record each, and the questions around them. An update
 * carries what it expects to find as its prerequisite, so what somebody else has put there is never
 * overwritten, not even when it came a moment before. */
#ifndef LETTERHEAD_WIRE_DNS_UPDATE_H
#define LETTERHEAD_WIRE_DNS_UPDATE_H

#include "wire/dns_packet.h"

struct wire_dns_txt_update {
    uint16_t id;
    struct wire_packet_name zone, name;
    struct slice present; /* RDATA of the only TXT record that is there; empty: nothing is at that
                             name, of any type */
    struct slice wanted;  /* text of the TXT record that shall be there; empty: none */
    uint32_t ttl_s;
};

/* Adds the whole message, unsigned. */
void wire_dns_txt_update_write(struct buffer *out, const struct wire_dns_txt_update *update);

/* Adds a question to a server that has the zone. */
void wire_dns_query_write(struct buffer *out, uint16_t id, const struct wire_packet_name *name,
                          uint16_t type);

/* What an authoritative server says is at a name. */
enum wire_dns_presence {
    WIRE_DNS_NOTHING,  /* no record of any type */
    WIRE_DNS_ONE_TXT,  /* one TXT record and no other */
    WIRE_DNS_MANY_TXT, /* several */
    WIRE_DNS_ALIAS,    /* a CNAME */
    WIRE_DNS_OTHER,    /* something, but no TXT */
};

struct wire_dns_txt_answer {
    enum wire_dns_presence presence;
    struct slice rdata;             /* of the (first) TXT record, in the message */
    struct wire_packet_name target; /* of the alias */
    uint32_t ttl_s;
};

/* Reads the answer to a question for the TXT records of `name`. -EBADMSG: no answer to that
 * question, or damaged; -ESRCH: the server does not have the zone (lame), -EAGAIN: it could not
 * answer; then *ret_rcode says more. */
MUST_CHECK int wire_dns_txt_answer_read(struct slice message, uint16_t id,
                                        const struct wire_packet_name *name,
                                        struct wire_dns_txt_answer *ret, unsigned *ret_rcode);

#endif
