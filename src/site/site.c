#include "site/site.h"

#include "site/relay.h"

enum { SITES_MAX = 100000 }; /* listed at once: far more than one steward serves */

static const char *const method_names[] = {
    [SITE_METHOD_DKIM] = "dkim",
    [SITE_METHOD_SMTP] = "smtp",
    [SITE_METHOD_DOMAIN] = "domain",
};

const char *site_method_name(enum site_method method)
{
    return method_names[method];
}

static enum site_method read_method(struct slice name)
{
    for (size_t i = SITE_METHOD_DKIM; i < ARRAY_LEN(method_names); i++)
        if (slice_equal(slice_text(method_names[i]), name))
            return (enum site_method)i;
    assert(!"a constraint of the table keeps other words out");
    return SITE_METHOD_DKIM;
}

static void read_site(struct query *q, struct arena *arena, struct site *ret)
{
    ret->id = query_int(q, 0);
    ret->name = arena_copy(arena, query_text(q, 1));
    ret->method = read_method(query_text(q, 2));
    ret->state = arena_copy(arena, query_text(q, 3));
    ret->state_since_us = query_int(q, 4);
    ret->state_why = arena_copy(arena, query_text(q, 5));
    ret->created_us = query_int(q, 6);
    ret->verified_tls = query_int(q, 7) != 0;
}

static int step_to_site(struct query *q, struct arena *arena, struct site *ret)
{
    int r = query_step(q);

    if (r < 0)
        return r;
    if (r == 0)
        return -ENOENT;
    read_site(q, arena, ret);
    return 0;
}

int site_find(struct store *s, struct arena *arena, struct slice name, struct site *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_BY_NAME);

    query_bind_text(&q, name);
    return step_to_site(&q, arena, ret);
}

int site_find_by_id(struct store *s, struct arena *arena, int64_t id, struct site *ret)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_BY_ID);

    query_bind_int(&q, id);
    return step_to_site(&q, arena, ret);
}

int site_list(struct store *s, struct arena *arena, struct site **ret, size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_LIST);
    CLEANUP(buffer_done) struct buffer rows = BUFFER_NONE;
    struct site site;
    int r;

    while ((r = query_step(&q)) == 1 && rows.size / sizeof site < SITES_MAX) {
        read_site(&q, arena, &site);
        buffer_add(&rows, slice_of(&site, sizeof site));
    }
    if (r < 0)
        return r;
    *ret = (struct site *)(uintptr_t)arena_copy(arena, buffer_slice(&rows)).data;
    *ret_count = rows.size / sizeof site;
    return 0;
}

int site_insert(struct store *s, const struct site *site)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_ADD);

    query_bind_int(&q, site->id);
    query_bind_text(&q, site->name);
    query_bind_text(&q, slice_text(site_method_name(site->method)));
    query_bind_int(&q, site->created_us);
    query_bind_int(&q, site->verified_tls);
    return query_run(&q);
}

int site_set_verified_tls(struct store *s, int64_t id, bool verified_tls)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_SET_VERIFIED_TLS);

    query_bind_int(&q, id);
    query_bind_int(&q, verified_tls);
    return query_run(&q);
}

int site_set_state(struct store *s, int64_t id, struct slice state, int64_t now_us,
                   struct slice why)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_SET_STATE);

    query_bind_int(&q, id);
    query_bind_text(&q, state);
    query_bind_int(&q, now_us);
    query_bind_text(&q, why);
    return query_run(&q);
}

static int run_for_site(struct store *s, enum store_statement statement, int64_t id)
{
    CLEANUP(query_done) struct query q = store_query(s, statement);

    query_bind_int(&q, id);
    return query_run(&q);
}

int site_erase(struct store *s, int64_t id, int64_t now_us)
{
    static const enum store_statement statements[] = {
        STORE_MAIL_FROM_REMOVE,        STORE_ALIGNMENT_REMOVE_ALL,
        STORE_IDENTITY_KEY_REMOVE_ALL, STORE_IDENTITY_REMOVE_ALL,
        STORE_CREDENTIAL_REMOVE_ALL,   STORE_OUTGOING_ADDRESS_REMOVE_ALL,
        STORE_SITE_CONTACT_REMOVE_ALL, STORE_NOTICE_REMOVE_ALL,
        STORE_SUPPRESSION_REMOVE_SITE, STORE_SUPPRESSION_COUNT_REMOVE,
        STORE_QUOTA_REMOVE_ALL,        STORE_VOLUME_REMOVE_ALL,
        STORE_REPUTATION_REMOVE_ALL,   STORE_FAILURE_REMOVE_ALL,
        STORE_DIGEST_REMOVE_ALL,
    };
    int r = relay_remove(s, id);

    for (size_t i = 0; i < ARRAY_LEN(statements) && r == 0; i++)
        r = run_for_site(s, statements[i], id);
    if (r == 0)
        r = site_set_state(s, id, SLICE("removed"), now_us, SLICE(""));
    return r;
}

int site_add_outgoing_address(struct store *s, int64_t id, struct slice address)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_OUTGOING_ADDRESS_ADD);

    query_bind_int(&q, id);
    query_bind_text(&q, address);
    return query_run(&q);
}

int site_outgoing_addresses(struct store *s, struct arena *arena, int64_t id, struct slice **ret,
                            size_t *ret_count)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_OUTGOING_ADDRESS_LIST);
    struct slice *addresses = ARENA_ARRAY(arena, struct slice, DIRECTORY_ADDRESSES_MAX);
    size_t count = 0;
    int r;

    query_bind_int(&q, id);
    while ((r = query_step(&q)) == 1 && count < DIRECTORY_ADDRESSES_MAX)
        addresses[count++] = arena_copy(arena, query_text(&q, 0));
    if (r < 0)
        return r;
    *ret = addresses;
    *ret_count = count;
    return 0;
}
