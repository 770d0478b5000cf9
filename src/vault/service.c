#include "vault/service.h"

#include "base/log.h"
#include "vault/credential.h"
#include "vault/key_cache.h"
#include "vault/key_import.h"
#include "vault/rate.h"
#include "vault/relay.h"
#include "vault/seal.h"
#include "wire/ipc.h"

#include <stdlib.h>
#include <time.h>

enum { REFUSALS_LOGGED_PER_MINUTE_MAX = 100 };

struct vault {
    struct vault_seal *seal;
    struct vault_rate *rate;     /* signatures, by site */
    struct vault_rate *answers;  /* to relays' challenges, by relay */
    struct vault_rate *refusals; /* that are in the log */
    struct buffer region;
    struct buffer nobody; /* a sealed credential that is in no database: see check_password */
};

struct vault_worker {
    struct vault *vault;
    struct vault_key_cache *keys;
    struct secret room; /* where credentials are opened */
};

/* The binding of the credential that nobody has: site 0 does not exist. */
static const struct vault_credential_binding nobody = {0, {"LHKAAAAAAAAAAAAAAAAA", 20}};

static void seal_credential(const struct vault *vault,
                            const struct vault_credential_binding *binding, struct slice kept,
                            struct buffer *ret_sealed)
{
    CLEANUP(buffer_done) struct buffer bound = BUFFER_NONE;

    vault_credential_binding_write(&bound, binding);
    vault_seal_close(vault->seal, VAULT_USE_CREDENTIAL, buffer_slice(&bound), kept, ret_sealed);
}

int vault_new(const struct vault_options *options, struct vault **ret)
{
    uint32_t rate = options->site_signatures_per_minute_max;
    CLEANUP(vault_credential_done) struct vault_credential made = {{0}, {0}, {0}};
    struct vault_seal *seal;
    struct vault *vault;
    int r = vault_seal_new(options->master_key, &seal);

    if (r < 0)
        return r;
    vault = base_allocate(sizeof *vault);
    vault->seal = seal;
    vault->rate = vault_rate_new(rate ? rate : VAULT_SITE_SIGNATURES_PER_MINUTE_MAX);
    vault->answers = vault_rate_new(VAULT_RELAY_ANSWERS_PER_MINUTE_MAX);
    vault->refusals = vault_rate_new(REFUSALS_LOGGED_PER_MINUTE_MAX);
    buffer_add(&vault->region, options->region);
    vault_credential_create(options->region, &made);
    seal_credential(vault, &nobody, secret_slice(&made.kept), &vault->nobody);
    *ret = vault;
    return 0;
}

void vault_free(struct vault *vault)
{
    if (!vault)
        return;
    vault_seal_free(vault->seal);
    vault_rate_free(vault->rate);
    vault_rate_free(vault->answers);
    vault_rate_free(vault->refusals);
    buffer_done(&vault->region);
    buffer_done(&vault->nobody);
    free(vault);
}

struct vault_worker *vault_worker_new(struct vault *vault)
{
    struct vault_worker *worker = base_allocate(sizeof *worker);

    worker->vault = vault;
    worker->keys = vault_key_cache_new(vault->seal, VAULT_KEYS_OPEN_MAX);
    secret_init(&worker->room, VAULT_SEALED_BYTES_MAX);
    return worker;
}

void vault_worker_free(struct vault_worker *worker)
{
    if (!worker)
        return;
    vault_key_cache_free(worker->keys);
    secret_done(&worker->room);
    free(worker);
}

static uint64_t now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* Only canonical names are bound, so that one domain has one way to be written. */
static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!is_name_character(s.data[i]))
            return false;
    return s.size > 0;
}

static bool is_access_key_id(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!((s.data[i] >= 'A' && s.data[i] <= 'Z') || (s.data[i] >= '0' && s.data[i] <= '9')))
            return false;
    return s.size > 0;
}

static const char *algorithm_name(enum vault_algorithm algorithm)
{
    return algorithm == VAULT_RSA_SHA256 ? "rsa-sha256" : "ed25519-sha256";
}

/* Whoever asks for what it may not have shall not fill the log either. */
static bool worth_a_line(struct vault *vault)
{
    return vault_rate_take(vault->refusals, 0, now_s()) == VAULT_RATE_PASS;
}

/* A blob that does not open is a fault in the caller's tables, or an attempt to use what belongs to
 * another site. */
static int refuse_blob(struct vault *vault, const char *what, uint64_t site_id, struct slice name,
                       int r)
{
    const char *why = r == -ENOKEY   ? "it was sealed under another master key"
                      : r == -EACCES ? "it was not sealed for this, or was altered"
                                     : "it is damaged";

    if (worth_a_line(vault))
        log_warning("refused to %s for site %llu, %.*s: %s", what, (unsigned long long)site_id,
                    SLICE_ARG(name), why);
    return r == -ENOKEY ? r : -EACCES;
}

/* Asked once the blob has opened, so that nobody moves the counts of sites whose keys he does not
 * have. */
static int check_rate(struct vault *vault, uint64_t site_id)
{
    enum vault_rate_verdict verdict = vault_rate_take(vault->rate, site_id, now_s());

    if (verdict == VAULT_RATE_FIRST_OVER)
        log_warning(
            "site %llu asks for more signatures than is sane: refused until the minute is over",
            (unsigned long long)site_id);
    return verdict == VAULT_RATE_PASS ? 0 : -EDQUOT;
}

static int sign(struct vault_worker *worker, struct slice body, struct buffer *reply)
{
    unsigned char signature[VAULT_SIGNATURE_BYTES_MAX];
    struct vault_sign_request request;
    struct vault_key *key;
    size_t size;
    int r;

    if (vault_sign_request_read(body, &request) < 0)
        return -EPROTO;
    r = vault_key_cache_get(worker->keys, &request.binding, request.sealed, &key);
    if (r < 0)
        return refuse_blob(worker->vault, "sign", request.binding.site_id, request.binding.domain,
                           r);
    r = check_rate(worker->vault, request.binding.site_id);
    if (r < 0)
        return r;
    r = vault_key_sign(key, (const uint8_t *)request.digest.data, signature, &size);
    if (r < 0)
        return r;
    vault_sign_reply_write(reply,
                           &(struct vault_sign_reply){request.token, slice_of(signature, size)});
    return 0;
}

static int open_credential(struct vault_worker *worker,
                           const struct vault_credential_binding *binding, struct slice sealed,
                           struct slice *ret_kept)
{
    CLEANUP(buffer_done) struct buffer bound = BUFFER_NONE;
    int r;

    vault_credential_binding_write(&bound, binding);
    r = vault_seal_open(worker->vault->seal, VAULT_USE_CREDENTIAL, buffer_slice(&bound), sealed,
                        &worker->room, ret_kept);
    if (r < 0)
        return refuse_blob(worker->vault, "check a password", binding->site_id,
                           binding->access_key_id, r);
    return 0;
}

/* For a user name that nobody has, the very same is done with a credential that nobody has. */
static int check_password(struct vault_worker *worker, struct slice body, struct buffer *reply)
{
    struct vault_password_request request;
    struct slice kept;
    bool known, match;
    int r;

    if (vault_password_request_read(body, &request) < 0)
        return -EPROTO;
    known = request.sealed.size > 0;
    r = open_credential(worker, known ? &request.binding : &nobody,
                        known ? request.sealed : buffer_slice(&worker->vault->nobody), &kept);
    if (r < 0)
        return r;
    r = vault_credential_check(kept, request.password, &match);
    secret_wipe(worker->room.data, kept.size);
    if (r < 0)
        return -EIO;
    vault_password_reply_write(reply,
                               &(struct vault_password_reply){request.token, known && match});
    return 0;
}

static void seal_key(struct vault_worker *worker, uint64_t token,
                     const struct vault_key_binding *binding, const struct secret *private_key,
                     struct slice public_key, struct buffer *reply)
{
    CLEANUP(buffer_done) struct buffer bound = BUFFER_NONE, sealed = BUFFER_NONE;

    vault_key_binding_write(&bound, binding);
    vault_seal_close(worker->vault->seal, VAULT_USE_KEY, buffer_slice(&bound),
                     secret_slice(private_key), &sealed);
    vault_key_reply_write(reply,
                          &(struct vault_key_reply){token, buffer_slice(&sealed), public_key});
}

static void log_key(const char *what, const struct vault_key_binding *binding, unsigned bits)
{
    log_info("audit: %s a key (%s, %u bits) for site %llu, domain %.*s, selector %.*s", what,
             algorithm_name(binding->algorithm), bits, (unsigned long long)binding->site_id,
             SLICE_ARG(binding->domain), SLICE_ARG(binding->selector));
}

static int create_key(struct vault_worker *worker, struct slice body, struct buffer *reply)
{
    CLEANUP(buffer_done) struct buffer public_key = BUFFER_NONE;
    CLEANUP(secret_done) struct secret private_key = SECRET_NONE;
    struct vault_key_request request;
    int r;

    if (vault_key_request_read(body, &request) < 0)
        return -EPROTO;
    if (!is_name(request.binding.domain) || !is_name(request.binding.selector))
        return -EINVAL;
    r = vault_key_create(request.binding.algorithm, request.bits, &private_key, &public_key);
    if (r < 0)
        return r;
    log_key("made", &request.binding, request.bits ? request.bits : 256U);
    seal_key(worker, request.token, &request.binding, &private_key, buffer_slice(&public_key),
             reply);
    return 0;
}

static int import_key(struct vault_worker *worker, struct slice body, struct buffer *reply)
{
    CLEANUP(buffer_done) struct buffer public_key = BUFFER_NONE;
    CLEANUP(secret_done) struct secret private_key = SECRET_NONE;
    struct vault_import_request request;
    unsigned bits;
    int r;

    if (vault_import_request_read(body, &request) < 0)
        return -EPROTO;
    if (!is_name(request.binding.domain) || !is_name(request.binding.selector) ||
        request.binding.algorithm != VAULT_RSA_SHA256)
        return -EINVAL;
    r = vault_key_import(request.key, &private_key, &public_key, &bits);
    if (r < 0)
        return r;
    log_key("imported", &request.binding, bits);
    seal_key(worker, request.token, &request.binding, &private_key, buffer_slice(&public_key),
             reply);
    return 0;
}

static int create_credential(struct vault_worker *worker, struct slice body, struct buffer *reply)
{
    CLEANUP(vault_credential_done) struct vault_credential made = {{0}, {0}, {0}};
    CLEANUP(buffer_done) struct buffer sealed = BUFFER_NONE;
    struct vault_credential_request request;

    if (vault_credential_request_read(body, &request) < 0)
        return -EPROTO;
    if (!is_access_key_id(request.binding.access_key_id))
        return -EINVAL;
    vault_credential_create(buffer_slice(&worker->vault->region), &made);
    seal_credential(worker->vault, &request.binding, secret_slice(&made.kept), &sealed);
    log_info("audit: made a credential for site %llu, access key id %.*s",
             (unsigned long long)request.binding.site_id, SLICE_ARG(request.binding.access_key_id));
    vault_credential_reply_write(
        reply, &(struct vault_credential_reply){request.token, buffer_slice(&sealed),
                                                secret_slice(&made.secret_access_key),
                                                secret_slice(&made.smtp_password)});
    return 0;
}

/* As a host is dialled: a name, or an address. */
static bool is_host(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!is_name_character(s.data[i]) && s.data[i] != ':')
            return false;
    return s.size > 0;
}

static int seal_relay(struct vault_worker *worker, struct slice body, struct buffer *reply)
{
    CLEANUP(buffer_done) struct buffer bound = BUFFER_NONE, sealed = BUFFER_NONE;
    struct vault_relay_seal_request request;

    if (vault_relay_seal_request_read(body, &request) < 0)
        return -EPROTO;
    if (!is_host(request.binding.host) || slice_find(request.password, '\0') >= 0)
        return -EINVAL;
    vault_relay_binding_write(&bound, &request.binding);
    vault_seal_close(worker->vault->seal, VAULT_USE_RELAY, buffer_slice(&bound), request.password,
                     &sealed);
    log_info("audit: sealed the password of site %llu's account at %.*s",
             (unsigned long long)request.binding.site_id, SLICE_ARG(request.binding.host));
    vault_relay_seal_reply_write(
        reply, &(struct vault_relay_seal_reply){request.token, buffer_slice(&sealed)});
    return 0;
}

/* Asked once the blob has opened, as check_rate. */
static int check_answers(struct vault *vault, const struct vault_relay_binding *binding)
{
    enum vault_rate_verdict verdict = vault_rate_take(vault->answers, binding->relay_id, now_s());

    if (verdict == VAULT_RATE_FIRST_OVER)
        log_warning("site %llu's account at %.*s is signed in to more often than is sane: refused "
                    "until the minute is over",
                    (unsigned long long)binding->site_id, SLICE_ARG(binding->host));
    return verdict == VAULT_RATE_PASS ? 0 : -EDQUOT;
}

static int open_relay(struct vault_worker *worker, const struct vault_relay_binding *binding,
                      struct slice sealed, struct slice *ret_password)
{
    CLEANUP(buffer_done) struct buffer bound = BUFFER_NONE;
    int r;

    vault_relay_binding_write(&bound, binding);
    r = vault_seal_open(worker->vault->seal, VAULT_USE_RELAY, buffer_slice(&bound), sealed,
                        &worker->room, ret_password);
    return r < 0 ? refuse_blob(worker->vault, "sign in", binding->site_id, binding->host, r) : 0;
}

/* CRAM-MD5 alone keeps the password here; what goes out is counted by the log. */
static void note_answer(const struct vault_relay_answer_request *request)
{
    if (request->mechanism != VAULT_CRAM_MD5)
        log_info("audit: handed out the password of site %llu's account at %.*s, for %s",
                 (unsigned long long)request->binding.site_id, SLICE_ARG(request->binding.host),
                 vault_mechanism_name(request->mechanism));
}

static int answer_relay(struct vault_worker *worker, struct slice body, struct buffer *reply)
{
    CLEANUP(secret_done) struct secret response = SECRET_NONE;
    struct vault_relay_answer_request request;
    struct slice password;
    int r;

    if (vault_relay_answer_request_read(body, &request) < 0)
        return -EPROTO;
    r = open_relay(worker, &request.binding, request.sealed, &password);
    if (r < 0)
        return r;
    r = check_answers(worker->vault, &request.binding);
    if (r == 0)
        r = vault_relay_respond(request.mechanism, request.user, password, request.challenge,
                                &response);
    secret_wipe(worker->room.data, password.size);
    if (r < 0)
        return r;
    note_answer(&request);
    vault_relay_answer_reply_write(
        reply, &(struct vault_relay_answer_reply){request.token, secret_slice(&response)});
    return 0;
}

static int derive_return_key(struct vault_worker *worker, struct slice body, struct buffer *reply)
{
    struct vault_return_key_request request;
    unsigned char key[VAULT_RETURN_PATH_KEY_BYTES];

    if (vault_return_key_request_read(body, &request) < 0)
        return -EPROTO;
    vault_seal_return_key(worker->vault->seal, request.period, key);
    log_info("audit: gave out the key for return paths of period %u", request.period);
    vault_return_key_reply_write(
        reply, &(struct vault_return_key_reply){request.token, slice_of(key, sizeof key)});
    secret_wipe(key, sizeof key);
    return 0;
}

static const struct operation {
    uint8_t type;
    unsigned callers; /* who alone may ask: enum vault_caller, ORed */
    int (*answer)(struct vault_worker *worker, struct slice body, struct buffer *reply);
} operations[] = {
    {IPC_VAULT_SIGN, VAULT_CALLER_GATEWAY, sign},
    {IPC_VAULT_CHECK_PASSWORD, VAULT_CALLER_GATEWAY, check_password},
    {IPC_VAULT_CREATE_KEY, VAULT_CALLER_STEWARD, create_key},
    {IPC_VAULT_IMPORT_KEY, VAULT_CALLER_STEWARD, import_key},
    {IPC_VAULT_CREATE_CREDENTIAL, VAULT_CALLER_STEWARD, create_credential},
    {IPC_VAULT_SEAL_RELAY, VAULT_CALLER_STEWARD, seal_relay},
    {IPC_VAULT_ANSWER_RELAY, VAULT_CALLER_GATEWAY | VAULT_CALLER_STEWARD, answer_relay},
    {IPC_VAULT_RETURN_KEY, VAULT_CALLER_STEWARD, derive_return_key},
};

int vault_worker_answer(struct vault_worker *worker, enum vault_caller caller, uint8_t type,
                        struct slice body, struct buffer *reply)
{
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        if (operations[i].type != type)
            continue;
        if (operations[i].callers & caller)
            return operations[i].answer(worker, body, reply);
        if (worth_a_line(worker->vault))
            log_warning("refused request %u of the %s, which may not ask for that", type,
                        caller == VAULT_CALLER_GATEWAY ? "gateway" : "steward");
        return -EPERM;
    }
    return -EPROTO;
}

static int sign_once(enum vault_algorithm algorithm, unsigned bits)
{
    static const uint8_t digest[VAULT_DIGEST_BYTES];
    CLEANUP(vault_key_free_pointer) struct vault_key *key = NULL;
    CLEANUP(secret_done) struct secret private_key = SECRET_NONE;
    CLEANUP(buffer_done) struct buffer public_key = BUFFER_NONE;
    unsigned char signature[VAULT_SIGNATURE_BYTES_MAX];
    size_t size;
    int r = vault_key_create(algorithm, bits, &private_key, &public_key);

    if (r == 0)
        r = vault_key_open(algorithm, secret_slice(&private_key), &key);
    if (r == 0)
        r = vault_key_sign(key, digest, signature, &size);
    return r;
}

static int respond_once(void)
{
    CLEANUP(secret_done) struct secret response = SECRET_NONE;

    return vault_relay_respond(VAULT_CRAM_MD5, SLICE("user"), SLICE("password"), SLICE("challenge"),
                               &response);
}

int vault_warm_up(void)
{
    int r = sign_once(VAULT_RSA_SHA256, VAULT_RSA_BITS_MIN);

    if (r == 0)
        r = sign_once(VAULT_ED25519_SHA256, 0);
    return r < 0 ? r : respond_once();
}
