#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"
#include "queue/spool_inside.h"

enum { SESSIONS = 20 };

struct session {
    struct bed *bed;
    unsigned number;
};

static int submit_in_task(struct task *t, void *argument)
{
    const struct session *s = argument;

    return bed_submit_one(t, s->bed, s->number, 1, "a@example.net");
}

static int submit_and_be_cancelled(struct task *t, void *argument)
{
    int r = submit_in_task(t, argument);

    assert_int_equal(r, -ECANCELED);
    return 0;
}

static int sessions_share_commits(struct task *t, struct bed *b)
{
    static struct session sessions[SESSIONS];
    struct scope scope;
    unsigned before;

    assert_int_equal(bed_open(t, b), 0);
    scope_open(&scope, t);
    before = fake_disk_calls(b->disk, FAKE_SYNC);
    for (unsigned i = 0; i < SESSIONS; i++) {
        sessions[i] = (struct session){b, i + 1};
        assert_int_equal(scope_spawn(&scope, "session", submit_in_task, &sessions[i]), 0);
    }
    assert_int_equal(scope_wait(t, &scope), 0);
    scope_close(&scope);
    assert_true(fake_disk_calls(b->disk, FAKE_SYNC) - before <= 2);
    assert_int_equal(b->ready, SESSIONS);
    bed_close(t, b);
    return 0;
}

/* Its time is over before the disk has begun: nothing is left of it. */
static int what_is_given_up_in_time_is_not_stored(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    {
        CLEANUP(task_deadline_end) struct task_deadline limit = task_deadline_after(t, 0);

        assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), -ETIMEDOUT);
    }
    assert_int_equal(bed_submit_one(t, b, 2, 5, "a@example.net"), 0);
    queue_return(b->queue, bed_take(t, b, "example.net"));
    bed_read_events(t, b, 1, true);
    assert_int_equal(bed_count(b, 1, 0), 0);
    bed_close(t, b);
    return 0;
}

/* The disk had begun: the message is there, and cancelled, since the client was told no 250. */
static int what_is_given_up_too_late_is_cancelled(struct task *t, struct bed *b)
{
    struct session session = {b, 1};
    struct queue_body *body;
    struct scope scope;

    assert_int_equal(bed_open(t, b), 0);
    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "session", submit_and_be_cancelled, &session), 0);
    while (list_empty(&b->queue->spool->writing))
        assert_int_equal(task_yield(t), 0);
    body = CONTAINER_OF(LIST_FIRST(&b->queue->spool->writing, struct queue_append, link),
                        struct queue_body, append);
    assert_non_null(body->waiter);
    scope_close(&scope);
    bed_read_events(t, b, 2, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_ACCEPTED), 1);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_CANCELLED), 1);
    assert_int_equal(b->events[1].reason, QUEUE_REASON_UNCLAIMED);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(b->due_calls, 0);
    bed_close(t, b);
    return 0;
}

/* The steward's request outlives a gateway: it is made again, and must not be sent twice. */
static int what_is_known_is_not_accepted_again(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    bed_close(t, b);
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_int_equal(b->queue->counts.messages, 1);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    assert_true(bed_nothing(t, b, "example.net"));
    bed_close(t, b);
    return 0;
}

static int nothing_is_accepted_while_closing(struct task *t, struct bed *b)
{
    const char *why = NULL;

    assert_int_equal(bed_open(t, b), 0);
    assert_true(queue_accepting(b->queue, &why));
    b->queue->spool->closing = true;
    assert_false(queue_accepting(b->queue, &why));
    assert_non_null(why);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), -ECANCELED);
    bed_close(t, b);
    return 0;
}

/* It ends with its acceptance, in one record: nothing of it is ever handed out. */
static int a_suppressed_recipient_ends_at_once(struct task *t, struct bed *b)
{
    const char *const recipients[] = {"gone@example.net", "a@example.net", NULL};

    assert_int_equal(bed_open(t, b), 0);
    b->suppressed = "gone@example.net";
    assert_int_equal(bed_submit(t, b, 1, 5, 300, recipients), 0);
    b->suppressed = NULL; /* what has ended stays so */
    bed_close(t, b);
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(b->queue->counts.recipients, 1);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DELIVERED);
    assert_true(bed_nothing(t, b, "example.net"));
    bed_read_events(t, b, 3, true);
    assert_int_equal(b->events[1].type, QUEUE_EVENT_SUPPRESSED);
    assert_int_equal(b->events[1].recipient, 0);
    assert_int_equal(b->events[2].type, QUEUE_EVENT_DELIVERED);
    assert_int_equal(b->events[2].recipient, 1);
    bed_close(t, b);
    return 0;
}

static int a_message_for_suppressed_ones_alone_leaves_nothing(struct task *t, struct bed *b)
{
    assert_int_equal(bed_open(t, b), 0);
    b->suppressed = "gone@example.net";
    assert_int_equal(bed_submit_one(t, b, 1, 5, "gone@example.net"), 0);
    assert_int_equal(b->queue->counts.messages, 0);
    assert_int_equal(b->queue->counts.recipients, 0);
    assert_int_equal(b->due_calls, 0);
    bed_read_events(t, b, 2, true);
    assert_int_equal(b->events[1].type, QUEUE_EVENT_SUPPRESSED);
    bed_close(t, b);
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(b->queue->counts.messages, 0);
    bed_close(t, b);
    return 0;
}

/* Suppressed while it waits: it ends when its turn comes, and the others go out. */
static int what_waits_is_suppressed_before_it_is_tried(struct task *t, struct bed *b)
{
    const char *const recipients[] = {"gone@example.net", "a@example.net", NULL};
    struct queue_job *job;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit(t, b, 1, 5, 300, recipients), 0);
    b->suppressed = "gone@example.net";
    job = bed_take(t, b, "example.net");
    assert_int_equal(job->recipient_count, 1);
    assert_int_equal(job->recipients[0].index, 1);
    bed_settle(b, job, QUEUE_DELIVERED);
    assert_int_equal(b->queue->counts.messages, 0);
    assert_int_equal(bed_submit_one(t, b, 2, 5, "b@example.net"), 0);
    b->suppressed = "b@example.net";
    assert_true(bed_nothing(t, b, "example.net"));
    assert_int_equal(b->queue->counts.messages, 0);
    bed_read_events(t, b, 5, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_SUPPRESSED), 1);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_DELIVERED), 1);
    assert_int_equal(bed_count(b, 2, QUEUE_EVENT_SUPPRESSED), 1);
    bed_close(t, b);
    return 0;
}

BED_TEST(sessions_share_commits)
BED_TEST(a_suppressed_recipient_ends_at_once)
BED_TEST(a_message_for_suppressed_ones_alone_leaves_nothing)
BED_TEST(what_waits_is_suppressed_before_it_is_tried)
BED_TEST(what_is_given_up_in_time_is_not_stored)
BED_TEST(what_is_given_up_too_late_is_cancelled)
BED_TEST(what_is_known_is_not_accepted_again)
BED_TEST(nothing_is_accepted_while_closing)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_share_commits),
        cmocka_unit_test(test_what_is_given_up_in_time_is_not_stored),
        cmocka_unit_test(test_what_is_given_up_too_late_is_cancelled),
        cmocka_unit_test(test_what_is_known_is_not_accepted_again),
        cmocka_unit_test(test_nothing_is_accepted_while_closing),
        cmocka_unit_test(test_a_suppressed_recipient_ends_at_once),
        cmocka_unit_test(test_a_message_for_suppressed_ones_alone_leaves_nothing),
        cmocka_unit_test(test_what_waits_is_suppressed_before_it_is_tried),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
