#include "vault/seal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct slice master = {"0123456789abcdefghijklmnopqrstuv", 32};
static const struct slice other_master = {"0123456789abcdefghijklmnopqrstuw", 32};

static struct vault_seal *seal_of(struct slice file)
{
    struct vault_seal *seal;

    assert_int_equal(vault_seal_new(file, &seal), 0);
    return seal;
}

/* Opens, compares with `plain` when it does, and says how it went. */
static int try_open(struct slice file, enum vault_use use, struct slice binding,
                    struct slice sealed, struct slice plain)
{
    CLEANUP(vault_seal_free_pointer) struct vault_seal *seal = seal_of(file);
    CLEANUP(secret_done) struct secret room = SECRET_NONE;
    struct slice opened;
    int r;

    secret_init(&room, 64);
    r = vault_seal_open(seal, use, binding, sealed, &room, &opened);
    if (r == 0)
        assert_true(slice_equal(opened, plain));
    return r;
}

static void close_for(struct slice file, struct slice plain, struct buffer *ret_sealed)
{
    CLEANUP(vault_seal_free_pointer) struct vault_seal *seal = seal_of(file);

    vault_seal_close(seal, VAULT_USE_KEY, SLICE("site 7, example.org"), plain, ret_sealed);
}

static void what_is_sealed_opens_again(void **state)
{
    static const char bytes[64] = "x";

    (void)state;
    for (size_t size = 0; size <= sizeof bytes; size++) {
        CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;

        close_for(master, slice_of(bytes, size), &sealed);
        assert_int_equal(sealed.size, size + VAULT_SEAL_OVERHEAD_BYTES);
        assert_int_equal(try_open(master, VAULT_USE_KEY, SLICE("site 7, example.org"),
                                  buffer_slice(&sealed), slice_of(bytes, size)),
                         0);
    }
}

static void it_opens_for_nothing_else(void **state)
{
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    struct slice plain = SLICE("a private key");

    (void)state;
    close_for(master, plain, &sealed);
    assert_int_equal(
        try_open(master, VAULT_USE_KEY, SLICE("site 8, example.org"), buffer_slice(&sealed), plain),
        -EACCES);
    assert_int_equal(
        try_open(master, VAULT_USE_KEY, SLICE("site 7, example.or"), buffer_slice(&sealed), plain),
        -EACCES);
    assert_int_equal(try_open(master, VAULT_USE_CREDENTIAL, SLICE("site 7, example.org"),
                              buffer_slice(&sealed), plain),
                     -EBADMSG);
    assert_int_equal(try_open(other_master, VAULT_USE_KEY, SLICE("site 7, example.org"),
                              buffer_slice(&sealed), plain),
                     -ENOKEY);
}

static void every_altered_bit_is_seen(void **state)
{
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    struct slice plain = SLICE("a private key");

    (void)state;
    close_for(master, plain, &sealed);
    for (size_t i = 0; i < sealed.size * 8; i++) {
        sealed.data[i / 8] ^= (char)(1 << (i % 8));
        assert_true(try_open(master, VAULT_USE_KEY, SLICE("site 7, example.org"),
                             buffer_slice(&sealed), plain) < 0);
        sealed.data[i / 8] ^= (char)(1 << (i % 8));
    }
    assert_int_equal(
        try_open(master, VAULT_USE_KEY, SLICE("site 7, example.org"), buffer_slice(&sealed), plain),
        0);
}

static void a_cut_or_oversized_blob_is_refused(void **state)
{
    static const char large[65];
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE, too_large = BUFFER_NONE;

    (void)state;
    close_for(master, SLICE("a private key"), &sealed);
    for (size_t size = 0; size < sealed.size; size++)
        assert_true(try_open(master, VAULT_USE_KEY, SLICE("site 7, example.org"),
                             slice_of(sealed.data, size), SLICE_NONE) < 0);
    close_for(master, slice_of(large, sizeof large), &too_large);
    assert_int_equal(try_open(master, VAULT_USE_KEY, SLICE("site 7, example.org"),
                              buffer_slice(&too_large), SLICE_NONE),
                     -EBADMSG);
}

static void equal_contents_give_different_blobs(void **state)
{
    CLEANUP(buffer_done) struct buffer one = BUFFER_NONE, two = BUFFER_NONE;

    (void)state;
    close_for(master, SLICE("same"), &one);
    close_for(master, SLICE("same"), &two);
    assert_false(slice_equal(buffer_slice(&one), buffer_slice(&two)));
}

static void a_master_key_is_raw_or_base64(void **state)
{
    static const struct {
        const char *why;
        struct slice file;
        int r;
    } cases[] = {
        {"raw", {"0123456789abcdefghijklmnopqrstuv", 32}, 0},
        {"base64", {"MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=", 44}, 0},
        {"base64 line", {"MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=\n", 45}, 0},
        {"empty", {"", 0}, -EINVAL},
        {"short", {"0123456789abcdefghijklmnopqrstu", 31}, -EINVAL},
        {"long", {"0123456789abcdefghijklmnopqrstuvw", 33}, -EINVAL},
        {"base64 of 31", {"MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dQ==", 44}, -EINVAL},
        {"base64 of 33", {"MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3", 44}, -EINVAL},
        {"no padding", {"MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY", 43}, -EINVAL},
        {"two lines", {"MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=\nMDEy", 49}, -EINVAL},
    };
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;

    (void)state;
    close_for(master, SLICE("same"), &sealed);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(vault_seal_free_pointer) struct vault_seal *seal = NULL;

        if (vault_seal_new(cases[i].file, &seal) != cases[i].r)
            fail_msg("%s: judged wrongly", cases[i].why);
        if (seal)
            assert_int_equal(try_open(cases[i].file, VAULT_USE_KEY, SLICE("site 7, example.org"),
                                      buffer_slice(&sealed), SLICE("same")),
                             0);
    }
}

/* The same on every machine with this master key; others for other periods and master keys. */
static void return_keys_follow_from_the_master_key(void **state)
{
    CLEANUP(vault_seal_free_pointer) struct vault_seal *seal = NULL, *again = NULL, *other = NULL;
    unsigned char keys[4][VAULT_RETURN_PATH_KEY_BYTES];

    (void)state;
    assert_int_equal(vault_seal_new(master, &seal), 0);
    assert_int_equal(vault_seal_new(master, &again), 0);
    assert_int_equal(vault_seal_new(SLICE("another master key, of 32 bytes."), &other), 0);
    vault_seal_return_key(seal, 230, keys[0]);
    vault_seal_return_key(again, 230, keys[1]);
    vault_seal_return_key(seal, 231, keys[2]);
    vault_seal_return_key(other, 230, keys[3]);
    assert_memory_equal(keys[0], keys[1], sizeof keys[0]);
    assert_memory_not_equal(keys[0], keys[2], sizeof keys[0]);
    assert_memory_not_equal(keys[0], keys[3], sizeof keys[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens_again),
        cmocka_unit_test(it_opens_for_nothing_else),
        cmocka_unit_test(every_altered_bit_is_seen),
        cmocka_unit_test(a_cut_or_oversized_blob_is_refused),
        cmocka_unit_test(equal_contents_give_different_blobs),
        cmocka_unit_test(a_master_key_is_raw_or_base64),
        cmocka_unit_test(return_keys_follow_from_the_master_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
