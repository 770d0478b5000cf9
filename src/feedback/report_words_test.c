#include "feedback/report_words.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect_fold(const char *text, const char *expected)
{
    CLEANUP(buffer_done) struct buffer folded = BUFFER_NONE;

    feedback_words_fold(slice_text(text), &folded);
    buffer_add_byte(&folded, '\0');
    assert_string_equal(folded.data, expected);
}

static void test_fold(void **state)
{
    (void)state;
    expect_fold("", "");
    expect_fold("User\r\n  UNKNOWN", "user unknown");
    expect_fold("<Kitty@Example.org>: no", "<@>: no");
    expect_fold("mail to a.b+c@example.org. Thanks", "mail to @ thanks");
    expect_fold("not@", "@");
    expect_fold("at @ home", "at @ home");
    /* further lines of one reply lose their codes; other numbers stay */
    expect_fold("550-5.7.1 one\n550-5.7.1 two\n550 5.7.1 three", "550-5.7.1 one two three");
    expect_fold("550 Said 550 : no", "550 said 550 : no");
    expect_fold("192.0.2.5 said 4.2.2.1", "192.0.2.5 said 4.2.2.1");
}

static bool match(const char *words, const char *pattern)
{
    return feedback_words_match(slice_text(words), slice_text(pattern));
}

static void test_match(void **state)
{
    (void)state;
    assert_true(match("550 user unknown here", "user unknown"));
    assert_false(match("superuser unknown", "user unknown"));
    assert_true(match("ip blacklisted by us", "blacklist"));
    assert_false(match("rblast", "rbl"));
    assert_true(match("see the rbl.", "rbl"));
    assert_true(match("mailbox of a is full", "mailbox * is full"));
    assert_false(match("is full mailbox", "mailbox * is full"));
    assert_true(match("mailbox mailbox x full", "mailbox * full"));
    assert_false(match("", "full"));
}

static void test_gap_is_bounded(void **state)
{
    CLEANUP(buffer_done) struct buffer words = BUFFER_NONE;

    (void)state;
    buffer_add(&words, SLICE("mailbox"));
    for (int i = 0; i < 130; i++)
        buffer_add_byte(&words, ' ');
    buffer_add(&words, SLICE("full"));
    assert_false(feedback_words_match(buffer_slice(&words), SLICE("mailbox * full")));
}

static void test_reply(void **state)
{
    static const struct {
        const char *text;
        unsigned code, class, subject, detail;
    } cases[] = {
        {"550 5.1.1 no", 550, 5, 1, 1},
        {"smtp;550 Requested", 550, 0, 0, 0},
        {"said: 452-4.2.2 full", 452, 4, 2, 2},
        {"5.2.2 full", 0, 5, 2, 2},
        {"(#5.1.2)", 0, 5, 1, 2},
        {"192.0.2.1 and 10.4.4.250", 0, 0, 0, 0},
        {"port 25, 500 bytes", 500, 0, 0, 0},
        {"a550 b", 0, 0, 0, 0},
        {"5.1.1.1", 0, 0, 0, 0},
        {"", 0, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct smtp_status status;
        uint16_t code;

        feedback_words_reply(slice_text(cases[i].text), &code, &status);
        assert_int_equal(code, cases[i].code);
        assert_int_equal(status.class, cases[i].class);
        assert_int_equal(status.subject, cases[i].subject);
        assert_int_equal(status.detail, cases[i].detail);
    }
}

static void test_command(void **state)
{
    (void)state;
    assert_int_equal(feedback_words_command(SLICE("x (in reply to RCPT TO\n command)")),
                     FEEDBACK_COMMAND_RCPT);
    assert_int_equal(feedback_words_command(SLICE(">>> RCPT To:<a@b>\n<<< 250\n>>> DATA\n<<< 550")),
                     FEEDBACK_COMMAND_DATA);
    assert_int_equal(feedback_words_command(SLICE("nothing of it")), FEEDBACK_COMMAND_UNKNOWN);
}

static void test_find_reply(void **state)
{
    struct slice found =
        feedback_words_find_reply(SLICE("The server said:\r\n550 5.1.1 no\r\nsuch\r\n\r\nBye 550"));

    (void)state;
    assert_true(slice_equal(found, SLICE("550 5.1.1 no\r\nsuch")));
    assert_int_equal(feedback_words_find_reply(SLICE("no code")).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold),    cmocka_unit_test(test_match),
        cmocka_unit_test(test_reply),   cmocka_unit_test(test_gap_is_bounded),
        cmocka_unit_test(test_command), cmocka_unit_test(test_find_reply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
