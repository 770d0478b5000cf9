#include "onboard/relay_watch.h"

#include "base/log.h"
#include "deliver/relay_protocol.h"
#include "site/notice.h"
#include "site/world_test.h"

struct fixture {
    struct site_world world;
    struct relay_watch watch;
    struct arena arena;
    struct relay relay;
};

static const char SITE[] =
    "{\"site\": \"one\", \"method\": \"smtp\", \"from\": [\"desk@library.example\"]}";
static const char RELAY[] = "{\"site\": \"one\", \"host\": \"smtp.library.example\", \"user\": "
                            "\"desk\", \"password\": \"secret word\"}";

static void ask(struct task *t, struct fixture *f, const char *operation, const char *input)
{
    const struct control_set sets[] = {site_operations(&f->world.service),
                                       relay_operations(&f->world.service)};
    json_t *reply = site_world_ask(t, sets, ARRAY_LEN(sets), operation, input);

    if (!json_is_true(json_object_get(reply, "ok")))
        fail_msg("%s: %s", operation, json_at(reply, "error.message"));
    json_decref(reply);
}

static void reload(struct fixture *f)
{
    assert_int_equal(relay_of_site(f->world.service.store, &f->arena, 1, &f->relay), 0);
}

static void open_fixture(struct task *t, struct fixture *f)
{
    f->arena = ARENA_NONE;
    site_world_open(t, &f->world);
    f->watch =
        (struct relay_watch){.store = f->world.service.store, .pusher = f->world.service.pusher};
    ask(t, f, "site.add", SITE);
    ask(t, f, "relay.set", RELAY);
    reload(f);
}

static void close_fixture(struct fixture *f)
{
    arena_done(&f->arena);
    site_world_close(&f->world);
}

static void note(struct task *t, struct fixture *f, enum relay_finding finding, const char *why)
{
    const struct relay_test test = {.finding = finding,
                                    .why = slice_text(why),
                                    .next_step = SLICE("Do something."),
                                    .report = SLICE("{}")};

    assert_int_equal(
        relay_watch_note(t, &f->watch, &f->relay, &test, SLICE("daily"), task_wall_us(t)), 0);
    reload(f);
}

static size_t standing(struct fixture *f, struct notice_row **ret)
{
    const struct notice_listing listing = {.site_id = 1, .max = 10};
    size_t count;

    assert_int_equal(notice_list(f->world.service.store, &f->arena, &listing, ret, &count), 0);
    return count;
}

static const struct directory_relay *in_gateway(const struct fixture *f)
{
    return directory_site_by_id(f->world.directory, 1)->relay;
}

static int a_good_test_opens_the_relay(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    struct notice_row *notices;
    struct relay_probe *probes;
    int64_t day_us = 86400 * (int64_t)SECOND_US, now_us = task_wall_us(t);
    size_t count;

    (void)argument;
    open_fixture(t, &f);
    assert_false(in_gateway(&f)->sending);
    note(t, &f, RELAY_FOUND_GOOD, "All is well.");
    assert_int_equal(f.relay.state, RELAY_READY);
    assert_true(in_gateway(&f)->sending);
    assert_true(f.relay.probed_us >= now_us);
    assert_true(f.relay.next_probe_us >= now_us + day_us);
    assert_true(f.relay.next_probe_us <= task_wall_us(t) + day_us + day_us / 4);
    assert_int_equal(standing(&f, &notices), 0);
    assert_int_equal(relay_probe_list(f.world.service.store, &f.arena, f.relay.id, &probes, &count),
                     0);
    assert_int_equal(count, 1);
    assert_true(slice_equal(probes[0].why, SLICE("All is well.")));
    return 0;
}

static int trouble_is_told_once_and_once_when_it_is_mended(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    struct notice_row *notices;

    (void)argument;
    open_fixture(t, &f);
    note(t, &f, RELAY_FOUND_GOOD, "All is well.");
    note(t, &f, RELAY_FOUND_TEMPORARY, "No answer.");
    assert_int_equal(f.relay.state, RELAY_READY);
    assert_int_equal(standing(&f, &notices), 0); /* perhaps it only starts anew */
    note(t, &f, RELAY_FOUND_TROUBLE, "The password is refused.");
    note(t, &f, RELAY_FOUND_TROUBLE, "The password is still refused.");
    assert_int_equal(f.relay.state, RELAY_DEGRADED);
    assert_true(in_gateway(&f)->sending);
    assert_int_equal(standing(&f, &notices), 1);
    assert_true(slice_find_slice(notices[0].text, SLICE("Do something.")) >= 0);
    note(t, &f, RELAY_FOUND_GOOD, "All is well.");
    assert_int_equal(f.relay.state, RELAY_READY);
    assert_int_equal(standing(&f, &notices), 0);
    return 0;
}

static int an_open_relay_gets_nothing(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    struct notice_row *notices;

    (void)argument;
    open_fixture(t, &f);
    note(t, &f, RELAY_FOUND_GOOD, "All is well.");
    note(t, &f, RELAY_FOUND_OPEN, "It relays for strangers.");
    assert_int_equal(f.relay.state, RELAY_REFUSED);
    assert_false(in_gateway(&f)->sending);
    assert_true(slice_equal(in_gateway(&f)->why_not, SLICE("REFUSED: It relays for strangers.")));
    assert_int_equal(standing(&f, &notices), 1);
    note(t, &f, RELAY_FOUND_TEMPORARY, "No answer.");
    assert_int_equal(f.relay.state, RELAY_REFUSED);
    note(t, &f, RELAY_FOUND_GOOD, "It is closed.");
    assert_true(in_gateway(&f)->sending);
    return 0;
}

/* What was found of the old account says nothing of the new one. */
static int a_test_of_an_old_account_is_stale(struct task *t, void *argument)
{
    const struct relay_test test = {.finding = RELAY_FOUND_GOOD};
    CLEANUP(close_fixture) struct fixture f;
    struct relay before;

    (void)argument;
    open_fixture(t, &f);
    before = f.relay;
    ask(t, &f, "relay.set", "{\"site\": \"one\", \"password\": \"another\"}");
    assert_int_equal(relay_watch_note(t, &f.watch, &before, &test, SLICE("set"), 1), -ESTALE);
    reload(&f);
    assert_int_equal(f.relay.state, RELAY_UNTESTED);
    ask(t, &f, "relay.remove", "{\"site\": \"one\", \"yes\": true}");
    assert_int_equal(relay_watch_note(t, &f.watch, &before, &test, SLICE("set"), 1), -ENOENT);
    return 0;
}

static int say(struct task *t, struct fixture *f, struct slice trouble)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    const struct relay_use_told told = {.site_id = 1,
                                        .relay_id = (uint64_t)f->relay.id,
                                        .version = (uint64_t)f->relay.version,
                                        .recipients = 4,
                                        .day_us = task_wall_us(t),
                                        .trouble = trouble,
                                        .trouble_since_us = 5};
    int r;

    relay_use_write(&body, &told);
    r = relay_watch_take_use(t, &f->watch, 1, buffer_slice(&body));
    reload(f);
    return r;
}

/* A test soon says what to make of it, and again when it is over. */
static int gateways_tell_of_trouble(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    struct notice_row *notices;

    (void)argument;
    open_fixture(t, &f);
    note(t, &f, RELAY_FOUND_GOOD, "All is well.");
    assert_int_equal(say(t, &f, SLICE("535 no")), 0);
    assert_int_equal(f.relay.state, RELAY_DEGRADED);
    assert_true(f.relay.next_probe_us <= task_wall_us(t));
    assert_true(slice_equal(f.relay.why, SLICE("535 no")));
    assert_int_equal(standing(&f, &notices), 0);

    note(t, &f, RELAY_FOUND_GOOD, "All is well."); /* but mail is refused all the same */
    assert_int_equal(f.relay.state, RELAY_DEGRADED);
    assert_true(slice_find_slice(f.relay.why, SLICE("535 no")) >= 0);
    assert_int_equal(standing(&f, &notices), 1);

    assert_int_equal(say(t, &f, SLICE_NONE), 0);
    assert_true(f.relay.next_probe_us <= task_wall_us(t));
    note(t, &f, RELAY_FOUND_GOOD, "All is well.");
    assert_int_equal(f.relay.state, RELAY_READY);
    assert_int_equal(standing(&f, &notices), 0);
    return 0;
}

/* The end of a trouble that a test under way has still seen is tested again. */
static int what_is_said_during_a_test_counts(struct task *t, void *argument)
{
    const struct relay_test test = {
        .finding = RELAY_FOUND_TROUBLE, .why = SLICE("535 no"), .report = SLICE("{}")};
    CLEANUP(close_fixture) struct fixture f;
    int64_t begun_us;

    (void)argument;
    open_fixture(t, &f);
    note(t, &f, RELAY_FOUND_GOOD, "All is well.");
    assert_int_equal(say(t, &f, SLICE("535 no")), 0);
    begun_us = task_wall_us(t);
    assert_int_equal(task_sleep(t, 2000), 0);
    assert_int_equal(say(t, &f, SLICE_NONE), 0);
    assert_int_equal(relay_watch_note(t, &f.watch, &f.relay, &test, SLICE("trouble"), begun_us), 0);
    reload(&f);
    assert_int_equal(f.relay.state, RELAY_DEGRADED);
    assert_true(f.relay.next_probe_us <= task_wall_us(t));
    return 0;
}

static int what_is_no_message_is_refused(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    assert_int_equal(relay_watch_take_use(t, &f.watch, 1, SLICE("rubbish")), -EBADMSG);
    return 0;
}

static int find_good(struct task *t, void *context, struct arena *arena, const struct relay *relay,
                     struct relay_test *ret)
{
    int *count = context;

    (void)t;
    (void)arena;
    (void)relay;
    (*count)++;
    *ret = (struct relay_test){
        .finding = RELAY_FOUND_GOOD, .why = SLICE("Good."), .report = SLICE("{}")};
    return 0;
}

static int run_watch(struct task *t, void *argument)
{
    return relay_watch_run(t, argument);
}

/* A relay that was set a moment ago is due; once tested it is not for a day. */
static int the_clock_tests_what_is_due(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    struct scope scope;
    int count = 0;

    (void)argument;
    open_fixture(t, &f);
    f.watch.test = find_good;
    f.watch.context = &count;
    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "watch", run_watch, &f.watch), 0);
    assert_int_equal(task_sleep(t, 2 * SECOND_US + SECOND_US / 2), 0);
    scope_cancel(&scope);
    scope_close(&scope);
    assert_int_equal(count, 1);
    reload(&f);
    assert_int_equal(f.relay.state, RELAY_READY);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(a_good_test_opens_the_relay),
        TASK_TEST(trouble_is_told_once_and_once_when_it_is_mended),
        TASK_TEST(an_open_relay_gets_nothing),
        TASK_TEST(a_test_of_an_old_account_is_stale),
        TASK_TEST(gateways_tell_of_trouble),
        TASK_TEST(what_is_said_during_a_test_counts),
        TASK_TEST(what_is_no_message_is_refused),
        TASK_TEST(the_clock_tests_what_is_due),
    };

    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
