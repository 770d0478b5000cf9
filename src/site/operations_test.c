#include "base/log.h"
#include "site/credential.h"
#include "site/identity.h"
#include "site/world_test.h"

#include <fnmatch.h>

struct fixture {
    struct site_world world;
    struct control_set sets[3];
};

static void open_fixture(struct task *t, struct fixture *f)
{
    site_world_open(t, &f->world);
    f->sets[0] = site_operations(&f->world.service);
    f->sets[1] = identity_operations(&f->world.service);
    f->sets[2] = credential_operations(&f->world.service);
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

static void ask_badly(struct task *t, struct fixture *f, const char *operation, const char *input,
                      const char *code, const char *field)
{
    json_t *reply = ask(t, f, operation, input);

    if (!json_is_false(json_object_get(reply, "ok")))
        fail_msg("%s %s was done", operation, input);
    assert_string_equal(json_at(reply, "error.code"), code);
    assert_string_equal(json_at(reply, "error.field"), field);
    json_decref(reply);
}

static void check_record(const json_t *reply, int i)
{
    char path[64];

    snprintf(path, sizeof path, "output.identity.records.%d.name", i);
    assert_int_equal(
        fnmatch("????????????????????????????????._domainkey.example.org", json_at(reply, path), 0),
        0);
    snprintf(path, sizeof path, "output.identity.records.%d.value", i);
    assert_memory_equal(json_at(reply, path), "v=DKIM1; k=rsa; p=", 18);
    snprintf(path, sizeof path, "output.identity.records.%d.zone", i);
    assert_int_equal(
        fnmatch("*._domainkey.example.org. 3600 IN TXT ( \"v=DKIM1;*\" )", json_at(reply, path), 0),
        0);
}

static int adds_a_site_with_three_keys(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    const struct directory_site *site;
    json_t *reply;

    (void)argument;
    open_fixture(t, &f);
    reply =
        ask_well(t, &f, "site.add",
                 "{\"site\": \"library\", \"from\": [\"Info@Example.ORG\", \"a@example.org\"]}");
    for (int i = 0; i < IDENTITY_KEYS; i++)
        check_record(reply, i);
    assert_string_not_equal(json_at(reply, "output.identity.records.0.name"),
                            json_at(reply, "output.identity.records.1.name"));
    assert_string_not_equal(json_at(reply, "output.identity.records.0.value"),
                            json_at(reply, "output.identity.records.2.value"));
    assert_string_equal(json_at(reply, "output.identity.state"), "NOT_STARTED");
    assert_string_equal(json_at(reply, "output.gateway"), "applied");
    json_decref(reply);

    assert_true(directory_ready(f.world.directory));
    site = directory_site_by_id(f.world.directory, 1);
    assert_non_null(site);
    assert_true(slice_equal(site->name, SLICE("library")));
    assert_true(slice_equal(site->outgoing_addresses[0], SLICE("Info@example.org")));
    assert_int_equal(site->identity_count, 1);
    assert_false(site->identities[0].sending);
    assert_true(site->identities[0].why_not.size > 0);
    assert_int_equal(site->identities[0].key_count, 0); /* none was seen in the DNS */
    return 0;
}

static int judges_what_is_to_be_added(struct task *t, void *argument)
{
    static const struct {
        const char *input, *code, *field;
    } cases[] = {
        {"{\"site\": \"Town\", \"domain\": \"example.org\"}", CONTROL_INVALID, "site"},
        {"{\"site\": \"town\"}", CONTROL_INVALID, "domain"},
        {"{\"site\": \"town\", \"domain\": \"co.uk\"}", CONTROL_INVALID, "domain"},
        {"{\"site\": \"town\", \"from\": [\"a@co.uk\"]}", CONTROL_INVALID, "from[0]"},
        {"{\"site\": \"town\", \"from\": [\"a@b@example.org\"]}", CONTROL_INVALID, "from[0]"},
        {"{\"site\": \"town\", \"from\": [\"a@example.org\", \"a@example.com\"]}", CONTROL_INVALID,
         "from[1]"},
        {"{\"site\": \"town\", \"domain\": \"example.org\", \"from\": [\"a@b.example.org\"]}",
         CONTROL_INVALID, "from[0]"},
        {"{\"site\": \"town\", \"domain\": \"example.org\", \"method\": \"smtp\"}", CONTROL_INVALID,
         "from"},
        {"{\"site\": \"town\", \"domain\": \"example.org\", \"method\": \"post\"}", CONTROL_INVALID,
         "method"},
        {"{\"site\": \"library\", \"from\": [\"a@example.com\"]}", CONTROL_EXISTS, "site"},
        {"{\"site\": \"town\", \"domain\": \"example.org\"}", CONTROL_INVALID, "from"},
        {"{\"site\": \"town\", \"domain\": \"example.org\", \"senders\": \"listed\"}",
         CONTROL_INVALID, "from"},
    };
    CLEANUP(close_fixture) struct fixture f;

    (void)argument;
    open_fixture(t, &f);
    json_decref(
        ask_well(t, &f, "site.add",
                 "{\"site\": \"library\", \"domain\": \"example.org\", \"subdomains\": true, "
                 "\"from\": [\"a@b.example.org\"]}"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ask_badly(t, &f, "site.add", cases[i].input, cases[i].code, cases[i].field);
    /* Two sites may each claim a domain; which of them may send as it is decided by its DNS. */
    json_decref(
        ask_well(t, &f, "site.add",
                 "{\"site\": \"museum\", \"domain\": \"example.org\", \"senders\": \"any\"}"));
    return 0;
}

static int pauses_resumes_and_removes(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *reply;

    (void)argument;
    open_fixture(t, &f);
    json_decref(ask_well(t, &f, "site.add",
                         "{\"site\": \"one\", \"domain\": \"example.org\", \"senders\": \"any\"}"));
    json_decref(ask_well(t, &f, "site.pause", "{\"site\": \"one\", \"why\": \"spam\"}"));
    assert_int_equal(directory_site_by_id(f.world.directory, 1)->state, SITE_PAUSED);
    reply = ask_well(t, &f, "site.show", "{\"site\": \"one\"}");
    assert_string_equal(json_at(reply, "output.state"), "paused");
    assert_string_equal(json_at(reply, "output.why"), "spam");
    json_decref(reply);
    json_decref(ask_well(t, &f, "site.resume", "{\"site\": \"one\"}"));
    assert_int_equal(directory_site_by_id(f.world.directory, 1)->state, SITE_ACTIVE);

    ask_badly(t, &f, "site.remove", "{\"site\": \"one\"}", CONTROL_REFUSED, "yes");
    json_decref(ask_well(t, &f, "site.remove", "{\"site\": \"one\", \"yes\": true}"));
    assert_null(directory_site_by_id(f.world.directory, 1));
    ask_badly(t, &f, "site.show", "{\"site\": \"one\"}", CONTROL_NOT_FOUND, "site");
    reply = ask_well(t, &f, "site.list", "{}");
    assert_int_equal(json_array_size(json_object_get(json_object_get(reply, "output"), "sites")),
                     0);
    json_decref(reply);
    /* The name is free, and the new site is another one. */
    json_decref(ask_well(t, &f, "site.add",
                         "{\"site\": \"one\", \"domain\": \"example.org\", \"senders\": \"any\"}"));
    assert_null(directory_site_by_id(f.world.directory, 1));
    return 0;
}

static int says_how_mail_goes_out(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *reply;

    (void)argument;
    open_fixture(t, &f);
    json_decref(ask_well(
        t, &f, "site.add",
        "{\"site\": \"one\", \"domain\": \"example.org\", \"senders\": \"any\", \"tls\": \"verified\"}"));
    assert_true(directory_site_by_id(f.world.directory, 1)->verified_tls);
    json_decref(ask_well(t, &f, "site.set", "{\"site\": \"one\", \"tls\": \"opportunistic\"}"));
    assert_false(directory_site_by_id(f.world.directory, 1)->verified_tls);
    reply = ask_well(t, &f, "site.show", "{\"site\": \"one\"}");
    assert_string_equal(json_at(reply, "output.tls"), "opportunistic");
    json_decref(reply);
    json_decref(ask_well(t, &f, "site.set", "{\"site\": \"one\", \"tls\": \"verified\"}"));
    reply = ask_well(t, &f, "site.show", "{\"site\": \"one\"}");
    assert_string_equal(json_at(reply, "output.tls"), "verified");
    json_decref(reply);
    ask_badly(t, &f, "site.set", "{\"site\": \"one\", \"tls\": \"maybe\"}", CONTROL_INVALID, "tls");
    return 0;
}

static int says_what_it_sends_as(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    const struct directory_site *site;
    json_t *reply;

    (void)argument;
    open_fixture(t, &f);
    json_decref(ask_well(t, &f, "site.add", "{\"site\": \"one\", \"from\": [\"a@example.org\"]}"));
    assert_false(directory_site_by_id(f.world.directory, 1)->any_address);
    json_decref(ask_well(t, &f, "site.set", "{\"site\": \"one\", \"senders\": \"any\"}"));
    site = directory_site_by_id(f.world.directory, 1);
    assert_true(site->any_address);
    assert_int_equal(site->outgoing_address_count, 1);
    reply = ask_well(t, &f, "site.show", "{\"site\": \"one\"}");
    assert_string_equal(json_at(reply, "output.senders"), "any");
    json_decref(reply);

    /* Naming addresses confines to them. */
    json_decref(ask_well(t, &f, "site.set",
                         "{\"site\": \"one\", \"from\": [\"b@Example.org\", \"c@example.org\"]}"));
    site = directory_site_by_id(f.world.directory, 1);
    assert_false(site->any_address);
    assert_int_equal(site->outgoing_address_count, 2);
    assert_true(slice_equal(site->outgoing_addresses[0], SLICE("b@example.org")));
    ask_badly(t, &f, "site.set", "{\"site\": \"one\", \"from\": [\"a@other.example\"]}",
              CONTROL_INVALID, "from[0]");
    json_decref(ask_well(t, &f, "site.add",
                         "{\"site\": \"two\", \"domain\": \"example.com\", \"senders\": \"any\"}"));
    reply = ask_well(t, &f, "site.show", "{\"site\": \"two\"}");
    assert_string_equal(json_at(reply, "output.senders"), "any");
    json_decref(reply);
    ask_badly(t, &f, "site.set", "{\"site\": \"two\", \"senders\": \"listed\"}", CONTROL_INVALID,
              "senders");
    return 0;
}

static int knows_whom_to_tell(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *reply;

    (void)argument;
    open_fixture(t, &f);
    json_decref(ask_well(
        t, &f, "site.add",
        "{\"site\": \"one\", \"domain\": \"example.org\", \"senders\": \"any\", \"tls\": \"verified\", "
        "\"contact\": [\"It@Example.ORG\", \"It@example.org\"]}"));
    reply = ask_well(t, &f, "site.show", "{\"site\": \"one\"}");
    assert_string_equal(json_at(reply, "output.contacts.0"), "It@example.org");
    assert_int_equal(json_array_size(json_object_get(json_object_get(reply, "output"), "contacts")),
                     1);
    json_decref(reply);
    reply = ask_well(t, &f, "site.set", "{\"site\": \"one\", \"contact\": [\"a@b.example\"]}");
    assert_string_equal(json_at(reply, "output.contacts.0"), "a@b.example");
    assert_string_equal(json_at(reply, "output.tls"), "verified"); /* as it was */
    json_decref(reply);
    ask_badly(t, &f, "site.set", "{\"site\": \"one\", \"contact\": [\"a@b.example\", \"nobody\"]}",
              CONTROL_INVALID, "contact[1]");
    ask_badly(t, &f, "site.set",
              "{\"site\": \"one\", \"contact\": [\"a@b.example\"], \"no_contact\": true}",
              CONTROL_INVALID, "no_contact");
    reply = ask_well(t, &f, "site.set", "{\"site\": \"one\", \"no_contact\": true}");
    assert_int_equal(json_array_size(json_object_get(json_object_get(reply, "output"), "contacts")),
                     0);
    json_decref(reply);
    return 0;
}

static const struct directory_site *site_of_user(const struct fixture *f, const char *user)
{
    const struct directory_credential *credential;

    return directory_site_by_credential(f->world.directory, slice_text(user), &credential);
}

static int credentials_come_and_go(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *first, *second, *list;
    char revoke[128];

    (void)argument;
    open_fixture(t, &f);
    json_decref(ask_well(t, &f, "site.add",
                         "{\"site\": \"one\", \"domain\": \"example.org\", \"senders\": \"any\"}"));
    json_decref(ask_well(t, &f, "site.add",
                         "{\"site\": \"two\", \"domain\": \"example.com\", \"senders\": \"any\"}"));
    first = ask_well(t, &f, "credential.add", "{\"site\": \"one\"}");
    second = ask_well(t, &f, "credential.add", "{\"site\": \"one\"}");
    ask_badly(t, &f, "credential.add", "{\"site\": \"one\"}", CONTROL_REFUSED, "site");
    assert_string_equal(json_at(first, "output.smtp_username"),
                        json_at(first, "output.access_key_id"));
    assert_string_equal(json_at(first, "output.smtp_host"), "mail.example.net");
    assert_int_equal(strlen(json_at(first, "output.secret_access_key")), 40);
    assert_int_equal(strlen(json_at(first, "output.smtp_password")), 44);
    assert_int_equal(site_of_user(&f, json_at(first, "output.smtp_username"))->id, 1);

    /* Another site's credential is as unknown as one that nobody has. */
    snprintf(revoke, sizeof revoke, "{\"site\": \"two\", \"access_key_id\": \"%s\"}",
             json_at(first, "output.access_key_id"));
    ask_badly(t, &f, "credential.revoke", revoke, CONTROL_NOT_FOUND, "access_key_id");
    revoke[strlen("{\"site\": \"")] = 'o', revoke[strlen("{\"site\": \"t")] = 'n',
    revoke[strlen("{\"site\": \"tw")] = 'e';
    json_decref(ask_well(t, &f, "credential.revoke", revoke));
    assert_null(site_of_user(&f, json_at(first, "output.smtp_username")));
    assert_non_null(site_of_user(&f, json_at(second, "output.smtp_username")));
    ask_badly(t, &f, "credential.revoke", revoke, CONTROL_NOT_FOUND, "access_key_id");

    list = ask_well(t, &f, "credential.list", "{\"site\": \"one\"}");
    assert_string_equal(json_at(list, "output.credentials.0.state"), "revoked");
    assert_string_equal(json_at(list, "output.credentials.1.state"), "active");
    json_decref(list);
    json_decref(first);
    json_decref(second);
    return 0;
}

static int says_when_the_gateway_is_away(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    json_t *reply;

    (void)argument;
    open_fixture(t, &f);
    json_decref(ask_well(t, &f, "site.add",
                         "{\"site\": \"one\", \"domain\": \"example.org\", \"senders\": \"any\"}"));
    f.world.gateway_is_deaf = true;
    reply = ask_well(t, &f, "site.pause", "{\"site\": \"one\"}");
    assert_string_equal(json_at(reply, "output.gateway"), "waiting");
    json_decref(reply);
    return 0;
}

/* A key whose record is known to be right is used before one whose record is not. */
static int signs_with_a_key_that_can_be_verified(struct task *t, void *argument)
{
    CLEANUP(close_fixture) struct fixture f;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct identity *identities;
    struct directory_site site;
    struct query q;
    size_t count;

    (void)argument;
    open_fixture(t, &f);
    json_decref(ask_well(t, &f, "site.add",
                         "{\"site\": \"one\", \"domain\": \"example.org\", \"senders\": \"any\"}"));
    assert_int_equal(identity_list(f.world.service.store, &arena, 1, &identities, &count), 0);
    assert_int_equal(site_directory_read(f.world.service.store, &arena, 1, 1, &site), 0);
    assert_int_equal(site.identities[0].key_count, 0); /* none was seen in the DNS */

    q = store_query(f.world.service.store, STORE_IDENTITY_KEY_JUDGED);
    query_bind_int(&q, identities[0].keys[2].id);
    query_bind_text(&q, SLICE("right"));
    query_bind_int(&q, 1);
    query_bind_int(&q, 1);
    for (int i = 0; i < 5; i++)
        query_bind_text(&q, SLICE_NONE);
    query_bind_int(&q, 1);
    assert_int_equal(query_run(&q), 0);
    query_done(&q);
    assert_int_equal(site_directory_read(f.world.service.store, &arena, 1, 1, &site), 0);
    assert_true(slice_equal(site.identities[0].keys[0].selector, identities[0].keys[2].selector));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(adds_a_site_with_three_keys),
        TASK_TEST(judges_what_is_to_be_added),
        TASK_TEST(says_how_mail_goes_out),
        TASK_TEST(says_what_it_sends_as),
        TASK_TEST(knows_whom_to_tell),
        TASK_TEST(pauses_resumes_and_removes),
        TASK_TEST(credentials_come_and_go),
        TASK_TEST(says_when_the_gateway_is_away),
        TASK_TEST(signs_with_a_key_that_can_be_verified),
    };

    log_init("test", LOG_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
