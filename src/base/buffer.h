/* A growable run of bytes that owns its memory. Growth doubles; it aborts when memory is out, so
 * the caller bounds what strangers may add (limits.h). BUFFER_NONE is an empty one that needs no
 * release until something is added. buffer_slice() is good until the next change. */
#ifndef LETTERHEAD_BASE_BUFFER_H
#define LETTERHEAD_BASE_BUFFER_H

#include "base/slice.h"

#include <stdarg.h>

struct buffer {
    char *data;
    size_t size;
    size_t capacity;
};

#define BUFFER_NONE ((struct buffer){NULL, 0, 0})

/* Frees the memory and leaves an empty buffer: for CLEANUP. */
void buffer_done(struct buffer *b);

/* Room for at least `more` further bytes; returns where they go (data + size). */
char *buffer_reserve(struct buffer *b, size_t more);

void buffer_add(struct buffer *b, struct slice s);
void buffer_add_byte(struct buffer *b, char c);
void buffer_printf(struct buffer *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Fixed-width integers, big-endian, for wire and disk formats. */
void buffer_add_u8(struct buffer *b, uint8_t value);
void buffer_add_u16(struct buffer *b, uint16_t value);
void buffer_add_u32(struct buffer *b, uint32_t value);
void buffer_add_u64(struct buffer *b, uint64_t value);
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

uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
struct slice cursor_bytes(struct cursor *c, size_t size);
struct slice cursor_sized(struct cursor *c);
/* 0 if everything was read and nothing is left over, -EBADMSG otherwise. */
MUST_CHECK int cursor_done(const struct cursor *c);

#endif
