#include "base/table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct number {
    struct table_item item;
    uint64_t value;
};

static struct number *find(const struct table *t, uint64_t hash, uint64_t value)
{
    for (struct table_item *i = table_find(t, hash); i; i = table_find_more(i)) {
        struct number *n = CONTAINER_OF(i, struct number, item);

        if (n->value == value)
            return n;
    }
    return NULL;
}

/* Hashes repeat (value % modulus), so every chain holds equals, neighbours of the slot and both. */
static void what_is_in_is_found(uint64_t modulus)
{
    static struct number numbers[1000];
    CLEANUP(table_done) struct table t = {0};

    for (uint64_t v = 0; v < ARRAY_LEN(numbers); v++) {
        numbers[v].value = v;
        table_add(&t, &numbers[v].item, v % modulus);
    }
    for (uint64_t v = 0; v < ARRAY_LEN(numbers); v += 2)
        table_remove(&t, &numbers[v].item);
    assert_int_equal(t.count, ARRAY_LEN(numbers) / 2);
    for (uint64_t v = 0; v < ARRAY_LEN(numbers); v++) {
        struct number *wanted = v % 2 ? &numbers[v] : NULL;

        assert_ptr_equal(find(&t, v % modulus, v), wanted);
    }
    assert_null(table_find(&t, UINT64_MAX));
}

static void elements_are_found(void **state)
{
    (void)state;
    what_is_in_is_found(1);
    what_is_in_is_found(7);
    what_is_in_is_found(1 << 20);
}

static void empty_table(void **state)
{
    CLEANUP(table_done) struct table t = {0};

    (void)state;
    assert_null(table_find(&t, 0));
}

static void hash_takes_every_byte(void **state)
{
    char key[32] = {0};

    (void)state;
    for (size_t size = 0; size < sizeof(key); size++) {
        uint64_t before = table_hash(slice_of(key, size));

        assert_true(before == table_hash(slice_of(key, size)));
        assert_true(before != table_hash(slice_of(key, size + 1)));
        for (size_t i = 0; i < size; i++) {
            key[i] = 1;
            assert_true(before != table_hash(slice_of(key, size)));
            key[i] = 0;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_found),
        cmocka_unit_test(empty_table),
        cmocka_unit_test(hash_takes_every_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
