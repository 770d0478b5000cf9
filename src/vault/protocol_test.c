#include "vault/protocol.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct vault_key_binding key_binding = {
    7, {"example.org", 11}, {"lh1", 3}, VAULT_RSA_SHA256};
static const struct vault_credential_binding credential_binding = {7, {"LHKAAAAA", 8}};

static void write_sign_request(struct buffer *b)
{
    vault_sign_request_write(
        b, &(struct vault_sign_request){1, key_binding, SLICE("0123456789abcdef0123456789abcdef"),
                                        SLICE("blob")});
}

static int read_sign_request(struct slice body)
{
    struct vault_sign_request request;
    int r = vault_sign_request_read(body, &request);

    if (r == 0) {
        assert_int_equal(request.token, 1);
        assert_int_equal(request.binding.site_id, 7);
        assert_int_equal(request.binding.algorithm, VAULT_RSA_SHA256);
        assert_true(slice_equal(request.binding.domain, SLICE("example.org")));
        assert_true(slice_equal(request.binding.selector, SLICE("lh1")));
        assert_true(slice_equal(request.digest, SLICE("0123456789abcdef0123456789abcdef")));
        assert_true(slice_equal(request.sealed, SLICE("blob")));
    }
    return r;
}

static void write_sign_reply(struct buffer *b)
{
    vault_sign_reply_write(b, &(struct vault_sign_reply){2, SLICE("signature")});
}

static int read_sign_reply(struct slice body)
{
    struct vault_sign_reply reply;
    int r = vault_sign_reply_read(body, &reply);

    if (r == 0) {
        assert_int_equal(reply.token, 2);
        assert_true(slice_equal(reply.signature, SLICE("signature")));
    }
    return r;
}

static void write_password_request(struct buffer *b)
{
    vault_password_request_write(
        b, &(struct vault_password_request){3, credential_binding, SLICE("secret"), SLICE("blob")});
}

static int read_password_request(struct slice body)
{
    struct vault_password_request request;
    int r = vault_password_request_read(body, &request);

    if (r == 0) {
        assert_int_equal(request.token, 3);
        assert_int_equal(request.binding.site_id, 7);
        assert_true(slice_equal(request.binding.access_key_id, SLICE("LHKAAAAA")));
        assert_true(slice_equal(request.password, SLICE("secret")));
        assert_true(slice_equal(request.sealed, SLICE("blob")));
    }
    return r;
}

static void write_password_reply(struct buffer *b)
{
    vault_password_reply_write(b, &(struct vault_password_reply){4, true});
}

static int read_password_reply(struct slice body)
{
    struct vault_password_reply reply;
    int r = vault_password_reply_read(body, &reply);

    if (r == 0) {
        assert_int_equal(reply.token, 4);
        assert_true(reply.match);
    }
    return r;
}

static void write_key_request(struct buffer *b)
{
    vault_key_request_write(b, &(struct vault_key_request){5, key_binding, 2048});
}

static int read_key_request(struct slice body)
{
    struct vault_key_request request;
    int r = vault_key_request_read(body, &request);

    if (r == 0) {
        assert_int_equal(request.token, 5);
        assert_int_equal(request.bits, 2048);
        assert_true(slice_equal(request.binding.selector, SLICE("lh1")));
    }
    return r;
}

static void write_key_reply(struct buffer *b)
{
    vault_key_reply_write(b, &(struct vault_key_reply){6, SLICE("blob"), SLICE("public")});
}

static int read_key_reply(struct slice body)
{
    struct vault_key_reply reply;
    int r = vault_key_reply_read(body, &reply);

    if (r == 0) {
        assert_int_equal(reply.token, 6);
        assert_true(slice_equal(reply.sealed, SLICE("blob")));
        assert_true(slice_equal(reply.public_key, SLICE("public")));
    }
    return r;
}

static void write_credential_request(struct buffer *b)
{
    vault_credential_request_write(b, &(struct vault_credential_request){7, credential_binding});
}

static int read_credential_request(struct slice body)
{
    struct vault_credential_request request;
    int r = vault_credential_request_read(body, &request);

    if (r == 0) {
        assert_int_equal(request.token, 7);
        assert_true(slice_equal(request.binding.access_key_id, SLICE("LHKAAAAA")));
    }
    return r;
}

static void write_credential_reply(struct buffer *b)
{
    vault_credential_reply_write(
        b, &(struct vault_credential_reply){8, SLICE("blob"), SLICE("secret"), SLICE("password")});
}

static int read_credential_reply(struct slice body)
{
    struct vault_credential_reply reply;
    int r = vault_credential_reply_read(body, &reply);

    if (r == 0) {
        assert_int_equal(reply.token, 8);
        assert_true(slice_equal(reply.sealed, SLICE("blob")));
        assert_true(slice_equal(reply.secret_access_key, SLICE("secret")));
        assert_true(slice_equal(reply.smtp_password, SLICE("password")));
    }
    return r;
}

static void write_return_key_request(struct buffer *b)
{
    vault_return_key_request_write(b, &(struct vault_return_key_request){9, 230});
}

static int read_return_key_request(struct slice body)
{
    struct vault_return_key_request request;
    int r = vault_return_key_request_read(body, &request);

    if (r == 0)
        assert_true(request.token == 9 && request.period == 230);
    return r;
}

static void write_return_key_reply(struct buffer *b)
{
    vault_return_key_reply_write(
        b, &(struct vault_return_key_reply){10, SLICE("0123456789abcdef0123456789abcdef")});
}

static int read_return_key_reply(struct slice body)
{
    struct vault_return_key_reply reply;
    int r = vault_return_key_reply_read(body, &reply);

    if (r == 0) {
        assert_int_equal(reply.token, 10);
        assert_true(slice_equal(reply.key, SLICE("0123456789abcdef0123456789abcdef")));
    }
    return r;
}

static const struct {
    const char *name;
    void (*write)(struct buffer *b);
    int (*read)(struct slice body);
} codecs[] = {
    {"sign request", write_sign_request, read_sign_request},
    {"sign reply", write_sign_reply, read_sign_reply},
    {"password request", write_password_request, read_password_request},
    {"password reply", write_password_reply, read_password_reply},
    {"key request", write_key_request, read_key_request},
    {"key reply", write_key_reply, read_key_reply},
    {"credential request", write_credential_request, read_credential_request},
    {"credential reply", write_credential_reply, read_credential_reply},
    {"return key request", write_return_key_request, read_return_key_request},
    {"return key reply", write_return_key_reply, read_return_key_reply},
};

static void what_is_written_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

        codecs[i].write(&b);
        if (codecs[i].read(buffer_slice(&b)) < 0)
            fail_msg("%s: its own body was refused", codecs[i].name);
    }
}

static void cut_or_longer_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

        codecs[i].write(&b);
        for (size_t size = 0; size < b.size; size++)
            if (codecs[i].read(slice_of(b.data, size)) != -EBADMSG)
                fail_msg("%s: taken when cut to %zu bytes", codecs[i].name, size);
        buffer_add_byte(&b, 0);
        if (codecs[i].read(buffer_slice(&b)) != -EBADMSG)
            fail_msg("%s: taken with a byte too many", codecs[i].name);
    }
}

/* One field over its bound, or under it, each. */
static void fields_have_bounds(void **state)
{
    static const char bytes[VAULT_SEALED_BYTES_MAX + 1];
    const struct vault_sign_request good = {
        1, key_binding, {bytes, VAULT_DIGEST_BYTES}, {bytes, 1}};
    struct vault_sign_request cases[9];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        cases[i] = good;
    cases[0].binding.domain.size = 0;
    cases[1].binding.domain = slice_of(bytes, VAULT_DOMAIN_BYTES_MAX + 1);
    cases[2].binding.selector.size = 0;
    cases[3].binding.selector = slice_of(bytes, VAULT_SELECTOR_BYTES_MAX + 1);
    cases[4].digest.size = VAULT_DIGEST_BYTES - 1;
    cases[5].digest.size = VAULT_DIGEST_BYTES + 1;
    cases[6].sealed = slice_of(bytes, VAULT_SEALED_BYTES_MAX + 1);
    cases[7].sealed.size = 0;
    cases[8].binding.algorithm = 3;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct vault_sign_request read;

        vault_sign_request_write(&b, &cases[i]);
        if (vault_sign_request_read(buffer_slice(&b), &read) != -EBADMSG)
            fail_msg("case %zu was taken", i);
    }
}

static void two_bindings_are_never_written_alike(void **state)
{
    CLEANUP(buffer_done) struct buffer one = BUFFER_NONE, two = BUFFER_NONE;

    (void)state;
    vault_key_binding_write(
        &one, &(struct vault_key_binding){7, SLICE("example.org"), SLICE("a"), VAULT_RSA_SHA256});
    vault_key_binding_write(
        &two, &(struct vault_key_binding){7, SLICE("example.or"), SLICE("ga"), VAULT_RSA_SHA256});
    assert_false(slice_equal(buffer_slice(&one), buffer_slice(&two)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(cut_or_longer_is_refused),
        cmocka_unit_test(fields_have_bounds),
        cmocka_unit_test(two_bindings_are_never_written_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
