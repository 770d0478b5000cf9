#include "submit/budget.h"

/* Grows by doubling, as buffers do, so that a budget charged by capacity matches what is used. */
static size_t grown(const struct buffer *buffer, size_t more)
{
    size_t wanted = buffer->size + more;
    size_t capacity = buffer->capacity ? buffer->capacity : 4096;

    while (capacity < wanted)
        capacity *= 2;
    return capacity;
}

int submit_budget_reserve(struct submit_draw *draw, struct buffer *buffer, size_t more)
{
    size_t capacity = grown(buffer, more);

    if (capacity <= draw->bytes)
        return 0;
    uint64_t further = capacity - draw->bytes;
    if (further > draw->budget->max_bytes - draw->budget->used_bytes)
        return -ENOBUFS;
    buffer_reserve(buffer, capacity - buffer->size);
    draw->budget->used_bytes += further;
    draw->bytes += further;
    return 0;
}

void submit_budget_return(struct submit_draw *draw)
{
    if (!draw->budget)
        return;
    draw->budget->used_bytes -= draw->bytes;
    draw->bytes = 0;
}
