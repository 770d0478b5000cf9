#include "feedback/own_mail_sender.h"

#include "base/log.h"
#include "queue/remote.h"
#include "site/contact.h"
#include "site/notice.h"
#include "site/own_mail.h"
#include "site/world_test.h"
#include "submit/remote_codec.h"

#include <dirent.h>
#include <stdio.h>

enum { SPOOL = 9, TAKEN_MAX = 10 };

/* A gateway that is nothing but its word, as the test wants it. */
struct gateway {
    struct message_id begun;
    struct message_id taken[TAKEN_MAX]; /* each id once, as queue_accept does */
    size_t taken_count;
    size_t asked; /* how often it was asked to take something */
    uint16_t code;
    bool takes;  /* it takes what it is given … */
    bool dies;   /* … and dies before it answers */
    bool behind; /* not all its events are with the steward */
    struct buffer content;
};

struct fixture {
    struct gateway gateway;
    struct scope scope;
    struct peer *ends[2];
    struct peer_group gateways;
    struct store *store;
    struct history *history;
    struct own_mail_sender sender;
    char directory[64];
};

static const struct slice operators[] = {{"operator@example.net", 20}};

static void take(struct gateway *g)
{
    for (size_t i = 0; i < g->taken_count; i++)
        if (message_id_compare(&g->taken[i], &g->begun) == 0)
            return;
    assert_true(g->taken_count < TAKEN_MAX);
    g->taken[g->taken_count++] = g->begun;
}

static int answer_end(struct gateway *g, struct buffer *reply)
{
    struct wire_reply said = {g->code, NULL, "so it says"};

    g->asked++;
    if (g->takes)
        take(g);
    if (g->dies)
        return -ECONNRESET;
    submit_remote_reply_write(reply, &said);
    return 0;
}

static void answer_status(const struct gateway *g, struct buffer *reply)
{
    struct queue_status status = {.events_next = 100, .events_acknowledged = g->behind ? 50 : 99};

    queue_status_write(reply, &status);
}

static int gateway_request(struct task *t, void *context, uint8_t type, struct slice body,
                           struct buffer *reply)
{
    struct submit_remote_begin begin;
    struct submit_remote_piece piece;
    struct gateway *g = context;

    (void)t;
    switch (type) {
    case IPC_SUBMIT_BEGIN:
        assert_int_equal(submit_remote_begin_read(body, &begin), 0);
        g->begun = begin.id;
        g->content.size = 0;
        return 0;
    case IPC_SUBMIT_CONTENT:
        assert_int_equal(submit_remote_piece_read(body, &piece), 0);
        buffer_add(&g->content, piece.bytes);
        return 0;
    case IPC_SUBMIT_END:
        return answer_end(g, reply);
    default:
        answer_status(g, reply);
        return 0;
    }
}

static void add_site(struct store *s)
{
    const struct site site = {
        .id = 1, .name = SLICE("platform"), .method = SITE_METHOD_DKIM, .created_us = 1};
    const struct site other = {
        .id = 2, .name = SLICE("library"), .method = SITE_METHOD_DKIM, .created_us = 1};
    const struct slice contacts[] = {SLICE("it@library.example")};

    assert_int_equal(site_insert(s, &site), 0);
    assert_int_equal(site_insert(s, &other), 0);
    assert_int_equal(site_contact_replace(s, 2, contacts, 1), 0);
}

static void open_fixture(struct task *t, struct fixture *f)
{
    const struct peer_handlers none = {0};
    const struct peer_handlers gateway = {.request = gateway_request, .context = &f->gateway};
    char *problem = NULL;
    int pair[2];

    *f = (struct fixture){.gateway = {.code = 250, .takes = true}};
    scope_open(&f->scope, t);
    make_pair(SOCK_SEQPACKET, pair);
    f->ends[0] = peer_new(&f->scope, "gateway", pair[0], &none);
    f->ends[1] = peer_new(&f->scope, "steward", pair[1], &gateway);
    f->gateways = (struct peer_group){.members = {{.peer = f->ends[0], .number = 1}}, .count = 1};
    f->store = site_world_store();
    add_site(f->store);
    snprintf(f->directory, sizeof f->directory, "/tmp/letterhead-own-mail-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    if (history_open(&(struct history_options){f->directory, 90}, &f->history, &problem) < 0)
        fail_msg("%s", problem);
    f->sender = (struct own_mail_sender){.store = f->store,
                                         .history = f->history,
                                         .gateways = &f->gateways,
                                         .hostname = SLICE("mail.example.net"),
                                         .site = SLICE("platform"),
                                         .from = SLICE("letterhead@example.net"),
                                         .operators = operators,
                                         .operator_count = 1};
}

static void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    assert_non_null(directory);
    while ((entry = readdir(directory)))
        (void)unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    assert_int_equal(rmdir(path), 0);
}

static void close_fixture(struct fixture *f)
{
    scope_close(&f->scope);
    peer_free(f->ends[0]);
    peer_free(f->ends[1]);
    buffer_done(&f->gateway.content);
    history_close(f->history);
    store_close(f->store);
    remove_directory(f->directory);
}

static void raise_trouble(struct fixture *f, bool trouble)
{
    const struct notice n = {.site_id = 2,
                             .topic = SLICE("identity:1"),
                             .trouble = trouble,
                             .subject = trouble ? SLICE("It is gone") : SLICE("It is back"),
                             .text = SLICE("What to do next.")};
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;

    assert_int_equal(store_transaction_begin(f->store, &all), 0);
    assert_int_equal(notice_raise(f->store, &n, 1000), 0);
    assert_int_equal(store_transaction_commit(&all), 0);
}

/* The newest mail of the only notice, as it stands. */
static struct own_mail newest(struct fixture *f, struct arena *arena)
{
    struct own_mail *mails;
    struct notice_row *rows;
    size_t count;

    assert_int_equal(notice_list(f->store, arena,
                                 &(struct notice_listing){.mended = true, .max = 10}, &rows,
                                 &count),
                     0);
    assert_int_equal(count, 1);
    assert_int_equal(own_mail_of_notice(f->store, arena, rows[0].id, 10, &mails, &count), 0);
    assert_true(count > 0);
    return mails[count - 1];
}

static void assert_state(struct fixture *f, const char *state)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct own_mail mail = newest(f, &arena);

    if (!slice_equal(mail.state, slice_text(state)))
        fail_msg("it is %.*s instead of %s: %.*s", SLICE_ARG(mail.state), state,
                 SLICE_ARG(mail.why));
}

/* What waits is due now. */
static int round_now(struct task *t, struct fixture *f)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct own_mail mail = newest(f, &arena);

    assert_int_equal(own_mail_postpone(f->store, &mail, 0, mail.why), 0);
    return own_mail_sender_round(t, &f->sender);
}

/* The event of the message that the gateway took arrives. */
static void tell_history(struct task *t, struct fixture *f)
{
    CLEANUP(buffer_done) struct buffer batch = BUFFER_NONE, addresses = BUFFER_NONE;
    struct history_use uses[HISTORY_USES_MAX];
    struct queue_event event = {.sequence = 1,
                                .time_us = 1000,
                                .type = QUEUE_EVENT_ACCEPTED,
                                .site_id = 1,
                                .id = f->gateway.begun};
    uint64_t cursor;
    size_t count;

    queue_event_address_write(&addresses, SLICE("operator@example.net"));
    event.accepted.addresses = buffer_slice(&addresses);
    event.accepted.recipient_count = event.accepted.address_count = 1;
    queue_event_batch_begin(&batch, SPOOL);
    queue_event_write(&batch, &event);
    assert_int_equal(history_apply(t, f->history, buffer_slice(&batch), &cursor, uses, &count), 0);
}

static bool says(const struct fixture *f, const char *text)
{
    return slice_find_slice(buffer_slice(&f->gateway.content), slice_text(text)) >= 0;
}

static int tells_the_operator_and_the_contact(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    raise_trouble(&f, true);
    assert_int_equal(own_mail_sender_round(t, &f.sender), 0);
    assert_int_equal(f.gateway.taken_count, 1);
    assert_true(says(&f, "Subject: It is gone\r\n"));
    assert_true(says(&f, "To: <operator@example.net>,\r\n <it@library.example>\r\n"));
    assert_true(says(&f, "What to do next."));
    assert_true(says(&f, "library"));
    assert_state(&f, "sent");
    raise_trouble(&f, true);
    assert_int_equal(own_mail_sender_round(t, &f.sender), 0);
    assert_int_equal(f.gateway.asked, 1);
    raise_trouble(&f, false);
    assert_int_equal(own_mail_sender_round(t, &f.sender), 0);
    assert_int_equal(f.gateway.taken_count, 2);
    assert_true(says(&f, "Subject: It is back\r\n"));
    return 0;
}

static int does_not_send_twice_what_was_taken(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    f.gateway.dies = true;
    f.gateway.behind = true;
    raise_trouble(&f, true);
    assert_int_equal(own_mail_sender_round(t, &f.sender), 0);
    assert_state(&f, "waiting");
    f.gateway.dies = false;
    assert_int_equal(round_now(t, &f), 0); /* what happened is not known yet */
    assert_int_equal(f.gateway.asked, 1);
    tell_history(t, &f);
    f.gateway.behind = false;
    assert_int_equal(round_now(t, &f), 0);
    assert_int_equal(f.gateway.asked, 1);
    assert_state(&f, "sent");
    return 0;
}

static int hands_over_again_what_was_not_taken(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    struct message_id first;

    (void)argument;
    open_fixture(t, &f);
    f.gateway.dies = true;
    f.gateway.takes = false;
    raise_trouble(&f, true);
    assert_int_equal(own_mail_sender_round(t, &f.sender), 0);
    first = f.gateway.begun;
    f.gateway.dies = false;
    f.gateway.takes = true;
    assert_int_equal(round_now(t, &f), 0);
    assert_int_equal(f.gateway.asked, 2);
    assert_int_equal(f.gateway.taken_count, 1);
    assert_int_equal(message_id_compare(&first, &f.gateway.taken[0]), 0);
    assert_state(&f, "sent");
    return 0;
}

/* The gateway has been done away with: what it had is in the history, and another one takes it. */
static int turns_to_another_gateway(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    f.gateway.dies = true;
    f.gateway.takes = false;
    raise_trouble(&f, true);
    assert_int_equal(own_mail_sender_round(t, &f.sender), 0);
    f.gateways.members[0].number = 2;
    f.gateway.dies = false;
    f.gateway.takes = true;
    assert_int_equal(round_now(t, &f), 0);
    assert_int_equal(f.gateway.taken_count, 1);
    assert_state(&f, "sent");
    return 0;
}

static int tries_again_what_was_refused(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct message_id first;

    (void)argument;
    open_fixture(t, &f);
    f.gateway.code = 451;
    f.gateway.takes = false;
    raise_trouble(&f, true);
    assert_int_equal(own_mail_sender_round(t, &f.sender), 0);
    assert_state(&f, "waiting");
    assert_true(slice_find_slice(newest(&f, &arena).why, SLICE("451")) >= 0);
    first = f.gateway.begun;
    f.gateway.code = 250;
    f.gateway.takes = true;
    assert_int_equal(round_now(t, &f), 0);
    assert_state(&f, "sent");
    assert_int_not_equal(message_id_compare(&first, &f.gateway.taken[0]), 0);
    return 0;
}

static int only_logs_without_a_configuration(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct notice_row row;

    (void)argument;
    open_fixture(t, &f);
    f.sender.site = SLICE_NONE;
    raise_trouble(&f, true);
    assert_int_equal(own_mail_sender_round(t, &f.sender), 0);
    assert_int_equal(notice_next(f.store, &arena, INT64_MAX, &row), -ENOENT);
    assert_int_equal(f.gateway.asked, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(tells_the_operator_and_the_contact),
        TASK_TEST(does_not_send_twice_what_was_taken),
        TASK_TEST(hands_over_again_what_was_not_taken),
        TASK_TEST(turns_to_another_gateway),
        TASK_TEST(tries_again_what_was_refused),
        TASK_TEST(only_logs_without_a_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
