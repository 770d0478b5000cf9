#include "wire/base32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* RFC 4648 §10, in lower case and without padding */
static const struct {
    struct slice bytes, text;
} vectors[] = {
    {{"", 0}, {"", 0}},
    {{"f", 1}, {"my", 2}},
    {{"fo", 2}, {"mzxq", 4}},
    {{"foo", 3}, {"mzxw6", 5}},
    {{"foob", 4}, {"mzxw6yq", 7}},
    {{"fooba", 5}, {"mzxw6ytb", 8}},
    {{"foobar", 6}, {"mzxw6ytboi", 10}},
};

static void agrees_with_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
        char bytes[8];
        size_t size;

        wire_base32_encode(&out, vectors[i].bytes);
        assert_true(slice_equal(buffer_slice(&out), vectors[i].text));
        assert_int_equal(wire_base32_encoded_size(vectors[i].bytes.size), out.size);
        assert_int_equal(wire_base32_decode(vectors[i].text, bytes, sizeof bytes, &size), 0);
        assert_true(slice_equal(slice_of(bytes, size), vectors[i].bytes));
    }
}

static void survives_a_change_of_case(void **state)
{
    char bytes[8];
    size_t size;

    (void)state;
    assert_int_equal(wire_base32_decode(SLICE("MZxw6YTB"), bytes, sizeof bytes, &size), 0);
    assert_true(slice_equal(slice_of(bytes, size), SLICE("fooba")));
}

static void refuses_what_has_two_readings(void **state)
{
    static const char *const cases[] = {
        "a",  "aaa", "aaaaaa",                   /* no length of whole bytes */
        "m",  "mzx", "mzxw6y", "mz======", "mz", /* unused bits */
        "m0", "m1",  "m8",     "m9",       "m-", "mzxw6ytbm",
    };
    char bytes[8];
    size_t size;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(wire_base32_decode(slice_text(cases[i]), bytes, sizeof bytes, &size),
                         -EINVAL);
    assert_int_equal(wire_base32_decode(SLICE("mzxw6ytb"), bytes, 4, &size), -ENOSPC);
}

static void round_trips_all_sizes(void **state)
{
    unsigned char bytes[64], back[64];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 91 + 200);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        CLEANUP(buffer_done) struct buffer out = BUFFER_NONE;
        size_t got;

        wire_base32_encode(&out, slice_of(bytes, size));
        assert_int_equal(wire_base32_decode(buffer_slice(&out), back, size, &got), 0);
        assert_int_equal(got, size);
        assert_memory_equal(back, bytes, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_vectors),
        cmocka_unit_test(survives_a_change_of_case),
        cmocka_unit_test(refuses_what_has_two_readings),
        cmocka_unit_test(round_trips_all_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
