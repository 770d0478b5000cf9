/* How fast a provider is taken: connections at one time, and rates.
 *
 * The number of connections follows the answers. It begins with one; when that stands, it grows by
 * one with each message taken, and, after the first time that the provider said "slower", by one
 * with each round. "Slower" halves it, at most once for what was under way together. A back-off
 * stops all for a while, longer each time, and ends with one connection: the probe. Pure: time is
 * given. */
#ifndef LETTERHEAD_DELIVER_PROVIDER_PACE_H
#define LETTERHEAD_DELIVER_PROVIDER_PACE_H

#include "deliver/shaping.h"

/* A token bucket that holds one second's worth, at least one token. */
struct pace_bucket {
    double tokens;
    uint64_t filled_us;
};

/* True, and a token is gone; always true when per_minute is 0. */
bool pace_bucket_take(struct pace_bucket *b, uint64_t per_minute, uint64_t now_us);
/* A token that was not needed after all. */
void pace_bucket_give_back(struct pace_bucket *b);
/* How long until there is one; 0: now. */
uint64_t pace_bucket_wait_us(struct pace_bucket *b, uint64_t per_minute, uint64_t now_us);

/* Zeroed memory is a provider that nothing is known about. */
struct provider_pace {
    bool proved;    /* a connection stood since the last back-off */
    double window;  /* connections; 0: not yet begun */
    double ceiling; /* growth is slow from here on; 0: it never was too fast */
    uint64_t shrunk_us;
    uint64_t back_off_since_us, back_off_until_us; /* until 0: there is none */
    uint64_t back_off_s;                           /* the last one's length; 0: none lately */
    struct pace_bucket connections, messages;
};

/* Connections allowed now; 0: none, because of a back-off. */
uint64_t provider_pace_connections(const struct provider_pace *p,
                                   const struct shaping_limits *limits);
/* A connection stands. True if it was the first one since a back-off. */
bool provider_pace_proved(struct provider_pace *p, const struct shaping_limits *limits);
/* A message was taken. */
void provider_pace_succeeded(struct provider_pace *p, const struct shaping_limits *limits);
/* It said "slower" to what had begun at `begun_us`. False: it was halved since then already. */
bool provider_pace_slower(struct provider_pace *p, const struct shaping_limits *limits,
                          uint64_t begun_us, uint64_t now_us);
/* Begins a back-off of `pause_s`, or of twice the last one's length when that is 0. False: one is
 * under way, or began after `begun_us`. */
bool provider_pace_back_off(struct provider_pace *p, const struct shaping_limits *limits,
                            uint64_t pause_s, uint64_t begun_us, uint64_t now_us);
/* Time has passed: ends the back-off when it is over, or at once if `now_us` is UINT64_MAX. True if
 * it ended. */
bool provider_pace_advance(struct provider_pace *p, uint64_t now_us);

#endif
