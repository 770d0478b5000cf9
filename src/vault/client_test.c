#include "vault/client.h"

#include "runtime/peer.h"
#include "vault/service.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A vault at the other end of a peer that is none: each call is answered at once, after as many
 * stale answers as the test wants. */
struct peer {
    struct vault_worker *worker;
    enum vault_caller caller;
    struct buffer stale; /* what a dead process was answered */
    int stale_count;
    int calls;
};

int peer_call(struct task *t, struct peer *p, uint8_t type, struct slice body, struct buffer *reply)
{
    (void)t;
    p->calls++;
    if (p->stale_count > 0) {
        p->stale_count--;
        buffer_add(reply, buffer_slice(&p->stale));
        return 0;
    }
    return vault_worker_answer(p->worker, p->caller, type, body, reply);
}

struct fixture {
    struct vault *vault;
    struct peer gateway, steward;
    struct vault_new_key key;
    struct vault_new_credential credential;
};

static const struct vault_key_binding key_binding = {
    7, {"example.org", 11}, {"lh1", 3}, VAULT_ED25519_SHA256};
static const struct vault_credential_binding credential_binding = {7, {"LHKATESTTESTTESTTEST", 20}};
static const uint8_t digest[VAULT_DIGEST_BYTES];

static int set_up(void **state)
{
    struct vault_options options = {.master_key = SLICE("0123456789abcdefghijklmnopqrstuv"),
                                    .region = SLICE("eu-west-1")};
    struct fixture *f = base_allocate(sizeof *f);

    assert_int_equal(vault_new(&options, &f->vault), 0);
    f->gateway =
        (struct peer){.worker = vault_worker_new(f->vault), .caller = VAULT_CALLER_GATEWAY};
    f->steward =
        (struct peer){.worker = vault_worker_new(f->vault), .caller = VAULT_CALLER_STEWARD};
    assert_int_equal(vault_create_key(NULL, &f->steward, &key_binding, 0, &f->key), 0);
    assert_int_equal(
        vault_create_credential(NULL, &f->steward, &credential_binding, &f->credential), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    vault_worker_free(f->gateway.worker);
    vault_worker_free(f->steward.worker);
    buffer_done(&f->gateway.stale);
    vault_free(f->vault);
    vault_new_key_done(&f->key);
    vault_new_credential_done(&f->credential);
    base_free_pointer(state);
    return 0;
}

static int sign(struct fixture *f, uint64_t site_id, struct buffer *ret_signature)
{
    struct vault_signing signing = {key_binding, buffer_slice(&f->key.sealed), digest};

    signing.key.site_id = site_id;
    return vault_sign(NULL, &f->gateway, &signing, ret_signature);
}

static void a_signature_comes_back(void **state)
{
    CLEANUP(buffer_done) struct buffer signature = BUFFER_NONE;

    assert_int_equal(sign(*state, 7, &signature), 0);
    assert_int_equal(signature.size, 64);
    assert_int_equal(sign(*state, 8, &signature), -EACCES);
    assert_int_equal(signature.size, 64);
}

static bool login(struct fixture *f, struct slice sealed, struct slice password)
{
    struct vault_login login = {credential_binding, sealed, password};
    bool match;

    assert_int_equal(vault_check_password(NULL, &f->gateway, &login, &match), 0);
    return match;
}

static void a_login_is_judged(void **state)
{
    static const char endless[VAULT_PASSWORD_BYTES_MAX + 1];
    struct fixture *f = *state;
    struct slice sealed = buffer_slice(&f->credential.sealed);
    struct slice password = secret_slice(&f->credential.smtp_password);

    assert_true(login(f, sealed, password));
    assert_false(login(f, sealed, SLICE("wrong")));
    assert_false(login(f, sealed, slice_of(endless, sizeof endless)));
    assert_false(login(f, SLICE_NONE, password));
    assert_int_equal(f->gateway.calls, 4); /* the vault was asked each time */
}

static void a_stale_yes_is_not_taken(void **state)
{
    struct fixture *f = *state;
    struct vault_password_reply yes = {.token = 4711, .match = true};

    vault_password_reply_write(&f->gateway.stale, &yes);
    f->gateway.stale_count = 3;
    assert_false(login(f, buffer_slice(&f->credential.sealed), SLICE("wrong")));
    assert_int_equal(f->gateway.calls, 4);
}

static void answers_that_never_fit_are_an_error(void **state)
{
    CLEANUP(buffer_done) struct buffer signature = BUFFER_NONE;
    struct fixture *f = *state;

    buffer_add(&f->gateway.stale, SLICE("nonsense"));
    f->gateway.stale_count = 1000;
    assert_int_equal(sign(f, 7, &signature), -EBADMSG);
    assert_true(f->gateway.calls < 100);
}

/* The vault would end itself if it saw these. */
static void what_would_be_an_attack_is_never_sent(void **state)
{
    static const char endless[VAULT_SEALED_BYTES_MAX + 1];
    struct vault_key_binding no_domain = {7, SLICE_NONE, SLICE("lh1"), VAULT_ED25519_SHA256};
    struct vault_signing signing = {key_binding, slice_of(endless, sizeof endless), digest};
    CLEANUP(buffer_done) struct buffer signature = BUFFER_NONE;
    struct vault_new_key key;
    struct fixture *f = *state;
    int calls = f->steward.calls;

    assert_int_equal(vault_sign(NULL, &f->gateway, &signing, &signature), -EINVAL);
    assert_int_equal(vault_create_key(NULL, &f->steward, &no_domain, 0, &key), -EINVAL);
    assert_int_equal(f->gateway.calls, 0);
    assert_int_equal(f->steward.calls, calls);
}

static void the_key_of_return_paths_is_the_steward_s(void **state)
{
    CLEANUP(secret_done) struct secret one = SECRET_NONE;
    CLEANUP(secret_done) struct secret again = SECRET_NONE;
    CLEANUP(secret_done) struct secret other = SECRET_NONE;
    struct fixture *f = *state;

    assert_int_equal(vault_return_key(NULL, &f->gateway, 230, &one), -EPERM);
    assert_int_equal(vault_return_key(NULL, &f->steward, 230, &one), 0);
    assert_int_equal(vault_return_key(NULL, &f->steward, 230, &again), 0);
    assert_int_equal(vault_return_key(NULL, &f->steward, 231, &other), 0);
    assert_true(slice_equal(secret_slice(&one), secret_slice(&again)));
    assert_false(slice_equal(secret_slice(&one), secret_slice(&other)));
}

static void access_key_ids_have_their_shape(void **state)
{
    char one[VAULT_ACCESS_KEY_ID_CHARACTERS + 1], two[VAULT_ACCESS_KEY_ID_CHARACTERS + 1];

    (void)state;
    vault_access_key_id_create(one);
    vault_access_key_id_create(two);
    assert_int_equal(strlen(one), VAULT_ACCESS_KEY_ID_CHARACTERS);
    assert_memory_equal(one, "LHKA", 4);
    assert_int_equal(strspn(one + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), 16);
    assert_string_not_equal(one, two);
}

static const struct vault_relay_binding relay = {7, 3, {"mail.library.example", 20}};

static void a_relay_is_signed_in_to(void **state)
{
    CLEANUP(secret_done) struct secret response = SECRET_NONE;
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    struct vault_relay_challenge question = {
        .relay = relay, .mechanism = VAULT_PLAIN, .user = SLICE("tim")};
    struct fixture *f = *state;

    assert_int_equal(vault_seal_relay(NULL, &f->steward, &relay, SLICE("tanstaaf"), &sealed), 0);
    question.sealed = buffer_slice(&sealed);
    assert_int_equal(vault_answer_relay(NULL, &f->gateway, &question, &response), 0);
    assert_true(slice_equal(secret_slice(&response), SLICE("\0tim\0tanstaaf")));
    question.relay.host = SLICE("mail.elsewhere.example");
    assert_int_equal(vault_answer_relay(NULL, &f->gateway, &question, &response), -EACCES);
}

static void a_password_that_cannot_be_is_never_sent(void **state)
{
    static const char endless[VAULT_PASSWORD_BYTES_MAX + 1];
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    struct fixture *f = *state;
    int calls = f->steward.calls;

    assert_int_equal(vault_seal_relay(NULL, &f->steward, &relay, SLICE_NONE, &sealed), -EINVAL);
    assert_int_equal(
        vault_seal_relay(NULL, &f->steward, &relay, slice_of(endless, sizeof endless), &sealed),
        -EINVAL);
    assert_int_equal(f->steward.calls, calls);
}

#define CLIENT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(a_signature_comes_back),
        CLIENT_TEST(a_login_is_judged),
        CLIENT_TEST(a_stale_yes_is_not_taken),
        CLIENT_TEST(answers_that_never_fit_are_an_error),
        CLIENT_TEST(what_would_be_an_attack_is_never_sent),
        CLIENT_TEST(a_relay_is_signed_in_to),
        CLIENT_TEST(a_password_that_cannot_be_is_never_sent),
        CLIENT_TEST(the_key_of_return_paths_is_the_steward_s),
        cmocka_unit_test(access_key_ids_have_their_shape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
