#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"

enum { MESSAGES = 700 }; /* some strides */

struct visit {
    struct task *t;
    struct bed *bed;
    unsigned visited, stop_at;
    bool cancel_each, cancel_next;
};

static void cancel(struct queue *q, struct queue_message *m)
{
    struct queue_event event = queue_event_of(q, QUEUE_EVENT_CANCELLED, m, 0);

    assert_true(queue_end(q, m, 0, &event));
}

static bool visit(struct queue *q, struct queue_message *m, void *context)
{
    struct visit *v = context;

    v->visited++;
    if (v->cancel_next && m->link.next != &q->order)
        cancel(q, LIST_ENTRY(m->link.next, struct queue_message, link));
    if (v->cancel_each)
        cancel(q, m);
    return v->visited != v->stop_at;
}

static void fill(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= MESSAGES; n++)
        assert_int_equal(bed_submit_one(t, b, n, 5, "a@example.net"), 0);
}

static int everyone_is_visited(struct task *t, struct bed *b)
{
    struct visit v = {.stop_at = 0};

    fill(t, b);
    assert_int_equal(queue_walk(t, b->queue, visit, &v), 0);
    assert_int_equal(v.visited, MESSAGES);
    v = (struct visit){.stop_at = 300};
    assert_int_equal(queue_walk(t, b->queue, visit, &v), 0);
    assert_int_equal(v.visited, 300);
    bed_close(t, b);
    return 0;
}

static int the_visited_may_go(struct task *t, struct bed *b)
{
    struct visit v = {.cancel_each = true};

    fill(t, b);
    assert_int_equal(queue_walk(t, b->queue, visit, &v), 0);
    assert_int_equal(v.visited, MESSAGES);
    assert_int_equal(b->queue->messages.count, 0);
    bed_close(t, b);
    return 0;
}

/* The one that would be next goes before its turn. */
static int the_next_may_go(struct task *t, struct bed *b)
{
    struct visit v = {.cancel_next = true};

    fill(t, b);
    assert_int_equal(queue_walk(t, b->queue, visit, &v), 0);
    assert_int_equal(v.visited, MESSAGES / 2);
    bed_close(t, b);
    return 0;
}

static int walk_in_task(struct task *t, void *argument)
{
    struct visit *v = argument;

    return queue_walk(t, v->bed->queue, visit, v);
}

/* Two walk at once, and one of them ends what the other one is about to see. */
static int walks_do_not_disturb_each_other(struct task *t, struct bed *b)
{
    struct visit first = {.bed = b}, second = {.bed = b, .cancel_each = true};
    struct scope scope;

    fill(t, b);
    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "first", walk_in_task, &first), 0);
    assert_int_equal(scope_spawn(&scope, "second", walk_in_task, &second), 0);
    assert_int_equal(scope_wait(t, &scope), 0);
    scope_close(&scope);
    assert_true(first.visited >= 256 && first.visited <= MESSAGES);
    assert_int_equal(second.visited, MESSAGES);
    assert_true(list_empty(&b->queue->walks));
    bed_close(t, b);
    return 0;
}

BED_TEST(everyone_is_visited)
BED_TEST(the_visited_may_go)
BED_TEST(the_next_may_go)
BED_TEST(walks_do_not_disturb_each_other)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everyone_is_visited),
        cmocka_unit_test(test_the_visited_may_go),
        cmocka_unit_test(test_the_next_may_go),
        cmocka_unit_test(test_walks_do_not_disturb_each_other),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
