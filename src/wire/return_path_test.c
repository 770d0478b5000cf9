#include "wire/return_path.h"

#include "base/limits.h"
#include "wire/base32.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const int64_t DAY_US = 86400 * (int64_t)1000000;
static const int64_t NOW_US = 20786 * 86400 * (int64_t)1000000; /* 2026-11-29 */

static const struct return_path_keys keys = {
    .current = {9, {"0123456789abcdefghijklmnopqrstuv", 32}},
    .previous = {8, {"another key, of the time before..", 32}},
};

static const struct return_path path = {
    .id = {.ms = 0x0123456789ab,
           .uuid = {1, 2, 3, 4, 5, 6, 0x47, 8, 0x89, 10, 11, 12, 13, 14, 15, 16}},
    .recipient = 0x02a7,
    .last_day = 20800,
};

static struct slice written(struct buffer *b, const struct return_path_key *key)
{
    b->size = 0;
    return_path_write(b, key, &path);
    return buffer_slice(b);
}

static int read_at(struct slice text, int64_t now_us, struct return_path *ret)
{
    return return_path_read(text, &keys, now_us, ret);
}

static void assert_same(const struct return_path *a, const struct return_path *b)
{
    assert_int_equal(message_id_compare(&a->id, &b->id), 0);
    assert_int_equal(a->recipient, b->recipient);
    assert_int_equal(a->last_day, b->last_day);
}

static void what_is_written_is_read(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct return_path back;

    (void)state;
    assert_int_equal(written(&b, &keys.current).size, RETURN_PATH_CHARACTERS);
    assert_int_equal(read_at(buffer_slice(&b), NOW_US, &back), 0);
    assert_same(&back, &path);
    assert_int_equal(return_path_parse(buffer_slice(&b), &back), 0);
    assert_same(&back, &path);
    assert_int_equal(read_at(written(&b, &keys.previous), NOW_US, &back), 0);
    assert_same(&back, &path);
}

/* By OpenSSL's own HMAC. */
static void the_signature_is_hmac_sha256(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    unsigned char bytes[64], mac[EVP_MAX_MD_SIZE];
    size_t size;

    (void)state;
    assert_int_equal(wire_base32_decode(written(&b, &keys.current), bytes, sizeof bytes, &size), 0);
    assert_int_equal(size, 39);
    assert_non_null(HMAC(EVP_sha256(), keys.current.bytes.data, 32, bytes, 27, mac, NULL));
    assert_memory_equal(bytes + 27, mac, 12);
}

static void case_does_not_matter(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct return_path back;

    (void)state;
    written(&b, &keys.current);
    for (size_t i = 0; i < b.size; i++)
        b.data[i] = (char)toupper((unsigned char)b.data[i]);
    assert_int_equal(read_at(buffer_slice(&b), NOW_US, &back), 0);
    assert_same(&back, &path);
    for (size_t i = 0; i < b.size; i += 2)
        b.data[i] = (char)tolower((unsigned char)b.data[i]);
    assert_int_equal(read_at(buffer_slice(&b), NOW_US, &back), 0);
    assert_same(&back, &path);
}

/* Each of the eight bits of each character: what remains is the same letter in the other case, or
 * refused. */
static void any_flipped_bit_is_refused(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct return_path back;
    size_t refused = 0, other_case = 0;

    (void)state;
    written(&b, &keys.current);
    for (size_t bit = 0; bit < b.size * 8; bit++) {
        char *c = &b.data[bit / 8], before = *c;
        bool same;

        *c = (char)(*c ^ (1 << bit % 8));
        same = slice_equal_nocase(slice_of(c, 1), slice_of(&before, 1));
        if ((read_at(buffer_slice(&b), NOW_US, &back) == 0) != same)
            fail_msg("bit %zu of character %zu: %s", bit % 8, bit / 8, same ? "refused" : "taken");
        refused += !same;
        other_case += same;
        *c = before;
    }
    assert_int_equal(refused + other_case, RETURN_PATH_CHARACTERS * 8);
    assert_true(other_case < RETURN_PATH_CHARACTERS);
}

/* Every bit of what the characters stand for, the three that are over included. */
static void any_flipped_bit_of_its_bytes_is_refused(void **state)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct return_path back;

    (void)state;
    written(&b, &keys.current);
    for (size_t bit = 0; bit < b.size * 5; bit++) {
        char *c = &b.data[bit / 5], before = *c;

        *c = alphabet[(strchr(alphabet, before) - alphabet) ^ (1 << bit % 5)];
        if (read_at(buffer_slice(&b), NOW_US, &back) == 0)
            fail_msg("bit %zu of the five of character %zu was taken", bit % 5, bit / 5);
        *c = before;
    }
    assert_int_equal(read_at(buffer_slice(&b), NOW_US, &back), 0);
}

static void cut_or_longer_is_refused(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct return_path back;

    (void)state;
    written(&b, &keys.current);
    for (size_t size = 0; size < RETURN_PATH_CHARACTERS; size++) {
        assert_int_equal(read_at(slice_of(b.data, size), NOW_US, &back), -EINVAL);
        assert_int_equal(return_path_parse(slice_of(b.data, size), &back), -EINVAL);
    }
    buffer_add_byte(&b, 'a');
    assert_int_equal(read_at(buffer_slice(&b), NOW_US, &back), -EINVAL);
}

static void its_time_is_over(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct return_path back;

    (void)state;
    written(&b, &keys.current);
    assert_int_equal(read_at(buffer_slice(&b), 20801 * DAY_US - 1, &back), 0);
    assert_int_equal(read_at(buffer_slice(&b), 20801 * DAY_US, &back), -ETIME);
    assert_int_equal(read_at(buffer_slice(&b), INT64_MAX, &back), -ETIME);
    assert_int_equal(return_path_last_day(NOW_US), 20786 + LIMIT_RETURN_PATH_DAYS);
    assert_int_equal(return_path_last_day(-LIMIT_RETURN_PATH_DAYS * DAY_US - 1), 0);
}

static void other_keys_do_not_open_it(void **state)
{
    const struct return_path_key other = {9, SLICE("of another platform, 32 bytes ..")};
    const struct return_path_key unknown = {7, keys.current.bytes};
    const struct return_path_keys none = {{0, SLICE_NONE}, {0, SLICE_NONE}};
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct return_path back;

    (void)state;
    assert_int_equal(read_at(written(&b, &other), NOW_US, &back), -EACCES);
    assert_int_equal(read_at(written(&b, &unknown), NOW_US, &back), -EACCES);
    assert_int_equal(return_path_read(written(&b, &keys.current), &none, NOW_US, &back), -EACCES);
    b.data[0] = b.data[1] = 'a'; /* version 0: an empty place among the keys is none */
    assert_int_equal(return_path_read(buffer_slice(&b), &none, NOW_US, &back), -EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_signature_is_hmac_sha256),
        cmocka_unit_test(case_does_not_matter),
        cmocka_unit_test(any_flipped_bit_is_refused),
        cmocka_unit_test(any_flipped_bit_of_its_bytes_is_refused),
        cmocka_unit_test(cut_or_longer_is_refused),
        cmocka_unit_test(its_time_is_over),
        cmocka_unit_test(other_keys_do_not_open_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
