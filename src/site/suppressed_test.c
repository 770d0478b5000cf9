#include "site/suppressed.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const unsigned char key[SUPPRESSED_KEY_BYTES] = "0123456789abcde";
static const unsigned char other_key[SUPPRESSED_KEY_BYTES] = "abcdef012345678";

static int apply(struct suppressed *s, uint64_t site, const unsigned char *by,
                 enum suppressed_change change, const char *const *addresses)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    unsigned char hash[SUPPRESSED_HASH_BYTES];

    suppressed_frame_write(&body, site, by, change);
    for (size_t i = 0; addresses[i]; i++) {
        suppressed_hash(by, slice_text(addresses[i]), hash);
        buffer_add(&body, slice_of(hash, sizeof hash));
    }
    return suppressed_apply(s, buffer_slice(&body));
}

static int apply_one(struct suppressed *s, uint64_t site, enum suppressed_change change,
                     const char *address)
{
    const char *const addresses[] = {address, NULL};

    return apply(s, site, key, change, addresses);
}

static void knows_each_sites_own(void **state)
{
    struct suppressed *s = suppressed_new();

    (void)state;
    assert_false(suppressed_has(s, 1, SLICE("a@b.example")));
    assert_int_equal(apply_one(s, 1, SUPPRESSED_ADD, "a@b.example"), 0);
    assert_int_equal(apply_one(s, 1, SUPPRESSED_ADD, "a@b.example"), 0);
    assert_true(suppressed_has(s, 1, SLICE("a@b.example")));
    assert_true(suppressed_has(s, 1, SLICE("A@b.example")));
    assert_false(suppressed_has(s, 1, SLICE("ab@b.example")));
    assert_false(suppressed_has(s, 2, SLICE("a@b.example")));
    assert_int_equal(apply_one(s, 1, SUPPRESSED_REMOVE, "a@b.example"), 0);
    assert_false(suppressed_has(s, 1, SLICE("a@b.example")));
    assert_int_equal(apply_one(s, 3, SUPPRESSED_REMOVE, "a@b.example"), 0);
    suppressed_free(s);
}

/* Many come and go in an order that makes chains of slots: none is lost, none comes back. */
static void keeps_what_is_left_when_others_go(void **state)
{
    enum { MANY = 3000 };
    struct suppressed *s = suppressed_new();
    char address[64];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            snprintf(address, sizeof address, "user%d@b.example", i);
            assert_int_equal(apply_one(s, 1, SUPPRESSED_ADD, address), 0);
        }
        for (int i = 0; i < MANY; i += 2) {
            snprintf(address, sizeof address, "user%d@b.example", i * 7 % MANY / 2 * 2);
            assert_int_equal(apply_one(s, 1, SUPPRESSED_REMOVE, address), 0);
        }
        for (int i = 0; i < MANY; i++) {
            snprintf(address, sizeof address, "user%d@b.example", i);
            assert_int_equal(suppressed_has(s, 1, slice_text(address)), i % 2);
        }
    }
    suppressed_free(s);
}

static void replaces_a_list_whole(void **state)
{
    const char *const first[] = {"a@b.example", "c@d.example", NULL};
    const char *const second[] = {"c@d.example", NULL};
    struct suppressed *s = suppressed_new();

    (void)state;
    assert_int_equal(apply(s, 1, key, SUPPRESSED_WHOLE, first), 0);
    assert_int_equal(apply(s, 1, other_key, SUPPRESSED_WHOLE, second), 0);
    assert_false(suppressed_has(s, 1, SLICE("a@b.example")));
    assert_true(suppressed_has(s, 1, SLICE("c@d.example")));
    assert_int_equal(apply_one(s, 1, SUPPRESSED_ADD, "e@f.example"), -ESTALE);
    assert_true(suppressed_has(s, 1, SLICE("c@d.example")));
    suppressed_free(s);
}

static void forgets_what_a_whole_push_leaves_out(void **state)
{
    const char *const one[] = {"a@b.example", NULL};
    struct suppressed *s = suppressed_new();

    (void)state;
    for (uint64_t site = 1; site <= 3; site++)
        assert_int_equal(apply(s, site, key, SUPPRESSED_WHOLE, one), 0);
    suppressed_begin(s);
    assert_int_equal(apply(s, 2, key, SUPPRESSED_WHOLE, one), 0);
    assert_true(suppressed_has(s, 1, SLICE("a@b.example"))); /* until the new list is whole */
    suppressed_end(s);
    assert_false(suppressed_has(s, 1, SLICE("a@b.example")));
    assert_true(suppressed_has(s, 2, SLICE("a@b.example")));
    suppressed_forget(s, 2);
    assert_false(suppressed_has(s, 2, SLICE("a@b.example")));
    suppressed_free(s);
}

static void refuses_what_is_no_frame(void **state)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct suppressed *s = suppressed_new();

    (void)state;
    suppressed_frame_write(&body, 1, key, SUPPRESSED_ADD);
    buffer_add(&body, SLICE("0123456789abcdef"));
    for (size_t size = 0; size < body.size; size++)
        if (size != 8 + SUPPRESSED_KEY_BYTES + 1)
            assert_int_equal(suppressed_apply(s, slice_of(body.data, size)), -EBADMSG);
    body.data[8 + SUPPRESSED_KEY_BYTES] = 4;
    assert_int_equal(suppressed_apply(s, buffer_slice(&body)), -EBADMSG);
    suppressed_free(s);
}

static void holds_no_more_than_its_limit(void **state)
{
    struct suppressed *s = suppressed_new();
    uint64_t number = 0;
    int r = 0;

    (void)state;
    while (r == 0 && number <= LIMIT_SUPPRESSIONS) {
        CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

        suppressed_frame_write(&body, 1, key, SUPPRESSED_ADD);
        for (int i = 0; i < 1000; i++) {
            unsigned char hash[SUPPRESSED_HASH_BYTES];

            number++;
            suppressed_hash(key, slice_of(&number, sizeof number), hash);
            buffer_add(&body, slice_of(hash, sizeof hash));
        }
        r = suppressed_apply(s, buffer_slice(&body));
    }
    assert_int_equal(r, -EBADMSG);
    assert_int_equal(number, LIMIT_SUPPRESSIONS + 1000);
    suppressed_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_each_sites_own),
        cmocka_unit_test(keeps_what_is_left_when_others_go),
        cmocka_unit_test(replaces_a_list_whole),
        cmocka_unit_test(forgets_what_a_whole_push_leaves_out),
        cmocka_unit_test(refuses_what_is_no_frame),
        cmocka_unit_test(holds_no_more_than_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
