#include "deliver/route.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint32_t seed;

static uint32_t dice(void *context)
{
    (void)context;
    seed = seed * 1103515245U + 12345U;
    return seed >> 8;
}

static struct dns_record mx(uint16_t preference, const char *name)
{
    return (struct dns_record){.name = slice_text(name), .preference = preference};
}

static void orders_by_preference(void **state)
{
    (void)state;
    for (seed = 1; seed < 200; seed++) {
        struct dns_record records[] = {mx(30, "d"), mx(10, "a"), mx(20, "c"), mx(10, "b")};

        assert_int_equal(route_order_mx(records, 4, SLICE("us"), dice, NULL), 4);
        assert_int_equal(records[0].preference, 10);
        assert_int_equal(records[1].preference, 10);
        assert_int_equal(records[2].preference, 20);
        assert_int_equal(records[3].preference, 30);
    }
}

static void shares_among_equals(void **state)
{
    int first[3] = {0};

    (void)state;
    seed = 7;
    for (int i = 0; i < 3000; i++) {
        struct dns_record records[] = {mx(5, "0"), mx(5, "1"), mx(5, "2")};

        assert_int_equal(route_order_mx(records, 3, SLICE("us"), dice, NULL), 3);
        first[records[0].name.data[0] - '0']++;
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(first[i], 800, 1200);
}

static void leaves_out_ourselves_and_what_is_worse(void **state)
{
    struct dns_record records[] = {mx(30, "worse.example"), mx(20, "US.example"),
                                   mx(20, "equal.example"), mx(10, "better.example")};
    struct dns_record only_us[] = {mx(10, "us.example"), mx(20, "backup.example")};

    (void)state;
    assert_int_equal(route_order_mx(records, 4, SLICE("us.example"), dice, NULL), 1);
    assert_true(slice_equal(records[0].name, SLICE("better.example")));
    assert_int_equal(route_order_mx(only_us, 2, SLICE("us.example"), dice, NULL), 0);
}

static void names_destinations(void **state)
{
    CLEANUP(buffer_done) struct buffer key = BUFFER_NONE;
    struct route_options options = {.next_hop = SLICE_NONE};

    (void)state;
    route_destination(&options, SLICE("dst.example"), &key);
    assert_true(slice_equal(buffer_slice(&key), SLICE("dst.example")));
    key.size = 0;
    options.next_hop = SLICE("127.0.0.1:2526");
    route_destination(&options, SLICE("dst.example"), &key);
    assert_true(slice_equal(buffer_slice(&key), SLICE("127.0.0.1:2526")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_by_preference),
        cmocka_unit_test(shares_among_equals),
        cmocka_unit_test(leaves_out_ourselves_and_what_is_worse),
        cmocka_unit_test(names_destinations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
