#include "deliver/sts_fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define POLICY "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 86400\n"

static void answers_are_judged(void **state)
{
    static const struct {
        enum https_outcome outcome;
        int status;
        const char *type, *body;
        enum wire_tls_result failure;
        const char *why; /* a part of it */
    } cases[] = {
        {HTTPS_ANSWERED, 200, "text/plain", POLICY, WIRE_TLS_SUCCESS, ""},
        {HTTPS_ANSWERED, 200, "text/html", POLICY, WIRE_TLS_STS_POLICY_INVALID, "text/plain"},
        {HTTPS_ANSWERED, 200, "", POLICY, WIRE_TLS_STS_POLICY_INVALID, "text/plain"},
        {HTTPS_ANSWERED, 200, "text/plain", "mode: enforce\n", WIRE_TLS_STS_POLICY_INVALID,
         "cannot be read"},
        {HTTPS_ANSWERED, 200, "text/plain", "", WIRE_TLS_STS_POLICY_INVALID, "cannot be read"},
        {HTTPS_ANSWERED, 204, "text/plain", "", WIRE_TLS_STS_POLICY_FETCH_ERROR, "204"},
        {HTTPS_ANSWERED, 301, "text/plain", POLICY, WIRE_TLS_STS_POLICY_FETCH_ERROR, "redirects"},
        {HTTPS_ANSWERED, 302, "text/plain", POLICY, WIRE_TLS_STS_POLICY_FETCH_ERROR, "redirects"},
        {HTTPS_ANSWERED, 404, "text/plain", POLICY, WIRE_TLS_STS_POLICY_FETCH_ERROR, "404"},
        {HTTPS_ANSWERED, 500, "text/plain", POLICY, WIRE_TLS_STS_POLICY_FETCH_ERROR, "500"},
        {HTTPS_BAD_CERTIFICATE, 0, "", "", WIRE_TLS_STS_WEBPKI_INVALID, "because"},
        {HTTPS_NO_ADDRESS, 0, "", "", WIRE_TLS_STS_POLICY_FETCH_ERROR, "because"},
        {HTTPS_NOT_ALLOWED, 0, "", "", WIRE_TLS_STS_POLICY_FETCH_ERROR, "because"},
        {HTTPS_TOO_LARGE, 0, "", "", WIRE_TLS_STS_POLICY_FETCH_ERROR, "because"},
        {HTTPS_UNREACHABLE, 0, "", "", WIRE_TLS_STS_POLICY_FETCH_ERROR, "because"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        CLEANUP(https_answer_done)
        struct https_answer answer = {
            .outcome = cases[i].outcome, .status = cases[i].status, .why = "because"};
        struct sts_fetched fetched = {.failure = WIRE_TLS_VALIDATION_FAILURE};
        char why[300];

        snprintf(answer.type, sizeof answer.type, "%s", cases[i].type);
        buffer_add(&answer.body, slice_text(cases[i].body));
        sts_fetch_judge(&arena, &answer, &fetched);
        snprintf(why, sizeof why, "%.*s", SLICE_ARG(fetched.why));
        if (fetched.failure != cases[i].failure || !strstr(why, cases[i].why))
            fail_msg("case %zu: %d %s", i, fetched.failure, why);
        if (fetched.failure == WIRE_TLS_SUCCESS)
            assert_int_equal(fetched.policy.mode, WIRE_MTA_STS_ENFORCE);
    }
}

static void the_place_is_the_one_of_the_rfc(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct https_request request = sts_fetch_request(&arena, SLICE("example.org"));

    (void)state;
    assert_true(slice_equal(request.host, SLICE("mta-sts.example.org")));
    assert_true(slice_equal(request.target, SLICE("/.well-known/mta-sts.txt")));
    assert_int_equal(request.port, 443);
    assert_int_equal(request.answer_bytes_max, LIMIT_STS_POLICY_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(the_place_is_the_one_of_the_rfc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
