#include "deliver/simulator.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void knows_its_domain(void **state)
{
    static const struct {
        const char *bounce_domain, *domain;
        bool is;
    } cases[] = {
        {"bounce.example", "simulator.bounce.example", true},
        {"bounce.example", "bounce.example", false},
        {"bounce.example", "simulator.bounce.example.org", false},
        {"bounce.example", "xsimulator.bounce.example", false},
        {"bounce.example", "simulator.", false},
        {"", "simulator.", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(
            simulator_is_domain(slice_text(cases[i].bounce_domain), slice_text(cases[i].domain)),
            cases[i].is);
}

static void answers_by_mailbox(void **state)
{
    static const struct {
        const char *address;
        enum queue_result result;
        enum queue_event_type then;
    } cases[] = {
        {"success@s.example", QUEUE_DELIVERED, 0},
        {"Success+order-17@s.example", QUEUE_DELIVERED, 0},
        {"bounce@s.example", QUEUE_BOUNCED, 0},
        {"complaint+x@s.example", QUEUE_DELIVERED, QUEUE_EVENT_COMPLAINED},
        {"ooto@s.example", QUEUE_DELIVERED, QUEUE_EVENT_ANSWERED},
        {"suppressionlist@s.example", QUEUE_SUPPRESSED, 0},
        {"successful@s.example", QUEUE_BOUNCED, 0},
        {"+success@s.example", QUEUE_BOUNCED, 0},
        {"\"success@x\"@s.example", QUEUE_BOUNCED, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct queue_outcome outcome = simulator_answer(slice_text(cases[i].address));

        assert_int_equal(outcome.result, cases[i].result);
        assert_int_equal(outcome.then, cases[i].then);
        assert_true(outcome.simulated);
        assert_true(outcome.text.size > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_domain),
        cmocka_unit_test(answers_by_mailbox),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
