#include "feedback/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct queue_event deferred = {
    .text = {"451 4.7.1 try later", 19},
    .remote = {"mx.example.net [192.0.2.1]:25", 29},
    .reply_code = 451,
};
static const struct queue_event unclear = {
    .text = {"the connection broke", 20}, .ambiguous = true, .remote = {"mx.example.net", 14}};
static const struct queue_event taken = {.text = {"250 2.0.0 Ok", 12}, .remote = {"mx", 2}};
static const struct queue_event held = {.text = {"by an operator", 14},
                                        .reason = QUEUE_REASON_OPERATOR};
static const struct queue_event crashed = {.reason = QUEUE_REASON_CRASHES};
static const struct queue_event damaged = {.reason = QUEUE_REASON_DAMAGED};

static const struct {
    enum timeline_state state;
    const struct queue_event *last;
    struct explain_now now;
    const char *why, *next_step; /* parts of them */
} cases[] = {
    {TIMELINE_QUEUED, NULL, {0}, "not been tried yet", "until 1970-01-05T00:00:00Z"},
    {TIMELINE_QUEUED, NULL, {.ready = true}, "its turn is next", "until 1970"},
    {TIMELINE_QUEUED,
     NULL,
     {.ready = true, .holding = {"20 of 20 connections are in use", 31}},
     "It is due, and waits: 20 of 20 connections are in use.",
     "until 1970"},
    {TIMELINE_DEFERRED,
     &deferred,
     {.ready = true, .holding = {"it rests", 8}},
     "Attempt 3 failed",
     "It is due, and waits: it rests. It is tried as soon as it can be, until 1970"},
    {TIMELINE_QUEUED, NULL, {.busy = true}, "at this moment", "Look again"},
    {TIMELINE_QUEUED, NULL, {.paused = true}, "paused", "queue release --site"},
    {TIMELINE_DEFERRED,
     &deferred,
     {0},
     "Attempt 3 failed for now: mx.example.net [192.0.2.1]:25: 451 4.7.1 try later.",
     "again at 1970-01-02T00:00:00Z, and so on until 1970-01-05T00:00:00Z"},
    {TIMELINE_DEFERRED, &deferred, {.busy = true}, "at this moment", "Look again"},
    {TIMELINE_DEFERRED, &unclear, {0}, "may arrive twice", "again at"},
    {TIMELINE_HELD, &held, {0}, "held: by an operator", "queue release --message"},
    {TIMELINE_HELD, &crashed, {0}, "crashed three times", "Report"},
    {TIMELINE_HELD, &damaged, {0}, "cannot be read back", "check the disk"},
    {TIMELINE_DELIVERED, &taken, {0}, "took it: mx: 250 2.0.0 Ok", "Nothing"},
    {TIMELINE_BOUNCED, &deferred, {0}, "refused for good", "not tried again"},
    {TIMELINE_EXPIRED, &deferred, {0}, "in time. The last attempt", "not tried again"},
    {TIMELINE_RETURNED, &deferred, {0}, "took it and sent it back later: mx", "not tried again"},
    {TIMELINE_SUPPRESSED, &held, {0}, "suppression list: by an operator", "taken off the list"},
    {TIMELINE_CANCELLED, &held, {0}, "cancelled: by an operator", "not tried again"},
};

static void assert_has(size_t i, struct slice text, const char *part)
{
    if (slice_find_slice(text, slice_text(part)) < 0)
        fail_msg("case %zu: %.*s", i, SLICE_ARG(text));
}

static void each_state_has_its_reason_and_its_next_step(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct timeline l = {.arena = &arena, .expires_us = 4 * (int64_t)86400000000};
        struct timeline_recipient recipient = {
            .state = cases[i].state, .attempts = 3, .due_us = 86400000000, .last = cases[i].last};
        struct explanation explanation = explain_recipient(&l, &recipient, &cases[i].now);

        assert_has(i, explanation.why, cases[i].why);
        assert_has(i, explanation.next_step, cases[i].next_step);
    }
}

/* The state is the same; what came back is told with it. */
static void what_came_back_is_told(void **state)
{
    static const struct queue_event complaint = {.text = {"abuse", 5}};
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct timeline l = {.arena = &arena};
    struct timeline_recipient recipient = {
        .state = TIMELINE_DELIVERED, .last = &taken, .answered = &held};

    (void)state;
    assert_has(0, explain_recipient(&l, &recipient, &(struct explain_now){0}).why,
               "250 2.0.0 Ok. An automatic reply came back.");
    recipient.complained = &complaint;
    assert_has(1, explain_recipient(&l, &recipient, &(struct explain_now){0}).why,
               "reported as spam (abuse)");
}

/* Its site may not send as its From: no attempt has failed, and no time is waited for. */
static void what_is_withheld_says_what_for(void **state)
{
    static const struct queue_event withheld = {.text = {"not verified", 12}};
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct timeline l = {.arena = &arena, .expires_us = 4 * (int64_t)86400000000};
    struct timeline_recipient recipient = {.state = TIMELINE_DEFERRED, .last = &withheld};
    struct explanation waiting = explain_recipient(&l, &recipient, &(struct explain_now){0});
    struct explanation ready =
        explain_recipient(&l, &recipient, &(struct explain_now){.ready = true});

    (void)state;
    assert_has(0, waiting.why, "It is held back: not verified.");
    assert_has(0, waiting.next_step, "by itself within a minute");
    assert_has(1, ready.next_step, "its turn is next");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_withheld_says_what_for),
        cmocka_unit_test(each_state_has_its_reason_and_its_next_step),
        cmocka_unit_test(what_came_back_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
