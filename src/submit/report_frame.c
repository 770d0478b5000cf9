#include "submit/report_frame.h"

static void write_name(struct buffer *b, const struct report_name *name)
{
    buffer_add_u64(b, name->id.ms);
    buffer_add(b, slice_of(name->id.uuid, sizeof name->id.uuid));
    buffer_add_u32(b, name->recipient);
}

static struct report_name read_name(struct cursor *c)
{
    struct report_name name = {.id = {.ms = cursor_u64(c)}};
    struct slice uuid = cursor_bytes(c, sizeof name.id.uuid);

    if (uuid.size)
        memcpy(name.id.uuid, uuid.data, uuid.size);
    name.recipient = cursor_u32(c);
    return name;
}

void report_begin_write(struct buffer *b, const struct report_begin *begin)
{
    write_name(b, &begin->name);
    buffer_add_sized(b, begin->address);
    buffer_add_u32(b, begin->size);
    buffer_add_u8(b, begin->tries);
}

int report_begin_read(struct slice body, struct report_begin *ret)
{
    struct cursor c = cursor_of(body);
    struct report_begin begin = {.name = read_name(&c)};

    begin.address = cursor_sized(&c);
    begin.size = cursor_u32(&c);
    begin.tries = cursor_u8(&c);
    if (cursor_done(&c) < 0 || begin.address.size > LIMIT_PATH_BYTES ||
        begin.size > LIMIT_REPORT_BYTES)
        return -EBADMSG;
    *ret = begin;
    return 0;
}

void report_piece_write(struct buffer *b, const struct report_piece *piece)
{
    write_name(b, &piece->name);
    buffer_add_u32(b, piece->offset);
    buffer_add_sized(b, piece->bytes);
}

int report_piece_read(struct slice body, struct report_piece *ret)
{
    struct cursor c = cursor_of(body);
    struct report_piece piece = {.name = read_name(&c)};

    piece.offset = cursor_u32(&c);
    piece.bytes = cursor_sized(&c);
    if (cursor_done(&c) < 0 || piece.offset > LIMIT_REPORT_BYTES ||
        piece.bytes.size > LIMIT_REPORT_BYTES - piece.offset)
        return -EBADMSG;
    *ret = piece;
    return 0;
}

void report_end_write(struct buffer *b, const struct report_name *name)
{
    write_name(b, name);
}

int report_end_read(struct slice body, struct report_name *ret)
{
    struct cursor c = cursor_of(body);
    struct report_name name = read_name(&c);

    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = name;
    return 0;
}

bool report_name_equal(const struct report_name *a, const struct report_name *b)
{
    return a->recipient == b->recipient && message_id_compare(&a->id, &b->id) == 0;
}
