#include "onboard/relay_diagnosis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct relay_diagnosis diagnose(const char *host, enum relay_stage stage, const char *text)
{
    CLEANUP(reply_parser_done) struct reply_parser parser = REPLY_PARSER_NONE;
    struct wire_error error;
    struct smtp_reply reply;
    size_t used;

    assert_int_equal(reply_parser_feed(&parser, slice_text(text), &used, &reply, &error), 1);
    return relay_diagnose(slice_text(host), stage, &reply);
}

static void test_causes(void **state)
{
    static const struct {
        const char *host;
        enum relay_stage stage;
        const char *reply, *cause;
        bool transient;
    } cases[] = {
        {"mail.example.org", RELAY_STAGE_AUTH, "235 2.7.0 ok\r\n", "none", false},
        {"mail.example.org", RELAY_STAGE_AUTH, "535 no\r\n", "auth-failed", false},
        {"mail.example.org", RELAY_STAGE_AUTH, "535 5.7.8 account is locked\r\n", "account-locked",
         false},
        {"mail.example.org", RELAY_STAGE_AUTH, "500 what?\r\n", "auth-failed", false},
        {"mail.example.org", RELAY_STAGE_AUTH, "454 4.7.0 not now\r\n", "transient", true},
        {"mail.example.org", RELAY_STAGE_AUTH, "538 5.7.11 weak\r\n", "tls-required", false},
        {"mail.example.org", RELAY_STAGE_MAIL, "530 5.7.0 Authentication required\r\n",
         "auth-required", false},
        {"mail.example.org", RELAY_STAGE_MAIL, "550 go away\r\n", "refused", false},
        {"mail.example.org", RELAY_STAGE_MAIL,
         "553 5.7.1 Sender address rejected: not owned by user x\r\n", "sender-not-allowed", false},
        {"mail.example.org", RELAY_STAGE_RCPT, "550 relay not permitted\r\n", "not-open-relay",
         false},
        {"smtp.gmail.com", RELAY_STAGE_DATA,
         "550-5.4.5 Daily user sending limit exceeded\r\n550 5.4.5 x\r\n", "sending-limit", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct relay_diagnosis d = diagnose(cases[i].host, cases[i].stage, cases[i].reply);

        assert_string_equal(relay_cause_name(d.cause), cases[i].cause);
        assert_int_equal(d.transient, cases[i].transient);
        assert_non_null(d.what);
        assert_non_null(d.cure);
    }
}

static void test_advice_is_the_providers(void **state)
{
    (void)state;
    assert_non_null(strstr(diagnose("smtp.gmail.com", RELAY_STAGE_AUTH, "535 no\r\n").cure,
                           "myaccount.google.com"));
    assert_non_null(strstr(diagnose("smtp.mail.me.com", RELAY_STAGE_AUTH, "535 no\r\n").cure,
                           "account.apple.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_advice_is_the_providers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
