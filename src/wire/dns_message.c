#include "wire/dns_message.h"

#include "base/limits.h"
#include "wire/dns_text.h"

enum {
    CLASS_IN = 1,
    FLAG_ANSWER = 0x8000,
    FLAG_AUTHORITATIVE = 0x0400,
    FLAG_TRUNCATED = 0x0200,
    RCODE_MASK = 0x000f,
    POINTER = 0xc0,
    NAME_BYTES_MAX = 255,   /* in wire form, RFC 1035 §2.3.4 */
    SOA_NUMBERS_BYTES = 20, /* serial and four times, RFC 1035 §3.3.13 */
};

/* --- questions --- */

static void write_name(struct buffer *out, struct slice name)
{
    struct slice label;
    bool more = name.size > 0;

    while (more) {
        more = slice_cut(&name, '.', &label);
        buffer_add_u8(out, (uint8_t)label.size);
        buffer_add(out, label);
    }
    buffer_add_u8(out, 0);
}

int wire_dns_question_write(struct buffer *out, uint16_t id, struct slice name, uint16_t type)
{
    if (name.size && !wire_dns_name_valid(name))
        return -EINVAL;
    buffer_add_u16(out, id);
    buffer_add_u16(out, 0); /* a standard question, recursion not desired */
    buffer_add_u16(out, 1);
    buffer_add_u16(out, 0);
    buffer_add_u16(out, 0);
    buffer_add_u16(out, 0);
    write_name(out, name);
    buffer_add_u16(out, type);
    buffer_add_u16(out, CLASS_IN);
    return 0;
}

/* --- names --- */

static void add_label(struct buffer *text, struct slice label)
{
    if (text->size)
        buffer_add_byte(text, '.');
    for (size_t i = 0; i < label.size; i++) {
        unsigned char c = (unsigned char)label.data[i];

        if (c <= ' ' || c >= 127 || c == '.' || c == '\\')
            buffer_printf(text, "\\%03u", c);
        else
            buffer_add_byte(text, c >= 'A' && c <= 'Z' ? (char)(c + 32) : (char)c);
    }
}

/* Where a pointer leads: to before itself, always, so that no chain of them has no end. */
static bool follow(struct slice message, size_t first_byte, size_t at, size_t *ret)
{
    if (at + 1 >= message.size)
        return false;
    *ret = (first_byte & ~(size_t)POINTER) << 8 | (unsigned char)message.data[at + 1];
    return *ret < at;
}

/* Reads the name at `at`, compressed or not (RFC 1035 §4.1.4); *ret_end is behind it. */
static bool read_name(struct arena *arena, struct slice message, size_t at, struct slice *ret,
                      size_t *ret_end)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    size_t wire_bytes = 1, lowest = at;
    bool jumped = false;

    while (at < message.size) {
        size_t length = (unsigned char)message.data[at];

        if (length >= POINTER) {
            size_t to;

            if (!follow(message, length, at, &to) || to >= lowest)
                return false;
            if (!jumped)
                *ret_end = at + 2;
            jumped = true;
            lowest = at = to;
            continue;
        }
        wire_bytes += 1 + length;
        if (length > LIMIT_LABEL_BYTES || at + 1 + length > message.size ||
            wire_bytes > NAME_BYTES_MAX + 1)
            return false;
        if (length == 0) {
            if (!jumped)
                *ret_end = at + 1;
            *ret = arena_copy(arena, buffer_slice(&text));
            return true;
        }
        add_label(&text, slice_part(message, at + 1, length));
        at += 1 + length;
    }
    return false;
}

/* --- answers --- */

/* What is being read. */
struct reader {
    struct arena *arena;
    struct slice message;
    size_t at;
};

static bool take_name(struct reader *r, struct slice *ret)
{
    return read_name(r->arena, r->message, r->at, ret, &r->at);
}

static struct cursor take(struct reader *r, size_t size)
{
    struct cursor c = cursor_of(slice_part(r->message, r->at, size));

    c.failed = c.rest.size != size;
    r->at += c.rest.size;
    return c;
}

static void read_soa(const struct reader *r, size_t at, size_t end, struct wire_dns_record *record)
{
    struct slice primary, mailbox;
    struct cursor numbers;

    if (!read_name(r->arena, r->message, at, &primary, &at) ||
        !read_name(r->arena, r->message, at, &mailbox, &at) || at + SOA_NUMBERS_BYTES != end)
        return;
    numbers = cursor_of(slice_part(r->message, at, SOA_NUMBERS_BYTES));
    record->target = primary;
    record->serial = cursor_u32(&numbers);
}

static void read_text(const struct reader *r, struct wire_dns_record *record)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    if (wire_dns_text_decode(record->rdata, &text) == 0)
        record->text = arena_copy(r->arena, buffer_slice(&text));
}

/* Names in RDATA may be compressed, and point into the whole message. */
static void read_contents(const struct reader *r, size_t at, struct wire_dns_record *record)
{
    size_t end = at + record->rdata.size, behind;
    struct slice name;

    switch (record->type) {
    case WIRE_DNS_NS:
    case WIRE_DNS_CNAME:
        if (read_name(r->arena, r->message, at, &name, &behind) && behind == end)
            record->target = name;
        break;
    case WIRE_DNS_SOA:
        read_soa(r, at, end, record);
        break;
    case WIRE_DNS_TXT:
        read_text(r, record);
        break;
    default:
        break;
    }
}

static bool take_record(struct reader *r, struct wire_dns_record *ret, bool *ret_wanted)
{
    struct cursor c;
    uint16_t class;
    size_t size;

    if (!take_name(r, &ret->name))
        return false;
    c = take(r, 10);
    ret->type = cursor_u16(&c);
    class = cursor_u16(&c);
    ret->ttl_s = cursor_u32(&c);
    size = cursor_u16(&c);
    ret->rdata = slice_part(r->message, r->at, size);
    if (c.failed || ret->rdata.size != size)
        return false;
    *ret_wanted = class == CLASS_IN;
    if (*ret_wanted)
        read_contents(r, r->at, ret);
    r->at += size;
    return true;
}

static int take_section(struct reader *r, size_t count, bool answers, struct wire_dns_message *m)
{
    for (size_t i = 0; i < count; i++) {
        struct wire_dns_record record = {.in_answer = answers};
        bool wanted;

        if (m->record_count == WIRE_DNS_RECORDS_MAX)
            return 0;
        if (!take_record(r, &record, &wanted))
            return -EBADMSG;
        if (wanted)
            m->records[m->record_count++] = record;
    }
    return 0;
}

static int take_question(struct reader *r, size_t count, struct wire_dns_message *m)
{
    struct cursor c;

    if (count == 0)
        return 0;
    if (count > 1 || !take_name(r, &m->name))
        return -EBADMSG;
    c = take(r, 4);
    m->type = cursor_u16(&c);
    return c.failed || cursor_u16(&c) != CLASS_IN ? -EBADMSG : 0;
}

int wire_dns_message_read(struct arena *arena, struct slice bytes, struct wire_dns_message *ret)
{
    struct reader r = {arena, bytes, 0};
    struct cursor header = take(&r, 12);
    struct wire_dns_message m = {.id = cursor_u16(&header)};
    unsigned flags = cursor_u16(&header);
    size_t questions = cursor_u16(&header), answers = cursor_u16(&header),
           authorities = cursor_u16(&header), all = answers + authorities;
    int result;

    if (header.failed)
        return -EBADMSG;
    m.is_answer = flags & FLAG_ANSWER;
    m.authoritative = flags & FLAG_AUTHORITATIVE;
    m.truncated = flags & FLAG_TRUNCATED;
    m.rcode = flags & RCODE_MASK;
    m.records = ARENA_ARRAY(arena, struct wire_dns_record,
                            all < WIRE_DNS_RECORDS_MAX ? all : WIRE_DNS_RECORDS_MAX);
    result = take_question(&r, questions, &m);
    if (result == 0)
        result = take_section(&r, answers, true, &m);
    if (result == 0)
        result = take_section(&r, authorities, false, &m);
    if (result == 0)
        *ret = m;
    return result;
}
