#include "vault/protocol.h"

/* A field with its length, which must lie between the two. */
static struct slice read_field(struct cursor *c, size_t size_min, size_t size_max)
{
    struct slice field = cursor_sized(c);

    if (field.size < size_min || field.size > size_max)
        c->failed = true;
    return field;
}

void vault_key_binding_write(struct buffer *b, const struct vault_key_binding *binding)
{
    buffer_add_u64(b, binding->site_id);
    buffer_add_u8(b, (uint8_t)binding->algorithm);
    buffer_add_sized(b, binding->domain);
    buffer_add_sized(b, binding->selector);
}

static struct vault_key_binding read_key_binding(struct cursor *c)
{
    struct vault_key_binding binding = {.site_id = cursor_u64(c)};
    uint8_t algorithm = cursor_u8(c);

    if (algorithm != VAULT_RSA_SHA256 && algorithm != VAULT_ED25519_SHA256)
        c->failed = true;
    binding.algorithm = algorithm;
    binding.domain = read_field(c, 1, VAULT_DOMAIN_BYTES_MAX);
    binding.selector = read_field(c, 1, VAULT_SELECTOR_BYTES_MAX);
    return binding;
}

void vault_credential_binding_write(struct buffer *b,
                                    const struct vault_credential_binding *binding)
{
    buffer_add_u64(b, binding->site_id);
    buffer_add_sized(b, binding->access_key_id);
}

static struct vault_credential_binding read_credential_binding(struct cursor *c)
{
    struct vault_credential_binding binding = {.site_id = cursor_u64(c)};

    binding.access_key_id = read_field(c, 1, VAULT_ACCESS_KEY_ID_BYTES_MAX);
    return binding;
}

void vault_sign_request_write(struct buffer *b, const struct vault_sign_request *request)
{
    buffer_add_u64(b, request->token);
    vault_key_binding_write(b, &request->binding);
    buffer_add_sized(b, request->digest);
    buffer_add_sized(b, request->sealed);
}

int vault_sign_request_read(struct slice body, struct vault_sign_request *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_sign_request request = {.token = cursor_u64(&c)};

    request.binding = read_key_binding(&c);
    request.digest = read_field(&c, VAULT_DIGEST_BYTES, VAULT_DIGEST_BYTES);
    request.sealed = read_field(&c, 1, VAULT_SEALED_BYTES_MAX);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = request;
    return 0;
}

void vault_sign_reply_write(struct buffer *b, const struct vault_sign_reply *reply)
{
    buffer_add_u64(b, reply->token);
    buffer_add_sized(b, reply->signature);
}

int vault_sign_reply_read(struct slice body, struct vault_sign_reply *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_sign_reply reply = {.token = cursor_u64(&c)};

    reply.signature = read_field(&c, 1, VAULT_SIGNATURE_BYTES_MAX);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = reply;
    return 0;
}

void vault_password_request_write(struct buffer *b, const struct vault_password_request *request)
{
    buffer_add_u64(b, request->token);
    vault_credential_binding_write(b, &request->binding);
    buffer_add_sized(b, request->password);
    buffer_add_sized(b, request->sealed);
}

int vault_password_request_read(struct slice body, struct vault_password_request *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_password_request request = {.token = cursor_u64(&c)};

    request.binding = read_credential_binding(&c);
    request.password = read_field(&c, 0, VAULT_PASSWORD_BYTES_MAX);
    request.sealed = read_field(&c, 0, VAULT_SEALED_BYTES_MAX);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = request;
    return 0;
}

void vault_password_reply_write(struct buffer *b, const struct vault_password_reply *reply)
{
    buffer_add_u64(b, reply->token);
    buffer_add_u8(b, reply->match);
}

int vault_password_reply_read(struct slice body, struct vault_password_reply *ret)
{
    struct cursor c = cursor_of(body);
    uint64_t token = cursor_u64(&c);
    uint8_t match = cursor_u8(&c);

    if (cursor_done(&c) < 0 || match > 1)
        return -EBADMSG;
    *ret = (struct vault_password_reply){token, match == 1};
    return 0;
}

void vault_key_request_write(struct buffer *b, const struct vault_key_request *request)
{
    buffer_add_u64(b, request->token);
    vault_key_binding_write(b, &request->binding);
    buffer_add_u16(b, request->bits);
}

int vault_key_request_read(struct slice body, struct vault_key_request *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_key_request request = {.token = cursor_u64(&c)};

    request.binding = read_key_binding(&c);
    request.bits = cursor_u16(&c);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = request;
    return 0;
}

void vault_key_reply_write(struct buffer *b, const struct vault_key_reply *reply)
{
    buffer_add_u64(b, reply->token);
    buffer_add_sized(b, reply->sealed);
    buffer_add_sized(b, reply->public_key);
}

int vault_key_reply_read(struct slice body, struct vault_key_reply *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_key_reply reply = {.token = cursor_u64(&c)};

    reply.sealed = read_field(&c, 1, VAULT_SEALED_BYTES_MAX);
    reply.public_key = read_field(&c, 1, VAULT_PUBLIC_KEY_BYTES_MAX);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = reply;
    return 0;
}

void vault_import_request_write(struct buffer *b, const struct vault_import_request *request)
{
    buffer_add_u64(b, request->token);
    vault_key_binding_write(b, &request->binding);
    buffer_add_sized(b, request->key);
}

int vault_import_request_read(struct slice body, struct vault_import_request *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_import_request request = {.token = cursor_u64(&c)};

    request.binding = read_key_binding(&c);
    request.key = read_field(&c, 1, VAULT_KEY_FILE_BYTES_MAX);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = request;
    return 0;
}

void vault_credential_request_write(struct buffer *b,
                                    const struct vault_credential_request *request)
{
    buffer_add_u64(b, request->token);
    vault_credential_binding_write(b, &request->binding);
}

int vault_credential_request_read(struct slice body, struct vault_credential_request *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_credential_request request = {.token = cursor_u64(&c)};

    request.binding = read_credential_binding(&c);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = request;
    return 0;
}

void vault_credential_reply_write(struct buffer *b, const struct vault_credential_reply *reply)
{
    buffer_add_u64(b, reply->token);
    buffer_add_sized(b, reply->sealed);
    buffer_add_sized(b, reply->secret_access_key);
    buffer_add_sized(b, reply->smtp_password);
}

int vault_credential_reply_read(struct slice body, struct vault_credential_reply *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_credential_reply reply = {.token = cursor_u64(&c)};

    reply.sealed = read_field(&c, 1, VAULT_SEALED_BYTES_MAX);
    reply.secret_access_key = read_field(&c, 1, VAULT_SECRET_ACCESS_KEY_BYTES_MAX);
    reply.smtp_password = read_field(&c, 1, VAULT_PASSWORD_BYTES_MAX);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = reply;
    return 0;
}

void vault_return_key_request_write(struct buffer *b,
                                    const struct vault_return_key_request *request)
{
    buffer_add_u64(b, request->token);
    buffer_add_u32(b, request->period);
}

int vault_return_key_request_read(struct slice body, struct vault_return_key_request *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_return_key_request request = {.token = cursor_u64(&c)};

    request.period = cursor_u32(&c);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = request;
    return 0;
}

void vault_return_key_reply_write(struct buffer *b, const struct vault_return_key_reply *reply)
{
    buffer_add_u64(b, reply->token);
    buffer_add_sized(b, reply->key);
}

int vault_return_key_reply_read(struct slice body, struct vault_return_key_reply *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_return_key_reply reply = {.token = cursor_u64(&c)};

    reply.key = read_field(&c, VAULT_RETURN_PATH_KEY_BYTES, VAULT_RETURN_PATH_KEY_BYTES);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = reply;
    return 0;
}
