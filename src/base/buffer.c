#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>

/* Most of what is printed fits. */
enum { PRINTF_BYTES = 128 };

void buffer_done(struct buffer *b)
{
    free(b->data);
    *b = BUFFER_NONE;
}

char *buffer_reserve(struct buffer *b, size_t more)
{
    if (b->capacity - b->size < more) {
        size_t wanted = b->capacity ? b->capacity : 256;

        assert(more < SIZE_MAX / 4 && b->size < SIZE_MAX / 4);
        while (wanted - b->size < more)
            wanted *= 2;
        b->data = base_resize(b->data, wanted);
        b->capacity = wanted;
    }
    return b->data + b->size;
}

void buffer_add(struct buffer *b, struct slice s)
{
    if (s.size == 0)
        return;
    memcpy(buffer_reserve(b, s.size), s.data, s.size);
    b->size += s.size;
}

void buffer_add_byte(struct buffer *b, char c)
{
    *buffer_reserve(b, 1) = c;
    b->size++;
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    char *room = buffer_reserve(b, PRINTF_BYTES);
    size_t room_bytes = b->capacity - b->size;
    va_list arguments;
    int length;

    assert(format);
    va_start(arguments, format);
    length = vsnprintf(room, room_bytes, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    if ((size_t)length >= room_bytes) { /* it was cut: once more, with the room that it takes */
        va_start(arguments, format);
        vsnprintf(buffer_reserve(b, (size_t)length + 1), (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    b->size += (size_t)length;
}

static void add_integer(struct buffer *b, uint64_t value, size_t width)
{
    char *at = buffer_reserve(b, width);

    for (size_t i = 0; i < width; i++)
        at[i] = (char)(value >> (8 * (width - 1 - i)));
    b->size += width;
}

void buffer_add_u8(struct buffer *b, uint8_t value)
{
    add_integer(b, value, 1);
}

void buffer_add_u16(struct buffer *b, uint16_t value)
{
    add_integer(b, value, 2);
}

void buffer_add_u32(struct buffer *b, uint32_t value)
{
    add_integer(b, value, 4);
}

void buffer_add_u64(struct buffer *b, uint64_t value)
{
    add_integer(b, value, 8);
}

void buffer_add_sized(struct buffer *b, struct slice s)
{
    assert(s.size <= UINT32_MAX);
    buffer_add_u32(b, (uint32_t)s.size);
    buffer_add(b, s);
}

void buffer_consume(struct buffer *b, size_t size)
{
    if (size >= b->size) {
        b->size = 0;
        return;
    }
    memmove(b->data, b->data + size, b->size - size);
    b->size -= size;
}

struct slice cursor_bytes(struct cursor *c, size_t size)
{
    struct slice bytes;

    if (c->failed || size > c->rest.size) {
        c->failed = true;
        return SLICE_NONE;
    }
    bytes = slice_part(c->rest, 0, size);
    c->rest = slice_part(c->rest, size, c->rest.size);
    return bytes;
}

static uint64_t cursor_integer(struct cursor *c, size_t width)
{
    struct slice bytes = cursor_bytes(c, width);
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.size; i++)
        value = value << 8 | (unsigned char)bytes.data[i];
    return value;
}

uint8_t cursor_u8(struct cursor *c)
{
    return (uint8_t)cursor_integer(c, 1);
}

uint16_t cursor_u16(struct cursor *c)
{
    return (uint16_t)cursor_integer(c, 2);
}

uint32_t cursor_u32(struct cursor *c)
{
    return (uint32_t)cursor_integer(c, 4);
}

uint64_t cursor_u64(struct cursor *c)
{
    return cursor_integer(c, 8);
}

struct slice cursor_sized(struct cursor *c)
{
    return cursor_bytes(c, cursor_u32(c));
}

int cursor_done(const struct cursor *c)
{
    return c->failed || c->rest.size ? -EBADMSG : 0;
}
