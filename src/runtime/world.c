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

uint64_t world_now_us(struct world *w)
{
    return w->ops->monotonic_us(w);
}

int64_t world_wall_us(struct world *w)
{
    return w->ops->wall_us(w);
}

struct disk *world_disk(struct world *w)
{
    return w->disk;
}
