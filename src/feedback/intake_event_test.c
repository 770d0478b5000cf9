#include "feedback/intake_event.h"

#include "queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define US "us@example.org"

struct row {
    const char *address, *action, *text;
    enum feedback_class class;
    bool final;
};

static const struct {
    enum feedback_kind kind;
    struct row rows[3];
    enum queue_event_type type;
    const char *text;
} cases[] = {
    {FEEDBACK_BOUNCE,
     {{US, "failed", "550 no such user", FEEDBACK_HARD_RECIPIENT, true}},
     QUEUE_EVENT_RETURNED,
     "550 no such user"},
    /* the target of an alias is not who we sent to, and the tag says who that was */
    {FEEDBACK_BOUNCE,
     {{"other@example.com", "failed", "550 gone", FEEDBACK_HARD_RECIPIENT, true}},
     QUEUE_EVENT_RETURNED,
     "550 gone"},
    {FEEDBACK_BOUNCE,
     {{"a@example.com", "failed", "550 a", FEEDBACK_HARD_RECIPIENT, true},
      {"US@Example.ORG", "failed", "550 b", FEEDBACK_HARD_RECIPIENT, true},
      {"c@example.com", "failed", "550 c", FEEDBACK_HARD_RECIPIENT, true}},
     QUEUE_EVENT_RETURNED,
     "550 b"},
    {FEEDBACK_BOUNCE,
     {{US, "delivered", "250 ok", FEEDBACK_CLASS_DELIVERED, true},
      {"c@example.com", "failed", "550 c", FEEDBACK_HARD_RECIPIENT, true}},
     QUEUE_EVENT_RETURNED,
     "550 c"},
    {FEEDBACK_BOUNCE,
     {{US, "delayed", "451 later", FEEDBACK_TRANSIENT, false}},
     QUEUE_EVENT_REPORTED,
     "delayed: 451 later"},
    {FEEDBACK_BOUNCE,
     {{US, "", "will retry", FEEDBACK_TRANSIENT, false}},
     QUEUE_EVENT_REPORTED,
     "delayed: will retry"},
    {FEEDBACK_DELIVERED,
     {{US, "relayed", "250 ok", FEEDBACK_CLASS_DELIVERED, true}},
     QUEUE_EVENT_REPORTED,
     "relayed: 250 ok"},
    {FEEDBACK_COMPLAINT, {{0}}, QUEUE_EVENT_COMPLAINED, "abuse"},
    {FEEDBACK_AUTO_REPLY, {{0}}, QUEUE_EVENT_ANSWERED, "an automatic reply"},
    {FEEDBACK_NONE,
     {{0}},
     QUEUE_EVENT_REPORTED,
     "something came back that is no report that is understood"},
    {FEEDBACK_BOUNCE,
     {{0}},
     QUEUE_EVENT_REPORTED,
     "something came back that is no report that is understood"},
    {FEEDBACK_BOUNCE,
     {{US, "failed", "550 \x1b[31m\xff red", FEEDBACK_HARD_RECIPIENT, true}},
     QUEUE_EVENT_RETURNED,
     "550 \\x1b[31m\\xff red"},
};

static void fill(struct feedback_report *report, enum feedback_kind kind, const struct row *rows)
{
    *report = (struct feedback_report){.kind = kind};
    for (size_t i = 0; i < 3 && rows[i].address; i++)
        report->recipients[report->recipient_count++] =
            (struct feedback_recipient){.address = slice_text(rows[i].address),
                                        .action = slice_text(rows[i].action),
                                        .text = slice_text(rows[i].text),
                                        .reply_code = 550,
                                        .status = {5, 1, 300},
                                        .remote = SLICE("mx.example.org"),
                                        .final = rows[i].final,
                                        .verdict = {.class = rows[i].class}};
}

static void each_kind_has_its_event(void **state)
{
    static struct feedback_report report;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct queue_event event = {0};

        fill(&report, cases[i].kind, cases[i].rows);
        intake_event(&arena, &report, SLICE(US), &event);
        if (event.type != cases[i].type || !slice_equal(event.text, slice_text(cases[i].text)))
            fail_msg("case %zu: %s: %.*s", i, queue_event_name(event.type), SLICE_ARG(event.text));
    }
}

static void the_reply_is_told_as_of_a_refusal(void **state)
{
    static struct feedback_report report;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct queue_event event = {0};

    (void)state;
    fill(&report, FEEDBACK_BOUNCE, cases[0].rows);
    intake_event(&arena, &report, SLICE(US), &event);
    assert_int_equal(event.reply_code, 550);
    assert_true(event.enhanced[0] == 5 && event.enhanced[1] == 1 && event.enhanced[2] == 255);
    assert_true(slice_equal(event.remote, SLICE("mx.example.org")));
}

/* What says that a message is no spam, or how it was authenticated, suppresses nobody. */
static void not_every_report_is_a_complaint(void **state)
{
    static const struct {
        const char *feedback_type;
        enum queue_event_type event;
    } types[] = {
        {"abuse", QUEUE_EVENT_COMPLAINED},          {"opt-out", QUEUE_EVENT_COMPLAINED},
        {"fraud", QUEUE_EVENT_COMPLAINED},          {"", QUEUE_EVENT_COMPLAINED},
        {"not-spam", QUEUE_EVENT_REPORTED},         {"auth-failure", QUEUE_EVENT_REPORTED},
        {"not-spam-abuse", QUEUE_EVENT_COMPLAINED},
    };
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct feedback_report report = {.kind = FEEDBACK_COMPLAINT,
                                         .feedback_type = slice_text(types[i].feedback_type)};
        struct queue_event event = {0};

        intake_event(&arena, &report, SLICE(US), &event);
        assert_int_equal(event.type, types[i].event);
    }
}

static void texts_are_cut(void **state)
{
    static struct feedback_report report;
    static char text[5000];
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct queue_event event = {0};
    const struct row rows[3] = {{US, "failed", text, FEEDBACK_HARD_RECIPIENT, true}};

    (void)state;
    memset(text, 'a', sizeof text - 1);
    fill(&report, FEEDBACK_BOUNCE, rows);
    report.recipients[0].remote = slice_text(text);
    intake_event(&arena, &report, SLICE(US), &event);
    assert_true(event.text.size <= QUEUE_TEXT_BYTES && event.remote.size <= QUEUE_TEXT_BYTES);
    report.kind = FEEDBACK_COMPLAINT;
    report.feedback_type = slice_text(text);
    intake_event(&arena, &report, SLICE(US), &event);
    assert_true(event.text.size <= QUEUE_TEXT_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_event),
        cmocka_unit_test(the_reply_is_told_as_of_a_refusal),
        cmocka_unit_test(not_every_report_is_a_complaint),
        cmocka_unit_test(texts_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
