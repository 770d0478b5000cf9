#include "deliver/client_auth.h"

#include "deliver/client_inside.h"
#include "vault/relay.h"
#include "wire/base64.h"
#include "wire/redact.h"

#include <openssl/evp.h>

/* What must fit into one command line with its first response (RFC 4954 §4, RFC 5321 §4.5.3.1.4);
 * a longer response waits until it is asked for. */
enum { COMMAND_BYTES_MAX = 512 };

/* In the order of preference: with CRAM-MD5 the password stays in the vault; PLAIN is a standard,
 * LOGIN is not. */
static const struct mechanism {
    enum vault_mechanism mechanism;
    enum smtp_mechanism offered;
} mechanisms[] = {
    {VAULT_CRAM_MD5, SMTP_MECHANISM_CRAM_MD5},
    {VAULT_PLAIN, SMTP_MECHANISM_PLAIN},
    {VAULT_LOGIN, SMTP_MECHANISM_LOGIN},
};

/* One try. */
struct attempt {
    struct client *client;
    const struct client_account *account;
    enum vault_mechanism mechanism;
    struct smtp_reply reply; /* the parser's: good until the next one is read */
    bool senseless;          /* the server asked what cannot be answered, and was told to stop */
};

enum smtp_mechanism client_mechanism_bit(enum vault_mechanism mechanism)
{
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
        if (mechanisms[i].mechanism == mechanism)
            return mechanisms[i].offered;
    return 0;
}

static int read_reply(struct task *t, struct attempt *a)
{
    return client_read_reply(t, a->client, CLIENT_COMMAND_US, "waiting for the answer to AUTH",
                             &a->reply);
}

static int say(struct task *t, struct attempt *a, struct slice line)
{
    int r = client_send_command(t, a->client, line, "sending AUTH");

    return r == 0 ? read_reply(t, a) : r;
}

/* Of a response what may never be seen again: the password, or the digest made with it. */
static void guard(struct attempt *a, const struct secret *response)
{
    struct slice secret = secret_slice(response);
    char before = a->mechanism == VAULT_PLAIN ? '\0' : ' ';

    if (a->mechanism != VAULT_LOGIN)
        secret = slice_part(secret, (size_t)(slice_find_last(secret, before) + 1), secret.size);
    if (!a->client->secrets)
        a->client->secrets = redactor_new();
    redactor_add(a->client->secrets, secret);
}

/* "AUTH PLAIN " or nothing, the response in base64, CR LF. */
static void write_line(struct slice command, const struct secret *response, struct secret *ret)
{
    size_t size = command.size + wire_base64_encoded_size(response->size);

    secret_init(ret, size + 3);
    if (command.size)
        memcpy(ret->data, command.data, command.size);
    EVP_EncodeBlock((unsigned char *)ret->data + command.size,
                    (const unsigned char *)response->data, (int)response->size);
    memcpy(ret->data + size, "\r\n", 2);
    ret->size = size + 2;
}

static int say_secret(struct task *t, struct attempt *a, struct slice command,
                      const struct secret *response)
{
    CLEANUP(secret_done) struct secret line = SECRET_NONE;
    int r;

    guard(a, response);
    write_line(command, response, &line);
    client_note(a->client, CLIENT_SAYS,
                arena_printf(&a->client->arena, "%.*s[hidden]\r\n", SLICE_ARG(command)));
    r = client_send_secret(t, a->client, secret_slice(&line), "sending AUTH");
    return r == 0 ? read_reply(t, a) : r;
}

/* What vault/client.h lists, for people. */
static const char *why_no_response(int r)
{
    return r == -EACCES ? "the stored password was not sealed for this account: enter it again"
           : r == -ENOKEY
               ? "the stored password was sealed under another master key: enter it again"
           : r == -EDQUOT ? "this account was signed in to too often within a minute"
                          : NULL;
}

static int respond(struct task *t, struct attempt *a, struct slice challenge, struct secret *ret)
{
    int r = a->account->respond(t, a->account->context, a->mechanism, challenge, ret);

    if (r < 0)
        (void)client_problem(a->client, r, "asking the vault for the password");
    if (r < 0 && why_no_response(r))
        a->client->problem = slice_text(why_no_response(r));
    return r;
}

/* A server may ask on and on: "*" ends it (RFC 4954 §4), and is answered with a refusal. */
static int give_up(struct task *t, struct attempt *a)
{
    a->senseless = true;
    return say(t, a, SLICE("*\r\n"));
}

static int try_plain(struct task *t, struct attempt *a)
{
    static const struct slice command = {"AUTH PLAIN ", 11};
    CLEANUP(secret_done) struct secret response = SECRET_NONE;
    int r = respond(t, a, SLICE_NONE, &response);

    if (r < 0)
        return r;
    if (command.size + wire_base64_encoded_size(response.size) + 2 <= COMMAND_BYTES_MAX)
        return say_secret(t, a, command, &response);
    r = say(t, a, SLICE("AUTH PLAIN\r\n"));
    return r == 0 && a->reply.code == 334 ? say_secret(t, a, SLICE_NONE, &response) : r;
}

static int say_user(struct task *t, struct attempt *a)
{
    CLEANUP(buffer_done) struct buffer line = BUFFER_NONE;

    wire_base64_encode(&line, a->account->user);
    buffer_add(&line, SLICE("\r\n"));
    return say(t, a, buffer_slice(&line));
}

/* No standard has it: it asks twice, in words that do not matter. */
static int try_login(struct task *t, struct attempt *a)
{
    CLEANUP(secret_done) struct secret response = SECRET_NONE;
    int r = respond(t, a, SLICE_NONE, &response);

    if (r == 0)
        r = say(t, a, SLICE("AUTH LOGIN\r\n"));
    if (r == 0 && a->reply.code == 334)
        r = say_user(t, a);
    return r == 0 && a->reply.code == 334 ? say_secret(t, a, SLICE_NONE, &response) : r;
}

/* One line of base64, of which something must come. */
static bool read_challenge(const struct smtp_reply *reply,
                           char out[static VAULT_CHALLENGE_BYTES_MAX], struct slice *ret)
{
    size_t size;

    if (reply->line_count != 1 ||
        wire_base64_decode(slice_trim(reply->lines[0]), out, VAULT_CHALLENGE_BYTES_MAX, &size) < 0)
        return false;
    *ret = slice_of(out, size);
    return size > 0;
}

static int try_cram_md5(struct task *t, struct attempt *a)
{
    CLEANUP(secret_done) struct secret response = SECRET_NONE;
    char decoded[VAULT_CHALLENGE_BYTES_MAX];
    struct slice challenge;
    int r = say(t, a, SLICE("AUTH CRAM-MD5\r\n"));

    if (r < 0 || a->reply.code != 334)
        return r;
    if (!read_challenge(&a->reply, decoded, &challenge))
        return give_up(t, a);
    r = respond(t, a, challenge, &response);
    return r == 0 ? say_secret(t, a, SLICE_NONE, &response) : r;
}

static int try_mechanism(struct task *t, struct attempt *a)
{
    int r = a->mechanism == VAULT_CRAM_MD5 ? try_cram_md5(t, a)
            : a->mechanism == VAULT_PLAIN  ? try_plain(t, a)
                                           : try_login(t, a);

    return r == 0 && a->reply.code == 334 ? give_up(t, a) : r;
}

static enum client_auth_verdict verdict_of(const struct attempt *a)
{
    enum smtp_class class = wire_reply_class(a->reply.code);

    if (a->reply.code == 235) /* no other 2xx says that anybody was signed in */
        return a->senseless ? CLIENT_AUTH_NO_SENSE : CLIENT_AUTH_ACCEPTED;
    return a->senseless || class == SMTP_CLASS_SUCCESS || class == SMTP_CLASS_CONTINUE
               ? CLIENT_AUTH_NO_SENSE
               : CLIENT_AUTH_REFUSED;
}

/* Whether another mechanism might do better: after CRAM-MD5 each may; after the others only if the
 * mechanism was what the server did not like (RFC 4954 §4: 504; RFC 5321 §4.2.4: 500 to 502). */
static bool is_worth_another(const struct client *c, const struct client_auth *auth)
{
    uint16_t code = auth->reply.code;

    if (auth->verdict == CLIENT_AUTH_ACCEPTED || c->closing ||
        wire_reply_class(code) != SMTP_CLASS_PERMANENT)
        return false;
    return auth->mechanism == VAULT_CRAM_MD5 || (code >= 500 && code <= 504);
}

static int try_in_turn(struct task *t, struct client *c, const struct client_account *account,
                       unsigned usable, struct client_auth *auth)
{
    for (size_t i = 0; i < ARRAY_LEN(mechanisms) && auth->tries < CLIENT_AUTH_TRIES_MAX; i++) {
        struct attempt a = {.client = c, .account = account, .mechanism = mechanisms[i].mechanism};
        int r;

        if (!(usable & mechanisms[i].offered))
            continue;
        auth->tries++;
        auth->mechanism = a.mechanism;
        r = try_mechanism(t, &a);
        if (r < 0)
            return r;
        auth->verdict = verdict_of(&a);
        auth->reply = wire_reply_copy(&c->arena, &a.reply);
        if (!is_worth_another(c, auth))
            return 0;
    }
    return 0;
}

int client_auth(struct task *t, struct client *c, const struct client_account *account,
                struct client_auth *ret)
{
    unsigned allowed = account->mechanisms ? account->mechanisms : ~0u;
    unsigned usable = c->capabilities.mechanisms & allowed &
                      (SMTP_MECHANISM_CRAM_MD5 | SMTP_MECHANISM_PLAIN | SMTP_MECHANISM_LOGIN);
    struct client_auth auth = {.verdict = CLIENT_AUTH_ACCEPTED};
    int r = 0;

    if (!c->verified || !stream_is_tls(c->stream))
        auth.verdict = CLIENT_AUTH_UNPROTECTED;
    else if (!c->capabilities.auth)
        auth.verdict = CLIENT_AUTH_NOT_OFFERED;
    else if (!usable)
        auth.verdict = CLIENT_AUTH_NO_MECHANISM;
    else
        r = try_in_turn(t, c, account, usable, &auth);
    if (r == 0)
        *ret = auth;
    return r;
}

static int vault_respond(struct task *t, void *context, enum vault_mechanism mechanism,
                         struct slice challenge, struct secret *ret_response)
{
    const struct client_vault_account *account = context;
    const struct vault_relay_challenge question = {
        .relay = account->relay,
        .sealed = account->sealed,
        .mechanism = mechanism,
        .user = account->user,
        .challenge = challenge,
    };

    return vault_answer_relay(t, account->vault, &question, ret_response);
}

struct client_account client_account_of_vault(struct client_vault_account *account)
{
    return (struct client_account){
        .user = account->user, .respond = vault_respond, .context = account};
}
