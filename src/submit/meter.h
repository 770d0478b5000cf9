/* What each site has used of its quotas: a piece of memory that all gateways of one machine share,
 * so that a limit is one limit however many gateways there are and whichever of them takes a
 * message. The supervisor keeps it while gateways come and go (submit/board.h); when all is started
 * anew, the counts of the last day come back with the directory.
 *
 * Every change is one atomic step, so a process that dies at any point leaves it whole. A site that
 * has once been metered keeps its place until the supervisor ends. */
#ifndef LETTERHEAD_SUBMIT_METER_H
#define LETTERHEAD_SUBMIT_METER_H

#include "base/base.h"

enum {
    METER_SITES = 16384,     /* places */
    METER_HOURS = 25,        /* of a rolling day: the one that has begun, and 24 before */
    METER_PLACE_BYTES = 256, /* of each, so that sites do not share cache lines */
    METER_BYTES = METER_SITES * METER_PLACE_BYTES,
};

struct meters;
struct meter; /* of one site */

/* The memory at `offset` of the descriptor, METER_BYTES of it; or memory of one's own with -1. */
MUST_CHECK int meters_open(int descriptor, int64_t offset, struct meters **ret);
void meters_close(struct meters *m); /* accepts NULL */

/* The site's meter; NULL when there is no place left. */
struct meter *meters_find(struct meters *m, uint64_t site_id);

/* A rate: one message every `interval_us`, and `burst` at once. */
struct meter_rate {
    uint64_t interval_us;
    uint64_t burst;
};
/* How long until one more may come, in microseconds of the monotonic clock; 0: now. */
uint64_t meter_rate_wait_us(const struct meter *m, const struct meter_rate *rate, uint64_t now_us);
/* Takes one. False: not now. */
bool meter_rate_take(struct meter *m, const struct meter_rate *rate, uint64_t now_us);

/* Counts recipients in the hour; negative to take them back. */
void meter_count(struct meter *m, uint32_t hour, int32_t recipients);
/* There were at least so many in that hour. */
void meter_at_least(struct meter *m, uint32_t hour, uint32_t recipients);
/* Recipients of the 24 hours before `now_s` (Unix time). Of the oldest hour only the part counts
 * that is still within. */
uint64_t meter_day(const struct meter *m, int64_t now_s);
/* When at the earliest so many more are within `limit`, if none come meanwhile (Unix time). */
int64_t meter_day_free_s(const struct meter *m, int64_t now_s, uint64_t recipients, uint64_t limit);

#endif
