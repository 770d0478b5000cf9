/* One process's part of a limit that is for several of them together: each gets its part, in
 * whole numbers, and none gets nothing. */
#ifndef LETTERHEAD_BASE_SHARE_H
#define LETTERHEAD_BASE_SHARE_H

#include "base/base.h"

/* The index-th, from 0, of count; all zero: alone. */
struct share {
    unsigned index, count;
};

/* The parts add up to the limit; but where there are more processes than the limit has units, each
 * gets one, since a process that may do nothing would sit on its work for ever. 0 stays 0. */
static inline uint64_t share_of(const struct share *share, uint64_t limit)
{
    uint64_t part;

    if (share->count < 2 || limit == 0)
        return limit;
    assert(share->index < share->count);
    part = limit / share->count + (share->index < limit % share->count);
    return part ? part : 1;
}

#endif
