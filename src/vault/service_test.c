#include "vault/service.h"

#include "base/log.h"
#include "vault/credential.h"
#include "vault/relay_protocol.h"
#include "wire/ipc.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { RATE_MAX = 50 };

static const struct slice master = {"0123456789abcdefghijklmnopqrstuv", 32};
static const struct vault_credential_binding login = {7, {"LHKATESTTESTTESTTEST", 20}};

struct fixture {
    struct vault *vault;
    struct vault_worker *worker;
    struct buffer reply;
    /* what the steward has got */
    struct buffer sealed_key, public_key, sealed_credential, secret_access_key, password;
};

static struct vault_key_binding key_binding(void)
{
    return (struct vault_key_binding){7, SLICE("example.org"), SLICE("lh1"), VAULT_ED25519_SHA256};
}

static struct vault *new_vault(struct slice master_key)
{
    struct vault_options options = {master_key, SLICE("eu-west-1"), RATE_MAX};
    struct vault *vault;

    assert_int_equal(vault_new(&options, &vault), 0);
    return vault;
}

static int ask(struct fixture *f, enum vault_caller caller, uint8_t type, const struct buffer *body)
{
    f->reply.size = 0;
    return vault_worker_answer(f->worker, caller, type, buffer_slice(body), &f->reply);
}

static int create_key(struct fixture *f, const struct vault_key_binding *binding, uint16_t bits)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct vault_key_reply reply;
    int r;

    vault_key_request_write(&body, &(struct vault_key_request){11, *binding, bits});
    r = ask(f, VAULT_CALLER_STEWARD, IPC_VAULT_CREATE_KEY, &body);
    if (r < 0)
        return r;
    assert_int_equal(vault_key_reply_read(buffer_slice(&f->reply), &reply), 0);
    assert_int_equal(reply.token, 11);
    f->sealed_key.size = f->public_key.size = 0;
    buffer_add(&f->sealed_key, reply.sealed);
    buffer_add(&f->public_key, reply.public_key);
    return 0;
}

static int create_credential(struct fixture *f, const struct vault_credential_binding *binding)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct vault_credential_reply reply;
    int r;

    vault_credential_request_write(&body, &(struct vault_credential_request){12, *binding});
    r = ask(f, VAULT_CALLER_STEWARD, IPC_VAULT_CREATE_CREDENTIAL, &body);
    if (r < 0)
        return r;
    assert_int_equal(vault_credential_reply_read(buffer_slice(&f->reply), &reply), 0);
    assert_int_equal(reply.token, 12);
    buffer_add(&f->sealed_credential, reply.sealed);
    buffer_add(&f->secret_access_key, reply.secret_access_key);
    buffer_add(&f->password, reply.smtp_password);
    return 0;
}

static const char digest[VAULT_DIGEST_BYTES] = "digest of a message, 32 bytes..";

static int sign(struct fixture *f, const struct vault_key_binding *binding, struct slice sealed)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;

    vault_sign_request_write(
        &body, &(struct vault_sign_request){13, *binding, slice_of(digest, sizeof digest), sealed});
    return ask(f, VAULT_CALLER_GATEWAY, IPC_VAULT_SIGN, &body);
}

static int check(struct fixture *f, const struct vault_credential_binding *binding,
                 struct slice sealed, struct slice password, bool *ret_match)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct vault_password_reply reply;
    int r;

    vault_password_request_write(&body,
                                 &(struct vault_password_request){14, *binding, password, sealed});
    r = ask(f, VAULT_CALLER_GATEWAY, IPC_VAULT_CHECK_PASSWORD, &body);
    if (r < 0)
        return r;
    assert_int_equal(vault_password_reply_read(buffer_slice(&f->reply), &reply), 0);
    assert_int_equal(reply.token, 14);
    *ret_match = reply.match;
    return 0;
}

static bool matches(struct fixture *f, struct slice password)
{
    bool match;

    assert_int_equal(check(f, &login, buffer_slice(&f->sealed_credential), password, &match), 0);
    return match;
}

static int set_up(void **state)
{
    struct vault_key_binding binding = key_binding();
    struct fixture *f = base_allocate(sizeof *f);

    f->vault = new_vault(master);
    f->worker = vault_worker_new(f->vault);
    assert_int_equal(create_key(f, &binding, 0), 0);
    assert_int_equal(create_credential(f, &login), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    vault_worker_free(f->worker);
    vault_free(f->vault);
    buffer_done(&f->reply);
    buffer_done(&f->sealed_key);
    buffer_done(&f->public_key);
    buffer_done(&f->sealed_credential);
    buffer_done(&f->secret_access_key);
    buffer_done(&f->password);
    free(f);
    return 0;
}

static bool verify(struct slice public_key, struct slice signature)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, NULL, (const unsigned char *)public_key.data, public_key.size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int r;

    assert_int_equal(EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey), 1);
    r = EVP_DigestVerify(context, (const unsigned char *)signature.data, signature.size,
                         (const unsigned char *)digest, sizeof digest);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    return r == 1;
}

static void a_created_key_signs(void **state)
{
    struct fixture *f = *state;
    struct vault_key_binding binding = key_binding();
    struct vault_sign_reply reply;

    for (int i = 0; i < 2; i++) { /* opened, and found open */
        assert_int_equal(sign(f, &binding, buffer_slice(&f->sealed_key)), 0);
        assert_int_equal(vault_sign_reply_read(buffer_slice(&f->reply), &reply), 0);
        assert_int_equal(reply.token, 13);
        assert_true(verify(buffer_slice(&f->public_key), reply.signature));
    }
}

static void a_key_signs_for_its_own_site_and_names_only(void **state)
{
    struct fixture *f = *state;
    struct vault_key_binding wrong[4];

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        wrong[i] = key_binding();
    wrong[0].site_id = 8;
    wrong[1].domain = SLICE("example.com");
    wrong[2].selector = SLICE("lh2");
    wrong[3].algorithm = VAULT_RSA_SHA256;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(sign(f, &wrong[i], buffer_slice(&f->sealed_key)), -EACCES);
}

static void a_credential_does_not_sign_and_a_key_is_no_credential(void **state)
{
    struct fixture *f = *state;
    struct vault_key_binding binding = key_binding();
    bool match;

    assert_int_equal(sign(f, &binding, buffer_slice(&f->sealed_credential)), -EACCES);
    assert_int_equal(
        check(f, &login, buffer_slice(&f->sealed_key), buffer_slice(&f->password), &match),
        -EACCES);
}

static void another_master_key_opens_nothing(void **state)
{
    struct fixture *f = *state;
    struct vault_key_binding binding = key_binding();

    vault_worker_free(f->worker);
    vault_free(f->vault);
    f->vault = new_vault(SLICE("0123456789abcdefghijklmnopqrstuw"));
    f->worker = vault_worker_new(f->vault);
    assert_int_equal(sign(f, &binding, buffer_slice(&f->sealed_key)), -ENOKEY);
}

static void a_password_is_checked(void **state)
{
    struct fixture *f = *state;
    struct vault_credential_binding other_site = {8, login.access_key_id};
    struct vault_credential_binding other_name = {7, SLICE("LHKATESTTESTTESTTESU")};
    struct slice sealed = buffer_slice(&f->sealed_credential);
    struct slice password = buffer_slice(&f->password);
    bool match;

    assert_true(matches(f, password));
    assert_false(matches(f, SLICE("")));
    assert_false(matches(f, SLICE("BMW5RDrXmmVs0lV7GpI4oLkHXpZ4stDsk6q91z1g38Pk")));
    assert_int_equal(check(f, &other_site, sealed, password, &match), -EACCES);
    assert_int_equal(check(f, &other_name, sealed, password, &match), -EACCES);
}

static void nobody_has_no_password(void **state)
{
    struct fixture *f = *state;
    bool match;

    assert_int_equal(check(f, &login, SLICE_NONE, buffer_slice(&f->password), &match), 0);
    assert_false(match);
}

static void each_caller_may_ask_its_own_only(void **state)
{
    static const struct {
        enum vault_caller caller;
        uint8_t type;
    } wrong[] = {
        {VAULT_CALLER_STEWARD, IPC_VAULT_SIGN},
        {VAULT_CALLER_STEWARD, IPC_VAULT_CHECK_PASSWORD},
        {VAULT_CALLER_GATEWAY, IPC_VAULT_CREATE_KEY},
        {VAULT_CALLER_GATEWAY, IPC_VAULT_CREATE_CREDENTIAL},
        {VAULT_CALLER_GATEWAY, IPC_VAULT_SEAL_RELAY},
        {VAULT_CALLER_GATEWAY, IPC_VAULT_RETURN_KEY},
    };
    const struct buffer empty = BUFFER_NONE;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(ask(*state, wrong[i].caller, wrong[i].type, &empty), -EPERM);
}

static void what_is_no_request_is_told_apart(void **state)
{
    static const uint8_t types[] = {IPC_VAULT_SIGN, IPC_VAULT_CHECK_PASSWORD,
                                    IPC_VAULT_ANSWER_RELAY};
    const struct buffer garbage = {(char[]){1, 2, 3}, 3, 3};
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        assert_int_equal(ask(f, VAULT_CALLER_GATEWAY, types[i], &garbage), -EPROTO);
    assert_int_equal(ask(f, VAULT_CALLER_STEWARD, IPC_VAULT_CREATE_KEY, &garbage), -EPROTO);
    assert_int_equal(ask(f, VAULT_CALLER_STEWARD, IPC_VAULT_CREATE_CREDENTIAL, &garbage), -EPROTO);
    assert_int_equal(ask(f, VAULT_CALLER_STEWARD, IPC_VAULT_SEAL_RELAY, &garbage), -EPROTO);
    assert_int_equal(ask(f, VAULT_CALLER_STEWARD, IPC_VAULT_RETURN_KEY, &garbage), -EPROTO);
    assert_int_equal(ask(f, VAULT_CALLER_GATEWAY, IPC_EVENTS, &garbage), -EPROTO);
    assert_int_equal(ask(f, VAULT_CALLER_GATEWAY, 0, &garbage), -EPROTO);
    assert_int_equal(f->reply.size, 0);
}

static void only_canonical_names_are_bound(void **state)
{
    struct fixture *f = *state;
    struct vault_key_binding cases[4];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        cases[i] = key_binding();
    cases[0].domain = SLICE("Example.org");
    cases[1].domain = SLICE("example.org\n");
    cases[2].selector = SLICE("lh 1");
    cases[3].selector = SLICE("lh\xc3\xbc");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(create_key(f, &cases[i], 0), -EINVAL);
    assert_int_equal(create_key(f,
                                &(struct vault_key_binding){7, SLICE("example.org"), SLICE("s"),
                                                            VAULT_RSA_SHA256},
                                512),
                     -EINVAL);
    assert_int_equal(
        create_credential(f, &(struct vault_credential_binding){7, SLICE("LHKA lower")}), -EINVAL);
}

static void a_site_cannot_sign_without_end(void **state)
{
    struct fixture *f = *state;
    struct vault_key_binding binding = key_binding();
    int passed = 0;

    /* Should the minute change within the loop, one more minute's worth passes. */
    for (int i = 0; i < 3 * RATE_MAX; i++)
        passed += sign(f, &binding, buffer_slice(&f->sealed_key)) == 0;
    assert_in_range(passed, RATE_MAX, 2 * RATE_MAX);
    assert_int_equal(sign(f, &binding, buffer_slice(&f->sealed_key)), -EDQUOT);
}

static uint64_t check_ns(struct fixture *f, struct slice sealed)
{
    struct timespec start, end;
    bool match;

    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_int_equal(check(f, &login, sealed, SLICE("wrong"), &match), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_false(match);
    return (uint64_t)(end.tv_sec - start.tv_sec) * 1000000000U + (uint64_t)end.tv_nsec -
           (uint64_t)start.tv_nsec;
}

static int compare_ns(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

/* Half of all samples lie below the median, whatever else the machine does meanwhile. A check that
 * does not open a credential takes less than half of the time, so a tenth is far from both. */
static void nobody_takes_as_long_as_anybody(void **state)
{
    enum { SAMPLES = 4001 };
    static uint64_t known[SAMPLES], unknown[SAMPLES];
    struct fixture *f = *state;
    double ratio;

    for (int i = 0; i < SAMPLES; i++) {
        known[i] = check_ns(f, buffer_slice(&f->sealed_credential));
        unknown[i] = check_ns(f, SLICE_NONE);
    }
    qsort(known, SAMPLES, sizeof *known, compare_ns);
    qsort(unknown, SAMPLES, sizeof *unknown, compare_ns);
    ratio = (double)unknown[SAMPLES / 2] / (double)known[SAMPLES / 2];
    if (ratio < 0.9 || ratio > 1.1)
        fail_msg("unknown users take %.2f of the time that known ones do", ratio);
}

/* Everything the vault says on standard error while `run` runs. */
static void capture_log(struct fixture *f, void (*run)(struct fixture *f), struct buffer *ret)
{
    char path[] = "/tmp/vault_log_XXXXXX";
    int file = mkstemp(path), kept = dup(STDERR_FILENO);
    ssize_t size;

    assert_true(file >= 0 && kept >= 0 && unlink(path) == 0);
    dup2(file, STDERR_FILENO);
    log_init("vault", LOG_DEBUG);
    run(f);
    dup2(kept, STDERR_FILENO);
    close(kept);
    size = pread(file, buffer_reserve(ret, 1 << 20), 1 << 20, 0);
    assert_true(size > 0);
    ret->size = (size_t)size;
    close(file);
}

static void do_everything(struct fixture *f)
{
    struct vault_key_binding binding = key_binding(), wrong = key_binding();

    wrong.site_id = 9;
    f->sealed_credential.size = f->password.size = f->secret_access_key.size = 0;
    assert_int_equal(create_key(f, &binding, 0), 0);
    assert_int_equal(create_credential(f, &login), 0);
    assert_int_equal(sign(f, &binding, buffer_slice(&f->sealed_key)), 0);
    assert_int_equal(sign(f, &wrong, buffer_slice(&f->sealed_key)), -EACCES);
    assert_true(matches(f, buffer_slice(&f->password)));
    assert_false(matches(f, buffer_slice(&f->secret_access_key)));
    a_password_is_checked((void *[]){f});
    each_caller_may_ask_its_own_only((void *[]){f});
    what_is_no_request_is_told_apart((void *[]){f});
}

static void assert_absent(struct slice log, const char *what, struct slice secret)
{
    char text[4 * 64];

    assert_true(secret.size <= 64);
    if (slice_find_slice(log, secret) >= 0)
        fail_msg("the log holds the %s", what);
    sodium_bin2base64(text, sizeof text, (const unsigned char *)secret.data, secret.size,
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    if (slice_find_slice(log, slice_of(text, strlen(text) - 1)) >= 0)
        fail_msg("the log holds the %s in base64", what);
    sodium_bin2hex(text, sizeof text, (const unsigned char *)secret.data, secret.size);
    if (slice_find_slice(log, slice_text(text)) >= 0)
        fail_msg("the log holds the %s in hexadecimal", what);
}

static void the_log_tells_what_was_made_and_no_secret(void **state)
{
    CLEANUP(buffer_done) struct buffer log = BUFFER_NONE;
    struct fixture *f = *state;
    struct slice text;

    capture_log(f, do_everything, &log);
    text = buffer_slice(&log);
    assert_true(
        slice_find_slice(text, SLICE("audit: made a key (ed25519-sha256, 256 bits) for site "
                                     "7, domain example.org, selector lh1")) >= 0);
    assert_true(slice_find_slice(text, SLICE("audit: made a credential for site 7, access key id "
                                             "LHKATESTTESTTESTTEST")) >= 0);
    assert_true(slice_find_slice(text, SLICE("refused to sign for site 9")) >= 0);
    assert_absent(text, "master key", master);
    assert_absent(text, "password", buffer_slice(&f->password));
    assert_absent(text, "secret access key", buffer_slice(&f->secret_access_key));
}

static void it_warms_up(void **state)
{
    (void)state;
    assert_int_equal(vault_warm_up(), 0);
}

#define VAULT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VAULT_TEST(a_created_key_signs),
        VAULT_TEST(a_key_signs_for_its_own_site_and_names_only),
        VAULT_TEST(a_credential_does_not_sign_and_a_key_is_no_credential),
        VAULT_TEST(another_master_key_opens_nothing),
        VAULT_TEST(a_password_is_checked),
        VAULT_TEST(nobody_has_no_password),
        VAULT_TEST(each_caller_may_ask_its_own_only),
        VAULT_TEST(what_is_no_request_is_told_apart),
        VAULT_TEST(only_canonical_names_are_bound),
        VAULT_TEST(a_site_cannot_sign_without_end),
        VAULT_TEST(nobody_takes_as_long_as_anybody),
        VAULT_TEST(the_log_tells_what_was_made_and_no_secret),
        cmocka_unit_test(it_warms_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
