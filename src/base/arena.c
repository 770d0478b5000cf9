#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Many arenas never need a second block; the first one is small enough for malloc to have it at
 * hand. */
enum { FIRST_BLOCK_BYTES = 1024, BLOCK_BYTES = 4096, ALIGNMENT = 16 };

/* Most of what is printed fits. */
enum { PRINTF_BYTES = 256 };

struct arena_block {
    struct arena_block *next;
    _Alignas(ALIGNMENT) char data[];
};

void arena_done(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *block = a->blocks;

        a->blocks = block->next;
        free(block);
    }
    *a = ARENA_NONE;
}

void *arena_allocate(struct arena *a, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    void *memory;

    assert(size < SIZE_MAX / 4);
    if (a->left < rounded || !a->next) {
        size_t block_bytes = a->next ? BLOCK_BYTES : FIRST_BLOCK_BYTES;
        size_t room =
            rounded > block_bytes / 4 ? rounded : block_bytes - sizeof(struct arena_block);
        struct arena_block *block = base_allocate(sizeof *block + room);

        block->next = a->blocks;
        a->blocks = block;
        if (room == rounded) { /* a large piece has a block of its own; the current one goes on */
            a->used_bytes += size;
            return block->data;
        }
        a->next = block->data;
        a->left = room;
    }
    memory = a->next;
    a->next += rounded;
    a->left -= rounded;
    a->used_bytes += size;
    return memory;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    char *copy = arena_allocate(a, s.size + 1);

    if (s.size)
        memcpy(copy, s.data, s.size);
    return slice_of(copy, s.size);
}

struct slice arena_copy_lower(struct arena *a, struct slice s)
{
    char *copy = arena_allocate(a, s.size + 1);

    for (size_t i = 0; i < s.size; i++)
        copy[i] = (char)(s.data[i] >= 'A' && s.data[i] <= 'Z' ? s.data[i] + 32 : s.data[i]);
    return slice_of(copy, s.size);
}

struct slice arena_copy_upper(struct arena *a, struct slice s)
{
    char *copy = arena_allocate(a, s.size + 1);

    for (size_t i = 0; i < s.size; i++)
        copy[i] = (char)(s.data[i] >= 'a' && s.data[i] <= 'z' ? s.data[i] - 32 : s.data[i]);
    return slice_of(copy, s.size);
}

struct slice arena_printf(struct arena *a, const char *format, ...)
{
    char first[PRINTF_BYTES];
    va_list arguments;
    char *text;
    int length;

    assert(format);
    va_start(arguments, format);
    length = vsnprintf(first, sizeof first, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    text = arena_allocate(a, (size_t)length + 1);
    if ((size_t)length < sizeof first) {
        memcpy(text, first, (size_t)length);
        return slice_of(text, (size_t)length);
    }
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return slice_of(text, (size_t)length);
}
