#include "queue/remote.h"

#include "base/log.h"
#include "queue/bed.h"
#include "queue/inside.h"
#include "wire/ipc.h"

#include <stdio.h>

/* --- bodies --- */

static void requests_come_back(void **state)
{
    CLEANUP(buffer_done) struct buffer list = BUFFER_NONE, act = BUFFER_NONE;
    struct queue_list_request l = {7, SLICE("example.net"), bed_id(3), 50, {12, 2}}, l_back;
    struct queue_act_request a = {QUEUE_ACT_HOLD, bed_id(4), 9, 1, SLICE("who and why")}, a_back;

    (void)state;
    queue_list_request_write(&list, &l);
    assert_int_equal(queue_list_request_read(buffer_slice(&list), &l_back), 0);
    assert_true(l_back.site_id == 7 && l_back.max == 50);
    assert_true(l_back.after.number == 12 && l_back.after.recipient == 2);
    assert_true(slice_equal(l_back.destination, SLICE("example.net")));
    assert_int_equal(message_id_compare(&l_back.id, &l.id), 0);
    for (size_t size = 0; size < list.size; size++)
        assert_int_equal(queue_list_request_read(slice_of(list.data, size), &l_back), -EBADMSG);

    queue_act_request_write(&act, &a);
    assert_int_equal(queue_act_request_read(buffer_slice(&act), &a_back), 0);
    assert_true(a_back.act == QUEUE_ACT_HOLD && a_back.site_id == 9 && a_back.recipient == 1);
    assert_true(slice_equal(a_back.text, SLICE("who and why")));
    for (size_t size = 0; size < act.size; size++)
        assert_int_equal(queue_act_request_read(slice_of(act.data, size), &a_back), -EBADMSG);
    for (int what = 0; what < 256; what++) {
        act.data[0] = (char)what;
        assert_int_equal(queue_act_request_read(buffer_slice(&act), &a_back) == 0,
                         what >= 1 && what <= 4);
    }
}

static void status_comes_back(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct queue_status s = {.why_not = SLICE("the disk is full")}, back;
    struct cursor c;

    (void)state;
    s.stalest = (struct queue_stalest){.id = bed_id(8),
                                       .site_id = 9,
                                       .state = QUEUE_ENTRY_READY,
                                       .lost = true,
                                       .due_us = 77,
                                       .destination = SLICE("example.net"),
                                       .holding = SLICE("it rests")};
    for (uint64_t *number = &s.messages; number <= &s.events_acknowledged; number++)
        *number = 1000 + (uint64_t)(number - &s.messages);
    queue_status_write(&b, &s);
    buffer_add_u8(&b, 77); /* the rest of the reply is another's */
    c = cursor_of(buffer_slice(&b));
    assert_int_equal(queue_status_read(&c, &back), 0);
    assert_int_equal(cursor_u8(&c), 77);
    assert_memory_equal(&back, &s, offsetof(struct queue_status, accepting));
    assert_false(back.accepting);
    assert_true(slice_equal(back.why_not, s.why_not));
    assert_int_equal(message_id_compare(&back.stalest.id, &s.stalest.id), 0);
    assert_true(back.stalest.site_id == 9 && back.stalest.state == QUEUE_ENTRY_READY &&
                back.stalest.lost && back.stalest.due_us == 77);
    assert_true(slice_equal(back.stalest.destination, s.stalest.destination) &&
                slice_equal(back.stalest.holding, s.stalest.holding));
    for (size_t size = 0; size + 1 < b.size; size++) {
        c = cursor_of(slice_of(b.data, size));
        assert_int_equal(queue_status_read(&c, &back), -EBADMSG);
    }
}

/* --- the gateway's side --- */

static void ask(struct task *t, struct bed *b, const struct queue_list_request *request,
                struct buffer *reply, struct queue_list_reply *ret)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    reply->size = 0;
    queue_list_request_write(&body, request);
    assert_int_equal(queue_remote_request(t, b->queue, IPC_QUEUE_LIST, buffer_slice(&body), reply),
                     0);
    assert_int_equal(queue_list_reply_read(buffer_slice(reply), ret), 0);
    for (size_t size = 0; size < reply->size; size += 7) {
        struct queue_list_reply cut;

        assert_int_equal(queue_list_reply_read(slice_of(reply->data, size), &cut), -EBADMSG);
    }
}

/* Page by page, everything once and in order, though mail comes and goes meanwhile. */
static int lists_come_in_pages(struct task *t, struct bed *b)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    struct queue_list_request request = {.max = 3};
    struct queue_list_reply page;
    struct queue_list_entry entry;
    unsigned seen = 0;

    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 10; n++)
        assert_int_equal(bed_submit(t, b, n, 5, 300,
                                    (const char *const[]){"a@example.net", "b@example.com", NULL}),
                         0);
    do {
        ask(t, b, &request, &reply, &page);
        assert_true(page.count <= 3);
        while (queue_list_entry_read(&page.entries, &entry)) {
            struct message_id id = bed_id(seen / 2 + 1);

            assert_int_equal(message_id_compare(&entry.id, &id), 0);
            assert_int_equal(entry.recipient, seen % 2);
            assert_true(slice_equal(entry.destination,
                                    seen % 2 ? SLICE("example.com") : SLICE("example.net")));
            assert_int_equal(entry.size, 300);
            seen++;
        }
        request.after = page.next;
        if (seen == 6)
            bed_settle(b, bed_take(t, b, "example.net"),
                       QUEUE_DELIVERED); /* of the first message */
    } while (page.more);
    assert_int_equal(seen, 20);
    bed_close(t, b);
    return 0;
}

static int lists_are_filtered(struct task *t, struct bed *b)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    const struct {
        struct queue_list_request request;
        uint32_t count;
    } cases[] = {
        {{.site_id = 1}, 10},
        {{.site_id = 3}, 0},
        {{.destination = SLICE("example.com")}, 10},
        {{.destination = SLICE("example.org")}, 0},
        {{.site_id = 2, .destination = SLICE("example.net")}, 5},
        {{.id = bed_id(4)}, 2},
        {{.id = bed_id(4), .site_id = 1}, 2},
        {{.id = bed_id(4), .site_id = 2}, 0},
        {{.id = bed_id(77)}, 0},
    };

    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 10; n++)
        assert_int_equal(bed_submit(t, b, n, n % 2 ? 2 : 1, 300,
                                    (const char *const[]){"a@example.net", "b@example.com", NULL}),
                         0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct queue_list_reply page;

        ask(t, b, &cases[i].request, &reply, &page);
        assert_int_equal(page.count, cases[i].count);
        assert_false(page.more);
    }
    bed_close(t, b);
    return 0;
}

static enum queue_entry_state state_of(struct task *t, struct bed *b, unsigned number,
                                       struct queue_list_entry *ret)
{
    static struct buffer reply;
    struct queue_list_request request = {.id = bed_id(number)};
    struct queue_list_reply page;

    ask(t, b, &request, &reply, &page);
    assert_true(queue_list_entry_read(&page.entries, ret));
    ret->address = ret->destination = SLICE_NONE;
    assert_int_equal(ret->holding.size > 0, ret->state == QUEUE_ENTRY_READY && b->held);
    if (ret->holding.size)
        assert_true(slice_equal(ret->holding, SLICE("it rests (example.net, site 5)")));
    ret->holding = SLICE_NONE;
    buffer_done(&reply);
    return ret->state;
}

static int states_are_told_apart(struct task *t, struct bed *b)
{
    struct message_id third = bed_id(3);
    struct queue_list_entry entry;
    struct queue_status status;
    CLEANUP(buffer_done) struct buffer texts = BUFFER_NONE;
    struct queue_job *busy;

    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= 5; n++)
        assert_int_equal(bed_submit_one(t, b, n, n == 5 ? 6 : 5, "a@example.net"), 0);
    bed_settle(b, bed_take(t, b, "example.net"), QUEUE_DEFERRED);
    queue_schedule_pause(&b->queue->schedule, 6, true);
    busy = bed_take(t, b, "example.net");
    queue_message_find(&b->queue->messages, &third)->recipients[0].flags |= RECIPIENT_HELD;
    assert_int_equal(state_of(t, b, 1, &entry), QUEUE_ENTRY_WAITING);
    assert_int_equal(entry.attempts, 1);
    assert_int_equal(entry.reply_code, 450);
    assert_true(entry.due_us > queue_wall_us(b->queue) + (int64_t)(40 * SECOND_US));
    assert_true(entry.due_us < queue_wall_us(b->queue) + (int64_t)(80 * SECOND_US));
    assert_true(entry.expires_us - entry.accepted_us == (int64_t)(86400 * SECOND_US));
    assert_int_equal(state_of(t, b, 2, &entry), QUEUE_ENTRY_BUSY);
    assert_int_equal(state_of(t, b, 3, &entry), QUEUE_ENTRY_HELD);
    assert_int_equal(state_of(t, b, 4, &entry), QUEUE_ENTRY_READY);
    assert_int_equal(entry.due_us, 0);
    b->held = "it rests";
    assert_int_equal(state_of(t, b, 4, &entry), QUEUE_ENTRY_READY);
    assert_int_equal(state_of(t, b, 3, &entry), QUEUE_ENTRY_HELD);
    assert_int_equal(state_of(t, b, 5, &entry), QUEUE_ENTRY_PAUSED);

    assert_int_equal(queue_status(t, b->queue, &texts, &status), 0);
    assert_true(status.messages == 5 && status.recipients == 5 && status.accepted == 5);
    assert_true(status.waiting == 1 && status.busy == 1 && status.held == 1);
    assert_true(status.ready == 1 && status.paused == 1 && status.deferred == 1);
    assert_true(status.accepting && status.why_not.size == 0);
    assert_true(status.spool_bytes > 0 && status.spool_live_bytes > 0 && status.commits > 0);
    queue_return(b->queue, busy);
    bed_close(t, b);
    return 0;
}

static int status_says_why_nothing_is_accepted(struct task *t, struct bed *b)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    struct queue_status status;
    struct cursor c;

    assert_int_equal(bed_open(t, b), 0);
    fake_disk_fail(b->disk, FAKE_SYNC, 0, 1, -EIO);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), -EIO);
    assert_int_equal(queue_remote_request(t, b->queue, IPC_GATEWAY_STATUS, SLICE_NONE, &reply), 0);
    c = cursor_of(buffer_slice(&reply));
    assert_int_equal(queue_status_read(&c, &status), 0);
    assert_int_equal(cursor_done(&c), 0);
    assert_false(status.accepting);
    assert_true(status.why_not.size > 20);
    assert_int_equal(status.syncs_failed, 1);
    assert_int_equal(status.messages, 0);
    bed_close(t, b);
    return 0;
}

static int acts_are_answered(struct task *t, struct bed *b)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    struct queue_act_request request = {
        .act = QUEUE_ACT_CANCEL, .id = bed_id(1), .recipient = QUEUE_EVENT_ALL_RECIPIENTS};
    uint64_t recipients;

    assert_int_equal(bed_open(t, b), 0);
    assert_int_equal(bed_submit_one(t, b, 1, 5, "a@example.net"), 0);
    queue_act_request_write(&body, &request);
    assert_int_equal(queue_remote_request(t, b->queue, IPC_QUEUE_ACT, buffer_slice(&body), &reply),
                     0);
    assert_int_equal(queue_act_reply_read(buffer_slice(&reply), &recipients), 0);
    assert_int_equal(recipients, 1);
    assert_int_equal(queue_act_reply_read(slice_of(reply.data, 3), &recipients), -EBADMSG);
    assert_int_equal(b->queue->messages.count, 0);
    assert_int_equal(queue_remote_request(t, b->queue, IPC_QUEUE_ACT, SLICE("x"), &reply),
                     -EBADMSG);
    assert_int_equal(queue_remote_request(t, b->queue, IPC_QUEUE_LIST, SLICE("x"), &reply),
                     -EBADMSG);
    assert_int_equal(queue_remote_request(t, b->queue, IPC_EVENTS, SLICE_NONE, &reply),
                     -EOPNOTSUPP);
    bed_close(t, b);
    return 0;
}

/* A page fits a frame, however long the addresses are. */
static int pages_fit_a_frame(struct task *t, struct bed *b)
{
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    char address[80];
    struct queue_list_request request = {.max = QUEUE_LIST_MAX};
    struct queue_list_reply page;

    snprintf(address, sizeof(address), "%064d@example.net", 0);
    assert_int_equal(bed_open(t, b), 0);
    for (unsigned n = 1; n <= QUEUE_LIST_MAX + 5; n++)
        assert_int_equal(bed_submit_one(t, b, n, 5, address), 0);
    ask(t, b, &request, &reply, &page);
    assert_true(page.more && page.count > 100);
    assert_true(reply.size <= 65536 - IPC_HEADER_BYTES);
    bed_close(t, b);
    return 0;
}

BED_TEST(lists_come_in_pages)
BED_TEST(lists_are_filtered)
BED_TEST(states_are_told_apart)
BED_TEST(status_says_why_nothing_is_accepted)
BED_TEST(acts_are_answered)
BED_TEST(pages_fit_a_frame)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_come_back),
        cmocka_unit_test(status_comes_back),
        cmocka_unit_test(test_lists_come_in_pages),
        cmocka_unit_test(test_lists_are_filtered),
        cmocka_unit_test(test_states_are_told_apart),
        cmocka_unit_test(test_status_says_why_nothing_is_accepted),
        cmocka_unit_test(test_acts_are_answered),
        cmocka_unit_test(test_pages_fit_a_frame),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
