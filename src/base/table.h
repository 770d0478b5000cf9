/* A hash table whose links lie inside the elements; it owns nothing but its slots. Equal hashes are
 * told apart by the caller, who compares keys:
 *
 *     for (struct table_item *i = table_find(t, hash); i; i = table_find_more(i)) …
 *
 * Sixteen bytes an element and eight a slot. It grows by doubling, in one go. The order of elements
 * is nobody's business: there is no way to walk through. */
#ifndef LETTERHEAD_BASE_TABLE_H
#define LETTERHEAD_BASE_TABLE_H

#include "base/slice.h"

struct table_item {
    struct table_item *next;
    uint64_t hash;
};

/* Zeroed memory is an empty table. */
struct table {
    struct table_item **slots;
    size_t slot_count; /* 0 or a power of two */
    size_t count;
};

/* Frees the slots, not the elements. For CLEANUP. */
void table_done(struct table *t);

/* A hash of bytes that strangers may choose: SipHash-1-3 under a key made for this process. */
uint64_t table_hash(struct slice key);

/* The element must be in no table. */
void table_add(struct table *t, struct table_item *item, uint64_t hash);
/* The element must be in this table. */
void table_remove(struct table *t, struct table_item *item);
/* An element with this hash, or NULL; and the next one with the same hash, or NULL. */
struct table_item *table_find(const struct table *t, uint64_t hash);
struct table_item *table_find_more(const struct table_item *item);

#endif
