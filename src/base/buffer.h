/* A growable run of bytes that owns its memory. Growth doubles; it aborts when memory is out, so
 * the caller bounds what strangers may add (limits.h). BUFFER_NONE is an empty one that needs no
 * release until something is added. buffer_slice() is good until the next change. */
#ifndef LETTERHEAD_BASE_BUFFER_H
#define LETTERHEAD_BASE_BUFFER_H

#include "base/slice.h"

#include <endian.h>
#include <stdarg.h>

struct buffer {
    char *data;
    size_t size;
    size_t capacity;
};

#define BUFFER_NONE ((struct buffer){NULL, 0, 0})

/* Frees the memory and leaves an empty buffer: for CLEANUP. */
void buffer_done(struct buffer *b);

/* For buffer_reserve, when there is not room enough. */
void buffer_grow(struct buffer *b, size_t more);
/* Room for at least `more` further bytes; returns where they go (data + size). */
static inline char *buffer_reserve(struct buffer *b, size_t more)
{
    if (b->capacity - b->size < more)
        buffer_grow(b, more);
    return b->data + b->size;
}

static inline void buffer_add(struct buffer *b, struct slice s)
{
    if (s.size == 0)
        return;
    memcpy(buffer_reserve(b, s.size), s.data, s.size);
    b->size += s.size;
}

void buffer_add_byte(struct buffer *b, char c);
/* A number as people write it; printf takes ten times as long. */
void buffer_add_decimal(struct buffer *b, uint64_t number);
void buffer_printf(struct buffer *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Fixed-width integers, big-endian, for wire and disk formats. */
static inline void buffer_add_u8(struct buffer *b, uint8_t value)
{
    buffer_add(b, slice_of(&value, sizeof value));
}

static inline void buffer_add_u16(struct buffer *b, uint16_t value)
{
    uint16_t wire = htobe16(value);

    buffer_add(b, slice_of(&wire, sizeof wire));
}

static inline void buffer_add_u32(struct buffer *b, uint32_t value)
{
    uint32_t wire = htobe32(value);

    buffer_add(b, slice_of(&wire, sizeof wire));
}

static inline void buffer_add_u64(struct buffer *b, uint64_t value)
{
    uint64_t wire = htobe64(value);

    buffer_add(b, slice_of(&wire, sizeof wire));
}

/* A 32-bit length, then the bytes. */
void buffer_add_sized(struct buffer *b, struct slice s);

/* Drops the first `size` bytes (all when there are fewer) and moves the rest up. */
void buffer_consume(struct buffer *b, size_t size);

static inline struct slice buffer_slice(const struct buffer *b)
{
    return slice_of(b->data, b->size);
}

/* Reads what buffer_add_* wrote, from the front of a slice. Any read past the end sets `failed`,
 * yields zero or the empty slice, and so do all later ones: check once at the end (cursor_done). */
struct cursor {
    struct slice rest;
    bool failed;
};

static inline struct cursor cursor_of(struct slice s)
{
    return (struct cursor){s, false};
}

static inline struct slice cursor_bytes(struct cursor *c, size_t size)
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

/* The next bytes as they lie, or zeros. */
static inline void cursor_copy(struct cursor *c, void *out, size_t size)
{
    struct slice bytes = cursor_bytes(c, size);

    if (bytes.size)
        memcpy(out, bytes.data, size);
    else
        memset(out, 0, size);
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    uint8_t value;

    cursor_copy(c, &value, sizeof value);
    return value;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    uint16_t value;

    cursor_copy(c, &value, sizeof value);
    return be16toh(value);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    uint32_t value;

    cursor_copy(c, &value, sizeof value);
    return be32toh(value);
}

static inline uint64_t cursor_u64(struct cursor *c)
{
    uint64_t value;

    cursor_copy(c, &value, sizeof value);
    return be64toh(value);
}

struct slice cursor_sized(struct cursor *c);
/* 0 if everything was read and nothing is left over, -EBADMSG otherwise. */
MUST_CHECK int cursor_done(const struct cursor *c);

#endif
