/* Bytes that must never be seen: passwords, keys, master key. Memory is locked and left out of core
 * dumps where the system allows it, and wiped on release. There is no way to print one; compare
 * with slice_equal_constant_time(secret_slice(s), …). Never copied into an arena, a log or a
 * transcript. */
#ifndef LETTERHEAD_BASE_SECRET_H
#define LETTERHEAD_BASE_SECRET_H

#include "base/slice.h"

struct secret {
    char *data;
    size_t size;
    size_t mapped;
};

#define SECRET_NONE ((struct secret){NULL, 0, 0})

/* Takes `size` zeroed bytes. */
void secret_init(struct secret *s, size_t size);
void secret_copy(struct secret *s, struct slice bytes);
/* Wipes and releases; for CLEANUP. */
void secret_done(struct secret *s);
/* Overwrites memory in a way that the compiler keeps. */
void secret_wipe(void *memory, size_t size);

static inline struct slice secret_slice(const struct secret *s)
{
    return slice_of(s->data, s->size);
}

#endif
