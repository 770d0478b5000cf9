#include "runtime/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void endpoints_come_back(void **state)
{
    static const char *const good[] = {"192.0.2.1:25", "[2001:db8::1]:465", "127.0.0.1:0",
                                       "[::1]:65535"};
    char text[ENDPOINT_TEXT_BYTES];
    struct endpoint e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(endpoint_parse(slice_text(good[i]), &e), 0);
        assert_string_equal(endpoint_format(&e, text), good[i]);
    }
}

static void what_is_no_endpoint_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "25",
        "mx.example.org:25",
        "192.0.2.1",
        "192.0.2.1:",
        "1.2.3:25",
        "1.2.3.4:x",
        "1.2.3.4:65536",
        "::1:25",
        "[::1]",
        "[1.2.3.4]:25",
        "[::1:25",
        "[]:25",
        "1.2.3.4:+25",
        "0x7f.0.0.1:25",
        "1.2.3.04:25",
        "[fe80::1%eth0]:25",
    };
    struct endpoint e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (endpoint_parse(slice_text(bad[i]), &e) != -EINVAL)
            fail_msg("\"%s\" was taken", bad[i]);
}

static void addresses_alone(void **state)
{
    char text[ENDPOINT_TEXT_BYTES];
    struct endpoint a, b;

    (void)state;
    assert_int_equal(endpoint_parse_address(SLICE("2001:DB8:0::1"), &a), 0);
    assert_int_equal(a.port, 0);
    assert_string_equal(endpoint_format_address(&a, text), "2001:db8::1");
    assert_int_equal(endpoint_parse(SLICE("[2001:db8::1]:25"), &b), 0);
    assert_true(endpoint_same_address(&a, &b));
    assert_int_equal(endpoint_parse_address(SLICE("192.0.2.1\0x"), &a), -EINVAL);
    a = (struct endpoint){0};
    assert_string_equal(endpoint_format(&a, text), "");
    assert_false(endpoint_same_address(&a, &b));
}

static void loopback_in_all_its_forms(void **state)
{
    static const struct {
        const char *address;
        bool loopback;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.255.0.9", true},
        {"128.0.0.1", false},
        {"::1", true},
        {"::2", false},
        {"::", false},
        {"::ffff:127.0.0.1", true},
        {"::ffff:10.0.0.1", false},
    };
    struct endpoint e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(endpoint_parse_address(slice_text(cases[i].address), &e), 0);
        if (endpoint_is_loopback(&e) != cases[i].loopback)
            fail_msg("%s", cases[i].address);
    }
}

static void networks_hold_what_is_theirs(void **state)
{
    static const struct {
        const char *network, *address;
        int in; /* -1: not a network */
    } cases[] = {
        {"10.0.0.0/8", "10.255.255.255", 1},
        {"10.0.0.0/8", "11.0.0.0", 0},
        {"192.0.2.128/25", "192.0.2.128", 1},
        {"192.0.2.128/25", "192.0.2.127", 0},
        {"192.0.2.1", "192.0.2.1", 1},
        {"192.0.2.1", "192.0.2.2", 0},
        {"0.0.0.0/0", "203.0.113.9", 1},
        {"0.0.0.0/0", "::1", 0},
        {"::1/128", "::1", 1},
        {"2001:db8::/33", "2001:db8:7fff::1", 1},
        {"2001:db8::/33", "2001:db8:8000::1", 0},
        {"10.0.0.1/8", "10.0.0.1", -1},
        {"10.0.0.0/33", "10.0.0.0", -1},
        {"10.0.0.0/", "10.0.0.0", -1},
        {"10.0.0/8", "10.0.0.0", -1},
        {"fe80::/129", "fe80::", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct endpoint_network network;
        struct endpoint e;
        int r = endpoint_network_parse(slice_text(cases[i].network), &network);

        assert_int_equal(endpoint_parse_address(slice_text(cases[i].address), &e), 0);
        if ((r < 0 ? -1 : endpoint_in_network(&e, &network)) != cases[i].in)
            fail_msg("%s in %s", cases[i].address, cases[i].network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_come_back),
        cmocka_unit_test(what_is_no_endpoint_is_refused),
        cmocka_unit_test(addresses_alone),
        cmocka_unit_test(loopback_in_all_its_forms),
        cmocka_unit_test(networks_hold_what_is_theirs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
