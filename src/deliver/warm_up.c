#include "deliver/warm_up.h"

#include <time.h>

static const uint64_t DAY_S = 86400;

uint64_t warm_up_day(int64_t wall_us)
{
    return wall_us < 0 ? 0 : (uint64_t)wall_us / 1000000 / DAY_S;
}

void warm_up_day_write(struct buffer *ret, uint64_t day)
{
    time_t seconds = (time_t)(day * DAY_S);
    struct tm parts;
    char text[32] = "";

    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%d", &parts);
    buffer_add(ret, slice_text(text));
}

uint64_t warm_up_limit(const struct shaping_plan *plan, uint64_t started_day, uint64_t day)
{
    if (!plan)
        return WARM_UP_NO_LIMIT;
    if (day < started_day)
        return 0;
    return day - started_day < plan->day_count ? plan->messages[day - started_day]
                                               : WARM_UP_NO_LIMIT;
}

struct warm_up_count *warm_up_count_of(struct warm_up_counts *counts, uint64_t day)
{
    struct warm_up_count *oldest = &counts->of[0];

    for (size_t i = 0; i < WARM_UP_DAYS; i++) {
        if (counts->of[i].day == day)
            return &counts->of[i];
        if (counts->of[i].day < oldest->day)
            oldest = &counts->of[i];
    }
    *oldest = (struct warm_up_count){.day = day};
    return oldest;
}
