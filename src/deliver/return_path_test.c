#include "deliver/return_path.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void names_message_and_recipient(void **state)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct message_id id = {.uuid = {0xff, 0, 0xff}};

    (void)state;
    return_path_write(&text, &id, 7, SLICE("bounce.example.net"));
    assert_true(slice_equal(buffer_slice(&text),
                            SLICE("b-74ap6aaaaaaaaaaaaaaaaaaaaa-7@bounce.example.net")));
    text.size = 0;
    return_path_write(&text, &id, -1, SLICE("bounce.example.net"));
    assert_true(
        slice_equal(buffer_slice(&text), SLICE("b-74ap6aaaaaaaaaaaaaaaaaaaaa@bounce.example.net")));
}

static void fits_a_local_part(void **state)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;
    struct message_id id = {.ms = 0};

    (void)state;
    memset(id.uuid, 0xff, sizeof id.uuid);
    return_path_write(&text, &id, UINT32_MAX, SLICE("x"));
    assert_true(slice_find(buffer_slice(&text), '@') <= 64); /* RFC 5321 §4.5.3.1.1 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_message_and_recipient),
        cmocka_unit_test(fits_a_local_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
