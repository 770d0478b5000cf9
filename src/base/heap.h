/* The least of many keys at hand: a binary heap whose items lie inside their owners. Made for
 * timers: an item knows where it is, so it can be moved and taken out in O(log n). Zeroed memory is
 * an item in no heap and an empty heap. Among equal keys the order is that of the operations, the
 * same each run. */
#ifndef LETTERHEAD_BASE_HEAP_H
#define LETTERHEAD_BASE_HEAP_H

#include "base/base.h"

struct heap_item {
    uint64_t key;
    size_t position; /* from 1; 0: in no heap */
};

struct heap {
    struct heap_item **items;
    size_t count;
    size_t capacity;
};

/* Frees the table, not the items, which are then in no heap. For CLEANUP. */
void heap_done(struct heap *h);

/* Puts the item in, or moves it, under `key`. */
void heap_set(struct heap *h, struct heap_item *item, uint64_t key);
/* Does nothing when the item is in no heap. */
void heap_remove(struct heap *h, struct heap_item *item);

static inline bool heap_linked(const struct heap_item *item)
{
    return item->position != 0;
}

/* The item with the least key; NULL when the heap is empty. */
static inline struct heap_item *heap_first(const struct heap *h)
{
    return h->count ? h->items[0] : NULL;
}

#endif
