#include "submit/login.h"

#include "base/log.h"
#include "base/secret.h"
#include "vault/client.h"
#include "wire/base64.h"

static const uint64_t VAULT_TIMEOUT_US = 10 * SECOND_US;

static const struct wire_reply CANCELLED = {501, "5.7.0", "Authentication cancelled"};
static const struct wire_reply NOT_BASE64 = {501, "5.5.2", "That is not base64"};
static const struct wire_reply NOT_PLAIN = {501, "5.5.2",
                                            "That is not a PLAIN response (RFC 4616)"};
static const struct wire_reply TOO_LONG = {500, "5.5.6",
                                           "Authentication exchange line is too long"};
static const struct wire_reply UNKNOWN_MECHANISM = {504, "5.5.4",
                                                    "Only AUTH PLAIN and AUTH LOGIN are offered"};
static const struct wire_reply INVALID = {535, "5.7.8", "Authentication Credentials Invalid"};
static const struct wire_reply TURNED_AWAY = {454, "4.7.0",
                                              "Too many failed logins; try again later"};
static const struct wire_reply UNAVAILABLE = {454, "4.7.0", "Temporary authentication failure"};
static const struct wire_reply WELCOME = {235, "2.7.0", "Authentication successful."};

static const struct wire_reply ASK_PLAIN = {334, NULL, ""};
static const struct wire_reply ASK_USER = {334, NULL, "VXNlcm5hbWU6"};
static const struct wire_reply ASK_PASSWORD = {334, NULL, "UGFzc3dvcmQ6"};

/* What the client gave, decoded. `user` and `password` lie in the secrets. */
struct given {
    struct secret first;
    struct secret second;
    struct slice user;
    struct slice password;
};

static void given_done(struct given *g)
{
    secret_done(&g->first);
    secret_done(&g->second);
}

/* The exchange: everything below returns an error of the stream, or 0 with `refusal` set when the
 * client is to be told off, or 0. */
struct exchange {
    struct submit_service *service;
    struct submit_talk *talk;
    const struct smtp_auth *auth;
    const struct wire_reply *refusal;
    struct given given;
};

static void exchange_done(struct exchange *e)
{
    given_done(&e->given);
    submit_talk_forget(e->talk);
}

static void decode(struct exchange *e, struct slice text, struct secret *ret)
{
    size_t capacity = wire_base64_decoded_size_max(text.size) + 1;
    size_t size;

    secret_init(ret, capacity);
    if (wire_base64_decode(text, ret->data, capacity, &size))
        e->refusal = &NOT_BASE64;
    else
        ret->size = size;
}

/* Asks for a response and decodes it. RFC 4954 §4: "*" cancels. */
static int ask(struct task *t, struct exchange *e, const struct wire_reply *challenge,
               struct secret *ret)
{
    struct slice line;
    int r = submit_talk_reply(t, e->talk, challenge);

    if (r == 0)
        r = submit_talk_read(t, e->talk, &line);
    if (r == -EMSGSIZE) {
        e->refusal = &TOO_LONG;
        return 0;
    }
    if (r)
        return r;
    if (slice_equal(line, SLICE("*")))
        e->refusal = &CANCELLED;
    else
        decode(e, line, ret);
    return 0;
}

/* The first response came with the command, or is asked for. */
static int begin(struct task *t, struct exchange *e, const struct wire_reply *challenge)
{
    if (!e->auth->has_initial)
        return ask(t, e, challenge, &e->given.first);
    decode(e, e->auth->initial, &e->given.first);
    return 0;
}

/* RFC 4616 §2: [authzid] NUL authcid NUL passwd. Nobody may act as someone else here. */
static void split_plain(struct exchange *e)
{
    struct slice rest = secret_slice(&e->given.first);
    struct slice as;

    if (!slice_cut(&rest, '\0', &as) || !slice_cut(&rest, '\0', &e->given.user) ||
        slice_find(rest, '\0') >= 0) {
        e->refusal = &NOT_PLAIN;
        return;
    }
    e->given.password = rest;
    if (as.size && !slice_equal(as, e->given.user))
        e->given.user = SLICE_NONE;
}

static int plain(struct task *t, struct exchange *e)
{
    int r = begin(t, e, &ASK_PLAIN);

    if (r == 0 && !e->refusal)
        split_plain(e);
    return r;
}

static int login(struct task *t, struct exchange *e)
{
    int r = begin(t, e, &ASK_USER);

    if (r == 0 && !e->refusal)
        r = ask(t, e, &ASK_PASSWORD, &e->given.second);
    e->given.user = secret_slice(&e->given.first);
    e->given.password = secret_slice(&e->given.second);
    return r;
}

static int collect(struct task *t, struct exchange *e)
{
    if (slice_equal(e->auth->mechanism, SLICE("PLAIN")))
        return plain(t, e);
    if (slice_equal(e->auth->mechanism, SLICE("LOGIN")))
        return login(t, e);
    e->refusal = &UNKNOWN_MECHANISM;
    return 0;
}

/* What cannot be a user or a password is asked about all the same, as something that can: the
 * answer must come as late as any other. */
static struct vault_login question(const struct given *given, const struct directory_site *site,
                                   const struct directory_credential *credential)
{
    struct vault_login q = {.credential = {0, given->user}, .password = given->password};

    if (!given->user.size || given->user.size > VAULT_ACCESS_KEY_ID_BYTES_MAX)
        q.credential.access_key_id = SLICE("nobody");
    if (!given->password.size || given->password.size > VAULT_PASSWORD_BYTES_MAX) {
        q.password = SLICE("none");
        site = NULL;
    }
    if (site) {
        q.credential.site_id = site->id;
        q.sealed = credential->sealed;
    }
    return q;
}

/* Asks the vault. Afterwards the credential must still be the one that was asked about: it may have
 * been revoked meanwhile. */
static int check(struct task *t, struct exchange *e, uint64_t *ret_site_id)
{
    CLEANUP(task_deadline_end)
    struct task_deadline limit = task_deadline_after(t, VAULT_TIMEOUT_US);
    const struct submit_options *options = &e->service->options;
    const struct directory_credential *credential = NULL;
    const struct directory_site *site =
        directory_site_by_credential(options->directory, e->given.user, &credential);
    uint64_t site_id = site ? site->id : 0;
    struct vault_login q = question(&e->given, site, credential);
    bool match = false;
    int r;

    r = vault_check_password(t, options->vault, &q, &match);
    if (r)
        return r;
    site = directory_site_by_credential(options->directory, e->given.user, &credential);
    if (!match || !site || site->id != site_id)
        return -EACCES;
    *ret_site_id = site_id;
    return 0;
}

static bool is_allowed(struct task *t, const struct exchange *e)
{
    return submit_auth_limit_allows(e->service->auth_limit, task_now_us(t),
                                    stream_peer(e->talk->stream), e->given.user);
}

static void note_failure(struct task *t, struct exchange *e, struct submit_login *result,
                         const struct wire_reply *reply)
{
    submit_auth_limit_failed(e->service->auth_limit, task_now_us(t), stream_peer(e->talk->stream),
                             e->given.user);
    e->service->counters.logins_failed++;
    result->verdict = SUBMIT_LOGIN_FAILED;
    result->reply = *reply;
}

static void note_success(struct task *t, struct exchange *e, struct submit_login *result)
{
    struct slice user = e->given.user;

    submit_auth_limit_passed(e->service->auth_limit, task_now_us(t), stream_peer(e->talk->stream),
                             user);
    e->service->counters.logins++;
    result->verdict = SUBMIT_LOGIN_OK;
    result->reply = WELCOME;
    assert(user.size <= sizeof(result->user));
    result->user_size = user.size;
    memcpy(result->user, user.data, user.size);
}

static int decide(struct task *t, struct exchange *e, struct submit_login *result)
{
    int r;

    if (!is_allowed(t, e)) {
        note_failure(t, e, result, &TURNED_AWAY);
        return 0;
    }
    r = check(t, e, &result->site_id);
    if (r == -ECANCELED)
        return r;
    if (r == 0)
        note_success(t, e, result);
    else if (r == -EACCES)
        note_failure(t, e, result, &INVALID);
    else
        log_error("submit: the vault did not check a password: %s", strerror(-r));
    return 0;
}

int submit_login_run(struct task *t, struct submit_service *service, struct submit_talk *talk,
                     const struct smtp_auth *auth, struct submit_login *ret)
{
    CLEANUP(exchange_done)
    struct exchange e = {.service = service,
                         .talk = talk,
                         .auth = auth,
                         .given = {.first = SECRET_NONE, .second = SECRET_NONE}};
    struct submit_login result = {.verdict = SUBMIT_LOGIN_REFUSED, .reply = UNAVAILABLE};
    int r;

    r = collect(t, &e);
    if (r)
        return r;
    if (e.refusal)
        result.reply = *e.refusal;
    else
        r = decide(t, &e, &result);
    if (r == 0)
        *ret = result;
    return r;
}
