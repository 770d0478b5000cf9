#include "feedback/breaker.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const int64_t HOUR_US = 3600 * (int64_t)1000000;
static const struct slice DOMAIN = {"town.example", 12};

static void send_from(struct breaker *b, uint64_t first, int count, int64_t hour)
{
    CLEANUP(buffer_done) struct buffer events = BUFFER_NONE, addresses = BUFFER_NONE;

    queue_event_address_write(&addresses, SLICE("reader@town.example"));
    for (int i = 0; i < count; i++) {
        struct queue_event event = {.sequence = first + (uint64_t)i,
                                    .time_us = hour * HOUR_US,
                                    .type = QUEUE_EVENT_ACCEPTED};

        event.accepted.addresses = buffer_slice(&addresses);
        event.accepted.recipient_count = event.accepted.address_count = 1;
        queue_event_write(&events, &event);
    }
    breaker_note_sent(b, 7, cursor_of(buffer_slice(&events)));
}

/* Whether the last of so many unknown users trips it. */
static bool unknown(struct breaker *b, int count, int64_t hour)
{
    struct breaker_counts counts;
    bool tripped = false;

    for (int i = 0; i < count; i++)
        tripped = breaker_note_unknown(b, DOMAIN, hour * HOUR_US, &counts);
    return tripped;
}

static void trips_when_a_good_domain_turns(void **state)
{
    static const struct {
        int past_sent, past_unknown, sent, unknown;
        bool trips;
    } cases[] = {
        {100, 0, 20, 20, true},    {100, 0, 100, 20, true},
        {100, 0, 101, 20, false}, /* less than a fifth */
        {100, 0, 19, 19, false},  /* too few to tell */
        {99, 0, 20, 20, false},   /* too little is known of it */
        {0, 0, 1000, 1000, false}, {100, 5, 20, 20, true},
        {100, 6, 20, 20, false}, /* it was never good */
        {1000, 40, 400, 90, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct breaker *b = breaker_new();

        send_from(b, 1, cases[i].past_sent, 500000);
        (void)unknown(b, cases[i].past_unknown, 500000);
        send_from(b, 10001, cases[i].sent, 500002);
        assert_int_equal(unknown(b, cases[i].unknown, 500002), cases[i].trips);
        breaker_free(b);
    }
}

/* A wave that goes over a full hour is one wave; what was an hour before it is the past. */
static void looks_back_over_the_hour(void **state)
{
    struct breaker *b = breaker_new();

    (void)state;
    send_from(b, 1, 150, 500000);
    send_from(b, 1000, 30, 500003);
    assert_false(unknown(b, 10, 500003));
    assert_true(unknown(b, 10, 500004));
    assert_false(unknown(b, 10, 500006)); /* three hours later they are no wave any more */
    breaker_free(b);
}

static void counts_a_batch_once(void **state)
{
    struct breaker *b = breaker_new();

    (void)state;
    send_from(b, 1, 60, 500000);
    send_from(b, 1, 60, 500000);
    send_from(b, 61, 10, 500000);
    assert_false(unknown(b, 30, 500002)); /* 70 were sent, not 130 */
    breaker_free(b);
}

static void the_past_fades(void **state)
{
    struct breaker *b = breaker_new();

    (void)state;
    send_from(b, 1, 120, 500000);
    assert_false(unknown(b, 30, 500000 + 2 * BREAKER_HOURS_KEPT));
    breaker_free(b);
}

struct kept {
    size_t domains;
    uint64_t sent, unknown;
};

static int keep(void *context, struct slice domain, uint64_t sent, uint64_t unknown_count)
{
    struct kept *kept = context;

    (void)domain;
    kept->domains++;
    kept->sent = sent;
    kept->unknown = unknown_count;
    return 0;
}

static void is_kept_over_a_restart(void **state)
{
    struct breaker *b = breaker_new();
    struct kept kept = {0}, again = {0};

    (void)state;
    send_from(b, 1, 150, 500000);
    (void)unknown(b, 2, 500000);
    assert_int_equal(breaker_keep(b, keep, &kept), 0);
    assert_int_equal(breaker_keep(b, keep, &again), 0);
    assert_int_equal(again.domains, 0); /* nothing has changed */
    breaker_free(b);
    b = breaker_new();
    breaker_remember(b, DOMAIN, kept.sent, kept.unknown);
    assert_true(unknown(b, 20, 500002));
    breaker_free(b);
}

/* Strangers choose the domains that mail goes to. */
static void remembers_no_more_than_its_limit(void **state)
{
    struct breaker *b = breaker_new();
    struct breaker_counts counts;
    struct kept kept = {0};
    char name[64];

    (void)state;
    for (int i = 0; i < LIMIT_BREAKER_DOMAINS + 100; i++) {
        snprintf(name, sizeof name, "d%d.example", i);
        (void)breaker_note_unknown(b, slice_text(name), HOUR_US, &counts);
    }
    assert_int_equal(breaker_keep(b, keep, &kept), 0);
    assert_int_equal(kept.domains, LIMIT_BREAKER_DOMAINS);
    breaker_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trips_when_a_good_domain_turns),
        cmocka_unit_test(looks_back_over_the_hour),
        cmocka_unit_test(counts_a_batch_once),
        cmocka_unit_test(the_past_fades),
        cmocka_unit_test(is_kept_over_a_restart),
        cmocka_unit_test(remembers_no_more_than_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
