#include "wire/message_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t ones[16] = {255, 255, 255, 255, 255, 255, 255, 255,
                                 255, 255, 255, 255, 255, 255, 255, 255};

static void formats_as_ses_does(void **state)
{
    struct message_id id = message_id_make(0x18c0ffee123, ones);
    char text[MESSAGE_ID_LENGTH + 1];

    (void)state;
    message_id_format(&id, text);
    assert_string_equal(text, "0f00018c0ffee123-ffffffff-ffff-4fff-bfff-ffffffffffff-000000");
    assert_int_equal(strlen(text), MESSAGE_ID_LENGTH);
}

static void parses_what_it_writes(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 256; seed++) {
        uint8_t random[16];
        struct message_id id, back;
        char text[MESSAGE_ID_LENGTH + 1];

        for (size_t i = 0; i < sizeof random; i++)
            random[i] = (uint8_t)(seed * 37 + i * 101);
        id = message_id_make((uint64_t)seed << 40, random);
        message_id_format(&id, text);
        assert_int_equal(message_id_parse(slice_text(text), &back), 0);
        assert_int_equal(message_id_compare(&id, &back), 0);
    }
}

/* Any one character changed to one that cannot stand there, and any other length, is refused. */
static void refuses_other_forms(void **state)
{
    static const char good[] = "0f00018c0ffee123-ffffffff-ffff-4fff-bfff-ffffffffffff-000000";
    struct message_id id;

    (void)state;
    for (size_t at = 0; at < MESSAGE_ID_LENGTH; at++) {
        char text[sizeof good];

        memcpy(text, good, sizeof good);
        text[at] = 'F';
        assert_int_equal(message_id_parse(slice_text(text), &id), -EINVAL);
        assert_int_equal(message_id_parse(slice_of(good, at), &id), -EINVAL);
    }
    assert_int_equal(message_id_parse(slice_of(good, sizeof good), &id), -EINVAL);
    assert_int_equal(
        message_id_parse(SLICE("0f00018c0ffee123-ffffffff-ffff-5fff-bfff-ffffffffffff-000000"),
                         &id),
        -EINVAL);
}

static void orders_by_time(void **state)
{
    static const uint8_t zeros[16];
    struct message_id early = message_id_make(1, ones), late = message_id_make(256, zeros);

    (void)state;
    assert_true(message_id_compare(&early, &late) < 0);
    assert_true(message_id_compare(&late, &early) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_as_ses_does),
        cmocka_unit_test(parses_what_it_writes),
        cmocka_unit_test(refuses_other_forms),
        cmocka_unit_test(orders_by_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
