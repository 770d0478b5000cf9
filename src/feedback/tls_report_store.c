#include "feedback/tls_report_store.h"

#include "base/limits.h"

/* The columns of every statement that yields rows. */
static void read_row(struct query *q, struct arena *arena, struct tls_report_row *ret)
{
    *ret = (struct tls_report_row){
        .day = arena_copy(arena, query_text(q, 0)),
        .domain = arena_copy(arena, query_text(q, 1)),
        .place = query_int(q, 2),
        .uri = arena_copy(arena, query_text(q, 3)),
        .state = arena_copy(arena, query_text(q, 4)),
        .attempts = query_int(q, 5),
        .next_us = query_int(q, 6),
        .since_us = query_int(q, 7),
        .why = arena_copy(arena, query_text(q, 8)),
        .message_id = arena_copy(arena, query_text(q, 9)),
    };
}

static int read_rows(struct query *q, struct arena *arena, size_t max, struct tls_report_row **ret,
                     size_t *ret_count)
{
    struct tls_report_row *rows = ARENA_ARRAY(arena, struct tls_report_row, max);
    size_t count = 0;
    int r = 0;

    while (count < max && (r = query_step(q)) == 1)
        read_row(q, arena, &rows[count++]);
    if (r < 0)
        return r;
    *ret = rows;
    *ret_count = count;
    return 0;
}

int tls_report_row_save(struct store *s, const struct tls_report_row *row)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_TLS_REPORT_SAVE);

    query_bind_text(&q, row->day);
    query_bind_text(&q, row->domain);
    query_bind_int(&q, row->place);
    query_bind_text(&q, row->uri);
    query_bind_text(&q, row->state);
    query_bind_int(&q, row->attempts);
    query_bind_int(&q, row->next_us);
    query_bind_int(&q, row->since_us);
    query_bind_text(&q, row->why);
    query_bind_text(&q, row->message_id);
    return query_run(&q);
}

static int remove_rows(struct store *s, struct slice day, struct slice domain)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_TLS_REPORT_REMOVE);

    query_bind_text(&q, day);
    query_bind_text(&q, domain);
    return query_run(&q);
}

int tls_report_rows_replace(struct store *s, const struct tls_report_row *rows, size_t count)
{
    int r = count ? remove_rows(s, rows[0].day, rows[0].domain) : 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = tls_report_row_save(s, &rows[i]);
    return r;
}

int tls_report_rows_due(struct store *s, struct arena *arena, int64_t now_us, size_t max,
                        struct tls_report_row **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_TLS_REPORT_DUE);

    query_bind_int(&q, now_us);
    query_bind_int(&q, (int64_t)max);
    return read_rows(&q, arena, max, ret, ret_count);
}

int tls_report_rows_of(struct store *s, struct arena *arena, struct slice day, struct slice domain,
                       struct tls_report_row **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_TLS_REPORT_OF);

    query_bind_text(&q, day);
    query_bind_text(&q, domain);
    return read_rows(&q, arena, LIMIT_TLSRPT_DESTINATIONS, ret, ret_count);
}

int tls_report_rows_count(struct store *s, struct slice day, int64_t *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_TLS_REPORT_COUNT);
    int r;

    query_bind_text(&q, day);
    r = query_step(&q);
    if (r < 0)
        return r;
    *ret = query_int(&q, 0);
    return 0;
}

static int forget(struct store *s, enum store_statement statement, struct slice day)
{
    CLEANUP(query_done) struct query q = store_query(s, statement);

    query_bind_text(&q, day);
    return query_run(&q);
}

int tls_report_forget(struct store *s, struct slice day)
{
    int r = forget(s, STORE_TLS_REPORT_FORGET, day);

    return r < 0 ? r : forget(s, STORE_TLS_REPORT_DAY_FORGET, day);
}

int tls_report_day_find(struct store *s, struct arena *arena, struct slice day,
                        struct tls_report_progress *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_TLS_REPORT_DAY_FIND);
    int r;

    query_bind_text(&q, day);
    r = query_step(&q);
    if (r < 1)
        return r < 0 ? r : -ENOENT;
    *ret = (struct tls_report_progress){query_int(&q, 0), arena_copy(arena, query_text(&q, 1)),
                                        query_int(&q, 2) != 0};
    return 0;
}

int tls_report_day_save(struct store *s, struct slice day,
                        const struct tls_report_progress *progress)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_TLS_REPORT_DAY_SAVE);

    query_bind_text(&q, day);
    query_bind_int(&q, progress->begins_us);
    query_bind_text(&q, progress->last_domain);
    query_bind_int(&q, progress->done);
    return query_run(&q);
}
