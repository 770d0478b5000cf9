#include "feedback/outcome.h"

#include "feedback/breaker.h"
#include "feedback/days.h"
#include "feedback/report_builtin.h"
#include "runtime/loop_test.h"
#include "site/notice.h"
#include "site/site.h"
#include "site/suppression.h"

#include <stdio.h>

enum { SPOOL = 77, SITE = 5 };

static const int64_t DAY_US = 86400 * (int64_t)1000000;

static char directory[64];

struct fixture {
    struct history *history;
    struct store *store;
    struct outcomes *outcomes;
    unsigned told; /* newly suppressed addresses that the gateways would hear of */
};

static void tell(void *context, int64_t site_id, struct slice address)
{
    struct fixture *f = context;

    assert_int_equal(site_id, SITE);
    assert_true(address.size > 0);
    f->told++;
}

static void add_site(struct store *s)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_SITE_ADD);

    query_bind_int(&q, SITE);
    query_bind_text(&q, SLICE("town"));
    query_bind_text(&q, SLICE("dkim"));
    query_bind_int(&q, 1);
    query_bind_int(&q, 0);
    assert_int_equal(query_run(&q), 0);
}

static void open_fixture(struct fixture *f)
{
    const struct store_options store = {.path = ":memory:", .schema = STORE_CONTROL};
    const struct history_options history = {directory, 90};
    char *problem = NULL;

    assert_int_equal(history_open(&history, &f->history, &problem), 0);
    assert_int_equal(store_open(&store, &f->store, &problem), 0);
    add_site(f->store);
    f->told = 0;
    f->outcomes = outcomes_new(&(struct outcome_options){
        .store = f->store,
        .history = f->history,
        .rules = feedback_rules_builtin(),
        .suppressed = tell,
        .context = f,
    });
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

/* What became of the first message's first recipient. */
struct end {
    enum queue_event_type type;
    uint16_t reply_code;
    uint8_t detail; /* 5.1.x */
    enum queue_reason reason;
    const char *text;
};

static void add_end(struct buffer *batch, uint64_t sequence, const struct end *end)
{
    struct queue_event event = {.sequence = sequence,
                                .time_us = 1000,
                                .type = end->type,
                                .id = message(1),
                                .site_id = SITE,
                                .reply_code = end->reply_code,
                                .reason = end->reason,
                                .text = slice_text(end->text)};

    if (end->detail)
        memcpy(event.enhanced, (uint8_t[]){5, 1, end->detail}, 3);
    queue_event_write(batch, &event);
}

static void apply(struct task *t, struct fixture *f, struct buffer *batch)
{
    assert_int_equal(store_in_history(t, f->history, batch), 0);
    assert_int_equal(outcome_apply(t, f->outcomes, buffer_slice(batch)), 0);
    buffer_done(batch);
}

static bool is_suppressed(struct fixture *f, struct suppression *ret)
{
    static struct arena arena;

    arena_done(&arena);
    return suppression_find(f->store, &arena, SITE, SLICE("first@town.example"), ret) == 0;
}

static const struct end UNKNOWN = {QUEUE_EVENT_BOUNCED, 550, 1, 0, "550 5.1.1 User unknown"};

static int only_the_recipients_own_fault_suppresses(struct task *t, void *argument)
{
    static const struct {
        struct end end;
        enum suppression_reason reason; /* 0: it is not suppressed */
        int days;
    } cases[] = {
        {{QUEUE_EVENT_BOUNCED, 550, 1, 0, "550 5.1.1 User unknown"}, SUPPRESSION_BOUNCE, 180},
        {{QUEUE_EVENT_RETURNED, 550, 1, 0, "550 5.1.1 User unknown"}, SUPPRESSION_BOUNCE, 180},
        {{QUEUE_EVENT_BOUNCED, 0, 2, 0, "the domain town.example does not exist"},
         SUPPRESSION_BOUNCE,
         30},
        {{QUEUE_EVENT_COMPLAINED, 0, 0, 0, "abuse"}, SUPPRESSION_COMPLAINT, 0},
        {{QUEUE_EVENT_BOUNCED, 554, 0, 0, "554 rejected due to spam content"}, 0, 0},
        {{QUEUE_EVENT_BOUNCED, 552, 0, 0, "552 mailbox full"}, 0, 0},
        {{QUEUE_EVENT_EXPIRED, 450, 1, 0, "450 4.1.1 User unknown"}, 0, 0},
        {{QUEUE_EVENT_DELIVERED, 250, 0, 0, "250 Ok"}, 0, 0},
        {{QUEUE_EVENT_ANSWERED, 0, 0, 0, "I am away"}, 0, 0},
        {{QUEUE_EVENT_BOUNCED, 550, 1, QUEUE_REASON_SIMULATED, "550 5.1.1 User unknown"}, 0, 0},
        {{QUEUE_EVENT_COMPLAINED, 0, 0, QUEUE_REASON_SIMULATED, "abuse"}, 0, 0},
    };

    (void)argument;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer batch = batch_begin();
        struct suppression found;
        struct fixture f;

        open_fixture(&f);
        add_accepted(&batch, 1000 * i + 1, 1);
        add_end(&batch, 1000 * i + 2, &cases[i].end);
        apply(t, &f, &batch);
        assert_int_equal(is_suppressed(&f, &found), cases[i].reason != 0);
        assert_int_equal(f.told, cases[i].reason != 0);
        if (cases[i].reason) {
            assert_int_equal(found.reason, cases[i].reason);
            assert_int_equal(found.expires_us, cases[i].days ? 1000 + cases[i].days * DAY_US : 0);
            assert_true(slice_equal(found.text, slice_text(cases[i].end.text)));
            assert_int_equal(found.message.size, MESSAGE_ID_LENGTH);
        }
        close_fixture(&f);
    }
    return 0;
}

/* The steward died between its two commits, or before the gateway heard: the batch comes again. An
 * undo in between stays. */
static int a_batch_that_comes_again_does_nothing(struct task *t, void *argument)
{
    struct buffer batch = batch_begin(), again = batch_begin();
    struct suppression found;
    struct fixture f;

    (void)argument;
    open_fixture(&f);
    add_accepted(&batch, 1, 1);
    add_end(&batch, 2, &UNKNOWN);
    assert_int_equal(store_in_history(t, f.history, &batch), 0); /* … and dies */
    apply(t, &f, &batch);
    assert_true(is_suppressed(&f, &found));
    assert_int_equal(suppression_remove(f.store, SITE, SLICE("first@town.example")), 0);
    add_accepted(&again, 1, 1);
    add_end(&again, 2, &UNKNOWN);
    apply(t, &f, &again);
    assert_false(is_suppressed(&f, &found));
    again = batch_begin();
    add_end(&again, 2, &UNKNOWN);
    add_end(&again, 3, &UNKNOWN); /* this one is new */
    apply(t, &f, &again);
    assert_true(is_suppressed(&f, &found));
    close_fixture(&f);
    return 0;
}

/* A database restored from before the site, or a site removed since, must not stop the events. */
static int sites_that_are_gone_do_no_harm(struct task *t, void *argument)
{
    struct buffer batch = batch_begin();
    struct suppression found;
    struct fixture f;

    (void)argument;
    open_fixture(&f);
    assert_int_equal(site_set_state(f.store, SITE, SLICE("removed"), 1, SLICE("")), 0);
    add_accepted(&batch, 1, 1);
    add_end(&batch, 2, &UNKNOWN);
    apply(t, &f, &batch);
    assert_false(is_suppressed(&f, &found));
    close_fixture(&f);
    return 0;
}

/* The site's people, and nobody else, can mend it. */
static int a_refused_set_up_is_told(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct end refused = {QUEUE_EVENT_BOUNCED, 550, 0, 0,
                                "550 5.7.26 This mail is unauthenticated: DMARC policy"};
    struct buffer batch = batch_begin();
    struct notice_row row;
    struct fixture f;

    (void)argument;
    open_fixture(&f);
    add_accepted(&batch, 1, 1);
    add_end(&batch, 2, &UNKNOWN);
    apply(t, &f, &batch);
    assert_int_equal(notice_next(f.store, &arena, INT64_MAX, &row), -ENOENT);
    batch = batch_begin();
    add_end(&batch, 3, &refused);
    apply(t, &f, &batch);
    assert_int_equal(notice_next(f.store, &arena, INT64_MAX, &row), 0);
    assert_int_equal(row.site_id, SITE);
    close_fixture(&f);
    return 0;
}

/* The history of its day has been dropped: nobody knows any more to whom it went. */
static int what_cannot_be_found_is_passed_over(struct task *t, void *argument)
{
    struct buffer batch = batch_begin();
    struct suppression found;
    struct fixture f;

    (void)argument;
    open_fixture(&f);
    add_end(&batch, 2, &UNKNOWN);
    apply(t, &f, &batch);
    assert_false(is_suppressed(&f, &found));
    close_fixture(&f);
    return 0;
}

static void remember_domain(struct store *s)
{
    CLEANUP(query_done) struct query q = store_query(s, STORE_DOMAIN_RECORD_SET);

    query_bind_text(&q, SLICE("town.example"));
    query_bind_int(&q, 150);
    query_bind_int(&q, 0);
    query_bind_int(&q, 0);
    assert_int_equal(query_run(&q), 0);
}

/* The domain knew everybody before. What it said until it was doubted is doubted as well. */
static int a_domain_that_forgets_its_people_is_doubted(struct task *t, void *argument)
{
    struct buffer batch = batch_begin();
    struct suppression found;
    struct fixture f;

    (void)argument;
    open_fixture(&f);
    remember_domain(f.store);
    add_accepted(&batch, 1, 1);
    for (uint64_t i = 1; i < BREAKER_UNKNOWN_MIN; i++)
        add_end(&batch, 1 + i, &UNKNOWN);
    apply(t, &f, &batch);
    assert_true(is_suppressed(&f, &found) && !found.held);
    assert_int_equal(f.told, 1);
    batch = batch_begin();
    add_end(&batch, 100, &UNKNOWN);
    apply(t, &f, &batch);
    assert_true(is_suppressed(&f, &found) && found.held);
    assert_int_equal(f.told, 2);
    batch = batch_begin();
    add_end(&batch, 101, &(struct end){QUEUE_EVENT_COMPLAINED, 0, 0, 0, "abuse"});
    apply(t, &f, &batch);
    assert_true(is_suppressed(&f, &found) && !found.held);
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

#define FOLDER_TEST(function)                                                                      \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run, .initial_state = (void *)(function)                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_replies_and_our_own_findings),
        FOLDER_TEST(finds_recipients),
        FOLDER_TEST(only_the_recipients_own_fault_suppresses),
        FOLDER_TEST(a_batch_that_comes_again_does_nothing),
        FOLDER_TEST(sites_that_are_gone_do_no_harm),
        FOLDER_TEST(a_refused_set_up_is_told),
        FOLDER_TEST(what_cannot_be_found_is_passed_over),
        FOLDER_TEST(a_domain_that_forgets_its_people_is_doubted),
        FOLDER_TEST(refuses_what_is_no_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
