#include "onboard/check_world_test.h"
#include "site/notice.h"

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
    int r = notice_next(f->world.service.store, &arena, INT64_MAX, &row);

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
    assert_string_equal(json_at(reply, "output.identities.0.dmarc.state"), "PENDING");
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
