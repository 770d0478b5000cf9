#include "submit/admission.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct submit_admission_limits LIMITS = {
    .connections_max = 10, .per_address_max = 3, .per_site_max = 2};

static struct endpoint v4(uint8_t last)
{
    return (struct endpoint){.family = 4, .address = {192, 0, 2, last}, .port = 1000};
}

static struct endpoint v6(uint8_t network, uint8_t host)
{
    return (struct endpoint){.family = 6,
                             .address = {0x20, 1, 0xd, 0xb8, [7] = network, [15] = host}};
}

static void test_per_address(void **state)
{
    (void)state;
    struct submit_admission a;
    struct submit_seat seats[4], other;
    struct endpoint one = v4(1), two = v4(2);

    submit_admission_init(&a, &LIMITS);
    for (int i = 0; i < 3; i++)
        assert_int_equal(submit_admission_enter(&a, &seats[i], &one), 0);
    assert_int_equal(submit_admission_enter(&a, &seats[3], &one), -EDQUOT);
    assert_int_equal(submit_admission_enter(&a, &other, &two), 0);

    submit_admission_leave(&seats[1]);
    submit_admission_leave(&seats[1]);
    assert_int_equal(a.count, 3);
    assert_int_equal(submit_admission_enter(&a, &seats[3], &one), 0);
}

static void test_ipv6_counts_by_network(void **state)
{
    (void)state;
    struct submit_admission a;
    struct submit_seat seats[5];

    submit_admission_init(&a, &LIMITS);
    for (uint8_t i = 0; i < 3; i++) {
        struct endpoint e = v6(1, i);
        assert_int_equal(submit_admission_enter(&a, &seats[i], &e), 0);
    }
    struct endpoint same = v6(1, 99), next = v6(2, 0);
    assert_int_equal(submit_admission_enter(&a, &seats[3], &same), -EDQUOT);
    assert_int_equal(submit_admission_enter(&a, &seats[4], &next), 0);
}

/* Two places stay for those who log in: strangers get eight of ten. */
static void test_reserve(void **state)
{
    (void)state;
    struct submit_admission a;
    struct submit_seat seats[11];

    submit_admission_init(&a, &LIMITS);
    for (uint8_t i = 0; i < 8; i++) {
        struct endpoint e = v4(i);
        assert_int_equal(submit_admission_crowded(&a), i >= 6);
        assert_int_equal(submit_admission_enter(&a, &seats[i], &e), 0);
    }
    struct endpoint late = v4(100);
    assert_int_equal(submit_admission_enter(&a, &seats[8], &late), -EUSERS);

    assert_int_equal(submit_admission_login(&seats[0], 7), 0);
    assert_int_equal(submit_admission_login(&seats[1], 8), 0);
    assert_int_equal(submit_admission_enter(&a, &seats[8], &late), 0);
    assert_int_equal(submit_admission_enter(&a, &seats[9], &late), 0);
    assert_int_equal(submit_admission_enter(&a, &seats[10], &late), -EUSERS);
    assert_int_equal(a.count, 10);
}

static void test_per_site(void **state)
{
    (void)state;
    struct submit_admission a;
    struct submit_seat seats[4];

    submit_admission_init(&a, &LIMITS);
    for (uint8_t i = 0; i < 4; i++) {
        struct endpoint e = v4(i);
        assert_int_equal(submit_admission_enter(&a, &seats[i], &e), 0);
    }
    assert_int_equal(submit_admission_login(&seats[0], 7), 0);
    assert_int_equal(submit_admission_login(&seats[1], 7), 0);
    assert_int_equal(submit_admission_login(&seats[2], 7), -EDQUOT);
    assert_int_equal(submit_admission_login(&seats[3], 8), 0);

    submit_admission_leave(&seats[0]);
    assert_int_equal(submit_admission_login(&seats[2], 7), 0);
    assert_int_equal(a.anonymous, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_per_address),
        cmocka_unit_test(test_ipv6_counts_by_network),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_per_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
