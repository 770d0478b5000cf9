#include "queue/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MESSAGES_MAX = 128 };

static struct {
    struct queue_schedule schedule;
    struct queue_message *messages[MESSAGES_MAX];
    unsigned count;
    unsigned due_calls;
    size_t ready;
} s;

static void by_domain(void *context, uint64_t site_id, struct slice domain, struct buffer *ret_key)
{
    (void)context;
    (void)site_id;
    buffer_add(ret_key, domain);
}

static void note_due(void *context, struct slice pool, size_t ready)
{
    (void)context;
    (void)pool;
    s.due_calls++;
    s.ready = ready;
}

static int begin(void **state)
{
    (void)state;
    memset(&s, 0, sizeof(s));
    queue_schedule_init(&s.schedule);
    s.schedule.destination = by_domain;
    s.schedule.due = note_due;
    return 0;
}

/* Whatever a test leaves in the schedule must go without a trace. */
static int end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < s.count; i++) {
        if (!s.messages[i])
            continue;
        for (uint32_t g = 0; g < s.messages[i]->group_count; g++)
            if (s.messages[i]->groups[g].busy)
                queue_schedule_release(&s.schedule, &s.messages[i]->groups[g], 0);
        queue_schedule_remove(&s.schedule, s.messages[i]);
        queue_message_free(s.messages[i]);
    }
    assert_int_equal(s.schedule.pools.count, 0);
    assert_int_equal(s.schedule.destinations.count, 0);
    assert_int_equal(s.schedule.lanes.count, 0);
    assert_int_equal(s.schedule.timers.count, 0);
    queue_schedule_done(&s.schedule);
    return 0;
}

static struct queue_message *add_class(uint64_t site_id, uint64_t now_us,
                                       const char *const *addresses, bool bulk)
{
    CLEANUP(buffer_done) struct buffer recipients = BUFFER_NONE;
    struct queue_envelope envelope = {.id = {.ms = s.count}, .site_id = site_id, .bulk = bulk};

    for (; addresses[envelope.recipient_count]; envelope.recipient_count++) {
        struct queue_envelope_recipient r = {.address =
                                                 slice_text(addresses[envelope.recipient_count])};

        queue_envelope_recipient_write(&recipients, &r);
    }
    envelope.recipients = buffer_slice(&recipients);
    s.messages[s.count] = queue_message_new(&envelope);
    queue_schedule_add(&s.schedule, s.messages[s.count], now_us);
    return s.messages[s.count++];
}

static struct queue_message *add(uint64_t site_id, uint64_t now_us, const char *const *addresses)
{
    return add_class(site_id, now_us, addresses, false);
}

static struct queue_message *add_one(uint64_t site_id, const char *address)
{
    const char *const addresses[] = {address, NULL};

    return add(site_id, 0, addresses);
}

static struct queue_message *add_bulk(uint64_t site_id, const char *address)
{
    const char *const addresses[] = {address, NULL};

    return add_class(site_id, 0, addresses, true);
}

static struct queue_group *take(const char *pool)
{
    return queue_schedule_take(&s.schedule, slice_text(pool), SLICE_NONE, 1 << 30);
}

static struct queue_group *take_near(const char *pool, const char *destination)
{
    return queue_schedule_take(&s.schedule, slice_text(pool), slice_text(destination), 1 << 30);
}

static void in_one(void *context, struct slice destination, struct buffer *ret_key)
{
    (void)context;
    (void)destination;
    buffer_add(ret_key, SLICE("provider"));
}

/* All destinations are in one pool from now on. */
static void together(void)
{
    s.schedule.pool = in_one;
}

/* Takes so many jobs; notes how many were of each site. */
static void take_round(const char *pool, unsigned jobs, unsigned ret_of_site[static 5])
{
    memset(ret_of_site, 0, 5 * sizeof(*ret_of_site));
    while (jobs--)
        ret_of_site[take(pool)->message->site_id]++;
}

static void sites_take_turns(void **state)
{
    unsigned of[5];

    (void)state;
    for (int i = 0; i < 5; i++)
        add_one(1, "a@example.net");
    add_one(2, "b@example.net");
    add_one(2, "b@example.net");
    add_one(3, "c@example.net");
    assert_int_equal(s.due_calls, 8);
    assert_int_equal(s.ready, 8);
    take_round("example.net", 3, of);
    assert_true(of[1] == 1 && of[2] == 1 && of[3] == 1);
    take_round("example.net", 2, of);
    assert_true(of[1] == 1 && of[2] == 1);
    take_round("example.net", 3, of);
    assert_int_equal(of[1], 3);
    assert_null(take("example.net"));
    assert_null(take("example.com"));
}

/* A site that comes late is served next, not after all that was there before. */
static void a_late_site_is_next(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        add_one(1, "a@example.net");
    assert_int_equal(take("example.net")->message->site_id, 1);
    add_one(2, "b@example.net");
    assert_int_equal(take("example.net")->message->site_id, 2);
    assert_int_equal(take("example.net")->message->site_id, 1);
}

static void one_job_a_message_and_destination(void **state)
{
    const char *const addresses[] = {"a@example.net", "b@example.com", "c@example.net", NULL};
    struct queue_message *m = add(1, 0, addresses);
    struct queue_group *net, *com;

    (void)state;
    assert_int_equal(m->group_count, 2);
    net = take("example.net");
    com = take("example.com");
    assert_true(net && com && net != com);
    assert_int_equal(m->jobs, 2);
    assert_int_equal(net->first, 0);
    assert_int_equal(m->recipients[0].next, 2);
    assert_int_equal(m->recipients[2].next, RECIPIENT_NONE);
    queue_schedule_update_all(&s.schedule, m, 10);
    assert_null(take("example.net"));
    queue_schedule_release(&s.schedule, net, 10);
    assert_ptr_equal(take("example.net"), net);
}

static void what_is_due_later_waits(void **state)
{
    struct queue_message *m = add_one(1, "a@example.net");
    struct queue_group *g = take("example.net");

    (void)state;
    m->recipients[0].due_us = 5000;
    queue_schedule_release(&s.schedule, g, 100);
    assert_null(take("example.net"));
    assert_true(queue_schedule_advance(&s.schedule, 4999) == 5000);
    assert_null(take("example.net"));
    assert_true(queue_schedule_advance(&s.schedule, 5000) == UINT64_MAX);
    assert_int_equal(s.due_calls, 2);
    assert_ptr_equal(take("example.net"), g);
}

static void the_earliest_recipient_decides(void **state)
{
    const char *const addresses[] = {"a@example.net", "b@example.net", "c@example.net", NULL};
    struct queue_message *m = add(1, 0, addresses);

    (void)state;
    m->recipients[0].due_us = 9000;
    m->recipients[1].due_us = 3000;
    m->recipients[2].flags = RECIPIENT_HELD;
    queue_schedule_update_all(&s.schedule, m, 100);
    assert_null(take("example.net"));
    assert_true(queue_schedule_advance(&s.schedule, 100) == 3000);
    m->recipients[1].flags = RECIPIENT_FINISHED;
    queue_schedule_update_all(&s.schedule, m, 100);
    assert_true(queue_schedule_advance(&s.schedule, 100) == 9000);
    m->recipients[0].flags = RECIPIENT_HELD;
    queue_schedule_update_all(&s.schedule, m, 100);
    assert_true(queue_schedule_advance(&s.schedule, 10000) == UINT64_MAX);
    assert_null(take("example.net"));
}

static void a_paused_site_stands_aside(void **state)
{
    (void)state;
    add_one(1, "a@example.net");
    add_one(2, "b@example.net");
    assert_true(queue_schedule_pause(&s.schedule, 1, true));
    assert_false(queue_schedule_pause(&s.schedule, 1, true));
    add_one(1, "c@example.net");
    assert_int_equal(s.due_calls, 2);
    assert_int_equal(take("example.net")->message->site_id, 2);
    assert_null(take("example.net"));
    assert_true(queue_schedule_is_paused(&s.schedule, 1));
    assert_true(queue_schedule_pause(&s.schedule, 1, false));
    assert_int_equal(s.due_calls, 3);
    assert_int_equal(s.ready, 2);
    assert_int_equal(take("example.net")->message->site_id, 1);
    assert_int_equal(take("example.net")->message->site_id, 1);
    assert_null(take("example.net"));
}

static void what_is_removed_is_not_taken(void **state)
{
    struct queue_message *m = add_one(1, "a@example.net");

    (void)state;
    add_one(1, "b@example.net");
    queue_schedule_remove(&s.schedule, m);
    queue_message_free(m);
    s.messages[0] = NULL;
    assert_ptr_equal(take("example.net")->message, s.messages[1]);
    assert_null(take("example.net"));
}

static void move(const char *destination, const char *pool)
{
    queue_schedule_move(&s.schedule, slice_text(destination), slice_text(pool));
}

/* Whoever has a connection for one of the site's destinations may go on with it, but takes no other
 * site's turn. */
static void connections_are_used_among_equals(void **state)
{
    (void)state;
    together();
    add_one(1, "a@example.net");
    add_one(1, "b@example.com");
    add_one(2, "c@example.net");
    add_one(1, "d@example.com");
    assert_ptr_equal(take_near("provider", "example.com")->message, s.messages[1]);
    assert_ptr_equal(take_near("provider", "example.com")->message, s.messages[2]);
    assert_ptr_equal(take_near("provider", "example.com")->message, s.messages[3]);
    assert_ptr_equal(take_near("provider", "example.com")->message, s.messages[0]);
}

static size_t transactional(const char *pool)
{
    return queue_schedule_transactional(&s.schedule, slice_text(pool));
}

/* A newsletter to many domains of one provider delays nobody's single message there: not its own
 * site's, and another's by a job. */
static void a_newsletter_delays_nobody(void **state)
{
    char address[40];

    (void)state;
    together();
    for (int i = 0; i < 50; i++) {
        snprintf(address, sizeof(address), "reader@library%d.example", i);
        add_bulk(1, address);
    }
    for (int i = 0; i < 5; i++)
        assert_true(take("provider")->message->bulk);
    assert_int_equal(transactional("provider"), 0);
    add_one(2, "patron@library7.example");
    assert_int_equal(transactional("provider"), 1);
    queue_schedule_pause(&s.schedule, 2, true);
    assert_int_equal(transactional("provider"), 0);
    queue_schedule_pause(&s.schedule, 2, false);
    assert_int_equal(transactional("provider"), 1);
    assert_int_equal(take("provider")->message->site_id, 2);
    add_one(1, "patron@library7.example");
    assert_false(take("provider")->message->bulk);
    assert_true(take("provider")->message->bulk);
}

/* What a job costs is what is due of it: a message to fifty counts as fifty messages. */
static void many_recipients_cost_many_turns(void **state)
{
    static char texts[50][32];
    const char *addresses[51] = {NULL};
    unsigned of[5];

    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        snprintf(texts[i], sizeof(texts[i]), "r%u@example.net", i);
        addresses[i] = texts[i];
    }
    add(1, 0, addresses);
    add(1, 0, addresses)->place.content_size = 10 * QUEUE_COST_BYTES;
    for (unsigned i = 0; i < 55; i++)
        add_one(2, "b@example.net");
    take_round("example.net", 2, of);
    assert_true(of[1] == 1 && of[2] == 1);
    take_round("example.net", 48, of);
    assert_int_equal(of[2], 48);
    take_round("example.net", 3, of);
    assert_int_equal(of[1], 1);
}

/* However many connections go to other destinations of the site, its turn comes. */
static void nothing_is_passed_over_for_ever(void **state)
{
    unsigned turns = 1;

    (void)state;
    together();
    for (int i = 0; i < 30; i++)
        add_one(1, "a@example.com");
    assert_non_null(take_near("provider", "example.com"));
    add_one(1, "b@example.net");
    while (take_near("provider", "example.com")->message != s.messages[30])
        turns++;
    assert_in_range(turns, QUEUE_PASSED_OVER_MAX, QUEUE_PASSED_OVER_MAX + 2);
}

/* What waits for a destination goes along when the destination's pool is found out. */
static void destinations_move_between_pools(void **state)
{
    struct queue_group *g;
    unsigned of[5];

    (void)state;
    add_one(1, "a@example.net");
    add_one(2, "b@example.net");
    add_one(3, "c@example.com");
    g = take("example.net");
    move("example.net", "provider");
    assert_int_equal(s.due_calls, 4);
    assert_int_equal(s.ready, 1);
    assert_int_equal(s.schedule.pools.count, 2);
    assert_null(take("example.net"));
    move("example.com", "provider");
    move("example.com", "provider");
    move("example.org", "provider");
    assert_int_equal(s.due_calls, 5);
    assert_int_equal(s.ready, 2);
    assert_int_equal(s.schedule.pools.count, 1);
    add_one(4, "d@example.com");
    assert_int_equal(s.ready, 3);
    queue_schedule_release(&s.schedule, g, 10);
    assert_int_equal(s.ready, 4);
    take_round("provider", 4, of);
    assert_true(of[1] == 1 && of[2] == 1 && of[3] == 1 && of[4] == 1);
    assert_null(take("provider"));
}

/* A paused site's mail moves silently, and is there when the pause ends. */
static void paused_mail_moves_too(void **state)
{
    (void)state;
    add_one(1, "a@example.net");
    assert_true(queue_schedule_pause(&s.schedule, 1, true));
    move("example.net", "provider");
    assert_int_equal(s.due_calls, 1);
    assert_null(take("provider"));
    assert_true(queue_schedule_pause(&s.schedule, 1, false));
    assert_int_equal(s.due_calls, 2);
    assert_int_equal(take("provider")->message->site_id, 1);
}

/* However many are due at once, a turn makes a bounded number of them ready. */
static void a_backlog_becomes_ready_in_parts(void **state)
{
    enum { GROUPS = 2 * QUEUE_ADVANCE_MAX + 100 };
    static struct queue_message *all[GROUPS];
    size_t ready = 0;

    (void)state;
    for (unsigned i = 0; i < GROUPS; i++) {
        all[i] = add_one(1, "a@example.net");
        s.count = 0;
        all[i]->recipients[0].due_us = 5000;
        queue_schedule_update_all(&s.schedule, all[i], 100);
    }
    for (s.ready = 0; ready < GROUPS; ready = s.ready) {
        uint64_t next_us = queue_schedule_advance(&s.schedule, 6000);

        assert_in_range(s.ready - ready, 100, QUEUE_ADVANCE_MAX);
        assert_int_equal(next_us, s.ready < GROUPS ? 5000 : UINT64_MAX);
    }
    for (unsigned i = 0; i < GROUPS; i++) {
        queue_schedule_remove(&s.schedule, all[i]);
        queue_message_free(all[i]);
    }
}

static void announcing_names_all_that_have_something(void **state)
{
    (void)state;
    s.schedule.silent = true;
    add_one(1, "a@example.net");
    add_one(1, "b@example.com");
    add_one(1, "c@example.com");
    assert_int_equal(s.due_calls, 0);
    s.schedule.silent = false;
    queue_schedule_announce(&s.schedule);
    assert_int_equal(s.due_calls, 2);
    assert_int_equal(s.ready, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sites_take_turns, begin, end),
        cmocka_unit_test_setup_teardown(a_late_site_is_next, begin, end),
        cmocka_unit_test_setup_teardown(one_job_a_message_and_destination, begin, end),
        cmocka_unit_test_setup_teardown(what_is_due_later_waits, begin, end),
        cmocka_unit_test_setup_teardown(the_earliest_recipient_decides, begin, end),
        cmocka_unit_test_setup_teardown(a_paused_site_stands_aside, begin, end),
        cmocka_unit_test_setup_teardown(what_is_removed_is_not_taken, begin, end),
        cmocka_unit_test_setup_teardown(destinations_move_between_pools, begin, end),
        cmocka_unit_test_setup_teardown(paused_mail_moves_too, begin, end),
        cmocka_unit_test_setup_teardown(connections_are_used_among_equals, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_passed_over_for_ever, begin, end),
        cmocka_unit_test_setup_teardown(a_newsletter_delays_nobody, begin, end),
        cmocka_unit_test_setup_teardown(many_recipients_cost_many_turns, begin, end),
        cmocka_unit_test_setup_teardown(a_backlog_becomes_ready_in_parts, begin, end),
        cmocka_unit_test_setup_teardown(announcing_names_all_that_have_something, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
