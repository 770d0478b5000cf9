#include "base/heap.h"

#include <stdlib.h>

static void put(struct heap *h, size_t position, struct heap_item *item)
{
    h->items[position - 1] = item;
    item->position = position;
}

static void rise(struct heap *h, struct heap_item *item)
{
    size_t position = item->position;

    while (position > 1 && h->items[position / 2 - 1]->key > item->key) {
        put(h, position, h->items[position / 2 - 1]);
        position /= 2;
    }
    put(h, position, item);
}

/* The child with the lesser key, or NULL at the bottom. */
static struct heap_item *lesser_child(const struct heap *h, size_t position)
{
    size_t left = position * 2;

    if (left > h->count)
        return NULL;
    if (left < h->count && h->items[left]->key < h->items[left - 1]->key)
        return h->items[left];
    return h->items[left - 1];
}

static void sink(struct heap *h, struct heap_item *item)
{
    size_t position = item->position;
    struct heap_item *child;

    while ((child = lesser_child(h, position)) && child->key < item->key) {
        size_t below = child->position;

        put(h, position, child);
        position = below;
    }
    put(h, position, item);
}

static void grow(struct heap *h)
{
    if (h->count < h->capacity)
        return;
    h->capacity = h->capacity ? h->capacity * 2 : 8;
    h->items = base_resize(h->items, h->capacity * sizeof *h->items);
}

void heap_done(struct heap *h)
{
    for (size_t i = 0; i < h->count; i++)
        h->items[i]->position = 0;
    free(h->items);
    *h = (struct heap){NULL, 0, 0};
}

void heap_set(struct heap *h, struct heap_item *item, uint64_t key)
{
    item->key = key;
    if (!heap_linked(item)) {
        grow(h);
        put(h, ++h->count, item);
    }
    rise(h, item);
    sink(h, item);
}

void heap_remove(struct heap *h, struct heap_item *item)
{
    struct heap_item *last;
    size_t hole = item->position;

    if (!heap_linked(item))
        return;
    item->position = 0;
    last = h->items[--h->count];
    if (last == item)
        return;
    put(h, hole, last);
    rise(h, last);
    sink(h, last);
}
