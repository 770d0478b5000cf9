#include "site/suppression.h"

#include "base/limits.h"
#include "site/site.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct store *open_store(void)
{
    const struct store_options options = {.path = ":memory:", .schema = STORE_CONTROL};
    struct store *s = NULL;
    char *problem = NULL;

    if (store_open(&options, &s, &problem) < 0)
        fail_msg("%s", problem);
    return s;
}

static int64_t add_site(struct store *s)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_ADD);

    query_bind_int(&q, 9);
    query_bind_text(&q, SLICE("town"));
    query_bind_text(&q, SLICE("dkim"));
    query_bind_int(&q, 1);
    query_bind_int(&q, 0);
    assert_int_equal(query_run(&q), 0);
    return 9;
}

struct step {
    enum suppression_reason reason;
    bool held;
    bool changed;                        /* whether the gateways must be told */
    enum suppression_reason reason_then; /* what is there afterwards */
    bool held_then;
};

/* A stronger reason stays; what is held stays so until somebody is sure. */
static void the_strongest_reason_counts(void **state)
{
    static const struct {
        struct step steps[3];
    } cases[] = {
        {{{SUPPRESSION_BOUNCE, false, true, SUPPRESSION_BOUNCE, false},
          {SUPPRESSION_BOUNCE, false, false, SUPPRESSION_BOUNCE, false},
          {SUPPRESSION_COMPLAINT, false, false, SUPPRESSION_COMPLAINT, false}}},
        {{{SUPPRESSION_MANUAL, false, true, SUPPRESSION_MANUAL, false},
          {SUPPRESSION_COMPLAINT, false, false, SUPPRESSION_MANUAL, false},
          {SUPPRESSION_BOUNCE, true, false, SUPPRESSION_MANUAL, false}}},
        {{{SUPPRESSION_BOUNCE, true, false, SUPPRESSION_BOUNCE, true},
          {SUPPRESSION_BOUNCE, false, false, SUPPRESSION_BOUNCE, true},
          {SUPPRESSION_COMPLAINT, false, true, SUPPRESSION_COMPLAINT, false}}},
        {{{SUPPRESSION_BOUNCE, false, true, SUPPRESSION_BOUNCE, false},
          {SUPPRESSION_BOUNCE, true, false, SUPPRESSION_BOUNCE, false},
          {SUPPRESSION_MANUAL, false, false, SUPPRESSION_MANUAL, false}}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(store_close_pointer) struct store *s = open_store();
        struct suppression x = {.site_id = add_site(s), .address = SLICE("a@b.example")}, found;
        int64_t count;

        for (size_t j = 0; j < 3; j++) {
            CLEANUP(arena_done) struct arena arena = ARENA_NONE;
            const struct step *step = &cases[i].steps[j];
            bool changed;

            x.reason = step->reason;
            x.held = step->held;
            assert_int_equal(suppression_put(s, &x, &changed), 0);
            assert_int_equal(suppression_find(s, &arena, 9, x.address, &found), 0);
            assert_int_equal(changed, step->changed);
            assert_int_equal(found.reason, step->reason_then);
            assert_int_equal(found.held, step->held_then);
        }
        assert_int_equal(suppression_count(s, 9, &count), 0);
        assert_int_equal(count, 1);
    }
}

static void keeps_no_more_than_its_limit(void **state)
{
    CLEANUP(store_close_pointer) struct store *s = open_store();
    struct suppression x = {.reason = SUPPRESSION_MANUAL, .address = SLICE("one@b.example")};
    CLEANUP(query_done) struct query q = store_query(s, STORE_SUPPRESSION_COUNT_CHANGE);
    bool changed;

    (void)state;
    x.site_id = add_site(s);
    query_bind_int(&q, x.site_id);
    query_bind_int(&q, LIMIT_SUPPRESSIONS - 1);
    assert_int_equal(query_run(&q), 0);
    query_done(&q);
    assert_int_equal(suppression_put(s, &x, &changed), 0);
    assert_int_equal(suppression_put(s, &x, &changed), 0); /* it is there already */
    x.address = SLICE("two@b.example");
    assert_int_equal(suppression_put(s, &x, &changed), -ENOSPC);
    assert_int_equal(suppression_remove(s, 9, SLICE("one@b.example")), 0);
    assert_int_equal(suppression_remove(s, 9, SLICE("one@b.example")), -ENOENT);
    assert_int_equal(suppression_put(s, &x, &changed), 0);
}

static void finds_those_of_a_domain(void **state)
{
    static const char *const addresses[] = {"a@one.example", "b@two.example", "c@one.example"};
    CLEANUP(store_close_pointer) struct store *s = open_store();
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct suppression x = {.reason = SUPPRESSION_BOUNCE}, *found;
    size_t count;
    bool changed;

    (void)state;
    x.site_id = add_site(s);
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        x.address = slice_text(addresses[i]);
        x.since_us = (int64_t)(i + 1) * 100;
        assert_int_equal(suppression_put(s, &x, &changed), 0);
    }
    assert_int_equal(
        suppression_list_of_domain(s, &arena, SLICE("one.example"), false, 100, 10, &found, &count),
        0);
    assert_int_equal(count, 2);
    assert_int_equal(
        suppression_list_of_domain(s, &arena, SLICE("one.example"), false, 101, 10, &found, &count),
        0);
    assert_int_equal(count, 1);
    assert_true(slice_equal(found[0].address, SLICE("c@one.example")));
    assert_int_equal(suppression_set_held(s, 9, SLICE("c@one.example"), true), 0);
    assert_int_equal(suppression_list_held(s, &arena, 10, &found, &count), 0);
    assert_int_equal(count, 1);
    assert_true(found[0].held);
    assert_int_equal(suppression_list(s, &arena, 9, false, SLICE_NONE, 10, &found, &count), 0);
    assert_int_equal(count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strongest_reason_counts),
        cmocka_unit_test(keeps_no_more_than_its_limit),
        cmocka_unit_test(finds_those_of_a_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
