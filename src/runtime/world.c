#include "runtime/world.h"

void world_free(struct world *w)
{
    if (w)
        w->ops->free(w);
}

void world_random(struct world *w, void *memory, size_t size)
{
    w->ops->random(w, memory, size);
}

struct disk *world_disk(struct world *w)
{
    return w->disk;
}
