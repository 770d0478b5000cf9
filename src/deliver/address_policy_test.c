#include "deliver/address_policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool allows(const struct address_policy *policy, const char *text)
{
    struct endpoint address;

    assert_int_equal(endpoint_parse_address(slice_text(text), &address), 0);
    return address_policy_allows(policy, &address);
}

static void refuses_what_is_not_public(void **state)
{
    static const char *const refused[] = {
        "127.0.0.1",
        "10.0.0.5",
        "169.254.169.254",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "2001::1",
        "::127.0.0.1",
    };
    static const char *const fine[] = {"8.8.8.8",        "172.32.0.1", "100.128.0.1",
                                       "2606:4700::1",   "192.0.1.1",  "::ffff:9.9.9.9",
                                       "2002:808:808::1"};
    struct address_policy policy = {NULL, 0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (allows(&policy, refused[i]))
            fail_msg("%s must be refused", refused[i]);
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        if (!allows(&policy, fine[i]))
            fail_msg("%s must be allowed", fine[i]);
}

static void allows_only_the_network_named(void **state)
{
    struct endpoint_network named;
    struct address_policy policy = {&named, 1};

    (void)state;
    assert_int_equal(endpoint_network_parse(SLICE("10.1.2.0/24"), &named), 0);
    assert_true(allows(&policy, "10.1.2.9"));
    assert_true(allows(&policy, "::ffff:10.1.2.9"));
    assert_false(allows(&policy, "10.1.3.9"));
    assert_false(allows(&policy, "127.0.0.1"));
    assert_true(allows(&policy, "9.9.9.9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_not_public),
        cmocka_unit_test(allows_only_the_network_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
