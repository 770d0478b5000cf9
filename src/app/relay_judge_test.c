#include "app/relay_judge.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_replies(void **state)
{
    static const struct {
        const char *host;
        enum relay_reply_to to;
        uint16_t code;
        const char *text;
        enum relay_reply means;
    } cases[] = {
        {"a.example", RELAY_REPLY_TO_RCPT, 550, "550 5.1.1 no such user", RELAY_REPLY_AS_IT_IS},
        {"a.example", RELAY_REPLY_TO_RCPT, 450, "450 4.2.0 greylisted", RELAY_REPLY_AS_IT_IS},
        {"a.example", RELAY_REPLY_TO_DATA, 554, "554 5.7.1 looks like spam", RELAY_REPLY_AS_IT_IS},
        {"a.example", RELAY_REPLY_TO_RCPT, 553,
         "553 5.7.1 <a@b.example>: Sender address rejected: not owned by user c",
         RELAY_REPLY_ACCOUNT},
        {"a.example", RELAY_REPLY_TO_RCPT, 554, "554 5.7.1 <a@b.example>: Relay access denied",
         RELAY_REPLY_ACCOUNT},
        {"a.example", RELAY_REPLY_TO_RCPT, 530, "530 5.7.0 Authentication required",
         RELAY_REPLY_ACCOUNT},
        {"a.example", RELAY_REPLY_TO_MAIL, 550, "550 5.7.1 no", RELAY_REPLY_ACCOUNT},
        {"a.example", RELAY_REPLY_TO_MAIL, 451, "451 4.3.0 later", RELAY_REPLY_ACCOUNT},
        {"a.example", RELAY_REPLY_TO_MAIL, 552, "552 5.3.4 too big", RELAY_REPLY_AS_IT_IS},
        {"a.example", RELAY_REPLY_TO_MAIL, 550, "550 5.6.7 no SMTPUTF8", RELAY_REPLY_AS_IT_IS},
        {"smtp.gmail.com", RELAY_REPLY_TO_DATA, 550, "550 5.4.5 Daily user sending limit exceeded.",
         RELAY_REPLY_DAY_FULL},
        {"smtp.gmail.com", RELAY_REPLY_TO_MAIL, 550, "550-5.4.5 Daily sending quota exceeded",
         RELAY_REPLY_DAY_FULL},
        {"smtp.office365.com", RELAY_REPLY_TO_MAIL, 432,
         "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded: concurrent connections",
         RELAY_REPLY_SLOWER},
        {"smtp.office365.com", RELAY_REPLY_TO_DATA, 554,
         "554 5.2.252 SendAsDenied; a@b.example not allowed to send as c@b.example",
         RELAY_REPLY_ACCOUNT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum relay_reply means = relay_judge_reply(slice_text(cases[i].host), cases[i].to,
                                                   cases[i].code, slice_text(cases[i].text));

        if (means != cases[i].means)
            fail_msg("%s: %d", cases[i].text, (int)means);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_replies)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
