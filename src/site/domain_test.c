#include "site/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void takes_what_can_be_owned(void **state)
{
    static const struct {
        const char *text;
        const char *domain; /* NULL: refused */
    } cases[] = {
        {"example.org", "example.org"},
        {"News.Example.ORG.", "news.example.org"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"library.example.co.uk", "library.example.co.uk"},
        {"example.test", "example.test"},
        {"org", NULL},
        {"co.uk", NULL},
        {"github.io", NULL},
        {"test", NULL},
        {"", NULL},
        {".", NULL},
        {"example..org", NULL},
        {".example.org", NULL},
        {"exa mple.org", NULL},
        {"-example.org", NULL},
        {"192.0.2.1", NULL},
        {"[192.0.2.1]", NULL},
        {"example.org\r\n", NULL},
        {"a@example.org", NULL},
        {"_dmarc.example.org", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct slice domain;
        const char *why = NULL;
        int r = site_domain_normalise(&arena, slice_text(cases[i].text), &domain, &why);

        if (r != (cases[i].domain ? 0 : -EINVAL))
            fail_msg("%s: %d", cases[i].text, r);
        if (r == 0)
            assert_true(slice_equal(domain, slice_text(cases[i].domain)));
        assert_int_equal(why != NULL, r < 0);
    }
}

static void names_of_sites(void **state)
{
    static const char *const good[] = {"library", "town-hall", "a", "2026", "a-b-c"};
    static const char *const bad[] = {
        "",         "Library",
        "-a",       "a-",
        "a--b",     "a b",
        "a_b",      "a.b",
        "\xc3\xbc", "0123456789012345678901234567890123456789012345678901234567890123"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(site_name_valid(slice_text(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(site_name_valid(slice_text(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_can_be_owned),
        cmocka_unit_test(names_of_sites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
