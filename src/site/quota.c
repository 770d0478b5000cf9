#include "site/quota.h"

#include "control/json.h"
#include "site/service.h"
#include "site/volume.h"

int quota_of_site(struct store *s, int64_t site_id, struct quota *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_QUOTA_OF_SITE);
    int r;

    query_bind_int(&q, site_id);
    r = query_step(&q);
    if (r < 0)
        return r;
    *ret = (struct quota){0, 0};
    if (r == 1)
        *ret = (struct quota){(uint32_t)query_int(&q, 0), (uint32_t)query_int(&q, 1)};
    return 0;
}

int quota_set(struct store *s, int64_t site_id, const struct quota *quota)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_QUOTA_SET);

    query_bind_int(&q, site_id);
    query_bind_int(&q, quota->messages_per_second);
    query_bind_int(&q, quota->recipients_per_day);
    return query_run(&q);
}

/* As the gateways count: of the oldest hour only the part that is still within. */
static int64_t sum_day(const struct volume *volumes, size_t count, int64_t now_us)
{
    const int64_t hour_us = 3600 * (int64_t)1000000;
    int64_t oldest = volume_hour(now_us) - 24, left_us = hour_us - now_us % hour_us, sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += volumes[i].hour > oldest ? volumes[i].accepted
                                        : volumes[i].accepted * (left_us / 1000) / (hour_us / 1000);
    return sum;
}

int site_describe_quota(struct store *s, struct arena *arena, int64_t site_id, int64_t now_us,
                        json_t *object)
{
    struct volume *volumes;
    struct quota quota;
    size_t count = 0;
    int r = quota_of_site(s, site_id, &quota);

    if (r == 0)
        r = volume_list(s, arena, site_id, volume_hour(now_us) - 24, &volumes, &count);
    if (r < 0)
        return r;
    json_object_set_new(object, "quota",
                        json_pack("{s:I, s:I, s:I}", "messages_per_second",
                                  (json_int_t)quota.messages_per_second, "recipients_per_day",
                                  (json_int_t)quota.recipients_per_day, "recipients_in_24_hours",
                                  (json_int_t)sum_day(volumes, count, now_us)));
    return 0;
}
