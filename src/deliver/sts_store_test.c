#include "deliver/sts_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

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

static struct sts_row sample(struct slice domain)
{
    return (struct sts_row){
        .domain = domain,
        .record_id = SLICE("20261123"),
        .mode = SLICE("enforce"),
        .policy = SLICE("version: STSv1\n"),
        .fetched_us = 1,
        .expires_us = 2,
        .asked_us = 3,
        .tried_us = 4,
        .trouble = SLICE("it is late"),
        .kind = WIRE_TLS_STS_WEBPKI_INVALID,
        .trouble_since_us = 5,
        .failures = 6,
        .next_us = 7,
    };
}

static void rows_come_back(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_close_pointer) struct store *s = open_store();
    struct sts_row row = sample(SLICE("example.org")), found;
    bool evicted = true;

    (void)state;
    assert_int_equal(sts_store_find(s, &arena, row.domain, &found), -ENOENT);
    assert_int_equal(sts_store_save(s, &row, &evicted), 0);
    assert_false(evicted);
    row.failures = 8;
    assert_int_equal(sts_store_save(s, &row, &evicted), 0);
    assert_int_equal(sts_store_asked(s, row.domain, 9), 0);
    assert_int_equal(sts_store_find(s, &arena, row.domain, &found), 0);
    assert_true(slice_equal(found.record_id, row.record_id));
    assert_true(slice_equal(found.mode, row.mode));
    assert_true(slice_equal(found.policy, row.policy));
    assert_true(slice_equal(found.trouble, row.trouble));
    assert_int_equal(found.kind, row.kind);
    assert_int_equal(found.fetched_us, 1);
    assert_int_equal(found.expires_us, 2);
    assert_int_equal(found.asked_us, 9);
    assert_int_equal(found.tried_us, 4);
    assert_int_equal(found.trouble_since_us, 5);
    assert_int_equal(found.failures, 8);
    assert_int_equal(found.next_us, 7);
    assert_int_equal(sts_store_remove(s, row.domain), 0);
    assert_int_equal(sts_store_find(s, &arena, row.domain, &found), -ENOENT);
}

static void lists_are_in_order(void **state)
{
    static const char *const domains[] = {"c.example", "a.example", "b.example"};
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_close_pointer) struct store *s = open_store();
    struct slice due[2];
    struct sts_row *rows;
    bool evicted;
    size_t count;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
        struct sts_row row = sample(slice_text(domains[i]));

        row.next_us = 100 - (int64_t)i;
        assert_int_equal(sts_store_save(s, &row, &evicted), 0);
    }
    assert_int_equal(sts_store_list(s, &arena, SLICE_NONE, 2, &rows, &count), 0);
    assert_int_equal(count, 2);
    assert_true(slice_equal(rows[1].domain, SLICE("b.example")));
    assert_int_equal(sts_store_list(s, &arena, rows[1].domain, 2, &rows, &count), 0);
    assert_int_equal(count, 1);
    assert_true(slice_equal(rows[0].domain, SLICE("c.example")));
    assert_int_equal(sts_store_due(s, &arena, 99, 2, due, &count), 0);
    assert_int_equal(count, 2);
    assert_true(slice_equal(due[0], SLICE("b.example")));
    assert_true(slice_equal(due[1], SLICE("a.example")));
}

/* The one that was asked for the longest ago goes. */
static void domains_are_bounded(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(store_close_pointer) struct store *s = open_store();
    struct sts_row found;
    bool evicted = false;

    (void)state;
    for (int i = 0; i <= LIMIT_STS_DOMAINS; i++) {
        char domain[32];
        struct sts_row row;

        assert_false(evicted);
        snprintf(domain, sizeof domain, "d%d.example", i);
        row = sample(slice_text(domain));
        row.asked_us = i == 7 ? 1 : 1000 + i;
        assert_int_equal(sts_store_save(s, &row, &evicted), 0);
    }
    assert_true(evicted);
    assert_int_equal(sts_store_find(s, &arena, SLICE("d7.example"), &found), -ENOENT);
    assert_int_equal(sts_store_find(s, &arena, SLICE("d8.example"), &found), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(lists_are_in_order),
        cmocka_unit_test(domains_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
