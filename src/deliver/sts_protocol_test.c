#include "deliver/sts_protocol.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct sts_answer policy_answer(void)
{
    struct sts_answer answer = {
        .state = STS_POLICY,
        .lifetime_s = 86400,
        .id = SLICE("20260101"),
        .policy = {.mode = WIRE_MTA_STS_ENFORCE, .max_age_s = 604800, .pattern_count = 2},
    };

    answer.policy.patterns[0] = SLICE("mx.example.org");
    answer.policy.patterns[1] = SLICE("*.example.net");
    return answer;
}

static void questions_come_back(void **state)
{
    static const struct {
        const char *domain, *id;
        int result;
    } cases[] = {
        {"example.org", "20260101", 0},
        {"example.org", "", 0},
        {"", "a", -EBADMSG},
        {"example..org", "a", -EBADMSG},
        {"-x.org", "a", -EBADMSG},
        {"example.org", "a b", -EBADMSG},
        {"example.org", "123456789012345678901234567890123", -EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct sts_question question = {slice_text(cases[i].domain), slice_text(cases[i].id)};
        struct sts_question back;

        sts_question_write(&b, &question);
        assert_int_equal(sts_question_read(buffer_slice(&b), &back), cases[i].result);
        if (cases[i].result < 0)
            continue;
        assert_true(slice_equal(back.domain, question.domain) && slice_equal(back.id, question.id));
        for (size_t size = 0; size < b.size; size++)
            assert_int_equal(sts_question_read(slice_of(b.data, size), &back), -EBADMSG);
    }
}

static void policies_come_back(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct sts_answer answer = policy_answer(), back;

    (void)state;
    sts_answer_write(&b, &answer);
    assert_int_equal(sts_answer_read(buffer_slice(&b), &back), 0);
    assert_int_equal(back.state, STS_POLICY);
    assert_int_equal(back.lifetime_s, 86400);
    assert_int_equal(back.failure, WIRE_TLS_SUCCESS);
    assert_true(slice_equal(back.id, SLICE("20260101")));
    assert_int_equal(back.policy.mode, WIRE_MTA_STS_ENFORCE);
    assert_int_equal(back.policy.max_age_s, 604800);
    assert_int_equal(back.policy.pattern_count, 2);
    assert_true(slice_equal(back.policy.patterns[1], SLICE("*.example.net")));
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(sts_answer_read(slice_of(b.data, size), &back), -EBADMSG);
    buffer_add_byte(&b, 0);
    assert_int_equal(sts_answer_read(buffer_slice(&b), &back), -EBADMSG);
}

static void the_largest_policy_fits_into_a_frame(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE, name = BUFFER_NONE;
    struct sts_answer answer = policy_answer(), back;

    (void)state;
    while (name.size < 248)
        buffer_printf(&name, "%s", name.size % 62 ? "a" : "a.");
    buffer_add_byte(&name, 'a');
    answer.policy.pattern_count = LIMIT_STS_PATTERNS;
    for (size_t i = 0; i < LIMIT_STS_PATTERNS; i++)
        answer.policy.patterns[i] = buffer_slice(&name);
    sts_answer_write(&b, &answer);
    assert_int_equal(sts_answer_read(buffer_slice(&b), &back), 0);
    assert_true(b.size < LIMIT_FRAME_BYTES - 64);
}

/* Which failure may stand with which state. */
static void judges_failures(void **state)
{
    static const struct {
        enum sts_state state;
        enum wire_tls_result failure;
        int result;
    } cases[] = {
        {STS_NO_POLICY, WIRE_TLS_SUCCESS, 0},
        {STS_NO_POLICY, WIRE_TLS_STS_POLICY_INVALID, -EBADMSG},
        {STS_FAILED, WIRE_TLS_STS_POLICY_FETCH_ERROR, 0},
        {STS_FAILED, WIRE_TLS_STS_WEBPKI_INVALID, 0},
        {STS_FAILED, WIRE_TLS_SUCCESS, -EBADMSG},
        {STS_FAILED, WIRE_TLS_TLSA_INVALID, -EBADMSG},
        {STS_POLICY, WIRE_TLS_STS_POLICY_INVALID, 0},
        {STS_POLICY, WIRE_TLS_CERTIFICATE_EXPIRED, -EBADMSG},
        {(enum sts_state)0, WIRE_TLS_SUCCESS, -EBADMSG},
        {(enum sts_state)4, WIRE_TLS_SUCCESS, -EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct sts_answer answer = policy_answer(), back;

        answer.state = cases[i].state;
        answer.failure = cases[i].failure;
        answer.why = SLICE("why");
        sts_answer_write(&b, &answer);
        assert_int_equal(sts_answer_read(buffer_slice(&b), &back), cases[i].result);
    }
}

static void bad_policies_are_refused(void **state)
{
    static struct sts_answer bad[3], back;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = policy_answer();
    bad[0].policy.patterns[1] = SLICE("*");
    bad[1].policy.max_age_s = WIRE_MTA_STS_MAX_AGE_S + 1;
    bad[2].id = SLICE("a;b");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

        sts_answer_write(&b, &bad[i]);
        assert_int_equal(sts_answer_read(buffer_slice(&b), &back), -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_come_back),
        cmocka_unit_test(policies_come_back),
        cmocka_unit_test(the_largest_policy_fits_into_a_frame),
        cmocka_unit_test(judges_failures),
        cmocka_unit_test(bad_policies_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
