#include "site/relay_provider.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_find(void **state)
{
    static const struct {
        const char *host;
        enum relay_provider_id id;
    } cases[] = {
        {"smtp.gmail.com", RELAY_PROVIDER_GOOGLE},
        {"SMTP.Gmail.COM.", RELAY_PROVIDER_GOOGLE},
        {"smtp-relay.gmail.com", RELAY_PROVIDER_GOOGLE_RELAY},
        {"email-smtp.eu-west-1.amazonaws.com", RELAY_PROVIDER_AMAZON_SES},
        {"smtp.office365.com", RELAY_PROVIDER_MICROSOFT365},
        {"smtp.gmail.com.example.org", RELAY_PROVIDER_OTHER},
        {"xsmtp.gmail.com", RELAY_PROVIDER_OTHER},
        {"mail.library.example", RELAY_PROVIDER_OTHER},
        {"", RELAY_PROVIDER_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(relay_provider_find(slice_text(cases[i].host))->id, cases[i].id);
}

static void test_table_is_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < RELAY_PROVIDERS; i++) {
        const struct relay_provider *p = relay_provider_by_id((enum relay_provider_id)i);

        assert_non_null(p->name);
        assert_non_null(p->expect);
        assert_non_null(p->password_advice);
    }
}

static void test_app_password(void **state)
{
    (void)state;
    assert_true(relay_provider_is_app_password(SLICE("abcd efgh ijkl mnop")));
    assert_true(relay_provider_is_app_password(SLICE("abcdefghijklmnop")));
    assert_false(relay_provider_is_app_password(SLICE("abcdefghijklmno")));
    assert_false(relay_provider_is_app_password(SLICE("abcdefghijklmnopq")));
    assert_false(relay_provider_is_app_password(SLICE("Abcdefghijklmnop")));
    assert_false(relay_provider_is_app_password(SLICE("")));
}

static void test_cut_app_password(void **state)
{
    (void)state;
    assert_true(relay_provider_is_cut_app_password(SLICE("abcd efgh ijkl")));
    assert_true(relay_provider_is_cut_app_password(SLICE("abcdefghijklmno")));
    assert_true(relay_provider_is_cut_app_password(SLICE("abcdefghijklmnopq")));
    assert_false(relay_provider_is_cut_app_password(SLICE("abcd efgh ijkl mnop")));
    assert_false(relay_provider_is_cut_app_password(SLICE("abcdefghijklmnop")));
    assert_false(relay_provider_is_cut_app_password(SLICE("correcthorse")));
    assert_false(relay_provider_is_cut_app_password(SLICE("Tr0ub4dor&3")));
    assert_false(relay_provider_is_cut_app_password(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_table_is_in_order),
        cmocka_unit_test(test_app_password),
        cmocka_unit_test(test_cut_app_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
