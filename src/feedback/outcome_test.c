#include "feedback/outcome.h"

#include "feedback/days.h"
#include "feedback/report_builtin.h"
#include "runtime/loop_test.h"

#include <stdio.h>

enum { SPOOL = 77, SITE = 5 };

static char directory[64];

struct fixture {
    struct history *history;
    struct store *store;
    struct outcomes *outcomes;
};

static void open_fixture(struct fixture *f)
{
    const struct store_options store = {.path = ":memory:", .schema = STORE_CONTROL};
    const struct history_options history = {directory, 90};
    char *problem = NULL;

    assert_int_equal(history_open(&history, &f->history, &problem), 0);
    assert_int_equal(store_open(&store, &f->store, &problem), 0);
    f->outcomes =
        outcomes_new(&(struct outcome_options){f->store, f->history, feedback_rules_builtin()});
}

static void close_fixture(struct fixture *f)
{
    outcomes_free(f->outcomes);
    store_close(f->store);
    history_close(f->history);
}

static void judges_replies_and_our_own_findings(void **state)
{
    static const struct {
        enum queue_event_type type;
        uint16_t reply_code;
        uint8_t enhanced[3];
        const char *text, *class;
        bool hard;
    } cases[] = {
        {QUEUE_EVENT_BOUNCED,
         550,
         {5, 1, 1},
         "550 5.1.1 <a@b.example>: Recipient address rejected: "
         "User unknown in local recipient table",
         "hard-recipient",
         true},
        {QUEUE_EVENT_RETURNED, 550, {5, 1, 1}, "550 5.1.1 no such user", "hard-recipient", true},
        {QUEUE_EVENT_EXPIRED, 450, {4, 1, 1}, "450 4.1.1 no such user", "hard-recipient", false},
        {QUEUE_EVENT_BOUNCED,
         0,
         {5, 1, 2},
         "the domain nowhere.example does not exist",
         "hard-domain",
         true},
        {QUEUE_EVENT_BOUNCED,
         0,
         {5, 1, 10},
         "nomail.example says that it takes no mail (null MX)",
         "hard-domain",
         true},
        {QUEUE_EVENT_BOUNCED, 552, {5, 2, 2}, "552 5.2.2 mailbox full", "soft-mailbox", false},
        {QUEUE_EVENT_BOUNCED,
         554,
         {5, 7, 1},
         "554 5.7.1 rejected due to spam content",
         "block-content",
         false},
        {QUEUE_EVENT_EXPIRED,
         0,
         {4, 4, 1},
         "mx.example [192.0.2.1]:25: connection timed out",
         "transient",
         false},
        {QUEUE_EVENT_BOUNCED,
         0,
         {0, 0, 0},
         "the message was damaged on our disk and cannot be sent",
         "unknown",
         false},
    };
    struct feedback_rules *rules = feedback_rules_builtin();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct queue_event event = {.type = cases[i].type,
                                    .reply_code = cases[i].reply_code,
                                    .text = slice_text(cases[i].text)};
        struct feedback_verdict verdict;

        memcpy(event.enhanced, cases[i].enhanced, sizeof event.enhanced);
        verdict = outcome_judge(rules, &event);
        assert_string_equal(feedback_class_name(verdict.class), cases[i].class);
        assert_int_equal(verdict.hard, cases[i].hard);
    }
    feedback_rules_free(rules);
}

static struct message_id message(uint8_t number)
{
    uint8_t random[16] = {number};

    return message_id_make(1795467606000, random);
}

static struct buffer batch_begin(void)
{
    struct buffer batch = BUFFER_NONE;

    queue_event_batch_begin(&batch, SPOOL);
    return batch;
}

static void add_accepted(struct buffer *batch, uint64_t sequence, uint8_t number)
{
    CLEANUP(buffer_done) struct buffer addresses = BUFFER_NONE;
    struct queue_event event = {
        .sequence = sequence, .type = QUEUE_EVENT_ACCEPTED, .id = message(number), .site_id = SITE};

    queue_event_address_write(&addresses, SLICE("first@town.example"));
    queue_event_address_write(&addresses, SLICE("second@town.example"));
    event.accepted.addresses = buffer_slice(&addresses);
    event.accepted.recipient_count = event.accepted.address_count = 2;
    queue_event_write(batch, &event);
}

static int store_in_history(struct task *t, struct history *h, const struct buffer *batch)
{
    struct history_use uses[HISTORY_USES_MAX];
    uint64_t cursor;
    size_t count;

    return history_apply(t, h, buffer_slice(batch), &cursor, uses, &count);
}

static int finds_recipients(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct fixture f;
    struct buffer batch = batch_begin();
    struct message_id id = message(1), other = message(2);
    struct slice address;

    (void)argument;
    open_fixture(&f);
    add_accepted(&batch, 1, 1);
    assert_int_equal(store_in_history(t, f.history, &batch), 0);
    assert_int_equal(history_recipient(f.history, &arena, &id, 1, &address), 0);
    assert_true(slice_equal(address, SLICE("second@town.example")));
    assert_int_equal(history_recipient(f.history, &arena, &id, 2, &address), -ENOENT);
    assert_int_equal(history_recipient(f.history, &arena, &other, 0, &address), -ENOENT);
    buffer_done(&batch);
    close_fixture(&f);
    return 0;
}

static int refuses_what_is_no_batch(struct task *t, void *argument)
{
    struct fixture f;

    (void)argument;
    open_fixture(&f);
    assert_int_equal(outcome_apply(t, f.outcomes, SLICE("what?")), -EBADMSG);
    close_fixture(&f);
    return 0;
}

static void run(void **state)
{
    struct day *days;
    size_t count;

    snprintf(directory, sizeof directory, "/tmp/letterhead-outcome-XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(run_tasks(NULL, (task_function *)*state, NULL), 0);
    assert_int_equal(days_list(directory, &days, &count), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(day_remove(directory, &days[i]), 0);
    free(days);
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_replies_and_our_own_findings),
        {.name = "finds_recipients", .test_func = run, .initial_state = (void *)finds_recipients},
        {.name = "refuses_what_is_no_batch",
         .test_func = run,
         .initial_state = (void *)refuses_what_is_no_batch},
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
