#include "feedback/intake.h"

#include "base/limits.h"
#include "feedback/days.h"
#include "feedback/intake_store.h"
#include "feedback/report_builtin.h"
#include "runtime/loop_test.h"
#include "wire/ipc.h"

#include <stdio.h>
#include <stdlib.h>

enum { SPOOL = 77, SITE = 5, GATEWAY = 1 };

static const int64_t HOUR_US = 3600 * (int64_t)1000000;

static const struct return_path_keys keys = {
    .current = {9, {"0123456789abcdefghijklmnopqrstuv", 32}},
};

static const char dsn_text[] =
    "From: MAILER-DAEMON@mx.example.org\r\nSubject: Undelivered Mail Returned to Sender\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n"
    "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    "Reporting-MTA: dns; mx.example.org\r\n\r\n"
    "Final-Recipient: rfc822; reader@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "Remote-MTA: dns; inner.example.org\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n";
static const struct slice dsn = {dsn_text, sizeof dsn_text - 1};

static char directory[64];

struct fixture {
    struct history *history;
    struct store *store;
    struct intake *intake;
    unsigned batches;
    bool refuses;
};

static int apply(struct task *t, void *context, struct slice batch, uint64_t *ret_cursor)
{
    struct history_use uses[HISTORY_USES_MAX];
    struct fixture *f = context;
    size_t count;

    if (f->refuses)
        return -EIO;
    f->batches++;
    return history_apply(t, f->history, batch, ret_cursor, uses, &count);
}

static struct intake *new_intake(struct fixture *f)
{
    return intake_new(&(struct intake_options){.store = f->store,
                                               .history = f->history,
                                               .rules = feedback_rules_builtin(),
                                               .keys = &keys,
                                               .bounce_domain = SLICE("bounce.example.net"),
                                               .apply = apply,
                                               .context = f});
}

static struct message_id message_at(int64_t time_us)
{
    const uint8_t random[16] = {1, 2, 3};

    return message_id_make((uint64_t)time_us / 1000, random);
}

/* A message for two, of an hour or a day ago. */
static void tell_history(struct task *t, struct fixture *f, const struct message_id *id)
{
    CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE, addresses = BUFFER_NONE;
    struct history_use uses[HISTORY_USES_MAX];
    struct queue_event event = {.sequence = 1,
                                .type = QUEUE_EVENT_ACCEPTED,
                                .id = *id,
                                .site_id = SITE,
                                .recipient = QUEUE_EVENT_ALL_RECIPIENTS};
    uint64_t cursor;
    size_t count;

    queue_event_address_write(&addresses, SLICE("other@example.org"));
    queue_event_address_write(&addresses, SLICE("reader@example.org"));
    event.accepted.recipient_count = event.accepted.address_count = 2;
    event.accepted.addresses = buffer_slice(&addresses);
    queue_event_batch_begin(&batch, SPOOL);
    queue_event_write(&batch, &event);
    event = (struct queue_event){
        .sequence = 2, .type = QUEUE_EVENT_DELIVERED, .id = *id, .site_id = SITE, .recipient = 1};
    queue_event_write(&batch, &event);
    assert_int_equal(history_apply(t, f->history, buffer_slice(&batch), &cursor, uses, &count), 0);
}

static void open_fixture(struct fixture *f)
{
    const struct store_options store = {.path = ":memory:", .schema = STORE_CONTROL};
    const struct history_options history = {directory, 90};
    char *problem = NULL;

    *f = (struct fixture){.batches = 0};
    assert_int_equal(history_open(&history, &f->history, &problem), 0);
    assert_int_equal(store_open(&store, &f->store, &problem), 0);
    f->intake = new_intake(f);
}

static void close_fixture(struct fixture *f)
{
    intake_free(f->intake);
    store_close(f->store);
    history_close(f->history);
}

static struct slice address_of(const struct message_id *id, uint32_t recipient, struct buffer *b)
{
    const struct return_path path = {
        .id = *id, .recipient = (uint16_t)recipient, .last_day = UINT16_MAX};

    b->size = 0;
    return_path_write(b, &keys.current, &path);
    buffer_add(b, SLICE("@bounce.example.net"));
    return buffer_slice(b);
}

static struct report_name name_of(uint8_t number)
{
    return (struct report_name){{.ms = 1, .uuid = {number}}, 0};
}

static int say(struct task *t, struct fixture *f, uint8_t type, struct buffer *body)
{
    int r = intake_request(t, f->intake, GATEWAY, type, buffer_slice(body));

    buffer_done(body);
    return r;
}

static int say_begin(struct task *t, struct fixture *f, uint8_t number, struct slice address,
                     size_t size, uint8_t tries)
{
    struct buffer body = BUFFER_NONE;

    report_begin_write(&body,
                       &(struct report_begin){name_of(number), address, (uint32_t)size, tries});
    return say(t, f, IPC_REPORT_BEGIN, &body);
}

static int say_piece(struct task *t, struct fixture *f, uint8_t number, size_t at,
                     struct slice bytes)
{
    struct buffer body = BUFFER_NONE;

    report_piece_write(&body, &(struct report_piece){name_of(number), (uint32_t)at, bytes});
    return say(t, f, IPC_REPORT_CONTENT, &body);
}

static int say_end(struct task *t, struct fixture *f, uint8_t number)
{
    const struct report_name name = name_of(number);
    struct buffer body = BUFFER_NONE;

    report_end_write(&body, &name);
    return say(t, f, IPC_REPORT_END, &body);
}

/* In pieces of 100 bytes, each said twice. */
static int hand_over(struct task *t, struct fixture *f, uint8_t number, struct slice address,
                     struct slice content, uint8_t tries)
{
    int r = say_begin(t, f, number, address, content.size, tries);

    for (size_t at = 0; at < content.size && r == 0; at += 100)
        for (int twice = 0; twice < 2 && r == 0; twice++)
            r = say_piece(t, f, number, at, slice_part(content, at, 100));
    return r == 0 ? say_end(t, f, number) : r;
}

static int run_intake(struct task *t, void *argument)
{
    struct fixture *f = argument;

    return intake_run(t, f->intake);
}

/* Lets it carry what there is into history. */
static void carry(struct task *t, struct fixture *f)
{
    struct scope scope;

    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "intake", run_intake, f), 0);
    assert_int_equal(task_sleep(t, 200000), 0);
    scope_close(&scope);
}

static size_t story(struct task *t, struct fixture *f, struct arena *arena,
                    const struct message_id *id, struct timeline *ret)
{
    assert_int_equal(history_message(t, f->history, arena, id, ret), 0);
    return ret->event_count;
}

static int a_report_ends_in_the_story_once(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer address = BUFFER_NONE;
    struct message_id id = message_at(task_wall_us(t) - 24 * HOUR_US);
    const struct queue_event *returned;
    struct timeline l;
    struct fixture f;

    (void)argument;
    open_fixture(&f);
    tell_history(t, &f, &id);
    assert_int_equal(hand_over(t, &f, 1, address_of(&id, 1, &address), dsn, 0), 0);
    carry(t, &f);
    assert_int_equal(story(t, &f, &arena, &id, &l), 3);
    assert_int_equal(l.recipients[1].state, TIMELINE_RETURNED);
    returned = l.recipients[1].returned;
    assert_int_equal(returned->reply_code, 550);
    assert_true(returned->enhanced[0] == 5 && returned->enhanced[1] == 1);
    assert_true(slice_find_slice(returned->text, SLICE("no such user")) >= 0);
    assert_true(slice_equal(returned->remote, SLICE("inner.example.org")));
    assert_int_equal(returned->site_id, SITE);
    assert_int_equal(l.recipients[0].state, TIMELINE_QUEUED); /* the tag says who, not the text */

    assert_int_equal(hand_over(t, &f, 1, buffer_slice(&address), dsn, 0), 0); /* after a crash */
    intake_free(f.intake);
    f.intake = new_intake(&f);
    assert_int_equal(hand_over(t, &f, 1, buffer_slice(&address), dsn, 1), 0); /* of the steward */
    carry(t, &f);
    assert_int_equal(story(t, &f, &arena, &id, &l), 3);
    assert_int_equal(f.batches, 1);
    close_fixture(&f);
    return 0;
}

/* History did not take it: it stays, and goes in later. */
static int what_history_refuses_waits(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer address = BUFFER_NONE;
    struct message_id id = message_at(task_wall_us(t) - HOUR_US);
    struct timeline l;
    struct fixture f;

    (void)argument;
    open_fixture(&f);
    tell_history(t, &f, &id);
    f.refuses = true;
    assert_int_equal(hand_over(t, &f, 1, address_of(&id, 0, &address), dsn, 0), 0);
    carry(t, &f);
    assert_int_equal(story(t, &f, &arena, &id, &l), 2);
    f.refuses = false;
    carry(t, &f);
    assert_int_equal(story(t, &f, &arena, &id, &l), 3);
    assert_non_null(l.recipients[0].returned);
    close_fixture(&f);
    return 0;
}

/* A steward that has forgotten the first half must not take the second for the whole. */
static int halves_are_refused(struct task *t, void *argument)
{
    struct fixture f;

    (void)argument;
    open_fixture(&f);
    assert_int_equal(say_end(t, &f, 1), -ESTALE);
    assert_int_equal(say_piece(t, &f, 1, 0, SLICE("a")), -ESTALE);
    assert_int_equal(say_begin(t, &f, 1, SLICE("x@bounce.example.net"), 10, 0), 0);
    assert_int_equal(say_piece(t, &f, 2, 0, SLICE("a")), -ESTALE);
    assert_int_equal(say_piece(t, &f, 1, 5, SLICE("a")), -ESTALE);
    assert_int_equal(say_piece(t, &f, 1, 0, SLICE("12345678901")), -ESTALE);
    assert_int_equal(say_piece(t, &f, 1, 0, SLICE("12345")), 0);
    assert_int_equal(say_end(t, &f, 1), -ESTALE);
    assert_int_equal(say_end(t, &f, 2), -ESTALE);
    close_fixture(&f);
    return 0;
}

/* What is about nothing that is known is dropped; unless it has only overtaken its message. */
static int the_unknown_is_dropped(struct task *t, void *argument)
{
    CLEANUP(buffer_done) struct buffer address = BUFFER_NONE, batch = BUFFER_NONE;
    struct message_id old = message_at(task_wall_us(t) - 2 * HOUR_US);
    struct message_id young = message_at(task_wall_us(t) - HOUR_US / 2);
    struct fixture f;
    size_t count;

    (void)argument;
    open_fixture(&f);
    assert_int_equal(hand_over(t, &f, 1, address_of(&young, 1, &address), dsn, 0), -EAGAIN);
    assert_int_equal(hand_over(t, &f, 2, address_of(&old, 1, &address), dsn, 0), 0);
    assert_int_equal(intake_counters(f.intake)->unknown, 1);
    tell_history(t, &f, &old);
    assert_int_equal(hand_over(t, &f, 3, address_of(&old, 2, &address), dsn, 0), 0);
    assert_int_equal(hand_over(t, &f, 4, SLICE("feedback@example.net"), dsn, 0), 0);
    assert_int_equal(intake_counters(f.intake)->unknown, 3);
    assert_int_equal(intake_store_batch(f.store, 10, &batch, &count), 0);
    assert_int_equal(count, 0);
    close_fixture(&f);
    return 0;
}

static int what_kills_is_not_read_again(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer address = BUFFER_NONE;
    struct message_id id = message_at(task_wall_us(t) - HOUR_US);
    struct timeline l;
    struct fixture f;

    (void)argument;
    open_fixture(&f);
    tell_history(t, &f, &id);
    assert_int_equal(hand_over(t, &f, 1, address_of(&id, 1, &address), dsn, 2), 0);
    carry(t, &f);
    assert_int_equal(story(t, &f, &arena, &id, &l), 3);
    assert_int_equal(l.events[2]->type, QUEUE_EVENT_REPORTED);
    assert_int_equal(l.recipients[1].state, TIMELINE_DELIVERED);
    close_fixture(&f);
    return 0;
}

static int a_story_has_an_end(struct task *t, void *argument)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer address = BUFFER_NONE;
    struct message_id id = message_at(task_wall_us(t) - HOUR_US);
    struct timeline l;
    struct fixture f;

    (void)argument;
    open_fixture(&f);
    tell_history(t, &f, &id);
    for (uint8_t i = 0; i < LIMIT_REPORTS_KEPT; i++)
        assert_int_equal(hand_over(t, &f, i, address_of(&id, 1, &address), dsn, 0), 0);
    carry(t, &f);
    assert_int_equal(hand_over(t, &f, 200, address_of(&id, 1, &address), dsn, 0), 0);
    carry(t, &f);
    assert_int_equal(story(t, &f, &arena, &id, &l), 2 + LIMIT_REPORTS_KEPT);
    assert_int_equal(intake_counters(f.intake)->surplus, 1);
    close_fixture(&f);
    return 0;
}

static void a_path_is_found_in_what_is_enclosed(void **state)
{
    const struct message_id id = message_at(HOUR_US);
    CLEANUP(buffer_done) struct buffer address = BUFFER_NONE, text = BUFFER_NONE;
    struct return_path path;

    (void)state;
    address_of(&id, 3, &address);
    buffer_printf(&text,
                  "From: a@b.example\r\nX: @bounce.example.net\r\nReturn-Path: <%.*s>\r\n\r\n",
                  SLICE_ARG(buffer_slice(&address)));
    assert_true(
        intake_find_path(buffer_slice(&text), SLICE("bounce.example.net"), &keys, HOUR_US, &path));
    assert_int_equal(path.recipient, 3);
    assert_false(
        intake_find_path(buffer_slice(&text), SLICE("other.example.net"), &keys, HOUR_US, &path));
    for (size_t size = 0; size < text.size - 7; size++)
        assert_false(intake_find_path(slice_of(text.data, size), SLICE("bounce.example.net"), &keys,
                                      HOUR_US, &path));
    text.data[text.size - 40] ^= 1;
    assert_false(
        intake_find_path(buffer_slice(&text), SLICE("bounce.example.net"), &keys, HOUR_US, &path));
}

static void run(void **state)
{
    struct day *days;
    size_t count;

    snprintf(directory, sizeof directory, "/tmp/letterhead-intake-XXXXXX");
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
        FOLDER_TEST(a_report_ends_in_the_story_once),
        FOLDER_TEST(what_history_refuses_waits),
        FOLDER_TEST(halves_are_refused),
        FOLDER_TEST(the_unknown_is_dropped),
        FOLDER_TEST(what_kills_is_not_read_again),
        FOLDER_TEST(a_story_has_an_end),
        cmocka_unit_test(a_path_is_found_in_what_is_enclosed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
