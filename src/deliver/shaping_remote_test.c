#include "deliver/shaping_remote.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct shaping_state state_of_hoster = {
    .name = {"hoster", 6},
    .limits = {1, 2, 3, 4, 5, 6},
    .waiting = 7,
    .connections = 8,
    .connections_allowed = 9,
    .delivered = 10,
    .deferred = 11,
    .back_off_age_s = 12,
    .back_off_left_s = 13,
    .back_off_why = {"421 slow", 8},
    .suspended_why = {"operator", 8},
    .holding = {"nothing goes", 12},
};

static void states_go_round(void **state)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct shaping_state read;
    struct slice rest;

    (void)state;
    shaping_state_write(&body, &state_of_hoster);
    shaping_state_write(&body, &state_of_hoster);
    rest = buffer_slice(&body);
    assert_true(shaping_state_read(&rest, &read));
    assert_true(shaping_state_read(&rest, &read));
    assert_false(shaping_state_read(&rest, &read));
    assert_int_equal(rest.size, 0);
    assert_int_equal(read.limits.back_off_max_s, 6);
    assert_int_equal(read.back_off_left_s, 13);
    assert_true(slice_equal(read.holding, SLICE("nothing goes")));
}

static void shows_go_round_and_cuts_are_refused(void **state)
{
    const struct shaping_show show = {.hosts = SLICE("mx1 mx2"),
                                      .rule = SLICE("rule"),
                                      .rest_left_s = 3,
                                      .rest_why = SLICE("why"),
                                      .state = state_of_hoster};
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct shaping_show read;

    (void)state;
    shaping_show_write(&body, &show);
    assert_int_equal(shaping_show_read(buffer_slice(&body), &read), 0);
    assert_true(slice_equal(read.hosts, SLICE("mx1 mx2")));
    assert_true(slice_equal(read.state.name, SLICE("hoster")));
    assert_int_equal(read.rest_left_s, 3);
    for (size_t i = 0; i < body.size; i++)
        assert_int_equal(shaping_show_read(slice_of(body.data, i), &read), -EBADMSG);
}

static void suspensions_go_round_and_cuts_are_seen(void **state)
{
    const struct shaping_suspension one = {true, SLICE("hoster"), SLICE("they asked")};
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct shaping_suspension read;
    struct slice rest;

    (void)state;
    shaping_suspension_write(&body, &one);
    rest = buffer_slice(&body);
    assert_true(shaping_suspension_read(&rest, &read));
    assert_true(read.provider && slice_equal(read.why, SLICE("they asked")));
    assert_int_equal(rest.size, 0);
    for (size_t i = 1; i < body.size; i++) {
        rest = slice_of(body.data, i);
        assert_false(shaping_suspension_read(&rest, &read));
        assert_true(rest.size > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_go_round),
        cmocka_unit_test(shows_go_round_and_cuts_are_refused),
        cmocka_unit_test(suspensions_go_round_and_cuts_are_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
