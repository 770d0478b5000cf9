#include "onboard/dmarc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "onboard/mail_dns_test.h"

/* The examples of RFC 9989 §4.10 and appendix B, and of its differences from RFC 7489. */
static const struct mail_dns_line names[] = {
    {"_dmarc.plain.example.org", DNS_TXT, "v=DMARC1; p=reject; adkim=s"},
    {"_dmarc.example.org", DNS_TXT, "v=DMARC1; p=quarantine; sp=none"},
    {"_dmarc.org", DNS_TXT, "v=spf1 -all"},
    /* a public suffix that says so, below which is no other record */
    {"_dmarc.gov.example", DNS_TXT, "v=DMARC1; psd=y; p=reject; sp=quarantine"},
    /* an organization below another one, by its own word */
    {"_dmarc.part.corp.example", DNS_TXT, "v=DMARC1; psd=n; sp=reject; p=none"},
    {"_dmarc.corp.example", DNS_TXT, "v=DMARC1; p=quarantine"},
    /* what the list calls a suffix (github.io) has a policy all the same */
    {"_dmarc.github.io", DNS_TXT, "v=DMARC1; p=reject"},
    {"_dmarc.nop.example.net", DNS_TXT, "v=DMARC1; adkim=s"},
    {"_dmarc.twice.example.net", DNS_TXT, "v=DMARC1; p=reject"},
    {"_dmarc.twice.example.net", DNS_TXT, "v=DMARC1; p=none"},
    {"_dmarc.beside.example.net", DNS_TXT, "v=spf1 -all"},
    {"_dmarc.beside.example.net", DNS_TXT, "v=DMARC1; p=reject"},
    {"_dmarc.town.example", DNS_TXT, "v=DMARC1; p=none; sp=quarantine; np=reject"},
    {"shop.town.example", DNS_A, "192.0.2.1"},
    {"deaf.town.example", DNS_TXT, NULL},
    {"_dmarc.deep.example.com", DNS_TXT, "v=DMARC1; p=reject"},
};

struct seen {
    const char *from;
    const char *walk_at, *walk_policy, *walk_organization; /* at "": nothing is found */
    const char *list_at, *list_policy, *list_organization;
};

static const struct seen cases[] = {
    {"plain.example.org", "plain.example.org", "reject", "example.org", "plain.example.org",
     "reject", "example.org"},
    {"example.org", "example.org", "quarantine", "example.org", "example.org", "quarantine",
     "example.org"},
    {"a.b.example.org", "example.org", "none", "example.org", "example.org", "none", "example.org"},
    {"x.town.gov.example", "gov.example", "quarantine", "town.gov.example", "gov.example",
     "quarantine", "gov.example"},
    {"gov.example", "gov.example", "reject", "gov.example", "gov.example", "reject", "gov.example"},
    {"mail.part.corp.example", "part.corp.example", "reject", "part.corp.example", "corp.example",
     "quarantine", "corp.example"},
    {"me.github.io", "github.io", "reject", "github.io", "", "", "me.github.io"},
    {"nop.example.net", "nop.example.net", "none", "nop.example.net", "", "", "example.net"},
    {"beside.example.net", "beside.example.net", "reject", "beside.example.net",
     "beside.example.net", "reject", "example.net"},
    {"none.example", "", "", "none.example", "", "", "none.example"},
    /* np= is for what does not exist, and RFC 7489 does not know it */
    {"town.example", "town.example", "none", "town.example", "town.example", "none",
     "town.example"},
    {"shop.town.example", "town.example", "quarantine", "town.example", "town.example",
     "quarantine", "town.example"},
    {"gone.town.example", "town.example", "reject", "town.example", "town.example", "quarantine",
     "town.example"},
    /* ten labels: the walk leaps over what is between */
    {"1.2.3.4.5.6.7.deep.example.com", "deep.example.com", "reject", "deep.example.com", "", "",
     "example.com"},
};

static void assert_policy(const struct seen *seen, const struct dmarc_policy *found, const char *at,
                          const char *policy, const char *organization)
{
    if (found->found != (at[0] != '\0') || !slice_equal(found->domain, slice_text(at)) ||
        strcmp(wire_dmarc_policy_name(found->policy), policy) != 0 ||
        !slice_equal(found->organization, slice_text(organization)))
        fail_msg("%s: %s at \"%.*s\" of %.*s", seen->from, wire_dmarc_policy_name(found->policy),
                 SLICE_ARG(found->domain), SLICE_ARG(found->organization));
}

static int find_all(struct task *t, void *argument)
{
    (void)argument;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct dmarc_finding finding;

        assert_int_equal(dmarc_find(t, &arena, slice_text(cases[i].from), true, &finding), 0);
        assert_int_equal(finding.trouble.size, 0);
        assert_policy(&cases[i], &finding.walk, cases[i].walk_at, cases[i].walk_policy,
                      cases[i].walk_organization);
        assert_policy(&cases[i], &finding.list, cases[i].list_at, cases[i].list_policy,
                      cases[i].list_organization);
    }
    return 0;
}

/* For what signs as the very domain its own record is enough, whatever is above. */
static int find_without_organization(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct dmarc_finding finding;

    (void)argument;
    assert_int_equal(dmarc_find(t, &arena, SLICE("plain.example.org"), false, &finding), 0);
    assert_true(slice_equal(finding.walk.domain, SLICE("plain.example.org")));
    assert_int_equal(finding.walk.organization.size, 0);
    assert_true(slice_equal(finding.list.organization, SLICE("example.org")));
    assert_int_equal(dmarc_find(t, &arena, SLICE("a.example.org"), false, &finding), 0);
    assert_true(slice_equal(finding.walk.organization, SLICE("example.org")));
    assert_int_equal(finding.walk.policy, WIRE_DMARC_NONE);
    return 0;
}

/* Several count as none, and it is told where they are. */
static int find_several(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct dmarc_finding finding;

    (void)argument;
    assert_int_equal(dmarc_find(t, &arena, SLICE("twice.example.net"), true, &finding), 0);
    assert_false(finding.walk.found || finding.list.found);
    assert_true(slice_equal(finding.several, SLICE("twice.example.net")));
    return 0;
}

static int find_without_an_answer(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct dmarc_finding finding;

    (void)argument;
    assert_int_equal(dmarc_find(t, &arena, SLICE("a.broken.example.org"), true, &finding), 0);
    assert_true(slice_find_slice(finding.trouble, SLICE("SERVFAIL")) > 0);
    /* nor whether the domain exists */
    assert_int_equal(dmarc_find(t, &arena, SLICE("deaf.town.example"), true, &finding), 0);
    assert_true(slice_find_slice(finding.trouble, SLICE("SERVFAIL")) > 0);
    return 0;
}

static void both_kinds_of_receivers_are_asked_for(void **state)
{
    (void)state;
    mail_dns_run(names, ARRAY_LEN(names), find_all, NULL);
    mail_dns_run(names, ARRAY_LEN(names), find_without_organization, NULL);
    mail_dns_run(names, ARRAY_LEN(names), find_several, NULL);
}

static void silence_proves_nothing(void **state)
{
    (void)state;
    mail_dns_run(names, ARRAY_LEN(names), find_without_an_answer, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_of_receivers_are_asked_for),
        cmocka_unit_test(silence_proves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
