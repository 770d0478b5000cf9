#include "site/mail_from.h"

#include "control/json.h"

static void read_row(struct query *q, struct arena *arena, struct mail_from *ret)
{
    *ret = (struct mail_from){
        .site_id = query_int(q, 0),
        .domain = arena_copy(arena, query_text(q, 1)),
        .on_failure = arena_copy(arena, query_text(q, 2)),
        .state = arena_copy(arena, query_text(q, 3)),
        .since_us = query_int(q, 4),
        .why = arena_copy(arena, query_text(q, 5)),
        .next_step = arena_copy(arena, query_text(q, 6)),
        .trouble = arena_copy(arena, query_text(q, 7)),
        .checked_us = query_int(q, 8),
        .next_check_us = query_int(q, 9),
    };
}

int mail_from_find(struct store *s, struct arena *arena, int64_t site_id, struct mail_from *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_MAIL_FROM_FIND);
    int r;

    query_bind_int(&q, site_id);
    r = query_step(&q);
    if (r == 1)
        read_row(&q, arena, ret);
    return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

int mail_from_save(struct store *s, const struct mail_from *row)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_MAIL_FROM_SAVE);

    query_bind_int(&q, row->site_id);
    query_bind_text(&q, row->domain);
    query_bind_text(&q, row->on_failure);
    query_bind_text(&q, row->state);
    query_bind_int(&q, row->since_us);
    query_bind_text(&q, row->why);
    query_bind_text(&q, row->next_step);
    query_bind_text(&q, row->trouble);
    query_bind_int(&q, row->checked_us);
    query_bind_int(&q, row->next_check_us);
    return query_run(&q);
}

int mail_from_remove(struct store *s, int64_t site_id)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_MAIL_FROM_REMOVE);

    query_bind_int(&q, site_id);
    return query_run(&q);
}

int mail_from_due(struct store *s, int64_t now_us, size_t max, int64_t *ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_MAIL_FROM_DUE);
    size_t count = 0;
    int r = 0;

    query_bind_int(&q, now_us);
    query_bind_int(&q, (int64_t)max);
    while (count < max && (r = query_step(&q)) == 1)
        ret[count++] = query_int(&q, 0);
    *ret_count = count;
    return r < 0 ? r : 0;
}

bool mail_from_is_used(const struct mail_from *row)
{
    return slice_equal(row->state, SLICE("SUCCESS"));
}

static void add_text(json_t *object, const char *name, struct slice text)
{
    json_object_set_new(object, name, control_json_text(text));
}

int mail_from_describe(struct store *s, struct arena *arena, int64_t site_id, json_t *object)
{
    struct mail_from row;
    int r = mail_from_find(s, arena, site_id, &row);
    json_t *item = r == 0 ? json_object() : json_null();

    json_object_set_new(object, "mail_from", item);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    add_text(item, "domain", row.domain);
    add_text(item, "on_failure", row.on_failure);
    add_text(item, "state", row.state);
    json_object_set_new(item, "since", control_json_time(row.since_us));
    add_text(item, "why", row.why);
    add_text(item, "next_step", row.next_step);
    add_text(item, "trouble", row.trouble);
    json_object_set_new(item, "checked", control_json_time(row.checked_us));
    json_object_set_new(item, "next_check", control_json_time(row.next_check_us));
    return 0;
}
