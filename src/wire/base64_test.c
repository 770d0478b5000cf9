#include "wire/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* RFC 4648 §10 */
static const struct {
    struct slice bytes, text;
} vectors[] = {
    {{"", 0}, {"", 0}},
    {{"f", 1}, {"Zg==", 4}},
    {{"fo", 2}, {"Zm8=", 4}},
    {{"foo", 3}, {"Zm9v", 4}},
    {{"foob", 4}, {"Zm9vYg==", 8}},
    {{"fooba", 5}, {"Zm9vYmE=", 8}},
    {{"foobar", 6}, {"Zm9vYmFy", 8}},
    {{"\xff\xef\xbe\x00", 4}, {"/+++AA==", 8}},
};

static void agrees_with_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
        char bytes[8];
        size_t size;

        wire_base64_encode(&out, vectors[i].bytes);
        assert_true(slice_equal(buffer_slice(&out), vectors[i].text));
        assert_int_equal(wire_base64_encoded_size(vectors[i].bytes.size), out.size);
        assert_int_equal(wire_base64_decode(vectors[i].text, bytes, sizeof bytes, &size), 0);
        assert_true(slice_equal(slice_of(bytes, size), vectors[i].bytes));
    }
}

static void refuses_what_has_two_readings(void **state)
{
    static const char *const cases[] = {
        "Z",        "Zg",       "Zg=",        "Z===",    "====",
        "Zh==", /* unused bits */
        "Zm9=",     "Zm8",      "Zg==Zg==",   "Zm9v=",   "Zm 9v",
        "Zm9v\r\n", "Zm9-",     "Zm9_",       "=Zm9",    "Z=g=",
        "Zg=a",     "Zm9vZg=A", "\xc3\xa9zz", "Zm9\xff", "Zm9vZg==\n\n\n\n",
    };
    char bytes[16];
    size_t size = 99;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(wire_base64_decode(slice_text(cases[i]), bytes, sizeof bytes, &size),
                         -EINVAL);
    assert_int_equal(wire_base64_decode(slice_of("Zm\0v", 4), bytes, sizeof bytes, &size), -EINVAL);
    assert_int_equal(size, 99);
}

static void respects_the_room(void **state)
{
    char bytes[4] = "....";
    size_t size;

    (void)state;
    assert_int_equal(wire_base64_decode(SLICE("Zm9v"), bytes, 2, &size), -ENOSPC);
    assert_int_equal(wire_base64_decode(SLICE("Zm8="), bytes, 2, &size), 0);
    assert_memory_equal(bytes, "fo..", 4);
}

static void round_trips_all_sizes(void **state)
{
    unsigned char bytes[300], back[300];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 167 + 13);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
        size_t got;

        wire_base64_encode(&out, slice_of(bytes, size));
        assert_true(wire_base64_decoded_size_max(out.size) >= size);
        assert_int_equal(wire_base64_decode(buffer_slice(&out), back, size, &got), 0);
        assert_int_equal(got, size);
        assert_memory_equal(back, bytes, size);
    }
}

static void breaks_lines(void **state)
{
    static const struct {
        size_t first, others;
        const char *text;
    } cases[] = {
        {4, 3, "Zm9v|YmF|y"}, {0, 8, "|Zm9vYmFy"},   {8, 1, "Zm9vYmFy"},
        {7, 1, "Zm9vYmF|y"},  {2, 2, "Zm|9v|Ym|Fy"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;

        wire_base64_encode_lines(&out, SLICE("foobar"), cases[i].first, cases[i].others,
                                 SLICE("|"));
        assert_true(slice_equal(buffer_slice(&out), slice_text(cases[i].text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_vectors), cmocka_unit_test(refuses_what_has_two_readings),
        cmocka_unit_test(respects_the_room),   cmocka_unit_test(round_trips_all_sizes),
        cmocka_unit_test(breaks_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
