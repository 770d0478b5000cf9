#include "site/suppression.h"

#include "base/limits.h"

static const char *const reason_names[] = {
    [SUPPRESSION_BOUNCE] = "bounce",
    [SUPPRESSION_COMPLAINT] = "complaint",
    [SUPPRESSION_MANUAL] = "manual",
};

const char *suppression_reason_name(enum suppression_reason reason)
{
    return reason_names[reason];
}

bool suppression_reason_parse(struct slice name, enum suppression_reason *ret)
{
    for (size_t i = SUPPRESSION_BOUNCE; i < ARRAY_LEN(reason_names); i++)
        if (slice_equal(name, slice_text(reason_names[i]))) {
            *ret = (enum suppression_reason)i;
            return true;
        }
    return false;
}

struct slice suppression_fold(struct arena *arena, struct slice address)
{
    return arena_copy_lower(arena, address);
}

static struct slice state_name(bool held)
{
    return held ? SLICE("held") : SLICE("active");
}

static struct slice domain_of(struct slice address)
{
    size_t at = address.size;

    while (at > 0 && address.data[at - 1] != '@')
        at--;
    return slice_part(address, at, address.size);
}

static void bind_expiry(struct query *q, int64_t expires_us)
{
    if (expires_us)
        query_bind_int(q, expires_us);
    else
        query_bind_null(q);
}

/* --- reading --- */

static void read_row(struct query *q, struct arena *arena, struct suppression *ret)
{
    *ret = (struct suppression){
        .site_id = query_int(q, 0),
        .address = arena_copy(arena, query_text(q, 1)),
        .held = slice_equal(query_text(q, 2), SLICE("held")),
        .class = arena_copy(arena, query_text(q, 4)),
        .message = arena_copy(arena, query_text(q, 5)),
        .text = arena_copy(arena, query_text(q, 6)),
        .since_us = query_int(q, 7),
        .expires_us = query_int(q, 8),
    };
    if (!suppression_reason_parse(query_text(q, 3), &ret->reason))
        ret->reason = SUPPRESSION_MANUAL; /* the table allows no other */
}

static int read_rows(struct query *q, struct arena *arena, size_t max, struct suppression **ret,
                     size_t *ret_count)
{
    struct suppression *rows = ARENA_ARRAY(arena, struct suppression, max);
    size_t count = 0;
    int r;

    while ((r = query_step(q)) == 1 && count < max)
        read_row(q, arena, &rows[count++]);
    if (r < 0)
        return r;
    *ret = rows;
    *ret_count = count;
    return 0;
}

int suppression_find(struct store *s, struct arena *arena, int64_t site_id, struct slice address,
                     struct suppression *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_FIND);
    int r;

    query_bind_int(&q, site_id);
    query_bind_text(&q, address);
    r = query_step(&q);
    if (r < 1)
        return r < 0 ? r : -ENOENT;
    read_row(&q, arena, ret);
    return 0;
}

int suppression_list(struct store *s, struct arena *arena, int64_t site_id, bool held,
                     struct slice after, size_t max, struct suppression **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_LIST);

    assert(max <= SUPPRESSION_LIST_MAX);
    query_bind_int(&q, site_id);
    query_bind_text(&q, after);
    query_bind_text(&q, state_name(held));
    query_bind_int(&q, (int64_t)max);
    return read_rows(&q, arena, max, ret, ret_count);
}

int suppression_list_of_domain(struct store *s, struct arena *arena, struct slice domain, bool held,
                               int64_t since_us, size_t max, struct suppression **ret,
                               size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_LIST_OF_DOMAIN);

    assert(max <= SUPPRESSION_LIST_MAX);
    query_bind_text(&q, domain);
    query_bind_text(&q, state_name(held));
    query_bind_int(&q, since_us);
    query_bind_int(&q, (int64_t)max);
    return read_rows(&q, arena, max, ret, ret_count);
}

int suppression_list_held(struct store *s, struct arena *arena, size_t max,
                          struct suppression **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_LIST_HELD);

    assert(max <= SUPPRESSION_LIST_MAX);
    query_bind_int(&q, (int64_t)max);
    return read_rows(&q, arena, max, ret, ret_count);
}

int suppression_list_expired(struct store *s, struct arena *arena, int64_t now_us, size_t max,
                             struct suppression **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_LIST_EXPIRED);

    assert(max <= SUPPRESSION_LIST_MAX);
    query_bind_int(&q, now_us);
    query_bind_int(&q, (int64_t)max);
    return read_rows(&q, arena, max, ret, ret_count);
}

int suppression_count(struct store *s, int64_t site_id, int64_t *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_COUNT);
    int r;

    query_bind_int(&q, site_id);
    r = query_step(&q);
    if (r < 0)
        return r;
    *ret = r == 1 ? query_int(&q, 0) : 0;
    return 0;
}

/* --- changing --- */

static int change_count(struct store *s, int64_t site_id, int64_t by)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_COUNT_CHANGE);

    query_bind_int(&q, site_id);
    query_bind_int(&q, by);
    return query_run(&q);
}

static int insert(struct store *s, const struct suppression *x)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_ADD);

    query_bind_int(&q, x->site_id);
    query_bind_text(&q, x->address);
    query_bind_text(&q, domain_of(x->address));
    query_bind_text(&q, state_name(x->held));
    query_bind_text(&q, slice_text(suppression_reason_name(x->reason)));
    query_bind_text(&q, x->class);
    query_bind_text(&q, x->message);
    query_bind_text(&q, slice_part(x->text, 0, SUPPRESSION_TEXT_BYTES));
    query_bind_int(&q, x->since_us);
    bind_expiry(&q, x->expires_us);
    return query_run(&q);
}

static int add(struct store *s, const struct suppression *x)
{
    int64_t count = 0;
    int r = suppression_count(s, x->site_id, &count);

    if (r == 0 && count >= LIMIT_SUPPRESSIONS)
        return -ENOSPC;
    if (r == 0)
        r = insert(s, x);
    return r == 0 ? change_count(s, x->site_id, 1) : r;
}

static int change(struct store *s, const struct suppression *x)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_CHANGE);

    query_bind_int(&q, x->site_id);
    query_bind_text(&q, x->address);
    query_bind_text(&q, state_name(x->held));
    query_bind_text(&q, slice_text(suppression_reason_name(x->reason)));
    query_bind_text(&q, x->class);
    query_bind_text(&q, x->message);
    query_bind_text(&q, slice_part(x->text, 0, SUPPRESSION_TEXT_BYTES));
    bind_expiry(&q, x->expires_us);
    return query_run(&q);
}

int suppression_put(struct store *s, const struct suppression *suppression, bool *ret_changed)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct suppression there, wanted = *suppression;
    int r = suppression_find(s, &arena, wanted.site_id, wanted.address, &there);

    *ret_changed = false;
    if (r == -ENOENT) {
        r = add(s, &wanted);
        *ret_changed = r == 0 && !wanted.held;
        return r;
    }
    if (r < 0 || wanted.reason < there.reason)
        return r;
    if (wanted.reason == SUPPRESSION_BOUNCE)
        wanted.held = there.held;
    r = change(s, &wanted);
    *ret_changed = r == 0 && wanted.held != there.held;
    return r;
}

int suppression_remove(struct store *s, int64_t site_id, struct slice address)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_REMOVE);
    int r;

    query_bind_int(&q, site_id);
    query_bind_text(&q, address);
    r = query_run(&q);
    if (r == 0 && store_changes(s) == 0)
        return -ENOENT;
    return r == 0 ? change_count(s, site_id, -1) : r;
}

int suppression_set_held(struct store *s, int64_t site_id, struct slice address, bool held)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_SET_STATE);
    int r;

    query_bind_int(&q, site_id);
    query_bind_text(&q, address);
    query_bind_text(&q, state_name(held));
    r = query_run(&q);
    return r == 0 && store_changes(s) == 0 ? -ENOENT : r;
}
