#include "feedback/report_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void test_where_the_message_starts(void **state)
{
    static const char *const starts[] = {
        "Return-Path: <a@example.org>",
        "------ This is a copy of the message, including all the headers. ------",
        "--- Below this line is a copy of the message.",
        "   ----- Unsent message follows -----",
        "Original message follows.",
        "---- Returned message ----",
    };
    static const char *const sentences[] = {
        "delete your own text from the attached returned message.",
        "Your original message was not delivered.",
    };
    struct slice returned;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        char text[200];
        int size = snprintf(text, sizeof(text), "It failed.\r\n%s\r\nrest", starts[i]);

        assert_int_equal(feedback_text_report(slice_of(text, (size_t)size), &returned).size, 12);
        assert_int_equal(returned.size, size - 12);
    }
    for (size_t i = 0; i < ARRAY_LEN(sentences); i++) {
        char text[200];
        int size = snprintf(text, sizeof(text), "It failed.\n%s\nrest", sentences[i]);

        assert_int_equal(feedback_text_report(slice_of(text, (size_t)size), &returned).size, size);
        assert_int_equal(returned.size, 0);
    }
}

static void expect_one(const char *text, const char *address)
{
    struct feedback_block blocks[LIMIT_REPORT_RECIPIENTS];
    size_t count = feedback_text_blocks(slice_text(text), SLICE("site@example.net"), blocks);

    assert_int_equal(count, address ? 1 : 0);
    if (address)
        assert_true(slice_equal(blocks[0].address, slice_text(address)));
}

static void test_recipients(void **state)
{
    (void)state;
    expect_one("<one@example.org>: host said no", "one@example.org");
    expect_one("  one@example.org\n", "one@example.org");
    expect_one("\"one@example.org\":", "one@example.org");
    expect_one("one@example.org on Thu, 29 Apr 2010", "one@example.org");
    expect_one("Could not be delivered to: <one@example.org>", "one@example.org");
    expect_one("554 <one@example.org>... Host unknown", "one@example.org");
    expect_one("one@example.org.", "one@example.org");
    expect_one("write to one@example.org for help", NULL);
    expect_one("one@example.org is our address", NULL);
    expect_one("<site@example.net>:", NULL);
    expect_one("@example.org", NULL);
    expect_one("", NULL);
}

static void test_blocks(void **state)
{
    struct feedback_block blocks[LIMIT_REPORT_RECIPIENTS];
    struct slice text = SLICE("Sorry.\none@example.org:\n a\ntwo@example.org:\n b\n"
                              "two@example.org: again\none@example.org:\n c\n");

    (void)state;
    assert_int_equal(feedback_text_blocks(text, SLICE_NONE, blocks), 2);
    assert_true(slice_equal(blocks[0].words, SLICE("one@example.org:\n a\n")));
    assert_true(
        slice_equal(blocks[1].words, SLICE("two@example.org:\n b\ntwo@example.org: again\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_the_message_starts),
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
