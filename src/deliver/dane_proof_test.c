#include "deliver/dane_proof.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/log.h"
#include "deliver/dns_test.h"

static void answers_prove_what_they_can(void **state)
{
    static const struct {
        enum dns_status signed_status;
        bool secure;
        enum dns_status bogus_status;
        enum dane_proof_state proof;
    } cases[] = {
        {DNS_FOUND, true, DNS_BOGUS, DANE_PROVED},
        {DNS_FOUND, false, DNS_BOGUS, DANE_REFUTED}, /* no anchor for it */
        {DNS_FOUND, true, DNS_FOUND, DANE_REFUTED},  /* whoever says so: nobody checks */
        {DNS_FOUND, true, DNS_NO_DATA, DANE_REFUTED},
        {DNS_FOUND, true, DNS_NO_NAME, DANE_REFUTED},
        {DNS_FOUND, true, DNS_TEMPORARY, DANE_UNPROVED},
        {DNS_TEMPORARY, false, DNS_BOGUS, DANE_UNPROVED},
        {DNS_TEMPORARY, false, DNS_TEMPORARY, DANE_UNPROVED},
        {DNS_TEMPORARY, false, DNS_FOUND, DANE_REFUTED},
        {DNS_BOGUS, false, DNS_BOGUS, DANE_REFUTED}, /* everything is bogus: a stale anchor */
        {DNS_NO_NAME, true, DNS_BOGUS, DANE_REFUTED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct dns_answer good = {.status = cases[i].signed_status,
                                        .secure = cases[i].secure};
        const struct dns_answer bogus = {.status = cases[i].bogus_status};

        if (dane_proof_judge(&good, &bogus) != cases[i].proof)
            fail_msg("case %zu", i);
    }
}

static void publish(enum dns_status signed_status, bool secure, enum dns_status bogus)
{
    dns_test.count = 0;
    dns_test_publish("signed.example", DNS_SOA, signed_status, secure, SLICE("x"));
    dns_test_publish("bogus.example", DNS_A, bogus, false, SLICE("x"));
}

/* What was proved outlasts silence, not a refutation; and what was refuted may be mended. */
static int follows_the_resolver(struct task *t, void *argument)
{
    CLEANUP(scope_close) struct scope scope;
    struct dane_proof proof;

    (void)argument;
    dane_proof_init(&proof, SLICE("signed.example"), SLICE("bogus.example"), NULL);
    assert_int_equal(proof.state, DANE_UNPROVED);
    assert_false(proof.proved);
    publish(DNS_TEMPORARY, false, DNS_TEMPORARY);
    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "proof", dane_proof_main, &proof), 0);
    assert_int_equal(task_sleep(t, SECOND_US), 0);
    assert_int_equal(proof.state, DANE_UNPROVED);
    publish(DNS_FOUND, true, DNS_BOGUS);
    assert_int_equal(task_sleep(t, 61 * SECOND_US), 0);
    assert_true(proof.proved);
    assert_int_equal(proof.words[0], 0);
    publish(DNS_TEMPORARY, false, DNS_TEMPORARY);
    assert_int_equal(task_sleep(t, 3601 * SECOND_US), 0);
    assert_true(proof.proved);
    publish(DNS_FOUND, true, DNS_FOUND);
    assert_int_equal(task_sleep(t, 3601 * SECOND_US), 0);
    assert_false(proof.proved);
    assert_int_equal(proof.state, DANE_REFUTED);
    assert_non_null(strstr(proof.words, "believes bogus.example"));
    publish(DNS_FOUND, true, DNS_BOGUS);
    assert_int_equal(task_sleep(t, 61 * SECOND_US), 0);
    assert_true(proof.proved);
    return 0;
}

static int asks_nothing_when_it_is_off(struct task *t, void *argument)
{
    struct dane_proof proof;

    (void)argument;
    dane_proof_init(&proof, SLICE("signed.example"), SLICE("bogus.example"), "because");
    assert_int_equal(dane_proof_main(t, &proof), 0);
    assert_int_equal(dns_test.questions, 0);
    assert_false(proof.proved);
    return 0;
}

static void status_comes_back(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct dane_proof proof;
    enum dane_proof_state back;
    struct slice words;
    struct cursor c;

    (void)state;
    dane_proof_init(&proof, SLICE_NONE, SLICE_NONE, "because");
    dane_proof_write(&b, &proof);
    c = cursor_of(buffer_slice(&b));
    assert_int_equal(dane_proof_read(&c, &back, &words), 0);
    assert_int_equal(cursor_done(&c), 0);
    assert_int_equal(back, DANE_OFF);
    assert_true(slice_equal(words, SLICE("because")));
    assert_string_equal(dane_proof_name(back), "off");
    for (size_t size = 0; size < b.size; size++) {
        c = cursor_of(slice_of(b.data, size));
        assert_int_equal(dane_proof_read(&c, &back, &words), -EBADMSG);
    }
    b.data[0] = 9;
    c = cursor_of(buffer_slice(&b));
    assert_int_equal(dane_proof_read(&c, &back, &words), -EBADMSG);
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
        cmocka_unit_test(answers_prove_what_they_can),
        DNS_TEST(follows_the_resolver),
        DNS_TEST(asks_nothing_when_it_is_off),
        cmocka_unit_test(status_comes_back),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
