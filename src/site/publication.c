#include "site/publication.h"

int publication_want(struct store *s, const struct publication *wanted, int64_t from_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PUBLICATION_WANT);

    query_bind_text(&q, wanted->name);
    query_bind_int(&q, wanted->identity_id);
    query_bind_text(&q, wanted->wanted);
    query_bind_int(&q, wanted->wanted_us);
    query_bind_int(&q, from_us);
    return query_run(&q);
}

int publication_drop_site(struct store *s, int64_t site_id, int64_t now_us, int64_t from_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PUBLICATION_DROP_SITE);

    query_bind_int(&q, site_id);
    query_bind_int(&q, now_us);
    query_bind_int(&q, from_us);
    return query_run(&q);
}

static void read_row(struct query *q, struct arena *arena, struct publication *ret)
{
    *ret = (struct publication){
        .name = arena_copy(arena, query_text(q, 0)),
        .identity_id = query_int(q, 1),
        .wanted = arena_copy(arena, query_text(q, 2)),
        .wanted_us = query_int(q, 3),
        .offered = arena_copy(arena, query_text(q, 4)),
        .published = arena_copy(arena, query_text(q, 5)),
        .published_us = query_int(q, 6),
        .checked_us = query_int(q, 7),
        .state = arena_copy(arena, query_text(q, 8)),
        .since_us = query_int(q, 9),
        .trouble = arena_copy(arena, query_text(q, 10)),
        .failures = query_int(q, 11),
        .next_us = query_int(q, 12),
    };
}

static int read_one(struct query *q, struct arena *arena, struct publication *ret)
{
    int r = query_step(q);

    if (r == 1)
        read_row(q, arena, ret);
    return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

int publication_due(struct store *s, struct arena *arena, int64_t now_us, struct publication *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PUBLICATION_DUE);

    query_bind_int(&q, now_us);
    return read_one(&q, arena, ret);
}

int publication_find(struct store *s, struct arena *arena, struct slice name,
                     struct publication *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PUBLICATION_BY_NAME);

    query_bind_text(&q, name);
    return read_one(&q, arena, ret);
}

int publication_list(struct store *s, struct arena *arena, struct slice after, bool troubled,
                     size_t max, struct publication **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PUBLICATION_LIST);
    struct publication *rows = ARENA_ARRAY(arena, struct publication, max);
    size_t count = 0;
    int r;

    query_bind_text(&q, after);
    query_bind_int(&q, troubled);
    query_bind_int(&q, (int64_t)max);
    while ((r = query_step(&q)) == 1 && count < max) {
        read_row(&q, arena, &rows[count]);
        rows[count].site = arena_copy(arena, query_text(&q, 13));
        rows[count++].domain = arena_copy(arena, query_text(&q, 14));
    }
    if (r < 0)
        return r;
    *ret = rows;
    *ret_count = count;
    return 0;
}

int publication_offer(struct store *s, struct slice name, struct slice text)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PUBLICATION_OFFER);

    query_bind_text(&q, name);
    query_bind_text(&q, text);
    return query_run(&q);
}

static int remove_done(struct store *s, struct slice name)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PUBLICATION_REMOVE_DONE);

    query_bind_text(&q, name);
    return query_run(&q);
}

int publication_settle(struct store *s, struct slice name, struct slice text, int64_t now_us,
                       int64_t next_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PUBLICATION_SETTLE);
    int r;

    query_bind_text(&q, name);
    query_bind_text(&q, text);
    query_bind_int(&q, now_us);
    query_bind_int(&q, next_us);
    r = query_run(&q);
    return r == 0 && text.size == 0 ? remove_done(s, name) : r;
}

int publication_hinder(struct store *s, struct slice name, const char *state, struct slice trouble,
                       int64_t now_us, int64_t next_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PUBLICATION_HINDER);

    query_bind_text(&q, name);
    query_bind_text(&q, slice_text(state));
    query_bind_text(&q, trouble);
    query_bind_int(&q, now_us);
    query_bind_int(&q, next_us);
    return query_run(&q);
}

int publication_retry(struct store *s, int64_t now_us, int64_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_PUBLICATION_RETRY);
    int r;

    query_bind_int(&q, now_us);
    r = query_run(&q);
    if (r == 0)
        *ret_count = store_changes(s);
    return r;
}
