#include "onboard/mail_domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "onboard/mail_dns_test.h"

static const struct mail_dns_line names[] = {
    {"mail.platform.example", DNS_A, "192.0.2.1"},
    {"mail.platform.example", DNS_AAAA, "2001:db8::1"},
    {"alias.platform.example", DNS_A, "192.0.2.1"},
    {"elsewhere.example", DNS_A, "192.0.2.99"},
    {"1.2.0.192.in-addr.arpa", DNS_PTR, "mail.platform.example"},
    {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", DNS_PTR,
     "other.platform.example"},
    {"7.2.0.192.in-addr.arpa", DNS_PTR, "lost.platform.example"},
    {"good.example", DNS_MX, "mail.platform.example"},
    {"good.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all"},
    {"alias.example", DNS_MX, "alias.platform.example"},
    {"alias.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 -all"},
    {"two.example", DNS_MX, "mail.platform.example"},
    {"two.example", DNS_MX, "alias.platform.example"},
    {"two.example", DNS_TXT, "v=spf1 a:mail.platform.example -all"},
    {"away.example", DNS_MX, "elsewhere.example"},
    {"away.example", DNS_TXT, "v=spf1 include:x.broken.example -all"},
    {"null.example", DNS_MX, ""},
    {"odd.example", DNS_MX, "mx.broken.example"},
};

struct wanted {
    const char *domain;
    bool exactly_one;
    enum record_state mx, spf;
    const char *mx_words, *spf_words;
};

static const struct wanted cases[] = {
    {"good.example", true, RECORD_RIGHT, RECORD_RIGHT, "", ""},
    {"alias.example", true, RECORD_RIGHT, RECORD_WRONG, "", "\"fail\" for 2001:db8::1"},
    {"two.example", false, RECORD_RIGHT, RECORD_RIGHT, "", ""},
    {"two.example", true, RECORD_WRONG, RECORD_RIGHT, "There are 2 MX records", ""},
    {"away.example", false, RECORD_WRONG, RECORD_UNKNOWN, "does not lead to this host",
     "temperror"},
    {"null.example", false, RECORD_WRONG, RECORD_ABSENT, "does not lead to this host",
     "no SPF record"},
    {"none.example", false, RECORD_ABSENT, RECORD_ABSENT, "\"10 mail.platform.example\"",
     "no SPF record"},
    {"odd.example", false, RECORD_UNKNOWN, RECORD_ABSENT, "could not be looked up",
     "no SPF record"},
    {"x.broken.example", false, RECORD_UNKNOWN, RECORD_UNKNOWN, "could not be looked up",
     "temperror"},
};

static void assert_record(const char *domain, const struct mail_record *record,
                          enum record_state state, const char *words)
{
    if (record->state != state || slice_find_slice(record->advice, slice_text(words)) < 0 ||
        (record->advice.size == 0) != (state == RECORD_RIGHT))
        fail_msg("%s: %s \"%.*s\"", domain, record_state_name(record->state),
                 SLICE_ARG(record->advice));
}

static int check_domains(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct mail_host host = {.hostname = SLICE("mail.platform.example")};

    (void)argument;
    assert_int_equal(mail_host_find(t, &arena, &host), 0);
    assert_int_equal(host.source_count, 2);
    assert_true(slice_equal(mail_host_spf(&arena, &host),
                            SLICE("v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all")));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mail_domain found;

        assert_int_equal(mail_domain_check(t, &arena, slice_text(cases[i].domain), &host,
                                           cases[i].exactly_one, &found),
                         0);
        assert_record(cases[i].domain, &found.mx, cases[i].mx, cases[i].mx_words);
        assert_record(cases[i].domain, &found.spf, cases[i].spf, cases[i].spf_words);
    }
    return 0;
}

static int check_sources(struct task *t, void *argument)
{
    static const struct {
        const char *address, *hostname;
        enum record_state state;
        const char *words;
    } sources[] = {
        {"192.0.2.1", "mail.platform.example", RECORD_RIGHT, ""},
        {"2001:db8::1", "mail.platform.example", RECORD_WRONG, "PTR record be mail.platform"},
        {"192.0.2.7", "lost.platform.example", RECORD_WRONG, "does not lead to 192.0.2.7"},
        {"192.0.2.8", "mail.platform.example", RECORD_ABSENT, "PTR record be mail.platform"},
    };

    (void)argument;
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct mail_source source = {.text = slice_text(sources[i].address),
                                     .hostname = slice_text(sources[i].hostname)};
        struct mail_record found;

        assert_int_equal(endpoint_parse_address(source.text, &source.address), 0);
        assert_int_equal(mail_source_check(t, &arena, &source, &found), 0);
        assert_record(sources[i].address, &found, sources[i].state, sources[i].words);
    }
    return 0;
}

static void domains_are_checked(void **state)
{
    (void)state;
    mail_dns_run(names, ARRAY_LEN(names), check_domains, NULL);
}

static void addresses_lead_to_names_and_back(void **state)
{
    (void)state;
    mail_dns_run(names, ARRAY_LEN(names), check_sources, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_are_checked),
        cmocka_unit_test(addresses_lead_to_names_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
