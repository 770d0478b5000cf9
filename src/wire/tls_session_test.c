#include "wire/tls_session.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct wire_tls_session good = {
    .policy = WIRE_TLS_STS,
    .result = WIRE_TLS_CERTIFICATE_EXPIRED,
    .domain = {"example.org", 11},
    .mx_host = {"mx.example.net", 14},
    .sending_ip = {"192.0.2.1", 9},
    .receiving_ip = {"2001:db8::1", 11},
    .reason = {"The certificate expired on 2026-01-01.", 38},
};

static void assert_same(const struct wire_tls_session *a, const struct wire_tls_session *b)
{
    assert_int_equal(a->policy, b->policy);
    assert_int_equal(a->result, b->result);
    assert_true(slice_equal(a->domain, b->domain) && slice_equal(a->mx_host, b->mx_host));
    assert_true(slice_equal(a->sending_ip, b->sending_ip));
    assert_true(slice_equal(a->receiving_ip, b->receiving_ip));
    assert_true(slice_equal(a->reason, b->reason));
}

static void sessions_come_back(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct wire_tls_session second = {.policy = WIRE_TLS_NO_POLICY, .domain = SLICE("example.com")};
    struct wire_tls_session back;
    struct slice rest;

    (void)state;
    wire_tls_session_write(&b, &good);
    wire_tls_session_write(&b, &second);
    rest = buffer_slice(&b);
    assert_true(wire_tls_session_read(&rest, &back));
    assert_same(&back, &good);
    assert_true(wire_tls_session_read(&rest, &back));
    assert_same(&back, &second);
    assert_false(wire_tls_session_read(&rest, &back));
    assert_int_equal(rest.size, 0);
}

static void every_cut_is_noticed(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct wire_tls_session back;

    (void)state;
    wire_tls_session_write(&b, &good);
    for (size_t size = 0; size < b.size; size++) {
        struct slice rest = slice_of(b.data, size);

        assert_false(wire_tls_session_read(&rest, &back));
        assert_int_equal(rest.size, size);
    }
}

static void unknown_values_are_refused(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct wire_tls_session back;

    (void)state;
    wire_tls_session_write(&b, &good);
    for (size_t at = 0; at < 2; at++)
        for (int value = 0; value < 256; value++) {
            struct slice rest = buffer_slice(&b);
            char before = b.data[at];
            bool known = at == 0 ? value >= WIRE_TLS_NO_POLICY && value <= WIRE_TLS_TLSA
                                 : value <= WIRE_TLS_STS_WEBPKI_INVALID;

            b.data[at] = (char)value;
            assert_int_equal(wire_tls_session_read(&rest, &back), known);
            b.data[at] = before;
        }
}

/* A host that is tried many times cannot make an event grow without end. */
static void the_whole_is_bounded(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct wire_tls_session back;
    struct slice rest;

    (void)state;
    for (int i = 0; i < 1000; i++)
        wire_tls_session_write(&b, &good);
    assert_in_range(b.size, WIRE_TLS_SESSIONS_BYTES - 300, WIRE_TLS_SESSIONS_BYTES);
    rest = buffer_slice(&b);
    while (wire_tls_session_read(&rest, &back))
        assert_same(&back, &good);
    assert_int_equal(rest.size, 0);
}

static void a_long_reason_is_cut_between_characters(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE, reason = BUFFER_NONE;
    struct wire_tls_session session = good, back;
    struct slice rest;

    (void)state;
    buffer_add_byte(&reason, 'x');
    while (reason.size < WIRE_TLS_REASON_BYTES + 2)
        buffer_add(&reason, SLICE("\xc3\xa4"));
    session.reason = buffer_slice(&reason);
    wire_tls_session_write(&b, &session);
    rest = buffer_slice(&b);
    assert_true(wire_tls_session_read(&rest, &back));
    assert_int_equal(back.reason.size, WIRE_TLS_REASON_BYTES - 1);
    assert_true(slice_is_utf8(back.reason));
}

static void has_the_words_of_the_rfc(void **state)
{
    (void)state;
    assert_string_equal(wire_tls_policy_name(WIRE_TLS_NO_POLICY), "no-policy-found");
    assert_string_equal(wire_tls_policy_name(WIRE_TLS_TLSA), "tlsa");
    assert_string_equal(wire_tls_result_name(WIRE_TLS_STARTTLS_NOT_SUPPORTED),
                        "starttls-not-supported");
    assert_string_equal(wire_tls_result_name(WIRE_TLS_STS_WEBPKI_INVALID), "sts-webpki-invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_come_back),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(unknown_values_are_refused),
        cmocka_unit_test(the_whole_is_bounded),
        cmocka_unit_test(a_long_reason_is_cut_between_characters),
        cmocka_unit_test(has_the_words_of_the_rfc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
