#include "base/log.h"
#include "site/relay.h"
#include "site/world_test.h"

struct fixture {
    struct site_world world;
    struct control_set sets[2];
};

static void open_fixture(struct task *t, struct fixture *f)
{
    site_world_open(t, &f->world);
    f->sets[0] = site_operations(&f->world.service);
    f->sets[1] = relay_operations(&f->world.service);
}

static void close_fixture(struct fixture *f)
{
    site_world_close(&f->world);
}

static json_t *ask_well(struct task *t, struct fixture *f, const char *operation, const char *input)
{
    json_t *reply = site_world_ask(t, f->sets, ARRAY_LEN(f->sets), operation, input);

    if (!json_is_true(json_object_get(reply, "ok")))
        fail_msg("%s %s: %s", operation, input, json_at(reply, "error.message"));
    return reply;
}

static void done_well(struct task *t, struct fixture *f, const char *operation, const char *input)
{
    json_decref(ask_well(t, f, operation, input));
}

static void ask_badly(struct task *t, struct fixture *f, const char *operation, const char *input,
                      const char *code, const char *field)
{
    json_t *reply = site_world_ask(t, f->sets, ARRAY_LEN(f->sets), operation, input);

    if (!json_is_false(json_object_get(reply, "ok")))
        fail_msg("%s %s was done", operation, input);
    assert_string_equal(json_at(reply, "error.code"), code);
    assert_string_equal(json_at(reply, "error.field"), field);
    assert_true(strlen(json_at(reply, "error.cure")) > 0);
    json_decref(reply);
}

static const char SITE[] =
    "{\"site\": \"one\", \"method\": \"smtp\", \"from\": [\"Desk@Library.Example\"]}";
static const char RELAY[] = "{\"site\": \"one\", \"host\": \"SMTP.Library.Example.\", \"user\": "
                            "\"desk\", \"password\": \"secret word\"}";

static const struct directory_site *in_gateway(const struct fixture *f)
{
    return directory_site_by_id(f->world.directory, 1);
}

static int a_site_gets_its_relay(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    const struct directory_relay *relay;
    json_t *reply;

    (void)argument;
    open_fixture(t, &f);
    reply = ask_well(t, &f, "site.add", SITE);
    assert_string_equal(json_at(reply, "output.method"), "smtp");
    assert_null(json_object_get(json_object_get(reply, "output"), "identity"));
    json_decref(reply);
    assert_null(in_gateway(&f)->relay);

    reply = ask_well(t, &f, "relay.set", RELAY);
    assert_string_equal(json_at(reply, "output.relay.host"), "smtp.library.example");
    assert_string_equal(json_at(reply, "output.relay.state"), "UNTESTED");
    json_decref(reply);
    relay = in_gateway(&f)->relay;
    assert_int_equal(in_gateway(&f)->method, SITE_METHOD_SMTP);
    assert_true(slice_equal(relay->host, SLICE("smtp.library.example")));
    assert_true(slice_equal(relay->outgoing_address, SLICE("Desk@library.example")));
    assert_int_equal(relay->port, 587);
    assert_int_equal(relay->connections_max, 2);
    assert_false(relay->implicit_tls || relay->sending);
    assert_true(relay->sealed.size > 0);
    assert_true(slice_find_slice(relay->sealed, SLICE("secret word")) < 0);

    reply = ask_well(t, &f, "site.show", "{\"site\": \"one\"}");
    assert_string_equal(json_at(reply, "output.relay.user"), "desk");
    json_decref(reply);
    return 0;
}

/* A new account is a new version, and untested; new limits are neither. */
static int a_changed_account_is_tested_again(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct relay before, after;

    (void)argument;
    open_fixture(t, &f);
    done_well(t, &f, "site.add", SITE);
    done_well(t, &f, "relay.set", RELAY);
    assert_int_equal(relay_of_site(f.world.service.store, &arena, 1, &before), 0);
    before.state = RELAY_READY;
    before.why = SLICE("good");
    assert_int_equal(relay_set_state(f.world.service.store, &before), 0);

    done_well(t, &f, "relay.set",
              "{\"site\": \"one\", \"connections\": 7, \"return_path\": \"ours\"}");
    assert_int_equal(relay_of_site(f.world.service.store, &arena, 1, &after), 0);
    assert_int_equal(after.version, before.version);
    assert_int_equal(after.state, RELAY_READY);
    assert_true(in_gateway(&f)->relay->sending);
    assert_int_equal(in_gateway(&f)->relay->connections_max, 7);
    assert_true(in_gateway(&f)->relay->return_path_ours);

    done_well(t, &f, "relay.set", "{\"site\": \"one\", \"password\": \"another\"}");
    assert_int_equal(relay_of_site(f.world.service.store, &arena, 1, &after), 0);
    assert_true(after.version > before.version);
    assert_int_equal(after.id, before.id);
    assert_int_equal(after.state, RELAY_UNTESTED);
    assert_false(slice_equal(after.sealed, before.sealed));
    assert_false(in_gateway(&f)->relay->sending);
    assert_true(slice_starts(in_gateway(&f)->relay->why_not, SLICE("UNTESTED: ")));
    return 0;
}

static int judges_what_is_given(struct task *t, void *argument)
{
    static const struct {
        const char *more, *field;
    } cases[] = {
        {"", "host"},
        {", \"host\": \"192.0.2.1\"", "host"},
        {", \"host\": \"mail server\"", "host"},
        {", \"host\": \"a.example\"", "user"},
        {", \"host\": \"a.example\", \"user\": \"a\\nb\"", "user"},
        {", \"host\": \"a.example\", \"user\": \"a\"", "password"},
        {", \"host\": \"a.example\", \"user\": \"a\", \"password\": \"a\\r\\nb\"", "password"},
        {", \"host\": \"a.example\", \"user\": \"a\", \"password\": \"p\", \"from\": \"nobody\"",
         "from"},
        {", \"host\": \"smtp.gmail.com\", \"user\": \"a\", \"password\": \"abcd efgh ijkl mno\"",
         "password"},
        {", \"host\": \"a.example\", \"user\": \"a\", \"port\": 0, \"password\": \"p\"", "port"},
        {", \"host\": \"a.example\", \"user\": \"a\", \"tls\": \"none\", \"password\": \"p\"",
         "tls"},
    };
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    done_well(t, &f, "site.add", SITE);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char input[512];

        snprintf(input, sizeof input, "{\"site\": \"one\"%s}", cases[i].more);
        ask_badly(t, &f, "relay.set", input, "invalid_input", cases[i].field);
    }
    ask_badly(t, &f, "site.add", "{\"site\": \"two\", \"method\": \"smtp\"}", "invalid_input",
              "from");
    ask_badly(t, &f, "relay.show", "{\"site\": \"one\"}", "not_found", "site");
    return 0;
}

static int google_shows_its_passwords_with_spaces(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    done_well(t, &f, "site.add", SITE);
    done_well(t, &f, "relay.set",
              "{\"site\": \"one\", \"host\": \"smtp.gmail.com\", \"user\": \"a\", \"password\": "
              "\"abcd efgh ijkl mnop\"}");
    done_well(t, &f, "relay.set",
              "{\"site\": \"one\", \"password\": \"abcdefghijklmno\", \"own_password\": true}");
    assert_int_equal(in_gateway(&f)->relay->recipients_per_day_max, 2000);
    return 0;
}

/* The password stays with the host and the user that it is for. */
static int a_password_goes_nowhere_else(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    done_well(t, &f, "site.add", SITE);
    done_well(t, &f, "relay.set", RELAY);
    ask_badly(t, &f, "relay.set", "{\"site\": \"one\", \"host\": \"evil.example\"}",
              "invalid_input", "password");
    ask_badly(t, &f, "relay.set", "{\"site\": \"one\", \"user\": \"boss\"}", "invalid_input",
              "password");
    done_well(t, &f, "relay.set", "{\"site\": \"one\", \"port\": 465}");
    assert_true(in_gateway(&f)->relay->implicit_tls);
    return 0;
}

static int only_sites_of_the_method_have_one(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    done_well(t, &f, "site.add",
              "{\"site\": \"one\", \"domain\": \"library.example\", \"senders\": \"any\"}");
    ask_badly(t, &f, "relay.set", RELAY, "refused", "site");
    return 0;
}

static int a_removed_relay_leaves_nothing(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    const struct relay_use use = {.gateway = 1, .recipients = 3};
    struct relay relay;
    struct relay_use *uses;
    size_t count;

    (void)argument;
    open_fixture(t, &f);
    done_well(t, &f, "site.add", SITE);
    done_well(t, &f, "relay.set", RELAY);
    assert_int_equal(relay_of_site(f.world.service.store, &arena, 1, &relay), 0);
    assert_int_equal(relay_use_note(f.world.service.store, relay.id, &use), 0);
    ask_badly(t, &f, "relay.remove", "{\"site\": \"one\"}", "refused", "yes");
    done_well(t, &f, "relay.remove", "{\"site\": \"one\", \"yes\": true}");
    assert_null(in_gateway(&f)->relay);
    assert_int_equal(relay_of_site(f.world.service.store, &arena, 1, &relay), -ENOENT);
    assert_int_equal(relay_use_list(f.world.service.store, &arena, relay.id, &uses, &count), 0);
    assert_int_equal(count, 0);
    done_well(t, &f, "relay.set", RELAY);
    done_well(t, &f, "site.remove", "{\"site\": \"one\", \"yes\": true}");
    assert_int_equal(relay_of_site(f.world.service.store, &arena, 1, &relay), -ENOENT);
    return 0;
}

/* What a gateway has used goes back to that gateway, and is shown added up. */
static int what_was_used_is_remembered(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct relay_use use = {.gateway = 1, .recipients = 30};
    struct relay relay;
    json_t *reply;

    (void)argument;
    open_fixture(t, &f);
    done_well(t, &f, "site.add", SITE);
    done_well(t, &f, "relay.set", RELAY);
    assert_int_equal(relay_of_site(f.world.service.store, &arena, 1, &relay), 0);
    use.version = relay.version;
    use.day_us = task_wall_us(t) - 1000;
    use.closed_until_us = task_wall_us(t) + 3600 * (int64_t)SECOND_US;
    use.closed_why = SLICE("the day is full");
    assert_int_equal(relay_use_note(f.world.service.store, relay.id, &use), 0);
    use.gateway = 2;
    use.recipients = 12;
    assert_int_equal(relay_use_note(f.world.service.store, relay.id, &use), 0);

    done_well(t, &f, "relay.set", "{\"site\": \"one\", \"connections\": 3}");
    assert_int_equal(in_gateway(&f)->relay->recipients, 30);
    assert_true(in_gateway(&f)->relay->closed_until_us > 0);
    reply = ask_well(t, &f, "relay.show", "{\"site\": \"one\"}");
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(json_object_get(reply, "output"), "sent"), "recipients")),
                     42);
    assert_string_equal(json_at(reply, "output.closed_why"), "the day is full");
    json_decref(reply);
    return 0;
}

static void add_probe(struct store *s, const struct relay *relay, const struct relay_probe *probe)
{
    CLEANUP(store_transaction_end) struct store_transaction all = STORE_TRANSACTION_NONE;

    assert_int_equal(store_transaction_begin(s, &all), 0);
    assert_int_equal(relay_probe_add(s, relay, probe), 0);
    assert_int_equal(store_transaction_commit(&all), 0);
}

static int tests_are_kept_and_forgotten(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct relay_probe probe = {.occasion = SLICE("daily"),
                                .finding = RELAY_FOUND_GOOD,
                                .state = RELAY_READY,
                                .why = SLICE("fine"),
                                .report = SLICE("{}")},
                       *probes;
    struct relay relay;
    size_t count;

    (void)argument;
    open_fixture(t, &f);
    done_well(t, &f, "site.add", SITE);
    done_well(t, &f, "relay.set", RELAY);
    assert_int_equal(relay_of_site(f.world.service.store, &arena, 1, &relay), 0);
    for (int i = 0; i < RELAY_PROBES_KEPT + 5; i++) {
        probe.begun_us = i + 1;
        add_probe(f.world.service.store, &relay, &probe);
    }
    assert_int_equal(relay_probe_list(f.world.service.store, &arena, relay.id, &probes, &count), 0);
    assert_int_equal(count, RELAY_PROBES_SHOWN);
    assert_int_equal(probes[0].begun_us, RELAY_PROBES_KEPT + 5);
    assert_int_equal(probes[0].finding, RELAY_FOUND_GOOD);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(a_site_gets_its_relay),
        TASK_TEST(a_changed_account_is_tested_again),
        TASK_TEST(judges_what_is_given),
        TASK_TEST(google_shows_its_passwords_with_spaces),
        TASK_TEST(a_password_goes_nowhere_else),
        TASK_TEST(only_sites_of_the_method_have_one),
        TASK_TEST(a_removed_relay_leaves_nothing),
        TASK_TEST(what_was_used_is_remembered),
        TASK_TEST(tests_are_kept_and_forgotten),
    };

    log_init("test", LOG_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
