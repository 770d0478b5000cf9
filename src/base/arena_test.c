#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void keeps_what_was_put(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct slice kept[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        kept[i] = arena_printf(&arena, "%zu:%*d", i, (int)(i * 7 % 3000), 1);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        CLEANUP(arena_done) struct arena other = ARENA_NONE;
        struct slice again = arena_printf(&other, "%zu:%*d", i, (int)(i * 7 % 3000), 1);

        assert_true(slice_equal(kept[i], again));
        assert_int_equal(kept[i].data[kept[i].size], 0);
    }
}

static void copies_fold_ascii_only(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct slice text = SLICE("aZ@[`{\xc3\x89\0z");

    (void)state;
    assert_true(slice_equal(arena_copy_lower(&arena, text), SLICE("az@[`{\xc3\x89\0z")));
    assert_true(slice_equal(arena_copy_upper(&arena, text), SLICE("AZ@[`{\xc3\x89\0Z")));
}

static void aligns_and_zeroes(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;

    (void)state;
    for (size_t size = 1; size < 6000; size += 13) {
        unsigned char *memory = arena_allocate(&arena, size);

        assert_int_equal((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xa5, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_was_put),
        cmocka_unit_test(copies_fold_ascii_only),
        cmocka_unit_test(aligns_and_zeroes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
