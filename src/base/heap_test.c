#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ITEMS = 500 };

/* Checks the heap's own rule: no child is less than its parent, and each knows its place. */
static void assert_ordered(const struct heap *h)
{
    for (size_t i = 1; i <= h->count; i++) {
        assert_int_equal(h->items[i - 1]->position, i);
        if (i > 1)
            assert_true(h->items[i / 2 - 1]->key <= h->items[i - 1]->key);
    }
}

static void yields_keys_in_order(void **state)
{
    CLEANUP(heap_done) struct heap h = {0};
    static struct heap_item items[ITEMS];
    uint64_t before = 0;

    (void)state;
    for (size_t i = 0; i < ITEMS; i++)
        heap_set(&h, &items[i], i * 7919 % 1009);
    for (size_t left = ITEMS; left; left--) {
        struct heap_item *first = heap_first(&h);

        assert_int_equal(h.count, left);
        assert_true(first->key >= before);
        before = first->key;
        heap_remove(&h, first);
        assert_false(heap_linked(first));
    }
    assert_null(heap_first(&h));
}

static void moves_and_removes_any(void **state)
{
    CLEANUP(heap_done) struct heap h = {0};
    static struct heap_item items[ITEMS];

    (void)state;
    for (size_t round = 0; round < 3000; round++) {
        struct heap_item *item = &items[round * 31 % ITEMS];

        if (round % 3 == 2)
            heap_remove(&h, item);
        else
            heap_set(&h, item, round * 7919 % 1009);
        assert_ordered(&h);
    }
}

static void removing_twice_is_harmless(void **state)
{
    CLEANUP(heap_done) struct heap h = {0};
    struct heap_item item = {0};

    (void)state;
    heap_remove(&h, &item);
    heap_set(&h, &item, 5);
    heap_remove(&h, &item);
    heap_remove(&h, &item);
    assert_int_equal(h.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yields_keys_in_order),
        cmocka_unit_test(moves_and_removes_any),
        cmocka_unit_test(removing_twice_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
