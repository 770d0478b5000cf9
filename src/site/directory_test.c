#include "site/directory.h"

#include "wire/ipc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct slice outgoing[] = {{"info@one.example", 16}};

static void send_site(struct directory *d, const struct directory_site *site, int expected)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    directory_site_write(&body, site);
    assert_int_equal(directory_apply(d, IPC_DIRECTORY_SITE, buffer_slice(&body)), expected);
}

static void send_site_one(struct directory *d, const char *user)
{
    struct directory_identity identities[] = {
        {.id = 11,
         .domain = SLICE("one.example"),
         .sending = true,
         .covers_subdomains = true,
         .keys = {{SLICE("token"), KEY_RSA_SHA256, SLICE("sealed\0key")}},
         .key_count = 1},
        {.id = 12, .domain = SLICE("news.one.example"), .why_not = SLICE("not yet")},
    };
    struct directory_hour hours[] = {{500000, 7}, {499999, UINT32_MAX}};
    struct directory_credential credentials[] = {{21, slice_text(user), SLICE("verifier")}};
    struct directory_relay relay = {.id = 31,
                                    .version = 32,
                                    .host = SLICE("smtp.one.example"),
                                    .port = 465,
                                    .implicit_tls = true,
                                    .user = SLICE("desk"),
                                    .sealed = SLICE("sealed\0password"),
                                    .outgoing_address = SLICE("desk@one.example"),
                                    .return_path_ours = true,
                                    .why_not = SLICE("UNTESTED"),
                                    .good_us = 4,
                                    .connections_max = 2,
                                    .messages_per_connection_max = 50,
                                    .messages_per_minute_max = 30,
                                    .recipients_per_day_max = 2000,
                                    .day_us = 5,
                                    .recipients = 6,
                                    .closed_until_us = 7,
                                    .closed_why = SLICE("full")};
    struct directory_site site = {.id = 1,
                                  .name = SLICE("one"),
                                  .state = SITE_ACTIVE,
                                  .method = SITE_METHOD_DKIM,
                                  .outgoing_addresses = outgoing,
                                  .outgoing_address_count = ARRAY_LEN(outgoing),
                                  .identities = identities,
                                  .identity_count = ARRAY_LEN(identities),
                                  .credentials = credentials,
                                  .credential_count = ARRAY_LEN(credentials),
                                  .verified_tls = true,
                                  .quota = {36000, 500, true, true, hours, 2},
                                  .mail_from = SLICE("bounce.library.example"),
                                  .mail_from_good = true,
                                  .mail_from_reject = true,
                                  .relay = &relay};

    send_site(d, &site, 0);
}

static void send_site_two(struct directory *d, const char *user, int expected)
{
    struct directory_credential credentials[] = {{22, slice_text(user), SLICE("verifier")}};
    struct directory_site site = {.id = 2,
                                  .name = SLICE("two"),
                                  .state = SITE_PAUSED,
                                  .method = SITE_METHOD_DKIM,
                                  .credentials = credentials,
                                  .credential_count = ARRAY_LEN(credentials)};

    send_site(d, &site, expected);
}

static int send_push(struct directory *d, uint8_t type, uint64_t push)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    directory_push_write(&body, push);
    return directory_apply(d, type, buffer_slice(&body));
}

static uint64_t site_of(const struct directory *d, const char *user)
{
    const struct directory_credential *credential;
    const struct directory_site *site =
        directory_site_by_credential(d, slice_text(user), &credential);

    return site ? site->id : 0;
}

static void carries_everything(void **state)
{
    struct directory *d = directory_new();
    const struct directory_credential *credential;
    const struct directory_site *site;

    (void)state;
    send_site_one(d, "LHKAONE");
    site = directory_site_by_credential(d, SLICE("LHKAONE"), &credential);
    assert_ptr_equal(site, directory_site_by_id(d, 1));
    assert_int_equal(credential->id, 21);
    assert_true(slice_equal(credential->sealed, SLICE("verifier")));
    assert_true(slice_equal(site->name, SLICE("one")));
    assert_int_equal(site->state, SITE_ACTIVE);
    assert_true(slice_equal(site->outgoing_addresses[0], SLICE("info@one.example")));
    assert_true(site->identities[0].sending);
    assert_int_equal(site->identities[0].key_count, 1);
    assert_true(slice_equal(site->identities[0].keys[0].selector, SLICE("token")));
    assert_true(slice_equal(site->identities[0].keys[0].sealed, SLICE("sealed\0key")));
    assert_true(slice_equal(site->identities[1].why_not, SLICE("not yet")));
    assert_true(site->verified_tls);
    assert_int_equal(site->quota.messages_per_hour, 36000);
    assert_int_equal(site->quota.recipients_per_day, 500);
    assert_true(site->quota.slowed && site->quota.held);
    assert_int_equal(site->quota.used_count, 2);
    assert_int_equal(site->quota.used[1].recipients, UINT32_MAX);
    assert_true(slice_equal(site->mail_from, SLICE("bounce.library.example")));
    assert_true(site->mail_from_good && site->mail_from_reject);
    assert_true(directory_has_mail_from(d, SLICE("BOUNCE.library.example")));
    assert_false(directory_has_mail_from(d, SLICE("library.example")));
    assert_false(directory_has_mail_from(d, SLICE_NONE));
    assert_int_equal(site->relay->version, 32);
    assert_int_equal(site->relay->port, 465);
    assert_true(site->relay->implicit_tls && site->relay->return_path_ours);
    assert_false(site->relay->sending);
    assert_true(slice_equal(site->relay->host, SLICE("smtp.one.example")));
    assert_true(slice_equal(site->relay->sealed, SLICE("sealed\0password")));
    assert_true(slice_equal(site->relay->outgoing_address, SLICE("desk@one.example")));
    assert_int_equal(site->relay->good_us, 4);
    assert_int_equal(site->relay->recipients_per_day_max, 2000);
    assert_int_equal(site->relay->closed_until_us, 7);
    assert_true(slice_equal(site->relay->closed_why, SLICE("full")));
    directory_free(d);
}

static void finds_the_identity_that_covers_a_domain(void **state)
{
    static const struct {
        const char *domain;
        uint64_t identity;
    } cases[] = {
        {"one.example", 11},
        {"shop.one.example", 11},
        {"a.b.one.example", 11},
        {"news.one.example", 12},   /* the more specific one, though it may not send */
        {"x.news.one.example", 11}, /* which does not cover what is below it */
        {"notone.example", 0},
        {".one.example", 0},
        {"one.example.evil.example", 0},
        {"example", 0},
        {"", 0},
    };
    struct directory *d = directory_new();

    (void)state;
    send_site_one(d, "LHKAONE");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct directory_identity *identity =
            directory_identity_for(directory_site_by_id(d, 1), slice_text(cases[i].domain));

        assert_int_equal(identity ? identity->id : 0, cases[i].identity);
    }
    directory_free(d);
}

static void send_child(struct directory *d, bool sending)
{
    struct directory_identity identities[] = {
        {.id = 31, .domain = SLICE("branch.one.example"), .sending = sending}};
    struct directory_site site = {.id = 3,
                                  .name = SLICE("three"),
                                  .state = SITE_ACTIVE,
                                  .method = SITE_METHOD_DKIM,
                                  .identities = identities,
                                  .identity_count = 1};

    send_site(d, &site, 0);
}

static bool parent_covers(const struct directory *d, const char *domain)
{
    return directory_identity_for(directory_site_by_id(d, 1), slice_text(domain)) != NULL;
}

static void a_parent_does_not_cover_what_another_site_has_proven(void **state)
{
    struct directory *d = directory_new();

    (void)state;
    send_site_one(d, "USER1");
    send_child(d, false);
    assert_true(parent_covers(d, "branch.one.example"));
    send_child(d, true);
    assert_false(parent_covers(d, "branch.one.example"));
    assert_false(parent_covers(d, "desk.branch.one.example"));
    assert_true(parent_covers(d, "other.one.example"));
    assert_true(parent_covers(d, "one.example"));
    assert_non_null(
        directory_identity_for(directory_site_by_id(d, 3), SLICE("branch.one.example")));
    send_site_one(d, "USER1");
    assert_false(parent_covers(d, "branch.one.example"));
    send_child(d, false);
    assert_true(parent_covers(d, "branch.one.example"));
    send_child(d, true);
    directory_free(d);
}

static void replaces_a_site_whole(void **state)
{
    struct directory *d = directory_new();

    (void)state;
    send_site_one(d, "LHKAOLD");
    send_site_one(d, "LHKANEW");
    assert_int_equal(site_of(d, "LHKAOLD"), 0);
    assert_int_equal(site_of(d, "LHKANEW"), 1);
    directory_free(d);
}

static void refuses_a_user_name_of_another_site(void **state)
{
    struct directory *d = directory_new();

    (void)state;
    send_site_one(d, "LHKAONE");
    send_site_two(d, "LHKAONE", -EBADMSG);
    assert_int_equal(site_of(d, "LHKAONE"), 1);
    assert_null(directory_site_by_id(d, 2));
    directory_free(d);
}

static void keeps_the_old_until_the_new_is_whole(void **state)
{
    struct directory *d = directory_new();

    (void)state;
    assert_false(directory_ready(d));
    assert_int_equal(send_push(d, IPC_DIRECTORY_BEGIN, 1), 0);
    send_site_one(d, "LHKAONE");
    send_site_two(d, "LHKATWO", 0);
    assert_false(directory_ready(d));
    assert_int_equal(send_push(d, IPC_DIRECTORY_END, 1), 0);
    assert_true(directory_ready(d));

    assert_int_equal(send_push(d, IPC_DIRECTORY_BEGIN, 2), 0);
    send_site_two(d, "LHKATWO", 0);
    assert_int_equal(site_of(d, "LHKAONE"), 1);
    assert_int_equal(send_push(d, IPC_DIRECTORY_END, 2), 0);
    assert_int_equal(site_of(d, "LHKAONE"), 0);
    assert_int_equal(site_of(d, "LHKATWO"), 2);
    directory_free(d);
}

/* The end of a push that another process of ours, or the directory before a restart, saw begin. */
static void an_end_without_its_begin_makes_nothing_whole(void **state)
{
    struct directory *d = directory_new();

    (void)state;
    send_site_two(d, "LHKATWO", 0);
    assert_int_equal(send_push(d, IPC_DIRECTORY_END, 7), -ESTALE);
    assert_false(directory_ready(d));
    assert_int_equal(send_push(d, IPC_DIRECTORY_BEGIN, 8), 0);
    send_site_one(d, "LHKAONE");
    assert_int_equal(send_push(d, IPC_DIRECTORY_END, 7), -ESTALE);
    assert_false(directory_ready(d));
    assert_int_equal(site_of(d, "LHKATWO"), 2); /* nothing was dropped */
    assert_int_equal(send_push(d, IPC_DIRECTORY_END, 8), 0);
    assert_true(directory_ready(d));
    assert_int_equal(site_of(d, "LHKATWO"), 0);
    assert_int_equal(send_push(d, IPC_DIRECTORY_END, 8), -ESTALE); /* asked twice: once counts */
    assert_true(directory_ready(d));
    assert_int_equal(directory_apply(d, IPC_DIRECTORY_BEGIN, SLICE_NONE), -EBADMSG);
    assert_int_equal(directory_apply(d, IPC_DIRECTORY_END, SLICE("\0\0\0\0\0\0\0\0")), -EBADMSG);
    directory_free(d);
}

static void removes_a_site(void **state)
{
    struct directory *d = directory_new();
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    (void)state;
    send_site_one(d, "LHKAONE");
    directory_remove_write(&body, 1);
    for (int again = 0; again < 2; again++)
        assert_int_equal(directory_apply(d, IPC_DIRECTORY_REMOVE, buffer_slice(&body)), 0);
    assert_null(directory_site_by_id(d, 1));
    assert_int_equal(site_of(d, "LHKAONE"), 0);
    directory_free(d);
}

/* Cut anywhere, or with one byte more, a body is refused and the site stays as it was. */
static void refuses_a_body_that_does_not_parse(void **state)
{
    struct directory *d = directory_new();
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    (void)state;
    send_site_one(d, "LHKAONE");
    directory_site_write(&body, directory_site_by_id(d, 1));
    for (size_t size = 0; size < body.size; size++)
        assert_int_equal(
            directory_apply(d, IPC_DIRECTORY_SITE, slice_part(buffer_slice(&body), 0, size)),
            -EBADMSG);
    buffer_add_byte(&body, 0);
    assert_int_equal(directory_apply(d, IPC_DIRECTORY_SITE, buffer_slice(&body)), -EBADMSG);
    assert_int_equal(directory_apply(d, IPC_SUBMIT_BEGIN, SLICE_NONE), -EBADMSG);
    assert_int_equal(site_of(d, "LHKAONE"), 1);
    directory_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_everything),
        cmocka_unit_test(finds_the_identity_that_covers_a_domain),
        cmocka_unit_test(a_parent_does_not_cover_what_another_site_has_proven),
        cmocka_unit_test(replaces_a_site_whole),
        cmocka_unit_test(refuses_a_user_name_of_another_site),
        cmocka_unit_test(keeps_the_old_until_the_new_is_whole),
        cmocka_unit_test(an_end_without_its_begin_makes_nothing_whole),
        cmocka_unit_test(removes_a_site),
        cmocka_unit_test(refuses_a_body_that_does_not_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
