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

void buffer_grow(struct buffer *b, size_t more)
{
    size_t wanted = b->capacity ? b->capacity : 256;

    assert(more < SIZE_MAX / 4 && b->size < SIZE_MAX / 4);
    while (wanted - b->size < more)
        wanted *= 2;
    b->data = base_resize(b->data, wanted);
    b->capacity = wanted;
}

void buffer_add_decimal(struct buffer *b, uint64_t number)
{
    char digits[20], *first = digits + sizeof digits;

    do
        *--first = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    buffer_add(b, slice_of(first, (size_t)(digits + sizeof digits - first)));
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

struct slice cursor_sized(struct cursor *c)
{
    return cursor_bytes(c, cursor_u32(c));
}

int cursor_done(const struct cursor *c)
{
    return c->failed || c->rest.size ? -EBADMSG : 0;
}
