#include "wire/https_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void addresses_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *host, *target; /* host NULL: refused */
    } cases[] = {
        {"https://reports.example.org/tls", "reports.example.org", "/tls"},
        {"HTTPS://Reports.Example.org", "Reports.Example.org", ""},
        {"https://a.example:443/x?y=z&q=%41", "a.example", "/x?y=z&q=%41"},
        {"https://a.example?y", "a.example", "?y"},
        {"https://a.example/%0d%0aX:y", "a.example", "/%0d%0aX:y"}, /* stays encoded */
        {"http://a.example/", NULL, NULL},
        {"https:/a.example/", NULL, NULL},
        {"https://", NULL, NULL},
        {"https:///x", NULL, NULL},
        {"https://a.example:25/", NULL, NULL},
        {"https://a.example:8443/", NULL, NULL},
        {"https://a.example:/", NULL, NULL},
        {"https://u@a.example/", NULL, NULL},
        {"https://good.example@127.0.0.1/", NULL, NULL},
        {"https://127.0.0.1#@good.example/", NULL, NULL},
        {"https://127.0.0.1/", NULL, NULL},
        {"https://2130706433/", NULL, NULL},
        {"https://0x7f.1/", NULL, NULL},
        {"https://[::1]/", NULL, NULL},
        {"https://a.example/#part", NULL, NULL},
        {"https://a.example/a b", NULL, NULL},
        {"https://a.example/a\r\nX: y", NULL, NULL},
        {"https://a.example/%4", NULL, NULL},
        {"https://a.example/%zz", NULL, NULL},
        {"https://a.example/\xc3\xa9", NULL, NULL},
        {"https://a.example\\@b.example/", NULL, NULL},
        {"mailto:a@b.example", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_https_url url = {.host = SLICE("unchanged")};
        struct wire_error error = {NULL, 0};
        int r = wire_https_url_parse(slice_text(cases[i].text), &url, &error);

        if (!cases[i].host) {
            assert_int_equal(r, -EINVAL);
            assert_non_null(error.what);
            assert_true(error.offset <= strlen(cases[i].text));
            assert_true(slice_equal(url.host, SLICE("unchanged")));
            continue;
        }
        assert_int_equal(r, 0);
        assert_true(slice_equal(url.host, slice_text(cases[i].host)));
        assert_true(slice_equal(url.target, slice_text(cases[i].target)));
    }
}

static void too_long_is_refused(void **state)
{
    char text[WIRE_HTTPS_URL_BYTES + 2] = "https://a.example/";
    struct wire_https_url url;
    struct wire_error error;

    (void)state;
    memset(text + strlen(text), 'x', sizeof text - strlen(text) - 1);
    assert_int_equal(wire_https_url_parse(slice_of(text, WIRE_HTTPS_URL_BYTES), &url, &error), 0);
    assert_int_equal(wire_https_url_parse(slice_of(text, WIRE_HTTPS_URL_BYTES + 1), &url, &error),
                     -EINVAL);
}

static void only_public_names_are_hosts(void **state)
{
    static const struct {
        const char *host;
        bool valid;
    } cases[] = {
        {"mta-sts.example.org", true},
        {"a.example", true},
        {"localhost.example", true},
        {"mylocal.example", true},
        {"notlocal", false},
        {"localhost", false},
        {"x.localhost", false},
        {"LOCALHOST.", false},
        {"printer.local", false},
        {"printer.LOCAL", false},
        {"db.internal", false},
        {"intranet", false},
        {"x.onion", false},
        {"router.home.arpa", false},
        {"127.0.0.1", false},
        {"a.example.", false},
        {"_x.example", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (wire_https_host_valid(slice_text(cases[i].host)) != cases[i].valid)
            fail_msg("%s", cases[i].host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(too_long_is_refused),
        cmocka_unit_test(only_public_names_are_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
