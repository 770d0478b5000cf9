#include "deliver/tls_policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct wire_tlsa record = {3, 1, 1, {"0123456789abcdef0123456789abcdef", 32}};

/* Short names, so that the tables below can be read. */
enum dane { NO_TLSA, TLSA, TLSA_TA, USELESS, BROKEN };
enum sts { NO_STS, TESTING, ENFORCE, TESTING_OTHER, ENFORCE_OTHER, FETCH_FAILED };

static struct dane_finding dane_of(enum dane dane)
{
    static const struct dane_finding findings[] = {
        [NO_TLSA] = {.state = DANE_NONE},
        [TLSA] = {.state = DANE_USABLE,
                  .base = {"mx.example.net", 14},
                  .records = &record,
                  .record_count = 1},
        [TLSA_TA] = {.state = DANE_USABLE,
                     .base = {"target.example.com", 18},
                     .records = &record,
                     .record_count = 1,
                     .trust_anchors = true},
        [USELESS] = {.state = DANE_UNUSABLE, .base = {"mx.example.net", 14}},
        [BROKEN] = {.state = DANE_BROKEN, .why = {"the reason", 10}},
    };

    return findings[dane];
}

static struct sts_known sts_of(enum sts sts)
{
    struct sts_known known = {.has_policy = sts >= TESTING && sts <= ENFORCE_OTHER};

    if (sts == FETCH_FAILED) {
        known.failure = WIRE_TLS_STS_POLICY_FETCH_ERROR;
        known.why = SLICE("no answer");
    }
    if (!known.has_policy)
        return known;
    known.policy.mode =
        sts == TESTING || sts == TESTING_OTHER ? WIRE_MTA_STS_TESTING : WIRE_MTA_STS_ENFORCE;
    known.policy.pattern_count = 1;
    known.policy.patterns[0] =
        sts >= TESTING_OTHER ? SLICE("*.example.org") : SLICE("*.example.net");
    return known;
}

/* DANE over MTA-STS over the site; a message's wish over all that others want for it. */
static void plans_follow_the_strongest(void **state)
{
    static const struct {
        enum dane dane;
        enum sts sts;
        enum tls_wish wish;
        enum tls_plan_kind kind;
        enum wire_tls_policy reported;
        enum wire_tls_result finding;
    } cases[] = {
        {NO_TLSA, NO_STS, TLS_WISH_NONE, TLS_PLAN_OPPORTUNISTIC, WIRE_TLS_NO_POLICY, 0},
        {NO_TLSA, TESTING, TLS_WISH_NONE, TLS_PLAN_OBSERVED, WIRE_TLS_STS, 0},
        {NO_TLSA, ENFORCE, TLS_WISH_NONE, TLS_PLAN_AUTHORITIES, WIRE_TLS_STS, 0},
        {NO_TLSA, TESTING_OTHER, TLS_WISH_NONE, TLS_PLAN_OBSERVED, WIRE_TLS_STS,
         WIRE_TLS_VALIDATION_FAILURE},
        {NO_TLSA, ENFORCE_OTHER, TLS_WISH_NONE, TLS_PLAN_FORBIDDEN, WIRE_TLS_STS,
         WIRE_TLS_VALIDATION_FAILURE},
        {NO_TLSA, FETCH_FAILED, TLS_WISH_NONE, TLS_PLAN_OPPORTUNISTIC, WIRE_TLS_STS,
         WIRE_TLS_STS_POLICY_FETCH_ERROR},
        {TLSA, NO_STS, TLS_WISH_NONE, TLS_PLAN_DANE, WIRE_TLS_TLSA, 0},
        {TLSA, TESTING, TLS_WISH_NONE, TLS_PLAN_DANE, WIRE_TLS_TLSA, 0},
        {TLSA, ENFORCE, TLS_WISH_NONE, TLS_PLAN_DANE, WIRE_TLS_TLSA, 0},
        {TLSA, ENFORCE_OTHER, TLS_WISH_NONE, TLS_PLAN_DANE, WIRE_TLS_TLSA, 0},
        {TLSA, FETCH_FAILED, TLS_WISH_NONE, TLS_PLAN_DANE, WIRE_TLS_TLSA, 0},
        {USELESS, NO_STS, TLS_WISH_NONE, TLS_PLAN_ENCRYPTED, WIRE_TLS_TLSA, 0},
        {USELESS, TESTING, TLS_WISH_NONE, TLS_PLAN_ENCRYPTED, WIRE_TLS_STS, 0},
        {USELESS, ENFORCE, TLS_WISH_NONE, TLS_PLAN_AUTHORITIES, WIRE_TLS_STS, 0},
        {USELESS, ENFORCE_OTHER, TLS_WISH_NONE, TLS_PLAN_FORBIDDEN, WIRE_TLS_STS,
         WIRE_TLS_VALIDATION_FAILURE},
        {BROKEN, NO_STS, TLS_WISH_NONE, TLS_PLAN_FORBIDDEN, WIRE_TLS_TLSA, WIRE_TLS_DNSSEC_INVALID},
        {BROKEN, ENFORCE, TLS_WISH_NONE, TLS_PLAN_FORBIDDEN, WIRE_TLS_TLSA,
         WIRE_TLS_DNSSEC_INVALID},
        {NO_TLSA, NO_STS, TLS_WISH_VERIFIED, TLS_PLAN_AUTHORITIES, WIRE_TLS_NO_POLICY, 0},
        {NO_TLSA, TESTING, TLS_WISH_VERIFIED, TLS_PLAN_AUTHORITIES, WIRE_TLS_STS, 0},
        {NO_TLSA, ENFORCE, TLS_WISH_VERIFIED, TLS_PLAN_AUTHORITIES, WIRE_TLS_STS, 0},
        {NO_TLSA, ENFORCE_OTHER, TLS_WISH_VERIFIED, TLS_PLAN_FORBIDDEN, WIRE_TLS_STS,
         WIRE_TLS_VALIDATION_FAILURE},
        {USELESS, NO_STS, TLS_WISH_VERIFIED, TLS_PLAN_AUTHORITIES, WIRE_TLS_TLSA, 0},
        {TLSA, NO_STS, TLS_WISH_VERIFIED, TLS_PLAN_DANE, WIRE_TLS_TLSA, 0},
        {BROKEN, NO_STS, TLS_WISH_VERIFIED, TLS_PLAN_FORBIDDEN, WIRE_TLS_TLSA,
         WIRE_TLS_DNSSEC_INVALID},
        {NO_TLSA, ENFORCE, TLS_WISH_RELAXED, TLS_PLAN_OPPORTUNISTIC, WIRE_TLS_NO_POLICY, 0},
        {BROKEN, ENFORCE_OTHER, TLS_WISH_RELAXED, TLS_PLAN_OPPORTUNISTIC, WIRE_TLS_NO_POLICY, 0},
    };
    const struct tls_host host = {.name = SLICE("mx.example.net"), .port = 25};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        const struct dane_finding dane = dane_of(cases[i].dane);
        const struct sts_known sts = sts_of(cases[i].sts);
        const struct tls_domain domain = {
            .domain = SLICE("example.org"), .published = true, .sts = &sts};
        struct tls_plan plan = tls_plan_decide(&arena, &domain, &host, &dane, cases[i].wish);

        if (plan.kind != cases[i].kind || plan.reported != cases[i].reported ||
            plan.finding != cases[i].finding)
            fail_msg("case %zu: %d, %d, %d", i, plan.kind, plan.reported, plan.finding);
        assert_int_equal(plan.why.size > 0, plan.finding != 0);
        assert_true(plan.by.size > 0 || !tls_plan_insists(&plan) ||
                    plan.kind == TLS_PLAN_FORBIDDEN);
        assert_int_equal(plan.record_count, plan.kind == TLS_PLAN_DANE);
    }
}

/* RFC 8689 §4.2.1: certificate and host name must both be vouched for. */
static void required_tls_wants_a_vouched_name(void **state)
{
    static const struct {
        bool named_securely;
        enum dane dane;
        enum sts sts;
        enum tls_plan_kind kind;
    } cases[] = {
        {false, NO_TLSA, NO_STS, TLS_PLAN_FORBIDDEN},
        {false, NO_TLSA, TESTING, TLS_PLAN_FORBIDDEN},
        {false, NO_TLSA, FETCH_FAILED, TLS_PLAN_FORBIDDEN},
        {false, NO_TLSA, ENFORCE, TLS_PLAN_AUTHORITIES},
        {false, NO_TLSA, ENFORCE_OTHER, TLS_PLAN_FORBIDDEN},
        {true, NO_TLSA, NO_STS, TLS_PLAN_AUTHORITIES},
        {true, NO_TLSA, TESTING, TLS_PLAN_AUTHORITIES},
        {true, USELESS, NO_STS, TLS_PLAN_AUTHORITIES},
        {true, TLSA, NO_STS, TLS_PLAN_DANE},
        {true, BROKEN, NO_STS, TLS_PLAN_FORBIDDEN},
    };
    const struct tls_host host = {.name = SLICE("mx.example.net"), .port = 25};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        const struct dane_finding dane = dane_of(cases[i].dane);
        const struct sts_known sts = sts_of(cases[i].sts);
        const struct tls_domain domain = {.domain = SLICE("example.org"),
                                          .named_securely = cases[i].named_securely,
                                          .published = true,
                                          .sts = &sts};
        struct tls_plan plan = tls_plan_decide(&arena, &domain, &host, &dane, TLS_WISH_REQUIRED);

        if (plan.kind != cases[i].kind)
            fail_msg("case %zu: %d", i, plan.kind);
        assert_true(plan.requiretls || plan.kind == TLS_PLAN_FORBIDDEN);
    }
}

/* RFC 7672 §3.2.2. */
static void dane_knows_its_names(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct tls_host host = {.name = SLICE("mx.example.net"), .port = 25};
    const struct tls_domain domain = {.domain = SLICE("example.org"), .published = true};
    struct dane_finding dane = dane_of(TLSA);
    struct tls_plan plan = tls_plan_decide(&arena, &domain, &host, &dane, TLS_WISH_NONE);

    (void)state;
    assert_true(slice_equal(plan.server_name, SLICE("mx.example.net")));
    assert_int_equal(plan.other_name_count, 1);
    assert_true(slice_equal(plan.other_names[0], SLICE("example.org")));
    assert_false(plan.own_names);

    dane = dane_of(TLSA_TA);
    plan = tls_plan_decide(&arena, &domain, &host, &dane, TLS_WISH_NONE);
    assert_true(slice_equal(plan.server_name, SLICE("target.example.com")));
    assert_int_equal(plan.other_name_count, 2);
    assert_true(slice_equal(plan.other_names[1], SLICE("mx.example.net")));
    assert_true(plan.own_names);
}

/* What a domain publishes does not bind a next hop that the operator named; what the site demands
 * does. */
static void a_next_hop_follows_the_site_alone(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct sts_known sts = sts_of(ENFORCE_OTHER);
    const struct dane_finding dane = dane_of(BROKEN);
    const struct tls_host host = {.name = SLICE("relay.example"), .port = 25};
    const struct tls_domain domain = {.domain = SLICE("example.org"), .sts = &sts};

    (void)state;
    assert_int_equal(tls_plan_decide(&arena, &domain, &host, &dane, TLS_WISH_NONE).kind,
                     TLS_PLAN_OPPORTUNISTIC);
    assert_int_equal(tls_plan_decide(&arena, &domain, &host, &dane, TLS_WISH_VERIFIED).kind,
                     TLS_PLAN_AUTHORITIES);
}

/* Connections are shared by domains whose hash is the same. */
static void domains_of_one_policy_share(void **state)
{
    static const enum sts kinds[] = {NO_STS, TESTING, ENFORCE, ENFORCE_OTHER};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds) * 2; i++)
        for (size_t j = 0; j < ARRAY_LEN(kinds) * 2; j++) {
            const struct sts_known a_sts = sts_of(kinds[i / 2]), b_sts = sts_of(kinds[j / 2]);
            const struct tls_domain a = {SLICE("a.example"), i % 2, true, &a_sts};
            const struct tls_domain b = {SLICE("b.example"), j % 2, true, &b_sts};

            assert_int_equal(tls_domain_hash(&a) == tls_domain_hash(&b), i == j);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_follow_the_strongest),
        cmocka_unit_test(required_tls_wants_a_vouched_name),
        cmocka_unit_test(dane_knows_its_names),
        cmocka_unit_test(a_next_hop_follows_the_site_alone),
        cmocka_unit_test(domains_of_one_policy_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
