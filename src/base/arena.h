/* Memory that is freed all at once: one arena a message, one a session. Nothing in it is freed
 * alone, no destructor runs, and no secret goes in (see secret.h). An arena made with ARENA_NONE
 * takes its first block when first used. */
#ifndef LETTERHEAD_BASE_ARENA_H
#define LETTERHEAD_BASE_ARENA_H

#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    char *next;
    size_t left;
    size_t used_bytes; /* what was asked for, for limits and metrics */
};

#define ARENA_NONE ((struct arena){NULL, NULL, 0, 0})

/* Frees all; the arena may be used again. For CLEANUP. */
void arena_done(struct arena *a);

/* Zeroed, aligned for any type. */
void *arena_allocate(struct arena *a, size_t size) __attribute__((returns_nonnull));
/* A copy; one NUL follows it that does not count in the size. */
struct slice arena_copy(struct arena *a, struct slice s);
/* The same with ASCII letters in lower (upper) case. */
struct slice arena_copy_lower(struct arena *a, struct slice s);
struct slice arena_copy_upper(struct arena *a, struct slice s);
struct slice arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);

#define ARENA_NEW(arena, type) ((type *)arena_allocate((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_allocate((arena), sizeof(type) * (count)))

#endif
