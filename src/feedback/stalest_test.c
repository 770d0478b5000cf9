#include "feedback/stalest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct store *store;

static int open_store(void **state)
{
    const struct store_options options = {.path = ":memory:", .schema = STORE_CONTROL};
    char *problem = NULL;

    (void)state;
    return store_open(&options, &store, &problem);
}

static int close_store(void **state)
{
    (void)state;
    store_close(store);
    return 0;
}

static json_t *describe(uint64_t since_s, bool lost)
{
    const struct queue_status status = {
        .oldest_without_progress_s = since_s,
        .stalest = {.id = {.ms = 7},
                    .site_id = 1,
                    .state = QUEUE_ENTRY_READY,
                    .lost = lost,
                    .destination = SLICE("example.net"),
                    .holding = SLICE("example.net rests")},
    };

    return stalest_describe(store, &status);
}

static void it_says_which_and_why(void **state)
{
    const struct queue_status none = {0};
    json_t *stalest = describe(7200, false), *nothing = stalest_describe(store, &none);

    (void)state;
    assert_true(json_is_null(nothing));
    assert_string_equal(json_string_value(json_object_get(stalest, "destination")), "example.net");
    assert_string_equal(json_string_value(json_object_get(stalest, "state")), "ready");
    assert_string_equal(json_string_value(json_object_get(stalest, "waits")), "example.net rests");
    assert_int_equal(json_integer_value(json_object_get(stalest, "since_s")), 7200);
    assert_int_equal(strlen(json_string_value(json_object_get(stalest, "message_id"))),
                     MESSAGE_ID_LENGTH);
    json_decref(stalest);
}

/* Of several gateways, the oldest; but before all others what nothing explains. */
static void what_is_lost_comes_first(void **state)
{
    json_t *young = describe(100, false), *old = describe(90000, false), *lost = describe(90, true);
    json_t *problems = json_array();

    (void)state;
    assert_ptr_equal(stalest_first(young, old), old);
    assert_ptr_equal(stalest_first(old, young), old);
    assert_ptr_equal(stalest_first(old, lost), lost);
    assert_ptr_equal(stalest_first(NULL, young), young);
    assert_ptr_equal(stalest_first(young, json_null()), young);
    stalest_judge(old, problems);
    stalest_judge(NULL, problems);
    assert_int_equal(json_array_size(problems), 0);
    stalest_judge(lost, problems);
    assert_int_equal(json_array_size(problems), 1);
    json_decref(young);
    json_decref(old);
    json_decref(lost);
    json_decref(problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_which_and_why),
        cmocka_unit_test(what_is_lost_comes_first),
    };

    return cmocka_run_group_tests(tests, open_store, close_store);
}
