/* Bodies of requests to the vault and of its replies: the first byte chooses which; what is read
 * can be written again, byte for byte, and every field is within its bounds. */
#include "fuzz.h"

#include "vault/relay_protocol.h"

static int sign_request(struct slice body, struct buffer *again)
{
    struct vault_sign_request request;
    int r = vault_sign_request_read(body, &request);

    if (r == 0) {
        fuzz_check(request.digest.size == VAULT_DIGEST_BYTES);
        fuzz_check(request.sealed.size <= VAULT_SEALED_BYTES_MAX);
        vault_sign_request_write(again, &request);
    }
    return r;
}

static int sign_reply(struct slice body, struct buffer *again)
{
    struct vault_sign_reply reply;
    int r = vault_sign_reply_read(body, &reply);

    if (r == 0)
        vault_sign_reply_write(again, &reply);
    return r;
}

static int password_request(struct slice body, struct buffer *again)
{
    struct vault_password_request request;
    int r = vault_password_request_read(body, &request);

    if (r == 0) {
        fuzz_check(request.password.size <= VAULT_PASSWORD_BYTES_MAX);
        vault_password_request_write(again, &request);
    }
    return r;
}

static int password_reply(struct slice body, struct buffer *again)
{
    struct vault_password_reply reply;
    int r = vault_password_reply_read(body, &reply);

    if (r == 0)
        vault_password_reply_write(again, &reply);
    return r;
}

static int key_request(struct slice body, struct buffer *again)
{
    struct vault_key_request request;
    int r = vault_key_request_read(body, &request);

    if (r == 0) {
        fuzz_check(request.binding.domain.size <= VAULT_DOMAIN_BYTES_MAX);
        fuzz_check(request.binding.selector.size <= VAULT_SELECTOR_BYTES_MAX);
        vault_key_request_write(again, &request);
    }
    return r;
}

static int key_reply(struct slice body, struct buffer *again)
{
    struct vault_key_reply reply;
    int r = vault_key_reply_read(body, &reply);

    if (r == 0)
        vault_key_reply_write(again, &reply);
    return r;
}

static int credential_request(struct slice body, struct buffer *again)
{
    struct vault_credential_request request;
    int r = vault_credential_request_read(body, &request);

    if (r == 0) {
        fuzz_check(request.binding.access_key_id.size <= VAULT_ACCESS_KEY_ID_BYTES_MAX);
        vault_credential_request_write(again, &request);
    }
    return r;
}

static int credential_reply(struct slice body, struct buffer *again)
{
    struct vault_credential_reply reply;
    int r = vault_credential_reply_read(body, &reply);

    if (r == 0)
        vault_credential_reply_write(again, &reply);
    return r;
}

static int relay_seal_request(struct slice body, struct buffer *again)
{
    struct vault_relay_seal_request it;
    int r = vault_relay_seal_request_read(body, &it);

    if (r == 0)
        vault_relay_seal_request_write(again, &it);
    return r;
}

static int relay_seal_reply(struct slice body, struct buffer *again)
{
    struct vault_relay_seal_reply it;
    int r = vault_relay_seal_reply_read(body, &it);

    if (r == 0)
        vault_relay_seal_reply_write(again, &it);
    return r;
}

static int relay_answer_request(struct slice body, struct buffer *again)
{
    struct vault_relay_answer_request it;
    int r = vault_relay_answer_request_read(body, &it);

    if (r == 0)
        vault_relay_answer_request_write(again, &it);
    return r;
}

static int relay_answer_reply(struct slice body, struct buffer *again)
{
    struct vault_relay_answer_reply it;
    int r = vault_relay_answer_reply_read(body, &it);

    if (r == 0)
        vault_relay_answer_reply_write(again, &it);
    return r;
}

static int return_key_request(struct slice body, struct buffer *again)
{
    struct vault_return_key_request request;
    int r = vault_return_key_request_read(body, &request);

    if (r == 0)
        vault_return_key_request_write(again, &request);
    return r;
}

static int return_key_reply(struct slice body, struct buffer *again)
{
    struct vault_return_key_reply reply;
    int r = vault_return_key_reply_read(body, &reply);

    if (r == 0) {
        fuzz_check(reply.key.size == VAULT_RETURN_PATH_KEY_BYTES);
        vault_return_key_reply_write(again, &reply);
    }
    return r;
}

static int import_request(struct slice body, struct buffer *again)
{
    struct vault_import_request request;
    int r = vault_import_request_read(body, &request);

    if (r == 0) {
        fuzz_check(request.key.size <= VAULT_KEY_FILE_BYTES_MAX);
        vault_import_request_write(again, &request);
    }
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int (*const codecs[])(struct slice, struct buffer *) = {
        sign_request,       sign_reply,       password_request,     password_reply,
        key_request,        key_reply,        credential_request,   credential_reply,
        relay_seal_request, relay_seal_reply, relay_answer_request, relay_answer_reply,
        return_key_request, return_key_reply, import_request,
    };
    CLEANUP(buffer_done) struct buffer again = BUFFER_NONE;
    struct slice body = slice_of(data, size);
    uint8_t which = fuzz_byte(&body);

    if (codecs[which % ARRAY_LEN(codecs)](body, &again) == 0)
        fuzz_check(slice_equal(buffer_slice(&again), body));
    return 0;
}
