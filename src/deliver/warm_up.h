/* What a new source address may send: so many messages on each day of its plan, then no limit. A
 * day is one of UTC, counted from 1970. What was sent is counted by its day, so that a clock that
 * is set back goes on with what that day had. Pure: time is given. */
#ifndef LETTERHEAD_DELIVER_WARM_UP_H
#define LETTERHEAD_DELIVER_WARM_UP_H

#include "deliver/shaping.h"

enum { WARM_UP_DAYS = 4 }; /* that are remembered */
#define WARM_UP_NO_LIMIT UINT64_MAX

struct warm_up_count {
    uint64_t day;
    uint64_t sent;
    uint64_t under_way; /* being sent; it counts until it is known not to have been */
    uint64_t told;      /* of those sent: the steward knows of them */
};

/* Zeroed memory has sent nothing. */
struct warm_up_counts {
    struct warm_up_count of[WARM_UP_DAYS];
};

uint64_t warm_up_day(int64_t wall_us);
/* "2026-11-24" */
void warm_up_day_write(struct buffer *ret, uint64_t day);
/* How many messages on this day; 0 before the plan starts. NULL: no plan. */
uint64_t warm_up_limit(const struct shaping_plan *plan, uint64_t started_day, uint64_t day);
/* The count of the day; begun, in place of the one longest ago, if there is none. */
struct warm_up_count *warm_up_count_of(struct warm_up_counts *counts, uint64_t day);

#endif
