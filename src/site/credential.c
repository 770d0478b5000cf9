#include "site/credential.h"

static void read_credential(struct query *q, struct arena *arena, struct credential *ret)
{
    ret->id = query_int(q, 0);
    ret->access_key_id = arena_copy(arena, query_text(q, 1));
    ret->sealed = arena_copy(arena, query_blob(q, 2));
    ret->created_us = query_int(q, 3);
    ret->used_us = query_int(q, 4);
    ret->revoked_us = query_int(q, 5);
}

int credential_list(struct store *s, struct arena *arena, int64_t site_id, struct credential **ret,
                    size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_CREDENTIAL_LIST);
    struct credential *credentials = ARENA_ARRAY(arena, struct credential, CREDENTIALS_LISTED_MAX);
    size_t count = 0;
    int r;

    query_bind_int(&q, site_id);
    query_bind_int(&q, CREDENTIALS_LISTED_MAX);
    while ((r = query_step(&q)) == 1)
        read_credential(&q, arena, &credentials[count++]);
    if (r < 0)
        return r;
    *ret = credentials;
    *ret_count = count;
    return 0;
}

size_t credential_count_active(const struct credential *credentials, size_t count)
{
    size_t active = 0;

    for (size_t i = 0; i < count; i++)
        active += credentials[i].revoked_us == 0;
    return active;
}

int credential_insert(struct store *s, int64_t site_id, const struct credential *credential)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_CREDENTIAL_ADD);

    query_bind_int(&q, credential->id);
    query_bind_int(&q, site_id);
    query_bind_text(&q, credential->access_key_id);
    query_bind_blob(&q, credential->sealed);
    query_bind_int(&q, credential->created_us);
    return query_run(&q);
}

int credential_revoke(struct store *s, int64_t site_id, struct slice access_key_id, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_CREDENTIAL_REVOKE);
    int r;

    query_bind_int(&q, site_id);
    query_bind_text(&q, access_key_id);
    query_bind_int(&q, now_us);
    r = query_run(&q);
    if (r < 0)
        return r;
    return store_changes(s) == 1 ? 0 : -ENOENT;
}

int credential_note_use(struct store *s, int64_t id, int64_t used_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_CREDENTIAL_USED);

    query_bind_int(&q, id);
    query_bind_int(&q, used_us);
    return query_run(&q);
}
