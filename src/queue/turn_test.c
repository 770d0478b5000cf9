#include "queue/turn.h"

#include "queue/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FLOWS = 4, LANES = 3 };

/* A pool whose lanes never run dry, unless a test takes them out. */
static struct {
    struct queue_flow flows[FLOWS];
    struct list lanes[FLOWS][QUEUE_CLASSES][LANES];
    uint64_t served[FLOWS][QUEUE_CLASSES];
    struct queue_pool pool; /* its key is empty */
} b;

static int begin(void **state)
{
    (void)state;
    memset(&b, 0, sizeof(b));
    for (unsigned i = 0; i < FLOWS; i++) {
        b.flows[i].pool = &b.pool;
        list_init(&b.flows[i].lanes[QUEUE_TRANSACTIONAL]);
        list_init(&b.flows[i].lanes[QUEUE_BULK]);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    heap_done(&b.pool.flows);
    return 0;
}

static void enter(unsigned flow, enum queue_class class)
{
    queue_turn_enter(&b.flows[flow], class, &b.lanes[flow][class][0]);
}

static void leave(unsigned flow, enum queue_class class)
{
    queue_turn_leave(&b.flows[flow], &b.lanes[flow][class][0]);
}

/* The first lane of the flow whose turn it is serves a job of this cost. */
static unsigned serve(uint64_t cost, enum queue_class *ret_class)
{
    enum queue_class class = QUEUE_CLASSES;
    struct queue_flow *f = queue_turn_next(&b.pool, &class);
    unsigned number = (unsigned)(f - b.flows);

    queue_turn_serve(f, class, f->lanes[class].next, cost);
    b.served[number][class] += cost;
    if (ret_class)
        *ret_class = class;
    return number;
}

/* Serves until `flow` is; returns how many others were before. */
static unsigned wait_for(unsigned flow, uint64_t cost)
{
    unsigned others = 0;

    while (serve(cost, NULL) != flow)
        others++;
    return others;
}

static void nothing_is_next_where_nothing_is(void **state)
{
    enum queue_class class;

    (void)state;
    assert_null(queue_turn_next(&b.pool, &class));
    enter(1, QUEUE_BULK);
    leave(1, QUEUE_BULK);
    assert_null(queue_turn_next(&b.pool, &class));
}

/* Whatever jobs cost, none gets ahead of another by more than its costliest job. */
static void shares_are_even_by_cost(void **state)
{
    static const uint64_t costs[FLOWS] = {1, 50, 7, 2560};

    (void)state;
    for (unsigned i = 0; i < FLOWS; i++)
        enter(i, i % 2 ? QUEUE_BULK : QUEUE_TRANSACTIONAL);
    for (unsigned i = 0; i < 100000; i++) {
        enum queue_class class;
        unsigned next = (unsigned)(queue_turn_next(&b.pool, &class) - b.flows);

        serve(costs[next], NULL);
        for (unsigned j = 0; j < FLOWS; j++)
            for (unsigned k = 0; k < FLOWS; k++)
                assert_true(b.served[j][j % 2] <= b.served[k][k % 2] + costs[j] + costs[k]);
    }
}

/* Whoever comes to a pool that has been busy for long waits for a job of each at most, and has no
 * turns saved up. */
static void late_comers_are_served_at_once_but_not_more(void **state)
{
    (void)state;
    for (unsigned i = 1; i < FLOWS; i++)
        enter(i, QUEUE_BULK);
    for (unsigned i = 0; i < 100000; i++)
        serve(1, NULL);
    enter(0, QUEUE_TRANSACTIONAL);
    assert_true(wait_for(0, 1) <= FLOWS - 1);
    assert_true(wait_for(0, 1) >= FLOWS - 2);
}

static void transactional_mail_is_first_but_bulk_has_its_share(void **state)
{
    unsigned bulk = 0;

    (void)state;
    enter(0, QUEUE_BULK);
    enter(0, QUEUE_TRANSACTIONAL);
    enter(1, QUEUE_TRANSACTIONAL);
    for (unsigned i = 0; i < 18000; i++)
        serve(1, NULL);
    bulk = (unsigned)b.served[0][QUEUE_BULK];
    assert_in_range(b.served[1][QUEUE_TRANSACTIONAL], 8990, 9010);
    assert_in_range(bulk, 990, 1010);
}

/* A job of bulk that costs much uses its share up for long. */
static void shares_of_bulk_count_by_cost(void **state)
{
    enum queue_class class;

    (void)state;
    enter(0, QUEUE_BULK);
    enter(0, QUEUE_TRANSACTIONAL);
    for (unsigned i = 0; i < 100000; i++) {
        queue_turn_next(&b.pool, &class);
        serve(class == QUEUE_BULK ? 50 : 1, NULL);
    }
    assert_in_range(b.served[0][QUEUE_TRANSACTIONAL] / b.served[0][QUEUE_BULK], 7, 9);
}

/* A site's transactional mail does not pay for what its own newsletter has just taken. */
static void transactional_mail_answers_for_itself(void **state)
{
    enum queue_class class;

    (void)state;
    enter(0, QUEUE_BULK);
    enter(1, QUEUE_BULK);
    serve(50, NULL);
    serve(50, NULL);
    serve(1, NULL);
    assert_int_equal(b.served[0][QUEUE_BULK] + b.served[1][QUEUE_BULK], 101);
    enter(0, QUEUE_TRANSACTIONAL);
    enter(1, QUEUE_TRANSACTIONAL);
    for (unsigned i = 0; i < 2; i++) {
        serve(1, &class);
        assert_int_equal(class, QUEUE_TRANSACTIONAL);
    }
    assert_int_equal(b.served[0][QUEUE_TRANSACTIONAL], 1);
    assert_int_equal(b.served[1][QUEUE_TRANSACTIONAL], 1);
}

/* But in all, a site with both classes has no more than one with one. */
static void two_classes_are_not_two_shares(void **state)
{
    (void)state;
    enter(0, QUEUE_BULK);
    enter(1, QUEUE_BULK);
    for (unsigned i = 0; i < 30000; i++) {
        if (i % 3 == 0)
            enter(0, QUEUE_TRANSACTIONAL);
        serve(1, NULL);
        if (i % 3 == 0)
            leave(0, QUEUE_TRANSACTIONAL);
    }
    assert_in_range(b.served[0][QUEUE_BULK] + b.served[0][QUEUE_TRANSACTIONAL], 14900, 15100);
}

static void lanes_of_a_flow_take_turns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LANES; i++)
        queue_turn_enter(&b.flows[0], QUEUE_BULK, &b.lanes[0][QUEUE_BULK][i]);
    for (unsigned i = 0; i < 10; i++) {
        assert_ptr_equal(b.flows[0].lanes[QUEUE_BULK].next, &b.lanes[0][QUEUE_BULK][i % LANES]);
        serve(1, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_next_where_nothing_is, begin, end),
        cmocka_unit_test_setup_teardown(shares_are_even_by_cost, begin, end),
        cmocka_unit_test_setup_teardown(late_comers_are_served_at_once_but_not_more, begin, end),
        cmocka_unit_test_setup_teardown(transactional_mail_is_first_but_bulk_has_its_share, begin,
                                        end),
        cmocka_unit_test_setup_teardown(shares_of_bulk_count_by_cost, begin, end),
        cmocka_unit_test_setup_teardown(transactional_mail_answers_for_itself, begin, end),
        cmocka_unit_test_setup_teardown(two_classes_are_not_two_shares, begin, end),
        cmocka_unit_test_setup_teardown(lanes_of_a_flow_take_turns, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
