#include "deliver/dane.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "deliver/dns_test.h"

#define DIGEST "0123456789abcdef0123456789abcdef"
static const struct slice ee = {"\3\1\1" DIGEST, 35}, ta = {"\2\0\1" DIGEST, 35},
                          pkix = {"\1\0\1" DIGEST, 35}, torn = {"\3\1", 2};

/* RFC 7672 §2.1.1, §3.1. */
static void answers_are_judged(void **state)
{
    static const struct {
        enum dns_status status;
        bool secure;
        const struct slice *records[3];
        enum dane_state state;
        size_t usable;
        bool trust_anchors;
    } cases[] = {
        {DNS_FOUND, true, {&ee}, DANE_USABLE, 1, false},
        {DNS_FOUND, true, {&ta}, DANE_USABLE, 1, true},
        {DNS_FOUND, true, {&ee, &ta, &pkix}, DANE_USABLE, 2, true},
        {DNS_FOUND, true, {&pkix}, DANE_UNUSABLE, 0, false},
        {DNS_FOUND, true, {&torn}, DANE_UNUSABLE, 0, false},
        {DNS_FOUND, false, {&ee}, DANE_NONE, 0, false},
        {DNS_NO_NAME, true, {NULL}, DANE_NONE, 0, false},
        {DNS_NO_NAME, false, {NULL}, DANE_NONE, 0, false},
        {DNS_NO_DATA, true, {NULL}, DANE_NONE, 0, false},
        {DNS_TEMPORARY, false, {NULL}, DANE_BROKEN, 0, false},
        {DNS_BOGUS, false, {NULL}, DANE_BROKEN, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct dns_record records[3] = {{.text = SLICE_NONE}};
        struct dns_answer answer = {
            .status = cases[i].status, .secure = cases[i].secure, .records = records};
        struct dane_finding finding;

        for (; answer.count < 3 && cases[i].records[answer.count]; answer.count++)
            records[answer.count].text = *cases[i].records[answer.count];
        finding = dane_judge(&arena, SLICE("mx.example.org"), &answer);
        if (finding.state != cases[i].state || finding.record_count != cases[i].usable ||
            finding.trust_anchors != cases[i].trust_anchors)
            fail_msg("case %zu", i);
        assert_int_equal(finding.bogus, cases[i].status == DNS_BOGUS);
    }
}

/* RFC 7672 §2.2.2: where the records of an alias stand. */
static int follows_aliases(struct task *t, void *argument)
{
    static const struct {
        bool secure, alias_secure, at_target, at_name;
        const char *base; /* NULL: no DANE */
    } cases[] = {
        {true, true, true, true, "target.example.net"},
        {true, true, true, false, "target.example.net"},
        {true, true, false, true, "mx.example.org"},
        {true, true, false, false, NULL},
        {false, true, true, true, "mx.example.org"},
        {false, true, true, false, NULL},
        {false, false, true, true, NULL},
    };

    (void)argument;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct dane_finding finding;

        dns_test.count = 0;
        dns_test_publish("mx.example.org", DNS_CNAME, DNS_FOUND, cases[i].alias_secure, SLICE(""));
        if (cases[i].at_target)
            dns_test_publish("_26._tcp.target.example.net", DNS_TLSA, DNS_FOUND, true, ee);
        if (cases[i].at_name)
            dns_test_publish("_26._tcp.mx.example.org", DNS_TLSA, DNS_FOUND, true, ee);
        assert_int_equal(dane_find(t, &arena, SLICE("mx.example.org"), SLICE("target.example.net"),
                                   cases[i].secure, 26, &finding),
                         0);
        if ((finding.state == DANE_USABLE) != (cases[i].base != NULL) ||
            !slice_equal(finding.base, slice_text(cases[i].base)))
            fail_msg("case %zu", i);
    }
    return 0;
}

static int an_unvalidated_host_is_not_asked_for(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct slice name = SLICE("mx.example.org");
    struct dane_finding finding;

    (void)argument;
    dns_test_publish("_25._tcp.mx.example.org", DNS_TLSA, DNS_FOUND, true, ee);
    assert_int_equal(dane_find(t, &arena, name, name, false, 25, &finding), 0);
    assert_int_equal(finding.state, DANE_NONE);
    assert_int_equal(dns_test.questions, 0);
    assert_int_equal(dane_find(t, &arena, name, name, true, 25, &finding), 0);
    assert_int_equal(finding.state, DANE_USABLE);
    assert_true(slice_equal(finding.base, name));
    return 0;
}

/* Nobody is to gain by suppressing the answer: not for the target, nor for the alias. */
static int no_answer_is_no_absence(struct task *t, void *argument)
{
    static const enum dns_status statuses[] = {DNS_TEMPORARY, DNS_BOGUS};

    (void)argument;
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct dane_finding finding;

        dns_test.count = 0;
        dns_test_publish("_25._tcp.target.example.net", DNS_TLSA, statuses[i], false, SLICE_NONE);
        dns_test_publish("_25._tcp.mx.example.org", DNS_TLSA, DNS_FOUND, true, ee);
        assert_int_equal(dane_find(t, &arena, SLICE("mx.example.org"), SLICE("target.example.net"),
                                   true, 25, &finding),
                         0);
        assert_int_equal(finding.state, DANE_BROKEN);
        assert_true(finding.why.size > 0);
    }
    return 0;
}

static void run(void **state)
{
    assert_int_equal(dns_test_run((task_function *)*state, NULL), 0);
}

#define DNS_TEST(function)                                                                         \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run, .initial_state = (void *)(function)                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_judged),
        DNS_TEST(follows_aliases),
        DNS_TEST(an_unvalidated_host_is_not_asked_for),
        DNS_TEST(no_answer_is_no_absence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
