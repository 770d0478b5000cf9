#include "feedback/report_rules.h"

#include "feedback/report_builtin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct feedback_rules *rules_of(const char *text)
{
    struct feedback_rules *rules = NULL;
    char *problem = NULL;

    assert_int_equal(feedback_rules_new(slice_text(text), &rules, &problem), 0);
    return rules;
}

static void expect_problem(const char *text, const char *part)
{
    struct feedback_rules *rules = NULL;
    char *problem = NULL;

    assert_int_equal(feedback_rules_new(slice_text(text), &rules, &problem), -EINVAL);
    assert_non_null(strstr(problem, part));
    free(problem);
}

static void test_problems_name_the_line(void **state)
{
    (void)state;
    expect_problem("words", "line 1: words must stand below a section");
    expect_problem("# a\n= x no-such-class\n", "line 2: no such class: no-such-class");
    expect_problem("= x config if status=5.1.1\n", "line 1: after the class there may be \"when\"");
    expect_problem("= x config when status=5.1\n", "line 1: not a status like 5.1.1");
    expect_problem("= x config when status=9.1.1\n", "not a status");
    expect_problem("= x config when reply=abc\n", "not a reply code");
    expect_problem("= x config when command=stls\n", "not stls");
    expect_problem("= x config when moon=full\n", "not moon=full");
    expect_problem("= x config\nUser\n", "line 2: words are compared in lower case");
    expect_problem("= x config\n* user\n", "cannot start with a gap");
}

static struct feedback_verdict judge(const struct feedback_rules *rules, const char *reply,
                                     const char *words, struct smtp_status status)
{
    const struct feedback_evidence evidence = {
        .reply = slice_text(reply), .words = slice_text(words), .status = status};

    return feedback_rules_judge(rules, &evidence);
}

static void test_order(void **state)
{
    struct feedback_rules *rules = rules_of("= first config\nfull house\n"
                                            "= second rate when status=4.*.*\nfull\n"
                                            "= third tls when in=reply\nhouse\n"
                                            "= fourth hard-recipient when status=5.1.1\n"
                                            "= fifth transient when status=none\n");
    const struct smtp_status none = {0}, transient = {4, 5, 6}, unknown_user = {5, 1, 1};

    (void)state;
    assert_int_equal(judge(rules, "Full house", "", none).line, 2);
    assert_int_equal(judge(rules, "full", "", transient).line, 4);
    assert_int_equal(judge(rules, "house", "full house", transient).line, 6);
    assert_int_equal(judge(rules, "", "house", transient).class, FEEDBACK_UNKNOWN);
    assert_int_equal(judge(rules, "", "full", unknown_user).line, 7);
    assert_true(judge(rules, "", "full", unknown_user).hard);
    assert_int_equal(judge(rules, "", "", none).class, FEEDBACK_TRANSIENT);
    assert_int_equal(judge(rules, "", "", (struct smtp_status){5, 9, 9}).line, 0);
    feedback_rules_free(rules);
}

/* The file that comes with the program, asked what everybody knows. */
static void test_builtin(void **state)
{
    static const struct {
        const char *reply;
        struct smtp_status status;
        enum feedback_class class;
        bool hard;
    } cases[] = {
        {"550 5.1.1 no such user", {5, 1, 1}, FEEDBACK_HARD_RECIPIENT, true},
        {"552 5.2.2 The email account that you tried to reach is over quota",
         {5, 2, 2},
         FEEDBACK_SOFT_MAILBOX,
         false},
        {"421 4.7.0 too many connections from your IP", {4, 7, 0}, FEEDBACK_RATE, false},
        {"550 5.7.26 Unauthenticated email from a.example is not accepted due to DMARC policy",
         {5, 7, 26},
         FEEDBACK_BLOCK_AUTH,
         false},
        {"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
         {5, 7, 1},
         FEEDBACK_BLOCK_REPUTATION,
         false},
        {"550 5.1.2 Host unknown", {5, 1, 2}, FEEDBACK_HARD_DOMAIN, true},
        {"556 5.1.10 recipient address has null MX", {5, 1, 10}, FEEDBACK_HARD_DOMAIN, true},
        {"554 5.7.1 <a@example.org>: Relay access denied", {5, 7, 1}, FEEDBACK_CONFIG, false},
        {"550 5.7.1 Message rejected as spam", {5, 7, 1}, FEEDBACK_BLOCK_CONTENT, false},
        {"552 5.3.4 Message size exceeds fixed limit", {5, 3, 4}, FEEDBACK_CONTENT_SIZE, false},
        {"450 4.2.0 Greylisted, see you later", {4, 2, 0}, FEEDBACK_TRANSIENT, false},
    };
    struct feedback_rules *rules = feedback_rules_builtin();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct feedback_verdict v = judge(rules, cases[i].reply, "", cases[i].status);

        if (v.class != cases[i].class)
            print_error("%s: %s, by line %u\n", cases[i].reply, feedback_class_name(v.class),
                        v.line);
        assert_int_equal(v.class, cases[i].class);
        assert_int_equal(v.hard, cases[i].hard);
    }
    feedback_rules_free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problems_name_the_line),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_builtin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
