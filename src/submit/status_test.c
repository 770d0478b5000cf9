#include "submit/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Every number is another one, so that none can take another's place. */
static const struct submit_status sample = {
    .connections_now = 1,
    .logged_in_now = 2,
    .since_start = {3, 4, 5, 6, 7, 8, 9, 10},
    .inbound = {11, 12, 13, 14, 15},
};

static void comes_back_as_it_went(void **state)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct submit_status status;
    struct cursor c;

    (void)state;
    submit_status_write(&body, &sample);
    assert_int_equal(body.size, sizeof sample); /* nothing was left out */
    c = cursor_of(buffer_slice(&body));
    assert_int_equal(submit_status_read(&c, &status), 0);
    assert_int_equal(cursor_done(&c), 0);
    assert_memory_equal(&status, &sample, sizeof sample);
}

static void refuses_what_is_cut(void **state)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct submit_status status;

    (void)state;
    submit_status_write(&body, &sample);
    for (size_t size = 0; size < body.size; size++) {
        struct cursor c = cursor_of(slice_part(buffer_slice(&body), 0, size));

        assert_int_equal(submit_status_read(&c, &status), -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_went),
        cmocka_unit_test(refuses_what_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
