#include "wire/dns_packet.h"

#include "base/limits.h"

/* Flags of the header's second word (RFC 1035 §4.1.1). */
enum {
    FLAG_RESPONSE = 0x8000,
    FLAG_AUTHORITATIVE = 0x0400,
    FLAG_TRUNCATED = 0x0200,
    OPCODE_SHIFT = 11,
    RCODE_MASK = 0x000f,
    POINTER = 0xc0,
};

static uint8_t fold(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static int add_label(struct wire_packet_name *name, struct slice label)
{
    if (label.size == 0 || label.size > LIMIT_LABEL_BYTES ||
        name->size + 1 + label.size + 1 > WIRE_PACKET_NAME_BYTES_MAX)
        return -EINVAL;
    name->bytes[name->size++] = (uint8_t)label.size;
    for (size_t i = 0; i < label.size; i++)
        name->bytes[name->size++] = fold((uint8_t)label.data[i]);
    return 0;
}

int wire_packet_name_of(struct slice text, struct wire_packet_name *ret)
{
    struct wire_packet_name name = {.size = 0};
    struct slice label;
    bool more = true;

    if (text.size > 1 && text.data[text.size - 1] == '.')
        text.size--;
    while (more) {
        more = slice_cut(&text, '.', &label);
        if (add_label(&name, label) < 0)
            return -EINVAL;
    }
    name.bytes[name.size++] = 0;
    *ret = name;
    return 0;
}

bool wire_packet_name_equal(const struct wire_packet_name *a, const struct wire_packet_name *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static bool is_plain(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
           byte == '_';
}

void wire_packet_name_text(const struct wire_packet_name *name, struct buffer *out)
{
    size_t at = 0;

    if (name->size <= 1)
        buffer_add_byte(out, '.');
    while (at + 1 < name->size) {
        uint8_t size = name->bytes[at++];

        if (at > 1)
            buffer_add_byte(out, '.');
        for (uint8_t i = 0; i < size; i++, at++) {
            if (is_plain(name->bytes[at]))
                buffer_add_byte(out, (char)name->bytes[at]);
            else
                buffer_printf(out, "\\%03u", name->bytes[at]);
        }
    }
}

void wire_packet_header_write(struct buffer *out, const struct wire_packet_header *header)
{
    unsigned flags = (unsigned)header->opcode << OPCODE_SHIFT | header->rcode;

    flags |= header->response ? FLAG_RESPONSE : 0;
    flags |= header->authoritative ? FLAG_AUTHORITATIVE : 0;
    flags |= header->truncated ? FLAG_TRUNCATED : 0;
    buffer_add_u16(out, header->id);
    buffer_add_u16(out, (uint16_t)flags);
    for (size_t i = 0; i < ARRAY_LEN(header->counts); i++)
        buffer_add_u16(out, header->counts[i]);
}

void wire_packet_name_write(struct buffer *out, const struct wire_packet_name *name)
{
    buffer_add(out, slice_of(name->bytes, name->size));
}

void wire_packet_question_write(struct buffer *out, const struct wire_packet_name *name,
                                uint16_t type, uint16_t class)
{
    wire_packet_name_write(out, name);
    buffer_add_u16(out, type);
    buffer_add_u16(out, class);
}

void wire_packet_record_write(struct buffer *out, const struct wire_packet_record *record)
{
    assert(record->rdata.size <= UINT16_MAX);
    wire_packet_question_write(out, &record->name, record->type, record->class);
    buffer_add_u32(out, record->ttl_s);
    buffer_add_u16(out, (uint16_t)record->rdata.size);
    buffer_add(out, record->rdata);
}

int wire_packet_reader_init(struct slice message, struct wire_packet_reader *ret,
                            struct wire_packet_header *ret_header)
{
    struct cursor c = cursor_of(message);
    struct wire_packet_header header = {.id = cursor_u16(&c)};
    uint16_t flags = cursor_u16(&c);

    for (size_t i = 0; i < ARRAY_LEN(header.counts); i++)
        header.counts[i] = cursor_u16(&c);
    if (c.failed || message.size > WIRE_PACKET_MESSAGE_BYTES_MAX)
        return -EBADMSG;
    header.response = flags & FLAG_RESPONSE;
    header.authoritative = flags & FLAG_AUTHORITATIVE;
    header.truncated = flags & FLAG_TRUNCATED;
    header.opcode = flags >> OPCODE_SHIFT & 0x0f;
    header.rcode = flags & RCODE_MASK;
    *ret_header = header;
    *ret = (struct wire_packet_reader){message, WIRE_PACKET_HEADER_BYTES};
    return 0;
}

/* A pointer leads to what came before (RFC 1035 §4.1.4): each jump goes further back, so it ends.
 * Yields where the name ends in the place it was read from. */
static int read_name(struct slice message, size_t at, struct wire_packet_name *ret, size_t *ret_end)
{
    struct wire_packet_name name = {.size = 0};
    size_t end = 0, earliest = at;

    for (;;) {
        struct cursor c = cursor_of(slice_part(message, at, message.size));
        uint8_t size = cursor_u8(&c);

        if (!c.failed && (size & POINTER) == POINTER) {
            size_t target = (size_t)(size & ~POINTER) << 8 | cursor_u8(&c);

            if (c.failed || target >= earliest)
                return -EBADMSG;
            end = end ? end : at + 2;
            at = earliest = target;
            continue;
        }
        if (c.failed || size & POINTER)
            return -EBADMSG;
        if (size == 0)
            break;
        if (add_label(&name, cursor_bytes(&c, size)) < 0)
            return -EBADMSG;
        at += 1 + (size_t)size;
    }
    name.bytes[name.size++] = 0;
    *ret_end = end ? end : at + 1;
    *ret = name;
    return 0;
}

int wire_packet_question_read(struct wire_packet_reader *r, struct wire_packet_name *ret_name,
                              uint16_t *ret_type, uint16_t *ret_class)
{
    struct cursor c;
    size_t end;

    if (read_name(r->message, r->at, ret_name, &end) < 0)
        return -EBADMSG;
    c = cursor_of(slice_part(r->message, end, r->message.size));
    *ret_type = cursor_u16(&c);
    *ret_class = cursor_u16(&c);
    if (c.failed)
        return -EBADMSG;
    r->at = end + 4;
    return 0;
}

int wire_packet_record_read(struct wire_packet_reader *r, struct wire_packet_record *ret)
{
    struct wire_packet_record record = {.start = r->at};
    struct cursor c;

    if (wire_packet_question_read(r, &record.name, &record.type, &record.class) < 0)
        return -EBADMSG;
    c = cursor_of(slice_part(r->message, r->at, r->message.size));
    record.ttl_s = cursor_u32(&c);
    record.rdata = cursor_bytes(&c, cursor_u16(&c));
    if (c.failed)
        return -EBADMSG;
    r->at = r->message.size - c.rest.size;
    *ret = record;
    return 0;
}

int wire_packet_reader_done(const struct wire_packet_reader *r)
{
    return r->at == r->message.size ? 0 : -EBADMSG;
}

int wire_packet_rdata_name(struct slice message, const struct wire_packet_record *record,
                           struct wire_packet_name *ret, size_t *ret_size)
{
    size_t at = (size_t)(record->rdata.data - message.data), end;
    int r = read_name(message, at, ret, &end);

    if (r < 0 || end - at > record->rdata.size)
        return -EBADMSG;
    *ret_size = end - at;
    return 0;
}

const char *wire_packet_rcode_name(unsigned rcode)
{
    static const char *const names[] = {
        "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
        "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE",
    };

    return rcode < ARRAY_LEN(names) ? names[rcode] : NULL;
}
