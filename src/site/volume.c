#include "site/volume.h"

#include "base/buffer.h"

int volume_note(struct store *s, uint64_t site_id, const struct volume *volume)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_VOLUME_NOTE);

    query_bind_int(&q, (int64_t)site_id);
    query_bind_int(&q, volume->hour);
    query_bind_int(&q, volume->accepted);
    query_bind_int(&q, volume->delivered);
    query_bind_int(&q, volume->bounced);
    query_bind_int(&q, volume->failed);
    query_bind_int(&q, volume->complained);
    return query_run(&q);
}

int volume_list(struct store *s, struct arena *arena, int64_t site_id, int64_t from_hour,
                struct volume **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_VOLUME_LIST);
    CLEANUP(buffer_done) struct buffer rows = BUFFER_NONE;
    int r;

    query_bind_int(&q, site_id);
    query_bind_int(&q, from_hour);
    while ((r = query_step(&q)) == 1) {
        const struct volume row = {query_int(&q, 0), query_int(&q, 1), query_int(&q, 2),
                                   query_int(&q, 3), query_int(&q, 4), query_int(&q, 5)};

        buffer_add(&rows, slice_of(&row, sizeof row));
    }
    if (r < 0)
        return r;
    *ret = ARENA_ARRAY(arena, struct volume, rows.size / sizeof **ret);
    if (rows.size)
        memcpy(*ret, rows.data, rows.size);
    *ret_count = rows.size / sizeof **ret;
    return 0;
}

int volume_sites(struct store *s, struct arena *arena, int64_t from_hour, int64_t **ret,
                 size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_VOLUME_SITES);
    CLEANUP(buffer_done) struct buffer ids = BUFFER_NONE;
    int r;

    query_bind_int(&q, from_hour);
    while ((r = query_step(&q)) == 1) {
        const int64_t id = query_int(&q, 0);

        buffer_add(&ids, slice_of(&id, sizeof id));
    }
    if (r < 0)
        return r;
    *ret = ARENA_ARRAY(arena, int64_t, ids.size / sizeof **ret);
    if (ids.size)
        memcpy(*ret, ids.data, ids.size);
    *ret_count = ids.size / sizeof **ret;
    return 0;
}

int volume_forget(struct store *s, int64_t before_hour)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_VOLUME_FORGET);

    query_bind_int(&q, before_hour);
    return query_run(&q);
}
