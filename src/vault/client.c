#include "vault/client.h"

#include "runtime/peer.h"
#include "wire/ipc.h"

#include <sodium.h>

/* Each request is read back before it is sent: one that does not parse would be taken for an
 * attack. */

/* An answer to another question, left over by a process that died, is passed over and the question
 * put again; more than this many are no accident. */
enum { STALE_ANSWERS_MAX = 8 };

/* Bodies that hold a secret: wiped before they are freed, and large enough not to move while they
 * grow. */
static struct buffer secret_buffer(void)
{
    struct buffer b = BUFFER_NONE;

    buffer_reserve(&b, LIMIT_FRAME_BYTES);
    return b;
}

static void secret_buffer_done(struct buffer *b)
{
    secret_wipe(b->data, b->size);
    buffer_done(b);
}

/* Unlike any token of this process or of those before it. */
static uint64_t new_token(void)
{
    static uint64_t token;

    if (token == 0)
        randombytes_buf(&token, sizeof token);
    return ++token;
}

/* Every reply begins with the token of its request. */
static bool answers(const struct buffer *reply, uint64_t token)
{
    struct cursor c = cursor_of(buffer_slice(reply));

    return cursor_u64(&c) == token && !c.failed;
}

static int call(struct task *t, struct peer *vault, uint8_t type, struct slice body, uint64_t token,
                struct buffer *reply)
{
    for (int i = 0; i < STALE_ANSWERS_MAX; i++) {
        int r = peer_call(t, vault, type, body, reply);

        if (r < 0 || answers(reply, token))
            return r;
        secret_wipe(reply->data, reply->size);
        reply->size = 0;
    }
    return -EBADMSG;
}

int vault_sign(struct task *t, struct peer *vault, const struct vault_signing *signing,
               struct buffer *ret_signature)
{
    const struct vault_sign_request request = {
        .token = new_token(),
        .binding = signing->key,
        .digest = slice_of(signing->digest, VAULT_DIGEST_BYTES),
        .sealed = signing->sealed,
    };
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    struct vault_sign_request judged;
    struct vault_sign_reply answer;
    int r;

    vault_sign_request_write(&body, &request);
    if (vault_sign_request_read(buffer_slice(&body), &judged) < 0)
        return -EINVAL;
    r = call(t, vault, IPC_VAULT_SIGN, buffer_slice(&body), request.token, &reply);
    if (r == 0)
        r = vault_sign_reply_read(buffer_slice(&reply), &answer);
    if (r == 0)
        buffer_add(ret_signature, answer.signature);
    return r;
}

/* A password longer than any can be is asked about as if nobody had the name, so that it costs the
 * same. */
static struct vault_password_request password_request(const struct vault_login *login)
{
    struct vault_password_request request = {
        .token = new_token(),
        .binding = login->credential,
        .password = login->password,
        .sealed = login->sealed,
    };

    if (request.sealed.size == 0 || request.password.size > VAULT_PASSWORD_BYTES_MAX) {
        request.sealed = SLICE_NONE;
        request.binding = (struct vault_credential_binding){0, SLICE("LHKAAAAAAAAAAAAAAAAA")};
        request.password = slice_part(request.password, 0, VAULT_PASSWORD_BYTES_MAX);
    }
    return request;
}

int vault_check_password(struct task *t, struct peer *vault, const struct vault_login *login,
                         bool *ret_match)
{
    const struct vault_password_request request = password_request(login);
    CLEANUP(secret_buffer_done) struct buffer body = secret_buffer();
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    struct vault_password_request judged;
    struct vault_password_reply answer;
    int r;

    vault_password_request_write(&body, &request);
    if (vault_password_request_read(buffer_slice(&body), &judged) < 0)
        return -EINVAL;
    r = call(t, vault, IPC_VAULT_CHECK_PASSWORD, buffer_slice(&body), request.token, &reply);
    if (r == 0)
        r = vault_password_reply_read(buffer_slice(&reply), &answer);
    if (r == 0)
        *ret_match = answer.match;
    return r;
}

void vault_new_key_done(struct vault_new_key *key)
{
    buffer_done(&key->sealed);
    buffer_done(&key->public_key);
}

static int take_new_key(const struct buffer *reply, struct vault_new_key *ret)
{
    struct vault_new_key key = {BUFFER_NONE, BUFFER_NONE};
    struct vault_key_reply answer;
    int r = vault_key_reply_read(buffer_slice(reply), &answer);

    if (r < 0)
        return r;
    buffer_add(&key.sealed, answer.sealed);
    buffer_add(&key.public_key, answer.public_key);
    *ret = key;
    return 0;
}

int vault_create_key(struct task *t, struct peer *vault, const struct vault_key_binding *binding,
                     uint16_t bits, struct vault_new_key *ret)
{
    const struct vault_key_request request = {new_token(), *binding, bits};
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE, reply = BUFFER_NONE;
    struct vault_key_request judged;
    int r;

    vault_key_request_write(&body, &request);
    if (vault_key_request_read(buffer_slice(&body), &judged) < 0)
        return -EINVAL;
    r = call(t, vault, IPC_VAULT_CREATE_KEY, buffer_slice(&body), request.token, &reply);
    return r == 0 ? take_new_key(&reply, ret) : r;
}

int vault_import_key(struct task *t, struct peer *vault, const struct vault_key_binding *binding,
                     struct slice key, struct vault_new_key *ret)
{
    const struct vault_import_request request = {new_token(), *binding, key};
    CLEANUP(secret_buffer_done) struct buffer body = secret_buffer();
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    struct vault_import_request judged;
    int r;

    if (key.size > VAULT_KEY_FILE_BYTES_MAX)
        return -EINVAL;
    vault_import_request_write(&body, &request);
    if (vault_import_request_read(buffer_slice(&body), &judged) < 0)
        return -EINVAL;
    r = call(t, vault, IPC_VAULT_IMPORT_KEY, buffer_slice(&body), request.token, &reply);
    return r == 0 ? take_new_key(&reply, ret) : r;
}

void vault_new_credential_done(struct vault_new_credential *credential)
{
    buffer_done(&credential->sealed);
    secret_done(&credential->secret_access_key);
    secret_done(&credential->smtp_password);
}

int vault_create_credential(struct task *t, struct peer *vault,
                            const struct vault_credential_binding *binding,
                            struct vault_new_credential *ret)
{
    const struct vault_credential_request request = {new_token(), *binding};
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    CLEANUP(secret_buffer_done) struct buffer reply = secret_buffer();
    struct vault_new_credential made = {BUFFER_NONE, SECRET_NONE, SECRET_NONE};
    struct vault_credential_request judged;
    struct vault_credential_reply answer;
    int r;

    vault_credential_request_write(&body, &request);
    if (vault_credential_request_read(buffer_slice(&body), &judged) < 0)
        return -EINVAL;
    r = call(t, vault, IPC_VAULT_CREATE_CREDENTIAL, buffer_slice(&body), request.token, &reply);
    if (r == 0)
        r = vault_credential_reply_read(buffer_slice(&reply), &answer);
    if (r < 0)
        return r;
    buffer_add(&made.sealed, answer.sealed);
    secret_copy(&made.secret_access_key, answer.secret_access_key);
    secret_copy(&made.smtp_password, answer.smtp_password);
    *ret = made;
    return 0;
}

int vault_seal_relay(struct task *t, struct peer *vault, const struct vault_relay_binding *binding,
                     struct slice password, struct buffer *ret_sealed)
{
    const struct vault_relay_seal_request request = {new_token(), *binding, password};
    CLEANUP(secret_buffer_done) struct buffer body = secret_buffer();
    CLEANUP(buffer_done) struct buffer reply = BUFFER_NONE;
    struct vault_relay_seal_request judged;
    struct vault_relay_seal_reply answer;
    int r;

    if (password.size > VAULT_PASSWORD_BYTES_MAX)
        return -EINVAL;
    vault_relay_seal_request_write(&body, &request);
    if (vault_relay_seal_request_read(buffer_slice(&body), &judged) < 0)
        return -EINVAL;
    r = call(t, vault, IPC_VAULT_SEAL_RELAY, buffer_slice(&body), request.token, &reply);
    if (r == 0)
        r = vault_relay_seal_reply_read(buffer_slice(&reply), &answer);
    if (r == 0)
        buffer_add(ret_sealed, answer.sealed);
    return r;
}

int vault_answer_relay(struct task *t, struct peer *vault,
                       const struct vault_relay_challenge *challenge, struct secret *ret_response)
{
    const struct vault_relay_answer_request request = {
        .token = new_token(),
        .binding = challenge->relay,
        .mechanism = challenge->mechanism,
        .user = challenge->user,
        .challenge = challenge->challenge,
        .sealed = challenge->sealed,
    };
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    CLEANUP(secret_buffer_done) struct buffer reply = secret_buffer();
    struct vault_relay_answer_request judged;
    struct vault_relay_answer_reply answer;
    int r;

    vault_relay_answer_request_write(&body, &request);
    if (vault_relay_answer_request_read(buffer_slice(&body), &judged) < 0)
        return -EINVAL;
    r = call(t, vault, IPC_VAULT_ANSWER_RELAY, buffer_slice(&body), request.token, &reply);
    if (r == 0)
        r = vault_relay_answer_reply_read(buffer_slice(&reply), &answer);
    if (r == 0)
        secret_copy(ret_response, answer.response);
    return r;
}

int vault_return_key(struct task *t, struct peer *vault, uint32_t period, struct secret *ret_key)
{
    const struct vault_return_key_request request = {new_token(), period};
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    CLEANUP(secret_buffer_done) struct buffer reply = secret_buffer();
    struct vault_return_key_reply answer;
    int r;

    vault_return_key_request_write(&body, &request);
    r = call(t, vault, IPC_VAULT_RETURN_KEY, buffer_slice(&body), request.token, &reply);
    if (r == 0)
        r = vault_return_key_reply_read(buffer_slice(&reply), &answer);
    if (r == 0)
        secret_copy(ret_key, answer.key);
    return r;
}

void vault_access_key_id_create(char out[static VAULT_ACCESS_KEY_ID_CHARACTERS + 1])
{
    static const char alphabet[32] = {'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K',
                                      'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V',
                                      'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7'};
    unsigned char random[VAULT_ACCESS_KEY_ID_CHARACTERS];

    randombytes_buf(random, sizeof random);
    memcpy(out, "LHKA", 4);
    for (size_t i = 4; i < VAULT_ACCESS_KEY_ID_CHARACTERS; i++)
        out[i] = alphabet[random[i] % ARRAY_LEN(alphabet)];
    out[VAULT_ACCESS_KEY_ID_CHARACTERS] = 0;
}
