/* Whole operations on a real database, and what the gateway makes of them. */
#include "site/site.h"
#include "site/suppression.h"
#include "site/suppression_breaker.h"
#include "site/suppression_clock.h"
#include "site/world_test.h"

struct fixture {
    struct site_world world;
    struct control_set sets[3];
};

static void open_fixture(struct task *t, struct fixture *f)
{
    json_t *reply;

    site_world_open(t, &f->world);
    f->sets[0] = site_operations(&f->world.service);
    f->sets[1] = suppression_operations(&f->world.service);
    f->sets[2] = suppression_review_operations(&f->world.service);
    reply =
        site_world_ask(t, f->sets, 2, "site.add",
                       "{\"site\": \"town\", \"domain\": \"town.example\", \"senders\": \"any\"}");
    assert_true(json_is_true(json_object_get(reply, "ok")));
    json_decref(reply);
}

static void close_fixture(struct fixture *f)
{
    site_world_close(&f->world);
}

static json_t *ask(struct task *t, struct fixture *f, const char *operation, const char *input)
{
    return site_world_ask(t, f->sets, ARRAY_LEN(f->sets), operation, input);
}

static json_t *ask_well(struct task *t, struct fixture *f, const char *operation, const char *input)
{
    json_t *reply = ask(t, f, operation, input);

    if (!json_is_true(json_object_get(reply, "ok")))
        fail_msg("%s %s: %s", operation, input, json_at(reply, "error.message"));
    return reply;
}

static void do_well(struct task *t, struct fixture *f, const char *operation, const char *input)
{
    json_t *reply = ask_well(t, f, operation, input);

    assert_string_equal(json_at(reply, "output.gateway"), "applied");
    json_decref(reply);
}

static void ask_badly(struct task *t, struct fixture *f, const char *operation, const char *input,
                      const char *code)
{
    json_t *reply = ask(t, f, operation, input);

    if (!json_is_false(json_object_get(reply, "ok")))
        fail_msg("%s %s was done", operation, input);
    assert_string_equal(json_at(reply, "error.code"), code);
    json_decref(reply);
}

static uint64_t site_id(struct fixture *f)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct site site;

    assert_int_equal(site_find(f->world.service.store, &arena, SLICE("town"), &site), 0);
    return (uint64_t)site.id;
}

static bool gateway_suppresses(struct fixture *f, const char *address)
{
    return directory_suppresses(f->world.directory, site_id(f), slice_text(address));
}

static int adds_shows_and_removes(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *reply;

    (void)argument;
    open_fixture(t, &f);
    do_well(t, &f, "suppression.add",
            "{\"site\": \"town\", \"address\": \"Reader@Post.Example\", \"why\": \"asked us to\"}");
    assert_true(gateway_suppresses(&f, "reader@post.example"));
    reply = ask_well(t, &f, "suppression.show",
                     "{\"site\": \"town\", \"address\": \"READER@post.example\"}");
    assert_string_equal(json_at(reply, "output.reason"), "manual");
    assert_string_equal(json_at(reply, "output.text"), "asked us to");
    json_decref(reply);
    reply = ask_well(t, &f, "suppression.list", "{\"site\": \"town\"}");
    assert_string_equal(json_at(reply, "output.suppressions.0.address"), "reader@post.example");
    json_decref(reply);
    do_well(t, &f, "suppression.remove",
            "{\"site\": \"town\", \"address\": \"reader@post.example\"}");
    assert_false(gateway_suppresses(&f, "reader@post.example"));
    ask_badly(t, &f, "suppression.remove",
              "{\"site\": \"town\", \"address\": \"reader@post.example\"}", "not_found");
    ask_badly(t, &f, "suppression.show",
              "{\"site\": \"town\", \"address\": \"reader@post.example\"}", "not_found");
    ask_badly(t, &f, "suppression.add", "{\"site\": \"town\", \"address\": \"nobody\"}",
              "invalid_input");
    ask_badly(t, &f, "suppression.add", "{\"site\": \"city\", \"address\": \"a@b.example\"}",
              "not_found");
    return 0;
}

static int imports_and_exports(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *reply;

    (void)argument;
    open_fixture(t, &f);
    do_well(t, &f, "suppression.import",
            "{\"site\": \"town\", \"csv\": \"address,reason\\r\\na@b.example,BOUNCE\\r\\n"
            "\\\"C@D.example\\\",COMPLAINT\\r\\n\"}");
    assert_true(gateway_suppresses(&f, "a@b.example"));
    assert_true(gateway_suppresses(&f, "c@d.example"));
    reply = ask_well(t, &f, "suppression.export", "{\"site\": \"town\"}");
    assert_non_null(strstr(json_at(reply, "output.csv"), "\r\na@b.example,bounce,"));
    assert_non_null(strstr(json_at(reply, "output.csv"), "\r\nc@d.example,complaint,"));
    json_decref(reply);
    ask_badly(t, &f, "suppression.import",
              "{\"site\": \"town\", \"csv\": \"x@y.example\\nnot an address\\n\"}",
              "invalid_input");
    assert_false(gateway_suppresses(&f, "x@y.example")); /* all or nothing */
    do_well(t, &f, "suppression.import",
            "{\"site\": \"town\", \"skip_bad\": true, "
            "\"csv\": \"x@y.example\\nnot an address\\n\"}");
    assert_true(gateway_suppresses(&f, "x@y.example"));
    return 0;
}

/* More than one frame's worth, and a gateway that starts anew. */
static int a_new_gateway_gets_the_whole_list(struct task *t, void *argument)
{
    enum { MANY = SUPPRESSION_LIST_MAX * 2 + 5 };
    CLEANUP(close_fixture) struct fixture f;
    struct suppression one = {.reason = SUPPRESSION_BOUNCE, .since_us = 1};
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;
    char address[64];
    bool changed;

    (void)argument;
    open_fixture(t, &f);
    one.site_id = (int64_t)site_id(&f);
    assert_int_equal(store_transaction_begin(f.world.service.store, &all), 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(address, sizeof address, "user%d@post.example", i);
        one.address = slice_text(address);
        assert_int_equal(suppression_put(f.world.service.store, &one, &changed), 0);
    }
    assert_int_equal(store_transaction_commit(&all), 0);
    assert_false(gateway_suppresses(&f, "user1@post.example"));
    directory_free(f.world.directory);
    f.world.directory = directory_new();
    site_pusher_push_all(f.world.service.pusher, 0);
    while (!directory_ready(f.world.directory))
        assert_int_equal(task_sleep(t, 1000), 0);
    for (int i = 0; i < MANY; i += 100) {
        snprintf(address, sizeof address, "user%d@post.example", i);
        assert_true(gateway_suppresses(&f, address));
    }
    snprintf(address, sizeof address, "user%d@post.example", MANY - 1);
    assert_true(gateway_suppresses(&f, address));
    return 0;
}

static int what_expires_goes_by_itself(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    struct suppression one = {.address = SLICE("late@post.example"),
                              .reason = SUPPRESSION_BOUNCE,
                              .since_us = 1,
                              .expires_us = 2};
    bool changed, more = true;

    (void)argument;
    open_fixture(t, &f);
    one.site_id = (int64_t)site_id(&f);
    assert_int_equal(suppression_put(f.world.service.store, &one, &changed), 0);
    assert_int_equal(
        site_pusher_push_suppression(t, f.world.service.pusher, one.site_id, one.address), 0);
    assert_true(gateway_suppresses(&f, "late@post.example"));
    do_well(t, &f, "suppression.add",
            "{\"site\": \"town\", \"address\": \"stays@post.example\", \"days\": 1}");
    assert_int_equal(suppression_clock_tick(t, &f.world.service, &more), 0);
    assert_false(more);
    for (int i = 0; i < 1000 && gateway_suppresses(&f, "late@post.example"); i++)
        assert_int_equal(task_sleep(t, 1000), 0);
    assert_false(gateway_suppresses(&f, "late@post.example"));
    assert_true(gateway_suppresses(&f, "stays@post.example"));
    return 0;
}

static void set_breaker(struct fixture *f, const struct suppression_breaker *breaker)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;

    assert_int_equal(store_transaction_begin(f->world.service.store, &all), 0);
    assert_int_equal(suppression_breaker_set(f->world.service.store, breaker, 1), 0);
    assert_int_equal(store_transaction_commit(&all), 0);
}

static void put_held(struct fixture *f, const char *address)
{
    const struct suppression held = {.site_id = (int64_t)site_id(f),
                                     .address = slice_text(address),
                                     .held = true,
                                     .reason = SUPPRESSION_BOUNCE,
                                     .since_us = 1};
    bool changed;

    assert_int_equal(suppression_put(f->world.service.store, &held, &changed), 0);
    assert_false(changed);
}

static void wait_until_suppressed(struct task *t, struct fixture *f, const char *address)
{
    for (int i = 0; i < 1000 && !gateway_suppresses(f, address); i++)
        assert_int_equal(task_sleep(t, 1000), 0);
    assert_true(gateway_suppresses(f, address));
}

static int what_is_held_waits_for_a_word(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct suppression_breaker breaker = {.domain = SLICE("one.example"), .until_us = INT64_MAX};
    json_t *reply;

    (void)argument;
    open_fixture(t, &f);
    put_held(&f, "a@one.example");
    put_held(&f, "b@one.example");
    put_held(&f, "c@two.example");
    set_breaker(&f, &breaker);
    reply = ask_well(t, &f, "suppression.review_list", "{}");
    assert_string_equal(json_at(reply, "output.held.2.address"), "c@two.example");
    assert_string_equal(json_at(reply, "output.breakers.0.state"), "open");
    json_decref(reply);
    json_decref(ask_well(t, &f, "suppression.review_approve", "{\"domain\": \"One.example\"}"));
    wait_until_suppressed(t, &f, "a@one.example");
    wait_until_suppressed(t, &f, "b@one.example");
    assert_int_equal(
        suppression_breaker_find(f.world.service.store, &arena, SLICE("one.example"), &breaker), 0);
    assert_true(breaker.approved);
    json_decref(ask_well(t, &f, "suppression.review_drop", "{\"domain\": \"two.example\"}"));
    assert_false(gateway_suppresses(&f, "c@two.example"));
    ask_badly(t, &f, "suppression.review_drop", "{\"domain\": \"two.example\"}", "not_found");
    ask_badly(t, &f, "suppression.show", "{\"site\": \"town\", \"address\": \"c@two.example\"}",
              "not_found");
    return 0;
}

static int a_breakers_time_runs_out(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct suppression_breaker breaker = {.domain = SLICE("one.example"), .until_us = 2};
    bool more;

    (void)argument;
    open_fixture(t, &f);
    set_breaker(&f, &breaker);
    assert_int_equal(suppression_clock_tick(t, &f.world.service, &more), 0);
    assert_int_equal(
        suppression_breaker_find(f.world.service.store, &arena, SLICE("one.example"), &breaker),
        -ENOENT);
    return 0;
}

static int a_removed_site_has_no_list(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    uint64_t id;
    int64_t count;

    (void)argument;
    open_fixture(t, &f);
    id = site_id(&f);
    do_well(t, &f, "suppression.add", "{\"site\": \"town\", \"address\": \"a@post.example\"}");
    do_well(t, &f, "site.remove", "{\"site\": \"town\", \"yes\": true}");
    assert_false(directory_suppresses(f.world.directory, id, SLICE("a@post.example")));
    assert_int_equal(suppression_count(f.world.service.store, (int64_t)id, &count), 0);
    assert_int_equal(count, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(adds_shows_and_removes),
        TASK_TEST(imports_and_exports),
        TASK_TEST(a_new_gateway_gets_the_whole_list),
        TASK_TEST(what_expires_goes_by_itself),
        TASK_TEST(what_is_held_waits_for_a_word),
        TASK_TEST(a_breakers_time_runs_out),
        TASK_TEST(a_removed_site_has_no_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
