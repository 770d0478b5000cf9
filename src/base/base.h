/* The few words that every file uses: attributes, ownership, and memory that never fails.
 *
 * Errors are `int`: 0, or a negative errno; `ret_x` is written only on success. A failed allocation
 * aborts (base_allocate and friends), so whatever a stranger can make grow has a bound in limits.h.
 * assert() is for bugs and stays on in release builds: a crash loses nothing that was acknowledged.
 */
#ifndef LETTERHEAD_BASE_BASE_H
#define LETTERHEAD_BASE_BASE_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))
#define NORETURN __attribute__((noreturn))

/* Calls function(&variable) when the variable goes out of scope, which is use enough (clang). */
#define CLEANUP(function) __attribute__((cleanup(function), unused))

/* Hands a pointer over: yields it and leaves NULL behind, so that no cleanup runs on it. */
#define TAKE(pointer)                                                                              \
    ({                                                                                             \
        __typeof__(pointer) *take_from_ = &(pointer);                                              \
        __typeof__(pointer) take_value_ = *take_from_;                                             \
        *take_from_ = NULL;                                                                        \
        take_value_;                                                                               \
    })

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds `member` at address `pointer`. */
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* Never return NULL; abort when memory is out. base_allocate zeroes what it returns. */
void *base_allocate(size_t size_bytes) __attribute__((malloc, returns_nonnull));
void *base_resize(void *memory, size_t size_bytes) __attribute__((returns_nonnull));
char *base_duplicate(const char *text) __attribute__((malloc, returns_nonnull));

/* CLEANUP functions for a `char *` or `void *` from malloc, and for a descriptor (-1: none). */
void base_free_pointer(void *pointer_to_pointer);
void base_close_descriptor(int *descriptor);

#endif
