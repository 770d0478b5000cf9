#include "submit/quota.h"

#include <time.h>

enum { HOUR_S = 3600 };

static struct meter_rate rate_of(const struct directory_quota *quota)
{
    uint64_t burst = (uint64_t)quota->messages_per_hour * QUOTA_BURST_S / HOUR_S;

    return (struct meter_rate){
        .interval_us = HOUR_S * SECOND_US / quota->messages_per_hour,
        .burst = burst > QUOTA_BURST_MIN ? burst : QUOTA_BURST_MIN,
    };
}

/* As people say it: by the second, or by the hour when it is less than one a second. */
static struct slice rate_words(struct arena *arena, const struct directory_quota *quota)
{
    if (quota->messages_per_hour < HOUR_S)
        return arena_printf(arena, "%u messages an hour", quota->messages_per_hour);
    return arena_printf(arena, "%u messages a second", quota->messages_per_hour / HOUR_S);
}

/* The words in front are those of Amazon SES, which applications look for. */
static bool refuse_rate(struct arena *arena, const struct directory_quota *quota, uint64_t wait_us,
                        struct wire_reply *ret)
{
    uint64_t seconds = (wait_us + SECOND_US - 1) / SECOND_US;

    *ret = (struct wire_reply){
        454, "4.7.0",
        arena_printf(arena,
                     "Throttling failure: Maximum sending rate exceeded.\n%s%.*s; try again in "
                     "%llu s",
                     quota->slowed ? "Too much of this site's mail came back, so it is slowed to "
                                   : "This site may send ",
                     SLICE_ARG(rate_words(arena, quota)), (unsigned long long)seconds)
            .data};
    return false;
}

static bool refuse_day(struct arena *arena, const struct directory_quota *quota, uint64_t used,
                       int64_t free_s, struct wire_reply *ret)
{
    time_t at = (time_t)free_s;
    struct tm parts;
    char text[64];

    gmtime_r(&at, &parts);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
    *ret = (struct wire_reply){
        454, "4.7.0",
        arena_printf(arena,
                     "Throttling failure: Daily message quota exceeded.\nThis site may send to %u "
                     "recipients in 24 hours, and has sent to %llu; there is room from %s",
                     quota->recipients_per_day, (unsigned long long)used, text)
            .data};
    return false;
}

/* More than ever fit: trying again would not help. */
static bool refuse_size(struct arena *arena, const struct directory_quota *quota,
                        struct wire_reply *ret)
{
    *ret = (struct wire_reply){
        554, "5.5.3",
        arena_printf(arena,
                     "The message has more recipients than this site may send to in 24 hours (%u)",
                     quota->recipients_per_day)
            .data};
    return false;
}

/* What was counted before this memory was made. */
static void recall(struct meter *m, const struct directory_quota *quota)
{
    for (size_t i = 0; i < quota->used_count; i++)
        meter_at_least(m, quota->used[i].hour, quota->used[i].recipients);
}

/* NULL: nothing limits the site, or nothing can be counted for it. */
static struct meter *meter_of(struct submit_service *service, const struct directory_site *site)
{
    const struct directory_quota *quota = &site->quota;
    struct meter *m;

    if (!quota->messages_per_hour && !quota->recipients_per_day)
        return NULL;
    m = meters_find(service->meters, site->id);
    if (m)
        recall(m, quota);
    return m;
}

static int64_t now_s(struct task *t)
{
    return task_wall_us(t) / (int64_t)SECOND_US;
}

static bool day_allows(struct task *t, struct arena *arena, const struct meter *m,
                       const struct directory_quota *quota, size_t recipients,
                       struct wire_reply *ret)
{
    uint64_t used;

    if (!quota->recipients_per_day)
        return true;
    if (recipients > quota->recipients_per_day)
        return refuse_size(arena, quota, ret);
    used = meter_day(m, now_s(t));
    if (used + recipients <= quota->recipients_per_day)
        return true;
    return refuse_day(arena, quota, used,
                      meter_day_free_s(m, now_s(t), recipients, quota->recipients_per_day), ret);
}

static bool rate_allows(struct task *t, struct arena *arena, const struct meter *m,
                        const struct directory_quota *quota, struct wire_reply *ret)
{
    struct meter_rate rate;
    uint64_t wait_us;

    if (!quota->messages_per_hour)
        return true;
    rate = rate_of(quota);
    wait_us = meter_rate_wait_us(m, &rate, task_now_us(t));
    return wait_us == 0 || refuse_rate(arena, quota, wait_us, ret);
}

bool submit_quota_allows(struct task *t, struct submit_service *service, struct arena *arena,
                         const struct directory_site *site, struct wire_reply *ret_refusal)
{
    const struct meter *m = meter_of(service, site);

    return !m || (day_allows(t, arena, m, &site->quota, 1, ret_refusal) &&
                  rate_allows(t, arena, m, &site->quota, ret_refusal));
}

/* Counted first and looked at afterwards: two gateways at once rather take one too few than one too
 * many. */
static bool take_day(struct task *t, struct arena *arena, struct meter *m,
                     const struct directory_quota *quota, size_t recipients, struct wire_reply *ret)
{
    uint32_t hour = (uint32_t)(now_s(t) / HOUR_S);

    if (!day_allows(t, arena, m, quota, recipients, ret))
        return false;
    meter_count(m, hour, (int32_t)recipients);
    if (!quota->recipients_per_day || meter_day(m, now_s(t)) <= quota->recipients_per_day)
        return true;
    meter_count(m, hour, -(int32_t)recipients);
    return refuse_day(arena, quota, meter_day(m, now_s(t)),
                      meter_day_free_s(m, now_s(t), recipients, quota->recipients_per_day), ret);
}

bool submit_quota_take(struct task *t, struct submit_service *service, struct arena *arena,
                       const struct directory_site *site, size_t recipients,
                       struct wire_reply *ret_refusal)
{
    const struct directory_quota *quota = &site->quota;
    struct meter *m = meter_of(service, site);
    struct meter_rate rate;

    if (!m)
        return true;
    if (!take_day(t, arena, m, quota, recipients, ret_refusal))
        return false;
    if (!quota->messages_per_hour)
        return true;
    rate = rate_of(quota);
    if (meter_rate_take(m, &rate, task_now_us(t)))
        return true;
    submit_quota_return(t, service, site->id, recipients);
    return refuse_rate(arena, quota, meter_rate_wait_us(m, &rate, task_now_us(t)), ret_refusal);
}

void submit_quota_return(struct task *t, struct submit_service *service, uint64_t site_id,
                         size_t recipients)
{
    struct meter *m = meters_find(service->meters, site_id);

    if (m)
        meter_count(m, (uint32_t)(now_s(t) / HOUR_S), -(int32_t)recipients);
}
