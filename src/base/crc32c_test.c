#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* RFC 3720 §B.4, and the check value of the catalogue of CRCs. */
static void known_sums(void **state)
{
    char zeros[32] = {0}, ones[32], up[32], down[32];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    for (int i = 0; i < 32; i++) {
        up[i] = (char)i;
        down[i] = (char)(31 - i);
    }
    assert_int_equal(crc32c_add(0, SLICE("123456789")), 0xe3069283);
    assert_int_equal(crc32c_add(0, slice_of(zeros, 32)), 0x8a9136aa);
    assert_int_equal(crc32c_add(0, slice_of(ones, 32)), 0x62a8ab43);
    assert_int_equal(crc32c_add(0, slice_of(up, 32)), 0x46dd794e);
    assert_int_equal(crc32c_add(0, slice_of(down, 32)), 0x113fdb5c);
    assert_int_equal(crc32c_add(0, SLICE_NONE), 0);
}

/* Both ways agree for every size and place of the cut between two calls. */
static void both_ways_agree(void **state)
{
    char bytes[100];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 151 + 7);
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        uint32_t whole = crc32c_add_by_table(0, slice_of(bytes, size));

        assert_int_equal(crc32c_add(0, slice_of(bytes, size)), whole);
        for (size_t cut = 0; cut <= size; cut++) {
            uint32_t first = crc32c_add(0, slice_of(bytes, cut));

            assert_int_equal(crc32c_add(first, slice_of(bytes + cut, size - cut)), whole);
            assert_int_equal(crc32c_add_by_table(first, slice_of(bytes + cut, size - cut)), whole);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_sums),
        cmocka_unit_test(both_ways_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
