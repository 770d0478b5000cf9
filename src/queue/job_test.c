#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"

#include <stdio.h>

/* --- who goes together --- */

static int recipients_of_a_destination_go_together(struct task *t, struct bed *b)
{
    const char *const recipients[] = {"a@example.net", "b@example.com", "c@example.net", NULL};
    struct queue_job *net, *com;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit(t, b, 1, 5, 300, recipients), 0);
    assert_int_equal(b->due_calls, 2);
    net = bed_take(t, b, "example.net");
    com = bed_take(t, b, "example.com");
    assert_int_equal(net->recipient_count, 2);
    assert_int_equal(net->recipients[0].index, 0);
    assert_int_equal(net->recipients[1].index, 2);
    assert_true(slice_equal(net->recipients[1].address, SLICE("c@example.net")));
    assert_int_equal(com->recipient_count, 1);
    assert_true(slice_equal(com->recipients[0].address, SLICE("b@example.com")));
    assert_true(bed_is_intact(net, 1, 300) && bed_is_intact(com, 1, 300));
    bed_settle(b, net, QUEUE_DELIVERED);
    assert_true(bed_is_intact(com, 1, 300));
    bed_settle(b, com, QUEUE_BOUNCED);
    bed_read_events(t, b, 4, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_DELIVERED), 2);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_BOUNCED), 1);
    assert_int_equal(b->queue->messages.count, 0);
    bed_close(t, b);
    return 0;
}

/* 120 recipients at one destination are three jobs, one after the other. */
static int long_lists_go_in_parts(struct task *t, struct bed *b)
{
    static char addresses[120][32];
    static const char *recipients[121];
    static const size_t parts[] = {50, 50, 20};
    uint32_t next = 0;

    for (unsigned i = 0; i < 120; i++) {
        snprintf(addresses[i], sizeof(addresses[i]), "r%u@example.net", i);
        recipients[i] = addresses[i];
    }
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit(t, b, 1, 5, 300, recipients), 0);
    for (size_t part = 0; part < ARRAY_LEN(parts); part++) {
        struct queue_job *job = bed_take(t, b, "example.net");

        assert_true(bed_nothing(t, b, "example.net"));
        assert_int_equal(job->recipient_count, parts[part]);
        for (size_t i = 0; i < job->recipient_count; i++, next++) {
            assert_int_equal(job->recipients[i].index, next);
            assert_true(slice_equal(job->recipients[i].address, slice_text(addresses[next])));
        }
        bed_settle(b, job, QUEUE_DELIVERED);
    }
    assert_true(bed_nothing(t, b, "example.net"));
    bed_read_events(t, b, 121, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_DELIVERED), 120);
    bed_close(t, b);
    return 0;
}

/* Each goes by itself when each has a return path of its own; the signature is made once. */
static int recipients_go_one_by_one(struct task *t, struct bed *b)
{
    const char *const recipients[] = {"a@example.net", "b@example.net", "c@example.net", NULL};
    struct message_id id = bed_id(1);

    b->options.job_recipients_max = 1;
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit(t, b, 1, 5, 300, recipients), 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct queue_job *job = bed_take(t, b, "example.net");

        assert_true(bed_nothing(t, b, "example.net"));
        assert_int_equal(job->recipient_count, 1);
        assert_int_equal(job->recipients[0].index, i);
        assert_int_equal(job->signature.size > 0, i > 0);
        queue_keep_signature(b->queue, &id, SLICE("DKIM-Signature: a\r\n"));
        bed_settle(b, job, QUEUE_DELIVERED);
    }
    assert_true(bed_nothing(t, b, "example.net"));
    bed_read_events(t, b, 4, true);
    assert_int_equal(bed_count(b, 1, QUEUE_EVENT_DELIVERED), 3);
    bed_close(t, b);
    return 0;
}

/* --- memory --- */

static int contents_come_back_from_disk(struct task *t, struct bed *b)
{
    struct queue_job *jobs[10];

    b->options.memory_max_bytes = 10000;
    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 10; n++)
        assert_int_equal(bed_submit(t, b, n, 5, 3000, (const char *const[]){"a@example.net", NULL}),
                         0);
    assert_true(b->queue->memory_bytes <= 14000);
    for (unsigned n = 1; n <= 10; n++) {
        jobs[n - 1] = bed_take(t, b, "example.net");
        assert_true(bed_is_intact(jobs[n - 1], n, 3000));
    }
    for (unsigned n = 1; n <= 10; n++)
        bed_settle(b, jobs[n - 1], n % 2 ? QUEUE_DEFERRED : QUEUE_DELIVERED);
    assert_int_equal(b->queue->memory_bytes, 0); /* what waits is on disk only */
    bed_close(t, b);
    return 0;
}

static int signatures_are_kept_while_they_are_of_use(struct task *t, struct bed *b)
{
    const char *const recipients[] = {"a@example.net", "b@example.com", NULL};
    struct message_id id = bed_id(1), other = bed_id(2);
    struct queue_job *net, *com;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit(t, b, 1, 5, 300, recipients), 0);
    net = bed_take(t, b, "example.net");
    assert_int_equal(net->signature.size, 0);
    queue_keep_signature(b->queue, &other, SLICE("of nobody"));
    queue_keep_signature(b->queue, &id, SLICE("DKIM-Signature: first\r\n"));
    com = bed_take(t, b, "example.com");
    queue_keep_signature(b->queue, &id,
                         SLICE("DKIM-Signature: second, longer than the first one was\r\n"));
    assert_true(slice_equal(com->signature, SLICE("DKIM-Signature: first\r\n")));
    bed_settle(b, net, QUEUE_DEFERRED);
    assert_true(slice_equal(com->signature, SLICE("DKIM-Signature: first\r\n")));
    bed_settle(b, com, QUEUE_DEFERRED);
    bed_pass_s(100);
    assert_int_equal(task_sleep(t, 1000), 0);
    net = bed_take(t, b, "example.net");
    assert_int_equal(net->signature.size, 0); /* it may be too old by now */
    queue_return(b->queue, net);
    bed_close(t, b);
    return 0;
}

/* --- what cannot be read --- */

static struct queue_message *message(struct bed *b, unsigned number)
{
    struct message_id id = bed_id(number);

    return queue_message_find(&b->queue->messages, &id);
}

/* Accepts a message and forgets its content. */
static struct queue_message *submit_to_disk(struct task *t, struct bed *b)
{
    b->options.memory_max_bytes = 1;
    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    assert_null(message(b, 1)->body);
    return message(b, 1);
}

static int damaged_mail_has_failed(struct task *t, struct bed *b)
{
    struct queue_message *m = submit_to_disk(t, b);

    assert_int_equal(fake_disk_damage(b->disk, "000000000001.log", m->place.offset + 500), 0);
    assert_true(bed_nothing(t, b, "example.net"));
    bed_read_events(t, b, 2, true);
    assert_int_equal(b->events[1].type, QUEUE_EVENT_BOUNCED);
    assert_int_equal(b->events[1].reason, QUEUE_REASON_DAMAGED);
    assert_null(message(b, 1));
    bed_close(t, b);
    return 0;
}

static int unreadable_mail_is_tried_again(struct task *t, struct bed *b)
{
    struct queue_job *job;

    submit_to_disk(t, b);
    fake_disk_fail(b->disk, FAKE_READ, 0, 1, -EIO);
    assert_true(bed_nothing(t, b, "example.net"));
    assert_non_null(message(b, 1));
    bed_pass_s(301);
    assert_int_equal(task_sleep(t, 1000), 0);
    job = bed_take(t, b, "example.net");
    assert_true(bed_is_intact(job, 1, 300));
    assert_int_equal(job->recipients[0].attempts, 0);
    bed_settle(b, job, QUEUE_DELIVERED);
    bed_close(t, b);
    return 0;
}

BED_TEST(recipients_of_a_destination_go_together)
BED_TEST(long_lists_go_in_parts)
BED_TEST(recipients_go_one_by_one)
BED_TEST(contents_come_back_from_disk)
BED_TEST(signatures_are_kept_while_they_are_of_use)
BED_TEST(damaged_mail_has_failed)
BED_TEST(unreadable_mail_is_tried_again)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipients_of_a_destination_go_together),
        cmocka_unit_test(test_long_lists_go_in_parts),
        cmocka_unit_test(test_recipients_go_one_by_one),
        cmocka_unit_test(test_contents_come_back_from_disk),
        cmocka_unit_test(test_signatures_are_kept_while_they_are_of_use),
        cmocka_unit_test(test_damaged_mail_has_failed),
        cmocka_unit_test(test_unreadable_mail_is_tried_again),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
