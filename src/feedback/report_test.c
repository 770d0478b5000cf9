#include "feedback/report.h"

#include "feedback/report_builtin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static struct feedback_rules *rules;
static struct feedback_report report;

static int setup(void **state)
{
    (void)state;
    feedback_report_init();
    rules = feedback_rules_builtin();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    feedback_rules_free(rules);
    arena_done(&arena);
    return 0;
}

static const struct feedback_report *read_text(const char *text)
{
    arena_done(&arena);
    feedback_report_read(&arena, slice_text(text), rules, &report);
    return &report;
}

static void expect_text(struct slice got, const char *expected)
{
    assert_int_equal(got.size, strlen(expected));
    assert_memory_equal(got.data, expected, got.size);
}

#define DSN_HEAD                                                                                   \
    "From: MAILER-DAEMON@mx.example.org\nTo: bounce@example.net\nSubject: Undelivered\n"           \
    "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; "             \
    "boundary=b\n\n--b\nContent-Type: text/plain\n\nIt could not be delivered.\n"                  \
    "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"

#define DSN_TAIL                                                                                   \
    "\n--b\nContent-Type: text/rfc822-headers\n\nFrom: site@example.net\n"                         \
    "Message-ID: <original@example.net>\n\n--b--\n"

static void test_dsn(void **state)
{
    const struct feedback_report *r = read_text(
        DSN_HEAD "Final-Recipient: rfc822; one@example.org\nAction: failed\nStatus: 5.1.1\n"
                 "Remote-MTA: dns; mail.example.org\nDiagnostic-Code: smtp; 550 5.1.1\n no such "
                 "user\n\nFinal-Recipient: rfc822;two@example.org\nAction: delayed\nStatus: 4.4.1\n"
                 "\nFinal-Recipient: rfc822;three@example.org\nAction: relayed\nStatus: "
                 "2.0.0\n" DSN_TAIL);

    (void)state;
    assert_int_equal(r->kind, FEEDBACK_BOUNCE);
    assert_int_equal(r->recipient_count, 3);
    expect_text(r->message_id, "original@example.net");
    expect_text(r->recipients[0].address, "one@example.org");
    expect_text(r->recipients[0].remote, "mail.example.org");
    expect_text(r->recipients[0].text, "550 5.1.1 no such user");
    assert_int_equal(r->recipients[0].reply_code, 550);
    assert_int_equal(r->recipients[0].verdict.class, FEEDBACK_HARD_RECIPIENT);
    assert_true(r->recipients[0].verdict.hard);
    assert_true(r->recipients[0].final);
    assert_false(r->recipients[1].final);
    assert_int_equal(r->recipients[1].verdict.class, FEEDBACK_TRANSIENT);
    assert_int_equal(r->recipients[2].verdict.class, FEEDBACK_CLASS_DELIVERED);
}

static void test_delivered_alone(void **state)
{
    (void)state;
    assert_int_equal(read_text(DSN_HEAD "Final-Recipient: rfc822; one@example.org\n"
                                        "Action: delivered\nStatus: 2.1.5\n" DSN_TAIL)
                         ->kind,
                     FEEDBACK_DELIVERED);
}

/* The server's own words weigh more than the status that the reporter chose. */
static void test_reply_over_status(void **state)
{
    const struct feedback_report *r =
        read_text(DSN_HEAD "Final-Recipient: rfc822; one@example.org\nAction: failed\nStatus: "
                           "5.1.1\nDiagnostic-Code: smtp; 552 5.2.2 over quota\n" DSN_TAIL);

    (void)state;
    assert_int_equal(r->recipients[0].status.subject, 2);
    assert_int_equal(r->recipients[0].verdict.class, FEEDBACK_SOFT_MAILBOX);
}

static void test_words_alone(void **state)
{
    const struct feedback_report *r = read_text(
        "From: Mail Delivery System <MAILER-DAEMON@e.example.org>\r\nTo: site@example.net\r\n"
        "Subject: Mail delivery failed: returning message to sender\r\n\r\n"
        "The following address(es) failed:\r\n\r\n  one@example.org\r\n    SMTP error from remote "
        "mail server after RCPT TO:<one@example.org>:\r\n    host mx.example.org [192.0.2.1]: 550 "
        "5.1.1 no such user\r\n  two@example.org\r\n    552 5.2.2 mailbox full\r\n\r\n"
        "------ This is a copy of the message, including all the headers. ------\r\n\r\n"
        "Return-path: <site@example.net>\r\nMessage-ID: <m@example.net>\r\n"
        "To: three@example.org\r\n\r\nHello\r\n");

    (void)state;
    assert_int_equal(r->kind, FEEDBACK_BOUNCE);
    assert_int_equal(r->recipient_count, 2);
    expect_text(r->recipients[0].address, "one@example.org");
    assert_int_equal(r->recipients[0].verdict.class, FEEDBACK_HARD_RECIPIENT);
    expect_text(r->recipients[1].address, "two@example.org");
    assert_int_equal(r->recipients[1].verdict.class, FEEDBACK_SOFT_MAILBOX);
    expect_text(r->message_id, "m@example.net");
}

static void test_complaint(void **state)
{
    const struct feedback_report *r = read_text(
        "From: fbl@example.org\nMIME-Version: 1.0\nContent-Type: multipart/report; "
        "report-type=feedback-report; boundary=b\n\n--b\nContent-Type: text/plain\n\nSpam.\n--b\n"
        "Content-Type: message/feedback-report\n\nFeedback-Type: Abuse\nVersion: 1\n"
        "Original-Rcpt-To: one@example.org\n\n--b\nContent-Type: message/rfc822\n\n"
        "Message-ID: <m@example.net>\nTo: one@example.org\n\nHi\n--b--\n");

    (void)state;
    assert_int_equal(r->kind, FEEDBACK_COMPLAINT);
    expect_text(r->feedback_type, "abuse");
    expect_text(r->recipients[0].address, "one@example.org");
    expect_text(r->message_id, "m@example.net");
}

static void test_auto_reply_and_others(void **state)
{
    (void)state;
    assert_int_equal(read_text("From: a@example.org\nAuto-Submitted: auto-replied\nSubject: Away\n"
                               "\nI am away.\n")
                         ->kind,
                     FEEDBACK_AUTO_REPLY);
    assert_int_equal(read_text("From: a@example.org\nSubject: Hello\n\nHow are you?\n")->kind,
                     FEEDBACK_NONE);
    assert_int_equal(read_text("")->kind, FEEDBACK_NONE);
    assert_int_equal(read_text("From: a@example.org")->kind, FEEDBACK_NONE);
    assert_int_equal(report.recipient_count, 0);
}

/* Parts within parts, far deeper than anybody's, and more recipients than are kept. */
static void test_limits(void **state)
{
    CLEANUP(buffer_done) struct buffer text = BUFFER_NONE;

    (void)state;
    buffer_add(&text, SLICE("From: postmaster@example.org\nMIME-Version: 1.0\n"));
    for (int i = 0; i < 3000; i++)
        buffer_printf(&text, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
    buffer_add_byte(&text, '\0');
    assert_int_equal(read_text(text.data)->kind, FEEDBACK_BOUNCE);

    text.size = 0;
    buffer_add(&text, SLICE(DSN_HEAD));
    for (int i = 0; i < 2 * LIMIT_REPORT_RECIPIENTS; i++)
        buffer_printf(&text, "Final-Recipient: rfc822; r%d@example.org\nStatus: 5.1.1\n\n", i);
    buffer_add(&text, SLICE(DSN_TAIL));
    buffer_add_byte(&text, '\0');
    assert_int_equal(read_text(text.data)->recipient_count, LIMIT_REPORT_RECIPIENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dsn),
        cmocka_unit_test(test_delivered_alone),
        cmocka_unit_test(test_reply_over_status),
        cmocka_unit_test(test_words_alone),
        cmocka_unit_test(test_complaint),
        cmocka_unit_test(test_auto_reply_and_others),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
