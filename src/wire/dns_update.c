#include "wire/dns_update.h"

#include "wire/dns_text.h"

/* RFC 2136 §2.4.5 (name is not in use) or §2.4.2 (RRset exists, value dependent). */
static void write_prerequisite(struct buffer *out, const struct wire_dns_txt_update *update)
{
    const bool absent = update->present.size == 0;
    const struct wire_packet_record record = {
        .name = update->name,
        .type = absent ? WIRE_PACKET_TYPE_ANY : WIRE_PACKET_TYPE_TXT,
        .class = absent ? WIRE_PACKET_CLASS_NONE : WIRE_PACKET_IN,
        .rdata = update->present,
    };

    wire_packet_record_write(out, &record);
}

/* RFC 2136 §2.5.2: delete an RRset. */
static void write_deletion(struct buffer *out, const struct wire_dns_txt_update *update)
{
    const struct wire_packet_record record = {
        .name = update->name, .type = WIRE_PACKET_TYPE_TXT, .class = WIRE_PACKET_CLASS_ANY};

    wire_packet_record_write(out, &record);
}

/* RFC 2136 §2.5.1: add to an RRset. */
static void write_addition(struct buffer *out, const struct wire_dns_txt_update *update)
{
    CLEANUP(buffer_done) struct buffer rdata = BUFFER_NONE;
    struct wire_packet_record record = {.name = update->name,
                                        .type = WIRE_PACKET_TYPE_TXT,
                                        .class = WIRE_PACKET_IN,
                                        .ttl_s = update->ttl_s};

    wire_dns_text_encode(&rdata, update->wanted);
    record.rdata = buffer_slice(&rdata);
    wire_packet_record_write(out, &record);
}

void wire_dns_txt_update_write(struct buffer *out, const struct wire_dns_txt_update *update)
{
    const bool deletes = update->present.size > 0, adds = update->wanted.size > 0;
    const struct wire_packet_header header = {.id = update->id,
                                              .opcode = WIRE_PACKET_UPDATE,
                                              .counts = {1, 1, (uint16_t)(deletes + adds), 0}};

    wire_packet_header_write(out, &header);
    wire_packet_question_write(out, &update->zone, WIRE_PACKET_TYPE_SOA, WIRE_PACKET_IN);
    write_prerequisite(out, update);
    if (deletes)
        write_deletion(out, update);
    if (adds)
        write_addition(out, update);
}

void wire_dns_query_write(struct buffer *out, uint16_t id, const struct wire_packet_name *name,
                          uint16_t type)
{
    const struct wire_packet_header header = {
        .id = id, .opcode = WIRE_PACKET_QUERY, .counts = {1, 0, 0, 0}};

    wire_packet_header_write(out, &header);
    wire_packet_question_write(out, name, type, WIRE_PACKET_IN);
}

static int read_question(struct wire_packet_reader *reader, const struct wire_packet_header *header,
                         uint16_t id, const struct wire_packet_name *name)
{
    struct wire_packet_name asked;
    uint16_t type, class;

    if (!header->response || header->id != id || header->truncated ||
        header->opcode != WIRE_PACKET_QUERY || header->counts[0] != 1 ||
        wire_packet_question_read(reader, &asked, &type, &class) < 0 ||
        !wire_packet_name_equal(&asked, name) || type != WIRE_PACKET_TYPE_TXT)
        return -EBADMSG;
    return 0;
}

static int judge_header(const struct wire_packet_header *header)
{
    if (header->rcode == WIRE_PACKET_REFUSED || header->rcode == WIRE_PACKET_NOTAUTH)
        return -ESRCH;
    if (header->rcode != WIRE_PACKET_NOERROR && header->rcode != WIRE_PACKET_NXDOMAIN)
        return -EAGAIN;
    return header->authoritative ? 0 : -ESRCH;
}

/* An alias goes before what the server may have added from where it leads to. */
static int take_record(struct slice message, const struct wire_packet_record *record,
                       struct wire_dns_txt_answer *answer)
{
    size_t size;

    if (record->type == WIRE_PACKET_TYPE_CNAME) {
        answer->presence = WIRE_DNS_ALIAS;
        return wire_packet_rdata_name(message, record, &answer->target, &size);
    }
    if (record->type != WIRE_PACKET_TYPE_TXT || answer->presence == WIRE_DNS_ALIAS)
        return 0;
    if (answer->presence == WIRE_DNS_ONE_TXT || answer->presence == WIRE_DNS_MANY_TXT) {
        answer->presence = WIRE_DNS_MANY_TXT;
        return 0;
    }
    answer->presence = WIRE_DNS_ONE_TXT;
    answer->rdata = record->rdata;
    answer->ttl_s = record->ttl_s;
    return 0;
}

static int read_answers(struct wire_packet_reader *reader, const struct wire_packet_header *header,
                        const struct wire_packet_name *name, struct wire_dns_txt_answer *answer)
{
    struct wire_packet_record record;
    int r = 0;

    for (uint16_t i = 0; i < header->counts[1] && r == 0; i++) {
        r = wire_packet_record_read(reader, &record);
        if (r == 0 && record.class == WIRE_PACKET_IN && wire_packet_name_equal(&record.name, name))
            r = take_record(reader->message, &record, answer);
    }
    return r;
}

int wire_dns_txt_answer_read(struct slice message, uint16_t id, const struct wire_packet_name *name,
                             struct wire_dns_txt_answer *ret, unsigned *ret_rcode)
{
    struct wire_dns_txt_answer answer = {.presence = WIRE_DNS_NOTHING};
    struct wire_packet_reader reader;
    struct wire_packet_header header;
    int r = wire_packet_reader_init(message, &reader, &header);

    if (r == 0)
        r = read_question(&reader, &header, id, name);
    if (r < 0)
        return r;
    *ret_rcode = header.rcode;
    r = judge_header(&header);
    if (r < 0)
        return r;
    if (header.rcode == WIRE_PACKET_NOERROR)
        answer.presence = WIRE_DNS_OTHER;
    r = read_answers(&reader, &header, name, &answer);
    if (r == 0)
        *ret = answer;
    return r;
}
