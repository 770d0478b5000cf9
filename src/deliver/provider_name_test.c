#include "deliver/provider_name.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct slice google_hosts[] = {{"google.com", 10}, {"googlemail.com", 14}};
static struct slice outlook_hosts[] = {{"mail.protection.outlook.com", 27}};
static struct slice town_domains[] = {{"town.example", 12}};
static struct shaping_provider providers[] = {
    {.name = {"google", 6}, .hosts = google_hosts, .host_count = 2},
    {.name = {"microsoft", 9}, .hosts = outlook_hosts, .host_count = 1},
    {.name = {"slow-town", 9}, .domains = town_domains, .domain_count = 1},
};
static const struct shaping shaping = {.providers = providers, .provider_count = 3};

struct row {
    const char *domain, *hosts[4], *address, *name;
    enum provider_kind kind;
};

static struct provider_name name_of(struct arena *arena, const struct row *row)
{
    struct route_host hosts[4] = {{.preference = 0}};
    struct route route = {.hosts = hosts};

    for (size_t i = 0; i < 4 && row->hosts[i]; i++) {
        hosts[i] = (struct route_host){
            .name = slice_text(row->hosts[i]), .preference = 10, .address_count = 1};
        assert_int_equal(endpoint_parse_address(slice_text(row->address), &hosts[i].addresses[0]),
                         0);
        route.host_count++;
    }
    return provider_name_of(arena, &shaping, slice_text(row->domain), &route);
}

static void names_providers(void **state)
{
    static const struct row rows[] = {
        {"a.example", {"aspmx.l.google.com"}, "192.0.2.1", "google", PROVIDER_LISTED},
        {"a.example", {"aspmx3.googlemail.com"}, "192.0.2.1", "google", PROVIDER_LISTED},
        {"a.example", {"ALT1.ASPMX.L.GOOGLE.COM"}, "192.0.2.1", "google", PROVIDER_LISTED},
        {"a.example",
         {"a-example.mail.protection.outlook.com"},
         "192.0.2.1",
         "microsoft",
         PROVIDER_LISTED},
        /* the name must end at a dot */
        {"a.example", {"mx.notgoogle.com"}, "192.0.2.1", "notgoogle.com", PROVIDER_BY_DOMAIN},
        {"a.example", {"mx1.hoster.co.uk"}, "192.0.2.1", "hoster.co.uk", PROVIDER_BY_DOMAIN},
        {"b.example", {"mx9.eu.hoster.co.uk"}, "192.0.2.9", "hoster.co.uk", PROVIDER_BY_DOMAIN},
        /* any host of the route may have an entry */
        {"a.example", {"mx.a.net", "aspmx.l.google.com"}, "192.0.2.1", "google", PROVIDER_LISTED},
        /* names of the recipient's own say nothing */
        {"a.example.org", {"mail.example.org"}, "192.0.2.77", "192.0.2.0/24", PROVIDER_BY_NETWORK},
        {"example.org", {"example.org"}, "2001:db8:5:6::7", "2001:db8:5::/48", PROVIDER_BY_NETWORK},
        {"town.example", {"aspmx.l.google.com"}, "192.0.2.1", "slow-town", PROVIDER_LISTED},
        /* equal hosts in any order: one name */
        {"a.example", {"mx.b.net", "mx.c.net"}, "192.0.2.1", "b.net", PROVIDER_BY_DOMAIN},
        {"a.example", {"mx.c.net", "mx.b.net"}, "192.0.2.1", "b.net", PROVIDER_BY_DOMAIN},
        {"a.example", {"com"}, "192.0.2.1", "192.0.2.0/24", PROVIDER_BY_NETWORK},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct provider_name name = name_of(&arena, &rows[i]);

        if (!slice_equal(name.name, slice_text(rows[i].name)) || name.kind != rows[i].kind)
            fail_msg("row %zu: %.*s, kind %d", i, SLICE_ARG(name.name), (int)name.kind);
        assert_true(name.rule.size > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_providers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
