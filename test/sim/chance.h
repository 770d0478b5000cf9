/* Chance that can be repeated: everything random in the simulator comes from one of these, begun
 * with the seed. SplitMix64: small, and good enough to choose faults with. */
#ifndef LETTERHEAD_SIM_CHANCE_H
#define LETTERHEAD_SIM_CHANCE_H

#include "base/base.h"

struct chance {
    uint64_t state;
};

static inline uint64_t chance_next(struct chance *c)
{
    uint64_t z = c->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* 0 to count - 1. */
static inline uint64_t chance_below(struct chance *c, uint64_t count)
{
    return count ? chance_next(c) % count : 0;
}

/* Both ends included. */
static inline uint64_t chance_between(struct chance *c, uint64_t least, uint64_t most)
{
    return least + chance_below(c, most - least + 1);
}

/* True so often in a million. Draws nothing when that is never, so that a fault that is switched
 * off does not change what else happens. */
static inline bool chance_ppm(struct chance *c, uint32_t ppm)
{
    return ppm && chance_below(c, 1000000) < ppm;
}

/* Many small values and few large ones, up to `most`: what delays look like. */
static inline uint64_t chance_skewed(struct chance *c, uint64_t most)
{
    return chance_below(c, most + 1) >> chance_below(c, 10);
}

#endif
