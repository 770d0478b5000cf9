#include "site/claim.h"

#include "site/notice.h"
#include "site/site.h"
#include "site/world_test.h"

static const int64_t NOW_US = 1000000000000;

static void add_site(struct store *s, int64_t id, const char *name)
{
    const struct site site = {
        .id = id, .name = slice_text(name), .method = SITE_METHOD_DKIM, .created_us = 1};
    const struct identity identity = {.id = id + 100,
                                      .site_id = id,
                                      .domain = SLICE("example.org"),
                                      .why = SLICE("why"),
                                      .next_step = SLICE("next")};

    assert_int_equal(site_insert(s, &site), 0);
    assert_int_equal(identity_insert(s, &identity), 0);
}

static int set_state(struct store *s, int64_t site_id, const char *state)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_IDENTITY_JUDGED);

    query_bind_int(&q, site_id + 100);
    query_bind_text(&q, slice_text(state));
    query_bind_int(&q, 1);
    query_bind_text(&q, SLICE("why"));
    query_bind_text(&q, SLICE("next"));
    query_bind_int(&q, 1);
    query_bind_int(&q, NOW_US * 2);
    query_bind_int(&q, 0);
    query_bind_int(&q, 0);
    query_bind_text(&q, SLICE(""));
    query_bind_text(&q, SLICE(""));
    return query_run(&q);
}

static struct identity identity_of(struct store *s, struct arena *arena, int64_t site_id)
{
    struct identity identity;

    assert_int_equal(identity_find(s, arena, site_id + 100, &identity), 0);
    return identity;
}

static struct store *open_world(void)
{
    struct store *s = site_world_store();

    add_site(s, 1, "holder-site");
    add_site(s, 2, "claimant-site");
    return s;
}

/* What is told next, to whom: the site's id, or 0 for the operators alone. */
static int64_t next_notice(struct store *s, struct arena *arena, struct notice_row *ret)
{
    assert_int_equal(notice_next(s, arena, INT64_MAX, ret), 0);
    assert_int_equal(notice_told(s, ret->id, NOW_US), 0);
    return ret->site_id;
}

static void assert_neutral(struct slice text)
{
    assert_true(slice_find_slice(text, SLICE("holder-site")) < 0);
    assert_true(slice_find_slice(text, SLICE("claimant-site")) < 0);
}

static void a_whole_holder_keeps_it(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct store *s = open_world();
    struct identity claimant = identity_of(s, &arena, 2);
    struct notice_row row;

    (void)state;
    assert_int_equal(claim_is_held(s, &claimant), 0);
    assert_int_equal(set_state(s, 1, "SUCCESS"), 0);
    assert_int_equal(claim_is_held(s, &claimant), 1);
    assert_int_equal(set_state(s, 2, "SUCCESS"), -EEXIST);

    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(claim_contest(s, &claimant, NOW_US), 0);
    assert_int_equal(store_transaction_commit(&all), 0);
    assert_int_equal(identity_of(s, &arena, 1).next_check_us, NOW_US);
    assert_int_equal(next_notice(s, &arena, &row), 0);
    assert_true(slice_find_slice(row.text, SLICE("holder-site")) >= 0);
    store_close(s);
}

static void a_broken_holder_loses_it(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct store *s = open_world();
    struct identity claimant = identity_of(s, &arena, 2), holder;
    int64_t ousted = 0;
    struct notice_row row;

    (void)state;
    assert_int_equal(set_state(s, 1, "TEMPORARY_FAILURE"), 0);
    assert_int_equal(claim_is_held(s, &claimant), 0);
    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(claim_take(s, &claimant, NOW_US, &ousted), 0);
    assert_int_equal(set_state(s, 2, "SUCCESS"), 0);
    assert_int_equal(store_transaction_commit(&all), 0);
    assert_int_equal(ousted, 1);
    holder = identity_of(s, &arena, 1);
    assert_true(slice_equal(holder.state, SLICE("FAILED")));
    assert_neutral(holder.why);
    assert_neutral(holder.next_step);
    assert_int_equal(next_notice(s, &arena, &row), 1);
    assert_neutral(row.text);
    store_close(s);
}

static void what_nobody_holds_is_taken_from_nobody(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    struct store *s = open_world();
    struct identity claimant = identity_of(s, &arena, 2);
    int64_t ousted = -1;
    struct notice_row row;

    (void)state;
    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(claim_take(s, &claimant, NOW_US, &ousted), 0);
    assert_int_equal(store_transaction_commit(&all), 0);
    assert_int_equal(ousted, 0);
    assert_int_equal(notice_next(s, &arena, INT64_MAX, &row), -ENOENT);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_holder_keeps_it),
        cmocka_unit_test(a_broken_holder_loses_it),
        cmocka_unit_test(what_nobody_holds_is_taken_from_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
