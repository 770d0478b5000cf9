#include "site/quota_directory.h"

#include "site/quota.h"

enum { HOUR_S = 3600 };

static int read_used(struct store *s, struct arena *arena, struct directory_site *site)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_VOLUME_NEWEST);
    struct directory_quota *quota = &site->quota;
    int r;

    quota->used = ARENA_ARRAY(arena, struct directory_hour, DIRECTORY_HOURS_MAX);
    query_bind_int(&q, (int64_t)site->id);
    query_bind_int(&q, DIRECTORY_HOURS_MAX);
    while ((r = query_step(&q)) == 1)
        quota->used[quota->used_count++] =
            (struct directory_hour){(uint32_t)query_int(&q, 0), (uint32_t)query_int(&q, 1)};
    return r;
}

/* What the site's reputation makes of it (feedback/reputation_keeper.h): slower, or nothing. */
static int apply_reputation(struct store *s, struct directory_site *site)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_REPUTATION_EFFECT);
    struct directory_quota *quota = &site->quota;
    uint32_t slower;
    int r;

    query_bind_int(&q, (int64_t)site->id);
    r = query_step(&q);
    if (r < 1)
        return r;
    slower = (uint32_t)query_int(&q, 1);
    quota->held = slice_equal(query_text(&q, 0), SLICE("pause"));
    quota->slowed = slice_equal(query_text(&q, 0), SLICE("slow"));
    if (quota->slowed && (!quota->messages_per_hour || slower < quota->messages_per_hour))
        quota->messages_per_hour = slower;
    return 0;
}

int quota_directory_read(struct store *s, struct arena *arena, struct directory_site *site)
{
    struct quota quota;
    int r = quota_of_site(s, (int64_t)site->id, &quota);

    if (r < 0)
        return r;
    site->quota = (struct directory_quota){
        .messages_per_hour = quota.messages_per_second * HOUR_S,
        .recipients_per_day = quota.recipients_per_day,
    };
    if (quota.recipients_per_day)
        r = read_used(s, arena, site);
    return r < 0 ? r : apply_reputation(s, site);
}
