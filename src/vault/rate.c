#include "vault/rate.h"

#include <pthread.h>
#include <stdlib.h>

enum { PLACES = 4096, WINDOW_S = 60 };

struct place {
    uint64_t site_id;
    uint64_t window;
    uint32_t count;
};

struct vault_rate {
    pthread_mutex_t lock;
    uint32_t per_minute_max;
    struct place places[PLACES];
};

struct vault_rate *vault_rate_new(uint32_t per_minute_max)
{
    struct vault_rate *rate = base_allocate(sizeof *rate);

    pthread_mutex_init(&rate->lock, NULL);
    rate->per_minute_max = per_minute_max;
    return rate;
}

void vault_rate_free(struct vault_rate *rate)
{
    if (!rate)
        return;
    pthread_mutex_destroy(&rate->lock);
    free(rate);
}

static uint32_t count_one(struct vault_rate *rate, uint64_t site_id, uint64_t window)
{
    struct place *place = &rate->places[site_id % PLACES];

    if (place->site_id != site_id || place->window != window)
        *place = (struct place){site_id, window, 0};
    if (place->count < UINT32_MAX)
        place->count++;
    return place->count;
}

enum vault_rate_verdict vault_rate_take(struct vault_rate *rate, uint64_t site_id, uint64_t now_s)
{
    uint32_t count;

    pthread_mutex_lock(&rate->lock);
    count = count_one(rate, site_id, now_s / WINDOW_S);
    pthread_mutex_unlock(&rate->lock);
    if (count <= rate->per_minute_max)
        return VAULT_RATE_PASS;
    return count == rate->per_minute_max + 1 ? VAULT_RATE_FIRST_OVER : VAULT_RATE_OVER;
}
