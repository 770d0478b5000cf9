#include "vault/relay_protocol.h"

static struct slice read_field(struct cursor *c, size_t size_min, size_t size_max)
{
    struct slice field = cursor_sized(c);

    if (field.size < size_min || field.size > size_max)
        c->failed = true;
    return field;
}

void vault_relay_binding_write(struct buffer *b, const struct vault_relay_binding *binding)
{
    buffer_add_u64(b, binding->site_id);
    buffer_add_u64(b, binding->relay_id);
    buffer_add_sized(b, binding->host);
}

static struct vault_relay_binding read_binding(struct cursor *c)
{
    struct vault_relay_binding binding = {.site_id = cursor_u64(c)};

    binding.relay_id = cursor_u64(c);
    binding.host = read_field(c, 1, VAULT_RELAY_HOST_BYTES_MAX);
    return binding;
}

void vault_relay_seal_request_write(struct buffer *b,
                                    const struct vault_relay_seal_request *request)
{
    buffer_add_u64(b, request->token);
    vault_relay_binding_write(b, &request->binding);
    buffer_add_sized(b, request->password);
}

int vault_relay_seal_request_read(struct slice body, struct vault_relay_seal_request *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_relay_seal_request request = {.token = cursor_u64(&c)};

    request.binding = read_binding(&c);
    request.password = read_field(&c, 1, VAULT_PASSWORD_BYTES_MAX);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = request;
    return 0;
}

void vault_relay_seal_reply_write(struct buffer *b, const struct vault_relay_seal_reply *reply)
{
    buffer_add_u64(b, reply->token);
    buffer_add_sized(b, reply->sealed);
}

int vault_relay_seal_reply_read(struct slice body, struct vault_relay_seal_reply *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_relay_seal_reply reply = {.token = cursor_u64(&c)};

    reply.sealed = read_field(&c, 1, VAULT_SEALED_BYTES_MAX);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = reply;
    return 0;
}

void vault_relay_answer_request_write(struct buffer *b,
                                      const struct vault_relay_answer_request *request)
{
    buffer_add_u64(b, request->token);
    vault_relay_binding_write(b, &request->binding);
    buffer_add_u8(b, (uint8_t)request->mechanism);
    buffer_add_sized(b, request->user);
    buffer_add_sized(b, request->challenge);
    buffer_add_sized(b, request->sealed);
}

static enum vault_mechanism read_mechanism(struct cursor *c)
{
    uint8_t mechanism = cursor_u8(c);

    if (mechanism < VAULT_CRAM_MD5 || mechanism > VAULT_PLAIN)
        c->failed = true;
    return mechanism;
}

/* A challenge belongs to CRAM-MD5, and to that alone. */
static struct slice read_challenge(struct cursor *c, enum vault_mechanism mechanism)
{
    return mechanism == VAULT_CRAM_MD5 ? read_field(c, 1, VAULT_CHALLENGE_BYTES_MAX)
                                       : read_field(c, 0, 0);
}

int vault_relay_answer_request_read(struct slice body, struct vault_relay_answer_request *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_relay_answer_request request = {.token = cursor_u64(&c)};

    request.binding = read_binding(&c);
    request.mechanism = read_mechanism(&c);
    request.user = read_field(&c, 1, VAULT_RELAY_USER_BYTES_MAX);
    request.challenge = read_challenge(&c, request.mechanism);
    request.sealed = read_field(&c, 1, VAULT_SEALED_BYTES_MAX);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = request;
    return 0;
}

void vault_relay_answer_reply_write(struct buffer *b, const struct vault_relay_answer_reply *reply)
{
    buffer_add_u64(b, reply->token);
    buffer_add_sized(b, reply->response);
}

int vault_relay_answer_reply_read(struct slice body, struct vault_relay_answer_reply *ret)
{
    struct cursor c = cursor_of(body);
    struct vault_relay_answer_reply reply = {.token = cursor_u64(&c)};

    reply.response = read_field(&c, 1, VAULT_RESPONSE_BYTES_MAX);
    if (cursor_done(&c) < 0)
        return -EBADMSG;
    *ret = reply;
    return 0;
}
