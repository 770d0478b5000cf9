#include "deliver/provider_pace.h"

#include "runtime/task.h"

/* Connections that are opened at once when the first one stands. */
static const double WINDOW_FIRST = 4;
static const double SHRINK = 0.5;

static void refill(struct pace_bucket *b, uint64_t per_minute, uint64_t now_us)
{
    double per_second = (double)per_minute / 60, most = per_second > 1 ? per_second : 1;

    if (b->filled_us == 0)
        b->tokens = most;
    else
        b->tokens += per_second * (double)(now_us - b->filled_us) / (double)SECOND_US;
    if (b->tokens > most)
        b->tokens = most;
    b->filled_us = now_us;
}

bool pace_bucket_take(struct pace_bucket *b, uint64_t per_minute, uint64_t now_us)
{
    if (pace_bucket_wait_us(b, per_minute, now_us) > 0)
        return false;
    if (per_minute)
        b->tokens -= 1;
    return true;
}

uint64_t pace_bucket_wait_us(struct pace_bucket *b, uint64_t per_minute, uint64_t now_us)
{
    if (per_minute == 0)
        return 0;
    refill(b, per_minute, now_us);
    if (b->tokens >= 1)
        return 0;
    return (uint64_t)((1 - b->tokens) * 60 * (double)SECOND_US / (double)per_minute) + 1;
}

void pace_bucket_give_back(struct pace_bucket *b)
{
    b->tokens += 1; /* the next look cuts it to what the bucket holds */
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

uint64_t provider_pace_connections(const struct provider_pace *p,
                                   const struct shaping_limits *limits)
{
    if (p->back_off_until_us)
        return 0;
    if (!p->proved || p->window < 1)
        return 1;
    return (uint64_t)least(p->window, (double)limits->connections_max);
}

bool provider_pace_proved(struct provider_pace *p, const struct shaping_limits *limits)
{
    if (p->proved || p->back_off_until_us)
        return false;
    p->proved = true;
    if (p->window < 1)
        p->window = least(p->ceiling > 0 ? 1 : WINDOW_FIRST, (double)limits->connections_max);
    return true;
}

void provider_pace_succeeded(struct provider_pace *p, const struct shaping_limits *limits)
{
    if (p->back_off_until_us)
        return;
    p->back_off_s = 0;
    p->window += p->ceiling > 0 && p->window >= p->ceiling ? 1 / p->window : 1;
    p->window = least(p->window, (double)limits->connections_max);
}

bool provider_pace_slower(struct provider_pace *p, const struct shaping_limits *limits,
                          uint64_t begun_us, uint64_t now_us)
{
    double window = least(p->window, (double)limits->connections_max);

    if (begun_us < p->shrunk_us)
        return false;
    p->shrunk_us = now_us;
    p->window = window * SHRINK > 1 ? window * SHRINK : 1;
    p->ceiling = p->window;
    return true;
}

bool provider_pace_back_off(struct provider_pace *p, const struct shaping_limits *limits,
                            uint64_t pause_s, uint64_t begun_us, uint64_t now_us)
{
    uint64_t doubled_s = p->back_off_s ? p->back_off_s * 2 : limits->back_off_min_s;

    if (p->back_off_until_us || begun_us < p->back_off_since_us)
        return false;
    if (doubled_s > limits->back_off_max_s)
        doubled_s = limits->back_off_max_s;
    (void)provider_pace_slower(p, limits, now_us, now_us);
    p->window = 0; /* from one on, quickly up to the ceiling */
    p->proved = false;
    p->back_off_s = pause_s > doubled_s ? pause_s : doubled_s;
    p->back_off_since_us = now_us;
    p->back_off_until_us = now_us + p->back_off_s * SECOND_US;
    return true;
}

bool provider_pace_advance(struct provider_pace *p, uint64_t now_us)
{
    if (p->back_off_until_us == 0 || now_us < p->back_off_until_us)
        return false;
    p->back_off_until_us = 0;
    return true;
}
