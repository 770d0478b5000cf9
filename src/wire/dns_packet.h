/* DNS messages (RFC 1035 §4), as far as updates of a zone and the questions around them need:
 * names, headers, questions and records are written into a buffer, and a message that came is read
 * record by record. Names of what is read are decompressed and in lower case; nothing is allocated.
 *
 * A name is kept in its wire form without compression, so that labels may hold any byte and two
 * names are the same when their bytes are. */
#ifndef LETTERHEAD_WIRE_DNS_PACKET_H
#define LETTERHEAD_WIRE_DNS_PACKET_H

#include "base/buffer.h"

enum {
    WIRE_PACKET_HEADER_BYTES = 12,
    WIRE_PACKET_NAME_BYTES_MAX = 255,      /* RFC 1035 §2.3.4 */
    WIRE_PACKET_MESSAGE_BYTES_MAX = 65535, /* over TCP, RFC 1035 §4.2.2 */
};

enum wire_packet_opcode { WIRE_PACKET_QUERY = 0, WIRE_PACKET_UPDATE = 5 };

/* The types that are spoken of here by name; runtime/resolver.h has those that can be asked for. */
enum wire_packet_type {
    WIRE_PACKET_TYPE_CNAME = 5,
    WIRE_PACKET_TYPE_SOA = 6,
    WIRE_PACKET_TYPE_TXT = 16,
    WIRE_PACKET_TYPE_TSIG = 250,
    WIRE_PACKET_TYPE_ANY = 255,
};

enum wire_packet_class {
    WIRE_PACKET_IN = 1,
    WIRE_PACKET_CLASS_NONE = 254,
    WIRE_PACKET_CLASS_ANY = 255
};

/* RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 8945 §5.2.1. */
enum wire_packet_rcode {
    WIRE_PACKET_NOERROR = 0,
    WIRE_PACKET_SERVFAIL = 2,
    WIRE_PACKET_NXDOMAIN = 3,
    WIRE_PACKET_NOTIMP = 4,
    WIRE_PACKET_REFUSED = 5,
    WIRE_PACKET_YXDOMAIN = 6,
    WIRE_PACKET_YXRRSET = 7,
    WIRE_PACKET_NXRRSET = 8,
    WIRE_PACKET_NOTAUTH = 9,
    WIRE_PACKET_NOTZONE = 10,
};

struct wire_packet_name {
    uint8_t size; /* the root's zero byte included; 0: no name */
    uint8_t bytes[WIRE_PACKET_NAME_BYTES_MAX];
};

/* From text, with or without the dot at the end, letters made lower case. -EINVAL: an empty or too
 * long label, a name too long. Escapes are not understood: names of ours have none. */
MUST_CHECK int wire_packet_name_of(struct slice text, struct wire_packet_name *ret);
bool wire_packet_name_equal(const struct wire_packet_name *a, const struct wire_packet_name *b);
/* Adds it as text without the dot at the end; bytes that are no part of host names and '_' are
 * written \DDD. The root is ".". */
void wire_packet_name_text(const struct wire_packet_name *name, struct buffer *out);

/* The sections' counts are by their order: question, answer, authority, additional (zone,
 * prerequisite, update, additional in an update). */
struct wire_packet_header {
    uint16_t id;
    bool response, authoritative, truncated;
    uint8_t opcode, rcode;
    uint16_t counts[4];
};

/* `recursion desired` is never set: only servers that have the zone are asked. */
void wire_packet_header_write(struct buffer *out, const struct wire_packet_header *header);
void wire_packet_name_write(struct buffer *out, const struct wire_packet_name *name);
void wire_packet_question_write(struct buffer *out, const struct wire_packet_name *name,
                                uint16_t type, uint16_t class);

struct wire_packet_record {
    struct wire_packet_name name;
    uint16_t type, class;
    uint32_t ttl_s;
    struct slice rdata; /* as it lies in the message, compression included */
    size_t start;       /* of the whole record in the message */
};

/* `start` does not matter. */
void wire_packet_record_write(struct buffer *out, const struct wire_packet_record *record);

struct wire_packet_reader {
    struct slice message;
    size_t at;
};

/* All reads: -EBADMSG when the message ends too early, a pointer does not lead back, a name is too
 * long. wire_packet_reader_done: 0 when nothing is left over. */
MUST_CHECK int wire_packet_reader_init(struct slice message, struct wire_packet_reader *ret,
                                       struct wire_packet_header *ret_header);
MUST_CHECK int wire_packet_question_read(struct wire_packet_reader *r,
                                         struct wire_packet_name *ret_name, uint16_t *ret_type,
                                         uint16_t *ret_class);
MUST_CHECK int wire_packet_record_read(struct wire_packet_reader *r,
                                       struct wire_packet_record *ret);
MUST_CHECK int wire_packet_reader_done(const struct wire_packet_reader *r);

/* The name in a record's RDATA (CNAME, or the first of a TSIG), which may be compressed; *ret_size
 * is how many bytes of the RDATA it takes. */
MUST_CHECK int wire_packet_rdata_name(struct slice message, const struct wire_packet_record *record,
                                      struct wire_packet_name *ret, size_t *ret_size);

/* "NXRRSET", for people; "rcode 23" needs no name: yields NULL. */
const char *wire_packet_rcode_name(unsigned rcode);

#endif
