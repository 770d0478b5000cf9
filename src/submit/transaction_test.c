#include "submit/transaction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Parses into the transaction's arena, as a session does, and says what would be replied. */
static unsigned say(struct submit_transaction *x, const char *line)
{
    struct smtp_command_options options = {.smtputf8 = x->envelope.smtputf8};
    struct smtp_command command;
    struct wire_reply refusal;

    if (!wire_command_parse(&x->arena, slice_text(line), &options, &command, &refusal))
        return refusal.code;
    if (command.verb == SMTP_RCPT)
        return submit_transaction_rcpt(x, &command.rcpt, 100).code;
    submit_transaction_mail(x, &command.mail);
    return 250;
}

static void keeps_what_was_said(void **state)
{
    (void)state;
    CLEANUP(submit_transaction_reset) struct submit_transaction x = SUBMIT_TRANSACTION_NONE;
    const struct queue_recipient *r;

    assert_false(x.open);
    assert_int_equal(say(&x, "MAIL FROM:<A@OWN.example> SIZE=4000 RET=FULL ENVID=a+2Bb"), 250);
    assert_true(x.open);
    assert_int_equal(x.size_hint, 4000);
    assert_int_equal(x.envelope.ret, SMTP_RET_FULL);
    assert_true(slice_equal(x.envelope.envid, SLICE("a+b")));
    assert_true(slice_equal(x.envelope.from.local, SLICE("A")));
    assert_true(slice_equal(x.envelope.from.domain, SLICE("own.example")));

    assert_int_equal(
        say(&x, "RCPT TO:<\"b\"@DST.example> NOTIFY=NEVER ORCPT=RFC822;x+3Dy@z.example"), 250);
    r = x.envelope.recipients;
    assert_int_equal(x.envelope.recipient_count, 1);
    assert_true(slice_equal(r->address, SLICE("b@dst.example")));
    assert_true(slice_equal(r->domain, SLICE("dst.example")));
    assert_int_equal(r->notify, SMTP_NOTIFY_NEVER);
    assert_true(slice_equal(r->orcpt, SLICE("rfc822;x+3Dy@z.example")));

    submit_transaction_reset(&x);
    assert_false(x.open);
    assert_int_equal(x.envelope.recipient_count, 0);
    assert_int_equal(say(&x, "MAIL FROM:<>"), 250);
    assert_true(wire_address_is_null(&x.envelope.from));
}

static void one_copy_for_one_mailbox(void **state)
{
    (void)state;
    CLEANUP(submit_transaction_reset) struct submit_transaction x = SUBMIT_TRANSACTION_NONE;

    assert_int_equal(say(&x, "MAIL FROM:<a@own.example>"), 250);
    assert_int_equal(say(&x, "RCPT TO:<b@dst.example>"), 250);
    assert_int_equal(say(&x, "RCPT TO:<b@DST.EXAMPLE>"), 250);
    assert_int_equal(say(&x, "RCPT TO:<\"b\"@dst.example>"), 250);
    assert_int_equal(x.envelope.recipient_count, 1);
    assert_int_equal(say(&x, "RCPT TO:<B@dst.example>"), 250);
    assert_int_equal(x.envelope.recipient_count, 2);
}

static void has_a_limit(void **state)
{
    (void)state;
    CLEANUP(submit_transaction_reset) struct submit_transaction x = SUBMIT_TRANSACTION_NONE;
    char line[64];

    assert_int_equal(say(&x, "MAIL FROM:<a@own.example>"), 250);
    for (int i = 0; i < 120; i++) {
        snprintf(line, sizeof(line), "RCPT TO:<user%d@dst.example>", i);
        assert_int_equal(say(&x, line), i < 100 ? 250 : 452);
    }
    assert_int_equal(x.envelope.recipient_count, 100);
    assert_int_equal(say(&x, "RCPT TO:<user7@dst.example>"), 250); /* is there already */
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof(line), "user%d@dst.example", i);
        assert_true(slice_equal(x.envelope.recipients[i].address, slice_text(line)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_was_said),
        cmocka_unit_test(one_copy_for_one_mailbox),
        cmocka_unit_test(has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
