#include "wire/ipc.h"

#include "base/limits.h"

static void put_u32(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(value >> (24 - 8 * i));
}

void ipc_header_write(char out[static IPC_HEADER_BYTES], const struct ipc_frame *frame)
{
    assert(frame->body.size <= LIMIT_FRAME_BYTES - IPC_HEADER_BYTES);
    assert(frame->kind >= IPC_HELLO && frame->kind <= IPC_NOTICE);
    assert(frame->status <= 0 && (frame->status == 0 || frame->kind == IPC_REPLY));
    out[0] = IPC_VERSION;
    out[1] = (char)frame->kind;
    out[2] = (char)frame->type;
    out[3] = 0;
    put_u32(out + 4, frame->id);
    put_u32(out + 8, (uint32_t)frame->status);
}

void ipc_frame_write(struct buffer *b, const struct ipc_frame *frame)
{
    ipc_header_write(buffer_reserve(b, IPC_HEADER_BYTES), frame);
    b->size += IPC_HEADER_BYTES;
    buffer_add(b, frame->body);
}

/* Only replies say how it went, and they do so with 0 or a negative errno. */
static bool status_is_sound(const struct ipc_frame *frame)
{
    return frame->status == 0 || (frame->status < 0 && frame->kind == IPC_REPLY);
}

int ipc_frame_read(struct slice datagram, struct ipc_frame *ret)
{
    struct cursor c = cursor_of(datagram);
    uint8_t version = cursor_u8(&c), kind = cursor_u8(&c);
    struct ipc_frame frame = {.type = cursor_u8(&c)};
    uint8_t zero = cursor_u8(&c);

    frame.kind = kind;
    frame.id = cursor_u32(&c);
    frame.status = (int32_t)cursor_u32(&c);
    frame.body = c.rest;
    if (c.failed || datagram.size > LIMIT_FRAME_BYTES)
        return -EBADMSG;
    if (version != IPC_VERSION || kind < IPC_HELLO || kind > IPC_NOTICE || zero != 0)
        return -EBADMSG;
    if (!status_is_sound(&frame))
        return -EBADMSG;
    *ret = frame;
    return 0;
}
