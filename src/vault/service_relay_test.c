/* The passwords of clients' accounts: what is sealed, who is answered, and for what. */
#include "vault/service.h"

#include "base/log.h"
#include "vault/relay_protocol.h"
#include "wire/ipc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct vault *vault;
    struct vault_worker *worker;
    struct buffer reply;
};

static int ask(struct fixture *f, enum vault_caller caller, uint8_t type, const struct buffer *body)
{
    f->reply.size = 0;
    return vault_worker_answer(f->worker, caller, type, buffer_slice(body), &f->reply);
}

static const struct vault_relay_binding relay = {7, 3, {"mail.library.example", 20}};
static const struct slice relay_password = {"correct horse battery staple", 28};

static int seal_relay(struct fixture *f, const struct vault_relay_binding *binding,
                      struct slice password, struct buffer *ret_sealed)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct vault_relay_seal_reply reply;
    int r;

    vault_relay_seal_request_write(&body,
                                   &(struct vault_relay_seal_request){15, *binding, password});
    r = ask(f, VAULT_CALLER_STEWARD, IPC_VAULT_SEAL_RELAY, &body);
    if (r < 0)
        return r;
    assert_int_equal(vault_relay_seal_reply_read(buffer_slice(&f->reply), &reply), 0);
    assert_int_equal(reply.token, 15);
    buffer_add(ret_sealed, reply.sealed);
    return 0;
}

/* The response lies in the fixture's reply. */
static int answer_relay(struct fixture *f, enum vault_caller caller,
                        const struct vault_relay_binding *binding, enum vault_mechanism mechanism,
                        struct slice sealed, struct slice *ret_response)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct vault_relay_answer_reply reply;
    int r;

    vault_relay_answer_request_write(
        &body, &(struct vault_relay_answer_request){
                   16, *binding, mechanism, SLICE("tim"),
                   mechanism == VAULT_CRAM_MD5 ? SLICE("<1@x>") : SLICE_NONE, sealed});
    r = ask(f, caller, IPC_VAULT_ANSWER_RELAY, &body);
    if (r < 0)
        return r;
    assert_int_equal(vault_relay_answer_reply_read(buffer_slice(&f->reply), &reply), 0);
    assert_int_equal(reply.token, 16);
    *ret_response = reply.response;
    return 0;
}

static int set_up(void **state)
{
    struct vault_options options = {.master_key = SLICE("0123456789abcdefghijklmnopqrstuv"),
                                    .region = SLICE("eu-west-1")};
    struct fixture *f = base_allocate(sizeof *f);

    assert_int_equal(vault_new(&options, &f->vault), 0);
    f->worker = vault_worker_new(f->vault);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    vault_worker_free(f->worker);
    vault_free(f->vault);
    buffer_done(&f->reply);
    free(f);
    return 0;
}

static void a_relay_is_answered_for(void **state)
{
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    struct fixture *f = *state;
    struct slice response;

    assert_int_equal(seal_relay(f, &relay, relay_password, &sealed), 0);
    assert_true(slice_find_slice(buffer_slice(&sealed), relay_password) < 0);
    assert_int_equal(answer_relay(f, VAULT_CALLER_GATEWAY, &relay, VAULT_LOGIN,
                                  buffer_slice(&sealed), &response),
                     0);
    assert_true(slice_equal(response, relay_password));
    assert_int_equal(answer_relay(f, VAULT_CALLER_STEWARD, &relay, VAULT_CRAM_MD5,
                                  buffer_slice(&sealed), &response),
                     0);
    assert_true(slice_starts(response, SLICE("tim ")));
    assert_true(slice_find_slice(response, relay_password) < 0);
}

static void a_relay_password_serves_its_site_relay_and_host_only(void **state)
{
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    struct vault_relay_binding wrong[3] = {relay, relay, relay};
    struct fixture *f = *state;
    struct slice response;

    wrong[0].site_id = 8;
    wrong[1].relay_id = 4;
    wrong[2].host = SLICE("mail.library.example.attacker.example");
    assert_int_equal(seal_relay(f, &relay, relay_password, &sealed), 0);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(answer_relay(f, VAULT_CALLER_GATEWAY, &wrong[i], VAULT_LOGIN,
                                      buffer_slice(&sealed), &response),
                         -EACCES);
    assert_int_equal(
        answer_relay(f, VAULT_CALLER_GATEWAY, &relay, VAULT_LOGIN,
                     SLICE("\1\2 no blob, and long enough to be looked at: 0123456789abcdef"),
                     &response),
        -EACCES);
}

static void what_no_relay_has_is_not_sealed(void **state)
{
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    struct vault_relay_binding wrong[2] = {relay, relay};
    struct fixture *f = *state;

    wrong[0].host = SLICE("Mail.Library.Example");
    wrong[1].host = SLICE("mail.library.example\n");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(seal_relay(f, &wrong[i], relay_password, &sealed), -EINVAL);
    assert_int_equal(seal_relay(f, &relay, SLICE("a\0b"), &sealed), -EINVAL);
}

static void a_relay_is_not_answered_for_without_end(void **state)
{
    enum { MAX = VAULT_RELAY_ANSWERS_PER_MINUTE_MAX };
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    struct fixture *f = *state;
    struct slice response;
    int passed = 0;

    assert_int_equal(seal_relay(f, &relay, relay_password, &sealed), 0);
    for (int i = 0; i < 3 * MAX; i++) /* as a_site_cannot_sign_without_end */
        passed += answer_relay(f, VAULT_CALLER_GATEWAY, &relay, VAULT_CRAM_MD5,
                               buffer_slice(&sealed), &response) == 0;
    assert_in_range(passed, MAX, 2 * MAX);
    assert_int_equal(answer_relay(f, VAULT_CALLER_GATEWAY, &relay, VAULT_CRAM_MD5,
                                  buffer_slice(&sealed), &response),
                     -EDQUOT);
}

/* Everything the vault says on standard error while it hands a password out. */
static void the_log_tells_who_got_it_and_no_secret(void **state)
{
    static char text[1 << 14];
    char path[] = "/tmp/vault_log_XXXXXX";
    int file = mkstemp(path), kept = dup(STDERR_FILENO);
    struct slice log;
    ssize_t size;

    assert_true(file >= 0 && kept >= 0 && unlink(path) == 0);
    dup2(file, STDERR_FILENO);
    log_init("vault", LOG_DEBUG);
    a_relay_is_answered_for(state);
    a_relay_password_serves_its_site_relay_and_host_only(state);
    dup2(kept, STDERR_FILENO);
    close(kept);
    size = pread(file, text, sizeof text, 0);
    close(file);
    assert_true(size > 0);
    log = slice_of(text, (size_t)size);
    assert_true(slice_find_slice(log, SLICE("audit: handed out the password of site 7's account at "
                                            "mail.library.example, for LOGIN")) >= 0);
    assert_true(slice_find_slice(log, SLICE("refused to sign in for site 8")) >= 0);
    assert_true(slice_find_slice(log, relay_password) < 0);
    assert_true(slice_find_slice(log, SLICE("Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZ")) < 0);
}

#define RELAY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELAY_TEST(a_relay_is_answered_for),
        RELAY_TEST(a_relay_password_serves_its_site_relay_and_host_only),
        RELAY_TEST(what_no_relay_has_is_not_sealed),
        RELAY_TEST(a_relay_is_not_answered_for_without_end),
        RELAY_TEST(the_log_tells_who_got_it_and_no_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
