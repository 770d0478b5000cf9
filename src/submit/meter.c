#include "submit/meter.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { HOUR_S = 3600 };

/* An hour and what was counted in it, in one word: a place is used again a day later. */
struct meter {
    _Atomic uint64_t site_id; /* 0: free */
    _Atomic uint64_t next_us; /* when the bucket of messages is full again */
    _Atomic uint64_t hours[METER_HOURS];
};
static_assert(sizeof(struct meter) <= METER_PLACE_BYTES, "a meter fits into its place");

struct meters {
    char *places;
};

int meters_open(int descriptor, int64_t offset, struct meters **ret)
{
    int flags = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *memory = mmap(NULL, METER_BYTES, PROT_READ | PROT_WRITE, flags, descriptor, offset);
    struct meters *m;

    if (memory == MAP_FAILED)
        return -errno;
    m = base_allocate(sizeof *m);
    m->places = memory;
    *ret = m;
    return 0;
}

void meters_close(struct meters *m)
{
    if (!m)
        return;
    munmap(m->places, METER_BYTES);
    free(m);
}

/* Fibonacci hashing: ids are small numbers in a row. */
static size_t first_place(uint64_t site_id)
{
    static_assert(METER_SITES == 1 << 14, "the shift below leaves 14 bits");
    return (size_t)((site_id * 0x9e3779b97f4a7c15u) >> 50);
}

struct meter *meters_find(struct meters *m, uint64_t site_id)
{
    size_t place = first_place(site_id);

    for (size_t i = 0; i < METER_SITES; i++, place = (place + 1) % METER_SITES) {
        struct meter *meter = (void *)(m->places + place * METER_PLACE_BYTES);
        uint64_t there = 0;

        if (atomic_compare_exchange_strong(&meter->site_id, &there, site_id) || there == site_id)
            return meter;
    }
    return NULL;
}

/* --- messages a second: the generic cell rate algorithm, whose whole state is one time --- */

static uint64_t wait_us(uint64_t next_us, const struct meter_rate *rate, uint64_t now_us)
{
    uint64_t ahead_us = rate->interval_us * (rate->burst - 1);

    return next_us > now_us + ahead_us ? next_us - now_us - ahead_us : 0;
}

uint64_t meter_rate_wait_us(const struct meter *m, const struct meter_rate *rate, uint64_t now_us)
{
    return wait_us(atomic_load(&m->next_us), rate, now_us);
}

bool meter_rate_take(struct meter *m, const struct meter_rate *rate, uint64_t now_us)
{
    uint64_t before = atomic_load(&m->next_us), after;

    do {
        if (wait_us(before, rate, now_us))
            return false;
        after = (before > now_us ? before : now_us) + rate->interval_us;
    } while (!atomic_compare_exchange_weak(&m->next_us, &before, after));
    return true;
}

/* --- recipients a day --- */

static uint64_t pack(uint32_t hour, uint32_t count)
{
    return (uint64_t)hour << 32 | count;
}

static uint32_t hour_of(uint64_t packed)
{
    return (uint32_t)(packed >> 32);
}

static uint32_t added(uint32_t count, int32_t change)
{
    int64_t sum = (int64_t)count + change;

    return sum < 0 ? 0 : sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

void meter_count(struct meter *m, uint32_t hour, int32_t recipients)
{
    _Atomic uint64_t *place = &m->hours[hour % METER_HOURS];
    uint64_t before = atomic_load(place), after;

    do {
        uint32_t count = hour_of(before) == hour ? (uint32_t)before : 0;

        after = pack(hour, added(count, recipients));
    } while (!atomic_compare_exchange_weak(place, &before, after));
}

void meter_at_least(struct meter *m, uint32_t hour, uint32_t recipients)
{
    _Atomic uint64_t *place = &m->hours[hour % METER_HOURS];
    uint64_t before = atomic_load(place);

    do {
        if (hour_of(before) > hour || (hour_of(before) == hour && (uint32_t)before >= recipients))
            return;
    } while (!atomic_compare_exchange_weak(place, &before, pack(hour, recipients)));
}

static uint64_t count_in(const struct meter *m, int64_t hour)
{
    uint64_t packed = atomic_load(&m->hours[hour % METER_HOURS]);

    return hour_of(packed) == (uint32_t)hour ? (uint32_t)packed : 0;
}

uint64_t meter_day(const struct meter *m, int64_t now_s)
{
    int64_t hour = now_s / HOUR_S, left_s = HOUR_S - now_s % HOUR_S;
    uint64_t oldest = count_in(m, hour - 24) * (uint64_t)left_s,
             sum = (oldest + HOUR_S - 1) / HOUR_S;

    for (int64_t i = 0; i < 24; i++)
        sum += count_in(m, hour - i);
    return sum;
}

/* By minutes: who is told needs it no finer. */
int64_t meter_day_free_s(const struct meter *m, int64_t now_s, uint64_t recipients, uint64_t limit)
{
    int64_t at_s = now_s - now_s % 60;

    for (int minutes = 0; minutes <= METER_HOURS * 60; minutes++) {
        at_s += 60;
        if (meter_day(m, at_s) + recipients <= limit)
            break;
    }
    return at_s;
}
