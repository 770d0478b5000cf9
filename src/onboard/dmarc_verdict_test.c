#include "onboard/dmarc_verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t HOUR_US = 3600 * (int64_t)1000000;
enum { GRACE_S = 72 * 3600 };

/* A look at mail from `from`, signed for library.example; both kinds of receivers find `record` at
 * library.example. */
static struct dmarc_look look_at(const char *from, const char *record, const char *envelope)
{
    struct dmarc_policy policy = {.organization = SLICE("library.example")};

    if (record[0]) {
        assert_int_equal(wire_dmarc_record_parse(slice_text(record), &policy.record), 0);
        policy.found = true;
        policy.domain = SLICE("library.example");
        policy.policy = wire_dmarc_policy_of(&policy.record);
    }
    return (struct dmarc_look){
        .state = IDENTITY_NOT_STARTED,
        .now_us = 1000 * HOUR_US,
        .grace_s = GRACE_S,
        .mail = {slice_text(from), SLICE("library.example"), slice_text(envelope), true,
                 SLICE("library.example")},
        .finding = {.walk = policy, .list = policy},
    };
}

static void alignment_is_judged(void **state)
{
    static const struct {
        const char *from, *record, *envelope;
        enum dmarc_alignment dkim, spf;
        bool passes;
        enum identity_state state;
        const char *words;
    } cases[] = {
        {"library.example", "v=DMARC1; p=reject; adkim=s; aspf=s", "bounce.platform.example",
         DMARC_STRICT, DMARC_NOT_ALIGNED, true, IDENTITY_SUCCESS, "aligns even strictly"},
        {"library.example", "v=DMARC1; p=reject; adkim=s; aspf=s", "bounce.platform.example",
         DMARC_STRICT, DMARC_NOT_ALIGNED, true, IDENTITY_SUCCESS,
         "SPF cannot align, since bounces go to bounce.platform.example"},
        {"library.example", "v=DMARC1; p=reject", "bounce.library.example", DMARC_STRICT,
         DMARC_RELAXED, true, IDENTITY_SUCCESS, "SPF aligns as well"},
        {"library.example", "v=DMARC1; p=none; aspf=s", "bounce.library.example", DMARC_STRICT,
         DMARC_RELAXED, true, IDENTITY_SUCCESS, "SPF cannot align under aspf=s"},
        {"news.library.example", "v=DMARC1; p=reject", "bounce.platform.example", DMARC_RELAXED,
         DMARC_NOT_ALIGNED, true, IDENTITY_SUCCESS, "aligns where adkim is relaxed"},
        {"news.library.example", "v=DMARC1; p=reject; adkim=s", "bounce.platform.example",
         DMARC_RELAXED, DMARC_NOT_ALIGNED, false, IDENTITY_FAILED, "adkim=s"},
        {"news.library.example", "v=DMARC1; p=reject; adkim=s", "bounce.library.example",
         DMARC_RELAXED, DMARC_RELAXED, true, IDENTITY_SUCCESS, "SPF aligns as well"},
        {"library.example", "", "bounce.platform.example", DMARC_STRICT, DMARC_NOT_ALIGNED, true,
         IDENTITY_PENDING, "No DMARC policy is published for library.example"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct dmarc_look look = look_at(cases[i].from, cases[i].record, cases[i].envelope);
        struct dmarc_verdict v;

        dmarc_verdict(&arena, &look, &v);
        if (v.dkim != cases[i].dkim || v.spf != cases[i].spf || v.passes != cases[i].passes ||
            v.state != cases[i].state || slice_find_slice(v.why, slice_text(cases[i].words)) < 0)
            fail_msg("%zu: %s %s %s: %.*s", i, dmarc_alignment_name(v.dkim),
                     dmarc_alignment_name(v.spf), identity_state_name(v.state), SLICE_ARG(v.why));
        assert_true(v.next_step.size > 0);
    }
}

/* An organization that ends between the From and what signs (psd=n below, or no record above). */
static void another_organization_does_not_align(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct dmarc_look look =
        look_at("part.library.example", "v=DMARC1; p=reject", "bounce.platform.example");
    struct dmarc_verdict v;

    (void)state;
    look.finding.walk.organization = SLICE("part.library.example");
    dmarc_verdict(&arena, &look, &v);
    assert_int_equal(v.dkim, DMARC_NOT_ALIGNED);
    assert_int_equal(v.state, IDENTITY_FAILED);
    assert_true(slice_find_slice(v.next_step, SLICE("add part.library.example")) >= 0);
}

static void receivers_that_differ_are_told_apart(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct dmarc_look look =
        look_at("library.example", "v=DMARC1; p=reject", "bounce.platform.example");
    struct dmarc_verdict v;

    (void)state;
    look.finding.list.found = false;
    dmarc_verdict(&arena, &look, &v);
    assert_true(slice_find_slice(v.why, SLICE("older RFC 7489 find no policy")) > 0);
    look.finding.list.found = true;
    look.finding.list.policy = WIRE_DMARC_NONE;
    dmarc_verdict(&arena, &look, &v);
    assert_true(slice_find_slice(v.why, SLICE("older RFC 7489 find none (_dmarc.library")) > 0);
}

static enum identity_state next_state(enum identity_state before, const char *record, bool verified,
                                      bool several, int64_t age_us, int64_t *ret_since_us)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct dmarc_look look = look_at("library.example", record, "bounce.platform.example");
    struct dmarc_verdict v;

    look.state = before;
    look.since_us = look.now_us - age_us;
    look.mail.verified = verified;
    if (several)
        look.finding.several = SLICE("library.example");
    dmarc_verdict(&arena, &look, &v);
    *ret_since_us = v.since_us - look.now_us;
    return v.state;
}

static void states_have_a_life(void **state)
{
    static const char record[] = "v=DMARC1; p=none";
    static const struct {
        enum identity_state before;
        const char *record;
        bool verified, several;
        int64_t age_h;
        enum identity_state after;
        bool since_kept;
    } cases[] = {
        {IDENTITY_NOT_STARTED, record, true, false, 0, IDENTITY_SUCCESS, false},
        {IDENTITY_NOT_STARTED, record, false, false, 0, IDENTITY_PENDING, false},
        {IDENTITY_PENDING, "", true, false, 500, IDENTITY_PENDING, true},
        {IDENTITY_SUCCESS, record, true, false, 500, IDENTITY_SUCCESS, true},
        {IDENTITY_SUCCESS, "", true, false, 500, IDENTITY_TEMPORARY_FAILURE, false},
        {IDENTITY_TEMPORARY_FAILURE, "", true, false, 71, IDENTITY_TEMPORARY_FAILURE, true},
        {IDENTITY_TEMPORARY_FAILURE, "", true, false, 73, IDENTITY_PENDING, false},
        {IDENTITY_TEMPORARY_FAILURE, "", true, true, 73, IDENTITY_FAILED, false},
        {IDENTITY_TEMPORARY_FAILURE, record, true, false, 10, IDENTITY_SUCCESS, false},
        {IDENTITY_PENDING, "", true, true, 10, IDENTITY_FAILED, false},
        {IDENTITY_FAILED, record, true, false, 10, IDENTITY_SUCCESS, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t since_us;
        enum identity_state after =
            next_state(cases[i].before, cases[i].record, cases[i].verified, cases[i].several,
                       cases[i].age_h * HOUR_US, &since_us);

        if (after != cases[i].after ||
            since_us != (cases[i].since_kept ? -cases[i].age_h * HOUR_US : 0))
            fail_msg("%zu: %s", i, identity_state_name(after));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alignment_is_judged),
        cmocka_unit_test(another_organization_does_not_align),
        cmocka_unit_test(receivers_that_differ_are_told_apart),
        cmocka_unit_test(states_have_a_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
