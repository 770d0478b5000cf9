#include "onboard/spf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "onboard/mail_dns_test.h"

static const struct mail_dns_line names[] = {
    {"plain.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 ip4:198.51.100.0/24 ip6:2001:db8::/32 -all"},
    {"soft.example", DNS_TXT, "v=spf1 ~all"},
    {"other.example", DNS_TXT, "v=spf10 -all"},
    {"neutral.example", DNS_TXT, "v=spf1"},
    {"twice.example", DNS_TXT, "v=spf1 -all"},
    {"twice.example", DNS_TXT, "V=SPF1 +all"},
    {"include.example", DNS_TXT, "v=spf1 include:plain.example ~all"},
    {"redirect.example", DNS_TXT, "v=spf1 redirect=plain.example"},
    {"lost.example", DNS_TXT, "v=spf1 include:nobody.example -all"},
    {"away.example", DNS_TXT, "v=spf1 redirect=nobody.example"},
    {"loop.example", DNS_TXT, "v=spf1 include:loop.example -all"},
    {"a.example", DNS_TXT, "v=spf1 a -all"},
    {"a.example", DNS_A, "192.0.2.1"},
    {"net.example", DNS_TXT, "v=spf1 a:a.example/24//64 -all"},
    {"mx.example", DNS_TXT, "v=spf1 mx -all"},
    {"mx.example", DNS_MX, "a.example"},
    {"exists.example", DNS_TXT, "v=spf1 exists:a.example -all"},
    {"macro.example", DNS_TXT, "v=spf1 exists:%{i}.example -all"},
    {"192.0.2.1.example", DNS_A, "127.0.0.2"},
    {"1.2.0.192.in-addr.arpa", DNS_PTR, "liar.ptr.example"},
    {"1.2.0.192.in-addr.arpa", DNS_PTR, "host.ptr.example"},
    {"host.ptr.example", DNS_A, "192.0.2.1"},
    {"delimiters.example", DNS_TXT, "v=spf1 exists:%{l2r+-}.user.%{d2} -all"},
    {"bar.foo.user.delimiters.example", DNS_A, "127.0.0.2"},
    {"unknown.example", DNS_TXT, "v=spf1 exists:%{p}.x.example -all"},
    {"unknown.x.example", DNS_A, "127.0.0.2"},
    {"percent.example", DNS_TXT, "v=spf1 a:50%.example -all"},
    {"letter.example", DNS_TXT, "v=spf1 a:%{a}.example -all"},
    {"brace.example", DNS_TXT, "v=spf1 a:%{d.example -all"},
    {"none-kept.example", DNS_TXT, "v=spf1 a:%{d0} -all"},
    {"explained.example", DNS_TXT, "v=spf1 exp=a.example exp=a.example -all"},
    {"typo.example", DNS_TXT, "v=spf1 ip4:192.0.2.300 -all"},
    {"word.example", DNS_TXT, "v=spf1 everyone -all"},
    {"ptr.example", DNS_TXT, "v=spf1 ptr ?all"},
    {"words.example", DNS_TXT, "v=spf1  exp=x.example  x=y ip4:192.0.2.1 -all"},
    {"late.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 -all moo"},
    {"args.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 -all:x.example"},
    {"bits.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 a/33 -all"},
    {"zero.example", DNS_TXT, "v=spf1 ip4:192.0.2.1/032 -all"},
    {"bare.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 a:museum -all"},
    {"number.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 a:192.0.2.7 -all"},
    {"again.example", DNS_TXT, "v=spf1 redirect=a.example redirect=a.example"},
    {"ruin.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 a:x.exa\xff.example -all"},
    {"void.example", DNS_TXT, "v=spf1 a:x1.example a:x2.example a:x3.example ip4:192.0.2.1"},
    {"deaf.example", DNS_TXT, "v=spf1 include:x.broken.example -all"},
};

static const struct {
    const char *domain, *address;
    enum spf_result result;
} cases[] = {
    {"plain.example", "192.0.2.1", SPF_PASS},
    {"plain.example", "198.51.100.77", SPF_PASS},
    {"plain.example", "2001:db8::9", SPF_PASS},
    {"plain.example", "192.0.2.2", SPF_FAIL},
    {"soft.example", "192.0.2.1", SPF_SOFTFAIL},
    {"none.example", "192.0.2.1", SPF_NONE},
    {"other.example", "192.0.2.1", SPF_NONE},
    {"neutral.example", "192.0.2.1", SPF_NEUTRAL},
    {"twice.example", "192.0.2.1", SPF_PERMERROR},
    {"include.example", "192.0.2.1", SPF_PASS},
    {"include.example", "192.0.2.2", SPF_SOFTFAIL},
    {"redirect.example", "192.0.2.2", SPF_FAIL},
    {"lost.example", "192.0.2.1", SPF_PERMERROR},
    {"away.example", "192.0.2.1", SPF_PERMERROR},
    {"loop.example", "192.0.2.1", SPF_PERMERROR},
    {"a.example", "192.0.2.1", SPF_PASS},
    {"a.example", "192.0.2.2", SPF_FAIL},
    {"a.example", "2001:db8::9", SPF_FAIL},
    {"net.example", "192.0.2.2", SPF_PASS},
    {"mx.example", "192.0.2.1", SPF_PASS},
    {"mx.example", "192.0.2.2", SPF_FAIL},
    {"exists.example", "203.0.113.1", SPF_PASS},
    {"macro.example", "192.0.2.1", SPF_PASS},
    {"plain.example", "::ffff:192.0.2.1", SPF_PASS},
    {"delimiters.example", "192.0.2.1", SPF_PASS},
    {"unknown.example", "192.0.2.9", SPF_PASS},
    {"percent.example", "192.0.2.1", SPF_PERMERROR},
    {"letter.example", "192.0.2.1", SPF_PERMERROR},
    {"brace.example", "192.0.2.1", SPF_PERMERROR},
    {"none-kept.example", "192.0.2.1", SPF_PERMERROR},
    {"explained.example", "192.0.2.1", SPF_PERMERROR},
    {"typo.example", "192.0.2.1", SPF_PERMERROR},
    {"word.example", "192.0.2.1", SPF_PERMERROR},
    {"ptr.example", "192.0.2.1", SPF_PASS},
    {"ptr.example", "192.0.2.2", SPF_NEUTRAL},
    {"words.example", "192.0.2.1", SPF_PASS},
    {"late.example", "192.0.2.1", SPF_PERMERROR},
    {"args.example", "192.0.2.1", SPF_PERMERROR},
    {"bits.example", "192.0.2.1", SPF_PERMERROR},
    {"zero.example", "192.0.2.1", SPF_PERMERROR},
    {"bare.example", "192.0.2.1", SPF_PERMERROR},
    {"number.example", "192.0.2.1", SPF_PERMERROR},
    {"again.example", "192.0.2.1", SPF_PERMERROR},
    {"ruin.example", "192.0.2.1", SPF_PERMERROR},
    {"void.example", "192.0.2.1", SPF_PERMERROR},
    {"deaf.example", "192.0.2.1", SPF_TEMPERROR},
    {"x.broken.example", "192.0.2.1", SPF_TEMPERROR},
};

static int judge_all(struct task *t, void *argument)
{
    (void)argument;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct spf_finding finding;
        struct endpoint address;

        assert_int_equal(endpoint_parse_address(slice_text(cases[i].address), &address), 0);
        const struct spf_sender sender = {.domain = slice_text(cases[i].domain),
                                          .local = SLICE("foo-bar+zip+quux"),
                                          .address = &address};

        assert_int_equal(spf_check(t, &arena, &sender, &finding), 0);
        if (finding.result != cases[i].result)
            fail_msg("%s %s: %s (%.*s)", cases[i].domain, cases[i].address,
                     spf_result_name(finding.result), SLICE_ARG(finding.why));
        assert_int_equal(finding.why.size > 0,
                         finding.result == SPF_PERMERROR || finding.result == SPF_TEMPERROR);
    }
    return 0;
}

static void records_are_judged(void **state)
{
    (void)state;
    mail_dns_run(names, ARRAY_LEN(names), judge_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records_are_judged)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
