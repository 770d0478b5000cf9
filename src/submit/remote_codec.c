#include "submit/remote_codec.h"

#include "base/limits.h"

static void write_id(struct buffer *b, const struct message_id *id)
{
    buffer_add_u64(b, id->ms);
    buffer_add(b, slice_of(id->uuid, sizeof(id->uuid)));
}

static struct message_id read_id(struct cursor *c)
{
    struct message_id id = {.ms = cursor_u64(c)};
    struct slice uuid = cursor_bytes(c, sizeof(id.uuid));

    if (uuid.size == sizeof(id.uuid))
        memcpy(id.uuid, uuid.data, uuid.size);
    return id;
}

void submit_remote_begin_write(struct buffer *b, const struct submit_remote_begin *begin)
{
    write_id(b, &begin->id);
    buffer_add_u64(b, begin->site_id);
    buffer_add_sized(b, begin->access_key_id);
    buffer_add_u32(b, begin->envelope_size);
    buffer_add_u64(b, begin->content_size);
}

int submit_remote_begin_read(struct slice body, struct submit_remote_begin *ret)
{
    struct cursor c = cursor_of(body);
    struct submit_remote_begin begin = {.id = read_id(&c)};
    int r;

    begin.site_id = cursor_u64(&c);
    begin.access_key_id = cursor_sized(&c);
    begin.envelope_size = cursor_u32(&c);
    begin.content_size = cursor_u64(&c);
    r = cursor_done(&c);
    if (r == 0)
        *ret = begin;
    return r;
}

void submit_remote_piece_write(struct buffer *b, const struct submit_remote_piece *piece)
{
    write_id(b, &piece->id);
    buffer_add_u8(b, (uint8_t)piece->part);
    buffer_add_u64(b, piece->offset);
    buffer_add_sized(b, piece->bytes);
}

int submit_remote_piece_read(struct slice body, struct submit_remote_piece *ret)
{
    struct cursor c = cursor_of(body);
    struct submit_remote_piece piece = {.id = read_id(&c)};
    uint8_t part = cursor_u8(&c);
    int r;

    piece.offset = cursor_u64(&c);
    piece.bytes = cursor_sized(&c);
    r = cursor_done(&c);
    if (r)
        return r;
    if (part != SUBMIT_REMOTE_ENVELOPE && part != SUBMIT_REMOTE_CONTENT)
        return -EBADMSG;
    piece.part = part;
    *ret = piece;
    return 0;
}

void submit_remote_end_write(struct buffer *b, const struct message_id *id)
{
    write_id(b, id);
}

int submit_remote_end_read(struct slice body, struct message_id *ret)
{
    struct cursor c = cursor_of(body);
    struct message_id id = read_id(&c);
    int r = cursor_done(&c);

    if (r == 0)
        *ret = id;
    return r;
}

void submit_remote_reply_write(struct buffer *b, const struct wire_reply *reply)
{
    buffer_add_u16(b, reply->code);
    buffer_add_sized(b, slice_text(reply->enhanced));
    buffer_add_sized(b, slice_text(reply->text));
}

int submit_remote_reply_read(struct arena *arena, struct slice body, struct wire_reply *ret)
{
    struct cursor c = cursor_of(body);
    uint16_t code = cursor_u16(&c);
    struct slice enhanced = cursor_sized(&c);
    struct slice text = cursor_sized(&c);
    int r = cursor_done(&c);

    if (r)
        return r;
    *ret = (struct wire_reply){code, enhanced.size ? arena_copy(arena, enhanced).data : NULL,
                               arena_copy(arena, text).data};
    return 0;
}

void submit_remote_envelope_write(struct buffer *b, const struct submit_envelope *envelope)
{
    CLEANUP(buffer_done) struct buffer from = BUFFER_NONE;

    wire_address_format(&from, &envelope->from);
    buffer_add_sized(b, buffer_slice(&from));
    buffer_add_u8(b, envelope->smtputf8);
    buffer_add_u8(b, envelope->ret);
    buffer_add_sized(b, envelope->envid);
    buffer_add_u32(b, (uint32_t)envelope->recipient_count);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        buffer_add_sized(b, envelope->recipients[i].address);
        buffer_add_u8(b, envelope->recipients[i].notify);
    }
}

/* An address that is no address is the submitter's mistake, not a broken frame. */
static bool parse_address(struct arena *arena, struct slice text, bool smtputf8,
                          struct address *ret, struct wire_reply *ret_refusal)
{
    unsigned flags = smtputf8 ? WIRE_ADDRESS_UTF8 : 0;
    struct wire_error error;

    if (wire_address_parse(arena, text, flags, ret, &error) == 0)
        return true;
    *ret_refusal = (struct wire_reply){
        501, "5.1.3",
        arena_printf(arena, "Not a mail address: %s (at byte %zu)", error.what, error.offset).data};
    return false;
}

static bool read_from(struct cursor *c, struct submit_transaction *x,
                      struct wire_reply *ret_refusal)
{
    struct slice from = cursor_sized(c);
    struct smtp_mail mail = {.smtputf8 = cursor_u8(c)};

    mail.ret = cursor_u8(c);
    mail.envid = arena_copy(&x->arena, cursor_sized(c));
    if (from.size && !parse_address(&x->arena, from, mail.smtputf8, &mail.from, ret_refusal))
        return false;
    submit_transaction_mail(x, &mail);
    return true;
}

static bool read_recipient(struct cursor *c, size_t recipients_max, struct submit_transaction *x,
                           struct wire_reply *ret_refusal)
{
    struct slice to = cursor_sized(c);
    struct smtp_rcpt rcpt = {.notify = cursor_u8(c)};
    struct wire_reply reply;

    if (c->failed)
        return true;
    if (!parse_address(&x->arena, to, x->envelope.smtputf8, &rcpt.to, ret_refusal))
        return false;
    reply = submit_transaction_rcpt(x, &rcpt, recipients_max);
    if (reply.code == 250)
        return true;
    *ret_refusal = reply;
    return false;
}

int submit_remote_envelope_read(struct slice bytes, size_t recipients_max,
                                struct submit_transaction *ret, struct wire_reply *ret_refusal)
{
    struct cursor c = cursor_of(bytes);
    struct wire_reply refusal = {.code = 0};
    bool good = read_from(&c, ret, &refusal);
    uint32_t count = good ? cursor_u32(&c) : 0;

    for (uint32_t i = 0; i < count && good && !c.failed; i++)
        good = read_recipient(&c, recipients_max, ret, &refusal);
    if (good && cursor_done(&c))
        return -EBADMSG;
    if (good && !ret->envelope.recipient_count)
        refusal = (struct wire_reply){554, "5.5.1", "No valid recipients"};
    *ret_refusal = refusal;
    return 0;
}
