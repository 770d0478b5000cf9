#include "onboard/check.h"

#include "base/log.h"
#include "onboard/name_server_test.h"
#include "site/identity.h"
#include "site/notice.h"
#include "site/world_test.h"

/* A DNS of a few lines: the answer for a name is the last line of the zone that has it. */
enum { ZONE_MAX = 30 };
static struct zone {
    struct {
        char name[200], text[600];
        enum dns_type type;
    } lines[ZONE_MAX];
    size_t count;
    bool silent; /* all answers are SERVFAIL */
    struct list answered;
    const struct world_ops *linux_ops;
} zone;

static void answer_line(struct world_query *query, const char *text)
{
    struct dns_answer *answer = &query->answer;
    struct dns_record *record = ARENA_NEW(query->arena, struct dns_record);

    answer->status = text[0] ? DNS_FOUND : DNS_NO_DATA;
    answer->count = text[0] != '\0';
    answer->records = record;
    if (query->type == DNS_A && text[0])
        assert_int_equal(endpoint_parse_address(slice_text(text), &record->address), 0);
    else if (query->type == DNS_TXT)
        record->text = slice_text(text);
    else
        record->name = slice_text(text);
}

static void answer_query(struct world *w, struct world_query *query)
{
    struct dns_answer *answer = &query->answer;

    (void)w;
    *answer = (struct dns_answer){.status = zone.silent ? DNS_TEMPORARY : DNS_NO_NAME,
                                  .why = SLICE("SERVFAIL"),
                                  .canonical = arena_copy(query->arena, slice_text(query->name))};
    for (size_t i = 0; i < zone.count && !zone.silent; i++) {
        if (strcmp(zone.lines[i].name, query->name) != 0)
            continue;
        if (answer->status == DNS_NO_NAME)
            answer->status = DNS_NO_DATA;
        if (zone.lines[i].type == query->type)
            answer_line(query, zone.lines[i].text);
    }
    list_add_last(&zone.answered, &query->link);
}

static void cancel_query(struct world *w, struct world_query *query)
{
    (void)w;
    list_remove(&query->link);
}

static void wait_with_answers(struct world *w, uint64_t until_us, struct world_news *news)
{
    zone.linux_ops->wait(w, list_empty(&zone.answered) ? until_us : 0, news);
    LIST_FOREACH_SAFE (link, &zone.answered) {
        list_remove(link);
        list_add_last(&news->queries, link);
    }
}

/* What the domain's own name server knows. */
static bool find_text(void *context, struct slice name, struct slice *ret)
{
    bool known = false;

    (void)context;
    for (size_t i = 0; i < zone.count; i++) {
        if (zone.lines[i].type != DNS_TXT || !slice_equal(slice_text(zone.lines[i].name), name))
            continue;
        *ret = slice_text(zone.lines[i].text);
        known = ret->size > 0;
    }
    return known;
}

static void publish_type(enum dns_type type, const char *name, const char *text)
{
    assert_true(zone.count < ZONE_MAX);
    zone.lines[zone.count].type = type;
    snprintf(zone.lines[zone.count].name, sizeof zone.lines[0].name, "%s", name);
    snprintf(zone.lines[zone.count++].text, sizeof zone.lines[0].text, "%s", text);
}

static void publish(const char *name, const char *text)
{
    publish_type(DNS_TXT, name, text);
}

struct fixture {
    struct site_world world;
    struct onboard_service service;
    struct name_server server;
    struct authority_stub stub;
    struct scope scope;
    struct control_set sets[3];
};

static void open_fixture(struct task *t, struct fixture *f)
{
    zone.count = 0;
    zone.silent = false;
    site_world_open(t, &f->world);
    scope_open(&f->scope, t);
    f->server = (struct name_server){.find = find_text};
    name_server_open(t, &f->scope, &f->server);
    f->stub = (struct authority_stub){SLICE("example.org"), f->server.at};
    publish_type(DNS_SOA, "example.org", "ns1.example.org");
    f->service = (struct onboard_service){f->world.service.store,
                                          f->world.service.pusher,
                                          IDENTITY_TIMES_DEFAULT,
                                          {.stubs = &f->stub, .stub_count = 1}};
    f->sets[0] = site_operations(&f->world.service);
    f->sets[1] = onboard_operations(&f->service);
    f->sets[2] = identity_operations(&f->world.service);
}

static void close_fixture(struct fixture *f)
{
    scope_close(&f->scope);
    name_server_close(&f->server);
    site_world_close(&f->world);
}

static json_t *ask(struct task *t, struct fixture *f, const char *operation, const char *input)
{
    json_t *reply = site_world_ask(t, f->sets, ARRAY_LEN(f->sets), operation, input);

    if (!json_is_true(json_object_get(reply, "ok")))
        fail_msg("%s: %s", operation, json_at(reply, "error.message"));
    return reply;
}

/* Adds a site and yields the reply, with the records. */
static json_t *add_site(struct task *t, struct fixture *f, const char *site)
{
    char input[128];

    snprintf(input, sizeof input,
             "{\"site\": \"%s\", \"domain\": \"example.org\", \"senders\": \"any\"}", site);
    return ask(t, f, "site.add", input);
}

static void publish_record(const json_t *added, int i)
{
    char name[64], value[64];

    snprintf(name, sizeof name, "output.identity.records.%d.name", i);
    snprintf(value, sizeof value, "output.identity.records.%d.value", i);
    publish(json_at(added, name), json_at(added, value));
}

static void withdraw_record(const json_t *added, int i)
{
    char name[64];

    snprintf(name, sizeof name, "output.identity.records.%d.name", i);
    publish(json_at(added, name), "");
}

static void assert_state(struct task *t, struct fixture *f, const char *site, const char *state)
{
    char input[64];
    json_t *reply;

    snprintf(input, sizeof input, "{\"site\": \"%s\"}", site);
    reply = ask(t, f, "identity.check", input);
    assert_string_equal(json_at(reply, "output.identities.0.state"), state);
    assert_true(strlen(json_at(reply, "output.identities.0.why")) > 0);
    assert_true(strlen(json_at(reply, "output.identities.0.next_step")) > 0);
    json_decref(reply);
}

static bool is_sending(const struct fixture *f, uint64_t site_id)
{
    return directory_site_by_id(f->world.directory, site_id)->identities[0].sending;
}

static int follows_the_records(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *added;

    (void)argument;
    open_fixture(t, &f);
    added = add_site(t, &f, "one");
    assert_state(t, &f, "one", "PENDING");
    publish_record(added, 0);
    publish_record(added, 1);
    assert_state(t, &f, "one", "PENDING");
    assert_false(is_sending(&f, 1));
    publish_record(added, 2);
    publish("_dmarc.org", "v=DMARC1; p=none");
    assert_state(t, &f, "one", "SUCCESS");
    assert_true(is_sending(&f, 1));

    zone.silent = true;
    assert_state(t, &f, "one", "SUCCESS");
    zone.silent = false;
    withdraw_record(added, 0);
    assert_state(t, &f, "one", "TEMPORARY_FAILURE");
    assert_true(is_sending(&f, 1));
    json_decref(added);
    return 0;
}

static void add_verified(struct task *t, struct fixture *f, json_t **ret_added)
{
    open_fixture(t, f);
    *ret_added = add_site(t, f, "one");
    for (int i = 0; i < IDENTITY_KEYS; i++)
        publish_record(*ret_added, i);
    assert_state(t, f, "one", "SUCCESS");
}

static void withdraw_all(const json_t *added)
{
    for (int i = 0; i < IDENTITY_KEYS; i++)
        withdraw_record(added, i);
}

/* What people would be told of now: part of the subject; NULL: nothing. */
static void assert_notice(const struct fixture *f, const char *words)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct notice_row row;
    int r = notice_next(f->world.service.store, &arena, &row);

    assert_int_equal(r, words ? 0 : -ENOENT);
    if (!words)
        return;
    assert_true(slice_find_slice(row.mended_subject.size ? row.mended_subject : row.subject,
                                 slice_text(words)) >= 0);
    assert_int_equal(notice_told(f->world.service.store, row.id, 1), 0);
}

/* Whatever the resolver says: nothing stops at once without the word of the domain's servers. */
static int revokes_by_the_servers_word(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *added, *reply;

    (void)argument;
    add_verified(t, &f, &added);
    f.service.times.revoke_s = 0;
    withdraw_all(added);
    f.server.habit = NAME_SERVER_FAILS;
    assert_notice(&f, NULL);
    assert_state(t, &f, "one", "TEMPORARY_FAILURE");
    assert_notice(&f, "mail still goes out");
    assert_state(t, &f, "one", "TEMPORARY_FAILURE");
    f.server.habit = NAME_SERVER_LAME;
    assert_state(t, &f, "one", "TEMPORARY_FAILURE");
    f.server.habit = NAME_SERVER_SERVES;
    assert_state(t, &f, "one", "TEMPORARY_FAILURE");
    assert_true(is_sending(&f, 1));
    assert_notice(&f, NULL);
    assert_state(t, &f, "one", "FAILED");
    assert_notice(&f, "sending has stopped");
    assert_false(is_sending(&f, 1));

    reply = ask(t, &f, "identity.records", "{\"site\": \"one\"}");
    assert_string_equal(json_at(reply, "output.identities.0.records.0.cause"), "absent");
    assert_non_null(strstr(json_at(reply, "output.identities.0.records.0.server"), "127.0.0.1"));
    for (int i = 0; i < IDENTITY_KEYS; i++)
        publish_record(added, i);
    assert_state(t, &f, "one", "SUCCESS");
    assert_notice(&f, "right again");
    assert_true(is_sending(&f, 1));
    json_decref(reply);
    json_decref(added);
    return 0;
}

/* Found by NS and address, and asked there: but not where the address policy forbids. */
static int servers_are_found_by_the_resolver(struct task *t, void *argument)
{
    static struct endpoint_network loopback;
    CLEANUP(close_fixture) struct fixture f;
    json_t *added;

    (void)argument;
    add_verified(t, &f, &added);
    publish_type(DNS_NS, "example.org", "ns1.example.net");
    publish_type(DNS_SOA, "example.org", "ns1.example.net");
    publish_type(DNS_A, "ns1.example.net", "127.0.0.1");
    f.service.times.revoke_s = 0;
    f.service.authority.stub_count = 0;
    f.service.authority.port = f.server.at.port;
    f.server.connections = 0;
    withdraw_all(added);
    assert_state(t, &f, "one", "TEMPORARY_FAILURE");
    assert_state(t, &f, "one", "TEMPORARY_FAILURE");
    assert_int_equal(f.server.connections, 0);

    assert_int_equal(endpoint_network_parse(SLICE("127.0.0.0/8"), &loopback), 0);
    f.service.authority.policy = (struct address_policy){&loopback, 1};
    assert_state(t, &f, "one", "TEMPORARY_FAILURE");
    assert_int_equal(f.server.connections, 1);
    assert_state(t, &f, "one", "FAILED");
    json_decref(added);
    return 0;
}

/* Moved to other servers, and all records gone: it does not come back when they do, but when
 * somebody asks. */
static int another_owner_must_be_asked_for(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *added;

    (void)argument;
    open_fixture(t, &f);
    publish_type(DNS_NS, "example.org", "ns1.old.example");
    publish_type(DNS_SOA, "example.org", "ns1.old.example");
    added = add_site(t, &f, "one");
    for (int i = 0; i < IDENTITY_KEYS; i++)
        publish_record(added, i);
    assert_state(t, &f, "one", "SUCCESS");
    f.service.times.revoke_s = 0;
    withdraw_all(added);
    publish_type(DNS_NS, "example.org", "ns1.new.example");
    publish_type(DNS_SOA, "example.org", "ns1.new.example");
    assert_state(t, &f, "one", "TEMPORARY_FAILURE");
    assert_state(t, &f, "one", "FAILED");
    for (int i = 0; i < IDENTITY_KEYS; i++)
        publish_record(added, i);
    zone.silent = false;
    assert_int_equal(onboard_check(t, &f.service, 2, false), 0);
    assert_false(is_sending(&f, 1));
    assert_state(t, &f, "one", "SUCCESS");
    json_decref(added);
    return 0;
}

static int reports_each_record_and_dmarc(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *added, *reply;
    char doubled[200];

    (void)argument;
    open_fixture(t, &f);
    added = add_site(t, &f, "one");
    publish_record(added, 0);
    publish(json_at(added, "output.identity.records.1.name"), "v=spf1 -all");
    snprintf(doubled, sizeof doubled, "%s.example.org",
             json_at(added, "output.identity.records.2.name"));
    publish(doubled, json_at(added, "output.identity.records.2.value"));
    publish("_dmarc.example.org", "v=DMARC1; p=reject");
    reply = ask(t, &f, "identity.check", "{\"site\": \"one\"}");
    assert_string_equal(json_at(reply, "output.identities.0.records.0.state"), "right");
    assert_string_equal(json_at(reply, "output.identities.0.records.1.state"), "wrong");
    assert_string_equal(json_at(reply, "output.identities.0.records.1.seen"), "v=spf1 -all");
    assert_string_equal(json_at(reply, "output.identities.0.records.2.state"), "absent");
    assert_non_null(strstr(json_at(reply, "output.identities.0.records.2.advice"), "twice"));
    assert_string_equal(json_at(reply, "output.identities.0.dmarc.state"), "found");
    assert_string_equal(json_at(reply, "output.identities.0.dmarc.record"), "v=DMARC1; p=reject");
    json_decref(reply);
    json_decref(added);
    return 0;
}

/* The second site has records of its own that are right; it is told nothing about the first. */
static int a_domain_is_one_sites(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *one, *two, *reply;

    (void)argument;
    open_fixture(t, &f);
    one = add_site(t, &f, "one");
    two = add_site(t, &f, "two");
    for (int i = 0; i < IDENTITY_KEYS; i++) {
        publish_record(one, i);
        publish_record(two, i);
    }
    assert_state(t, &f, "one", "SUCCESS");
    reply = ask(t, &f, "identity.check", "{\"site\": \"two\"}");
    assert_string_equal(json_at(reply, "output.identities.0.state"), "PENDING");
    assert_null(strstr(json_at(reply, "output.identities.0.why"), "one"));
    assert_false(is_sending(&f, 6));
    json_decref(reply);

    /* Free again, it can be had. */
    json_decref(ask(t, &f, "site.remove", "{\"site\": \"one\", \"yes\": true}"));
    assert_state(t, &f, "two", "SUCCESS");
    json_decref(one);
    json_decref(two);
    return 0;
}

static int run_clock(struct task *t, void *argument)
{
    return onboard_run(t, argument);
}

static int the_clock_finds_what_was_installed(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    struct scope scope;
    json_t *added;

    (void)argument;
    open_fixture(t, &f);
    added = add_site(t, &f, "one");
    for (int i = 0; i < IDENTITY_KEYS; i++)
        publish_record(added, i);
    scope_open(&scope, t);
    assert_int_equal(scope_spawn(&scope, "clock", run_clock, &f.service), 0);
    for (int i = 0; i < 100 && !is_sending(&f, 1); i++)
        assert_int_equal(task_sleep(t, SECOND_US / 20), 0);
    assert_true(is_sending(&f, 1));
    scope_close(&scope);
    json_decref(added);
    return 0;
}

/* As run_in_world, with the little DNS. */
static void run_with_dns(void **state)
{
    const struct world_linux_options options = {0};
    struct world_ops ops;
    char *problem = NULL;
    struct world *w;

    assert_int_equal(world_linux_new(&options, &w, &problem), 0);
    list_init(&zone.answered);
    zone.linux_ops = w->ops;
    ops = *w->ops;
    ops.query_start = answer_query;
    ops.query_cancel = cancel_query;
    ops.wait = wait_with_answers;
    w->ops = &ops;
    assert_int_equal(loop_run(w, (task_function *)*state, NULL), 0);
    w->ops = zone.linux_ops;
    world_free(w);
}

#define DNS_TEST(function)                                                                         \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        .name = #function, .test_func = run_with_dns, .initial_state = (void *)(function)          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        DNS_TEST(follows_the_records),
        DNS_TEST(revokes_by_the_servers_word),
        DNS_TEST(servers_are_found_by_the_resolver),
        DNS_TEST(another_owner_must_be_asked_for),
        DNS_TEST(reports_each_record_and_dmarc),
        DNS_TEST(a_domain_is_one_sites),
        DNS_TEST(the_clock_finds_what_was_installed),
    };

    log_init("test", LOG_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
