#include "deliver/sts_store.h"

static void read_row(struct query *q, struct arena *arena, struct sts_row *ret)
{
    *ret = (struct sts_row){
        .domain = arena_copy(arena, query_text(q, 0)),
        .record_id = arena_copy(arena, query_text(q, 1)),
        .mode = arena_copy(arena, query_text(q, 2)),
        .policy = arena_copy(arena, query_text(q, 3)),
        .fetched_us = query_int(q, 4),
        .expires_us = query_int(q, 5),
        .asked_us = query_int(q, 6),
        .tried_us = query_int(q, 7),
        .trouble = arena_copy(arena, query_text(q, 8)),
        .kind = (enum wire_tls_result)query_int(q, 9),
        .trouble_since_us = query_int(q, 10),
        .failures = query_int(q, 11),
        .next_us = query_int(q, 12),
    };
}

int sts_store_find(struct store *s, struct arena *arena, struct slice domain, struct sts_row *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_STS_FIND);
    int r;

    query_bind_text(&q, domain);
    r = query_step(&q);
    if (r == 1)
        read_row(&q, arena, ret);
    return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

int sts_store_list(struct store *s, struct arena *arena, struct slice after, size_t max,
                   struct sts_row **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_STS_LIST);
    struct sts_row *rows = ARENA_ARRAY(arena, struct sts_row, max);
    size_t count = 0;
    int r;

    query_bind_text(&q, after);
    query_bind_int(&q, (int64_t)max);
    while ((r = query_step(&q)) == 1)
        read_row(&q, arena, &rows[count++]);
    if (r < 0)
        return r;
    *ret = rows;
    *ret_count = count;
    return 0;
}

static int count_rows(struct store *s)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_STS_COUNT);
    int r = query_step(&q);

    return r == 1 ? (int)query_int(&q, 0) : r;
}

static int write_row(struct store *s, const struct sts_row *row)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_STS_SAVE);

    query_bind_text(&q, row->domain);
    query_bind_text(&q, row->record_id);
    query_bind_text(&q, row->mode);
    query_bind_text(&q, row->policy);
    query_bind_int(&q, row->fetched_us);
    query_bind_int(&q, row->expires_us);
    query_bind_int(&q, row->asked_us);
    query_bind_int(&q, row->tried_us);
    query_bind_text(&q, row->trouble);
    query_bind_int(&q, row->kind);
    query_bind_int(&q, row->trouble_since_us);
    query_bind_int(&q, row->failures);
    query_bind_int(&q, row->next_us);
    return query_run(&q);
}

static int evict_one(struct store *s)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_STS_EVICT);

    return query_run(&q);
}

int sts_store_save(struct store *s, const struct sts_row *row, bool *ret_evicted)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    int r = store_transaction_begin(s, &all), count = 0;

    if (r == 0)
        r = write_row(s, row);
    if (r == 0)
        r = count = count_rows(s);
    if (r > LIMIT_STS_DOMAINS)
        r = evict_one(s);
    if (r < 0)
        return r;
    *ret_evicted = count > LIMIT_STS_DOMAINS;
    return store_transaction_commit(&all);
}

int sts_store_asked(struct store *s, struct slice domain, int64_t now_us)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_STS_ASKED);

    query_bind_text(&q, domain);
    query_bind_int(&q, now_us);
    return query_run(&q);
}

int sts_store_remove(struct store *s, struct slice domain)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_STS_REMOVE);

    query_bind_text(&q, domain);
    return query_run(&q);
}

int sts_store_due(struct store *s, struct arena *arena, int64_t now_us, size_t max,
                  struct slice *ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_STS_DUE);
    size_t count = 0;
    int r;

    query_bind_int(&q, now_us);
    query_bind_int(&q, (int64_t)max);
    while ((r = query_step(&q)) == 1)
        ret[count++] = arena_copy(arena, query_text(&q, 0));
    if (r == 0)
        *ret_count = count;
    return r;
}
