#include "feedback/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A story in words: a letter an event, a digit its recipient (none: all).
 *   A accepted  D deferred  + delivered  - bounced  X expired  H held  R released  C cancelled
 *   S suppressed  < returned  ! complained  ? answered  . reported */
static const struct {
    const char *story;
    const char *states; /* a word a recipient */
    bool settled;
} stories[] = {
    {"A", "queued queued", false},
    {"A D0", "deferred queued", false},
    {"A D0 D1 D0 +0", "delivered deferred", false},
    {"A +0 -1", "delivered bounced", true},
    {"A X0 C1", "expired cancelled", true},
    {"A H", "held held", false},
    {"A D0 H R", "deferred queued", false},
    {"A +0 H R C", "delivered cancelled", true},
    {"A H0 +0 -0", "delivered queued", false}, /* the first end counts */
    {"D1 +0", "delivered deferred", false},    /* the acceptance is too old to be known */
    {"A S0 +1 <1", "suppressed returned", true},
    {"A +0 <0 <0 !0 ?1 .1", "returned queued", false}, /* reports end nothing */
    {"A -0 <0 X1 <1", "bounced expired", true},
    {"A D0 <0 +0 <1", "returned queued", false}, /* the link broke; the report was faster */
};

static enum queue_event_type type_of(char letter)
{
    static const char letters[] = "AD+-XHRCS<!?.";

    return (enum queue_event_type)(QUEUE_EVENT_ACCEPTED + (strchr(letters, letter) - letters));
}

static void tell(struct timeline *l, const char *word, int64_t time_us)
{
    static char addresses[128];
    struct buffer list = {addresses, 0, sizeof addresses};
    struct queue_event event = {
        .time_us = time_us,
        .type = type_of(word[0]),
        .id = {.ms = 5},
        .site_id = 7,
        .recipient = word[1] ? (uint32_t)(word[1] - '0') : QUEUE_EVENT_ALL_RECIPIENTS,
        .attempts = strchr("D+-X", word[0]) ? 3 : 0,
        .due_us = word[0] == 'D' ? time_us + 60 : 0,
        .text = SLICE("text"),
    };

    if (event.type == QUEUE_EVENT_ACCEPTED) {
        queue_event_address_write(&list, SLICE("a@example.org"));
        queue_event_address_write(&list, SLICE("b@example.org"));
        event.accepted.recipient_count = event.accepted.address_count = 2;
        event.accepted.addresses = buffer_slice(&list);
        event.accepted.subject = SLICE("subject");
        event.accepted.bulk = true;
    }
    timeline_add(l, &event);
}

static void tell_story(struct timeline *l, const char *story)
{
    struct slice rest = slice_text(story), word;
    int64_t time_us = 100;
    bool more = true;

    while (more) {
        char text[8];

        more = slice_cut(&rest, ' ', &word);
        snprintf(text, sizeof text, "%.*s", SLICE_ARG(word));
        tell(l, text, time_us++);
    }
}

static void states_follow_from_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        CLEANUP(arena_done) struct arena arena = ARENA_NONE;
        struct timeline l;
        char states[64];

        timeline_init(&l, &arena);
        tell_story(&l, stories[i].story);
        assert_int_equal(l.recipient_count, 2);
        snprintf(states, sizeof states, "%s %s", timeline_state_name(l.recipients[0].state),
                 timeline_state_name(l.recipients[1].state));
        assert_string_equal(states, stories[i].states);
        assert_int_equal(timeline_is_settled(&l), stories[i].settled);
    }
}

static void knows_since_when_and_why(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    size_t counts[TIMELINE_STATES];
    struct timeline l;

    (void)state;
    timeline_init(&l, &arena);
    tell_story(&l, "A D0 H0 R0 D0");
    assert_true(l.accepted);
    assert_int_equal(l.site_id, 7);
    assert_int_equal(l.accepted_us, 100);
    assert_true(l.bulk);
    assert_true(slice_equal(l.subject, SLICE("subject")));
    assert_true(slice_equal(l.recipients[1].address, SLICE("b@example.org")));
    assert_int_equal(l.recipients[1].since_us, 100);
    assert_null(l.recipients[1].last);
    assert_int_equal(l.recipients[0].since_us, 104);
    assert_int_equal(l.recipients[0].due_us, 164);
    assert_int_equal(l.recipients[0].attempts, 3);
    assert_true(slice_equal(l.recipients[0].last->text, SLICE("text")));
    assert_int_equal(l.event_count, 5);
    timeline_count(&l, counts);
    assert_int_equal(counts[TIMELINE_DEFERRED], 1);
    assert_int_equal(counts[TIMELINE_QUEUED], 1);
}

static void knows_what_came_back(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct timeline l;

    (void)state;
    timeline_init(&l, &arena);
    tell_story(&l, "A +0 +1 !0 ?0 <0 <0");
    assert_int_equal(l.recipients[0].complained->time_us, 103);
    assert_int_equal(l.recipients[0].answered->time_us, 104);
    assert_int_equal(l.recipients[0].returned->time_us, 105);
    assert_int_equal(l.recipients[0].since_us, 105);
    assert_ptr_equal(l.recipients[0].last, l.recipients[0].returned);
    assert_int_equal(l.recipients[0].attempts, 3);
    assert_null(l.recipients[1].complained);
}

static void a_long_story_is_cut_and_still_right(void **state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct timeline l;

    (void)state;
    timeline_init(&l, &arena);
    tell(&l, "A", 1);
    for (int i = 0; i < TIMELINE_EVENTS_MAX; i++)
        tell(&l, "D0", 2 + i);
    tell(&l, "+0", 9000);
    assert_int_equal(l.event_count, TIMELINE_EVENTS_MAX);
    assert_int_equal(l.events_left_out, 2);
    assert_int_equal(l.recipients[0].state, TIMELINE_DELIVERED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_follow_from_events),
        cmocka_unit_test(knows_since_when_and_why),
        cmocka_unit_test(knows_what_came_back),
        cmocka_unit_test(a_long_story_is_cut_and_still_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
