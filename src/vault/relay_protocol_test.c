#include "vault/relay_protocol.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct vault_relay_binding binding = {7, 9, {"mail.library.example", 20}};

static void check_binding(const struct vault_relay_binding *read)
{
    assert_int_equal(read->site_id, 7);
    assert_int_equal(read->relay_id, 9);
    assert_true(slice_equal(read->host, binding.host));
}

static void write_seal_request(struct buffer *b)
{
    vault_relay_seal_request_write(
        b, &(struct vault_relay_seal_request){1, binding, SLICE("password")});
}

static int read_seal_request(struct slice body)
{
    struct vault_relay_seal_request request;
    int r = vault_relay_seal_request_read(body, &request);

    if (r == 0) {
        assert_int_equal(request.token, 1);
        check_binding(&request.binding);
        assert_true(slice_equal(request.password, SLICE("password")));
    }
    return r;
}

static void write_seal_reply(struct buffer *b)
{
    vault_relay_seal_reply_write(b, &(struct vault_relay_seal_reply){2, SLICE("blob")});
}

static int read_seal_reply(struct slice body)
{
    struct vault_relay_seal_reply reply;
    int r = vault_relay_seal_reply_read(body, &reply);

    if (r == 0) {
        assert_int_equal(reply.token, 2);
        assert_true(slice_equal(reply.sealed, SLICE("blob")));
    }
    return r;
}

static void write_answer_request(struct buffer *b)
{
    vault_relay_answer_request_write(
        b, &(struct vault_relay_answer_request){3, binding, VAULT_CRAM_MD5, SLICE("user"),
                                                SLICE("<1@x>"), SLICE("blob")});
}

static int read_answer_request(struct slice body)
{
    struct vault_relay_answer_request request;
    int r = vault_relay_answer_request_read(body, &request);

    if (r == 0) {
        assert_int_equal(request.token, 3);
        check_binding(&request.binding);
        assert_int_equal(request.mechanism, VAULT_CRAM_MD5);
        assert_true(slice_equal(request.user, SLICE("user")));
        assert_true(slice_equal(request.challenge, SLICE("<1@x>")));
        assert_true(slice_equal(request.sealed, SLICE("blob")));
    }
    return r;
}

static void write_answer_reply(struct buffer *b)
{
    vault_relay_answer_reply_write(b, &(struct vault_relay_answer_reply){4, SLICE("response")});
}

static int read_answer_reply(struct slice body)
{
    struct vault_relay_answer_reply reply;
    int r = vault_relay_answer_reply_read(body, &reply);

    if (r == 0) {
        assert_int_equal(reply.token, 4);
        assert_true(slice_equal(reply.response, SLICE("response")));
    }
    return r;
}

static const struct {
    const char *name;
    void (*write)(struct buffer *b);
    int (*read)(struct slice body);
} codecs[] = {
    {"seal request", write_seal_request, read_seal_request},
    {"seal reply", write_seal_reply, read_seal_reply},
    {"answer request", write_answer_request, read_answer_request},
    {"answer reply", write_answer_reply, read_answer_reply},
};

static void what_is_written_is_read_whole_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

        codecs[i].write(&b);
        if (codecs[i].read(buffer_slice(&b)) < 0)
            fail_msg("%s: its own body was refused", codecs[i].name);
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
    const struct vault_relay_answer_request good = {1,          binding,    VAULT_CRAM_MD5,
                                                    {bytes, 1}, {bytes, 1}, {bytes, 1}};
    struct vault_relay_answer_request cases[10];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        cases[i] = good;
    cases[0].binding.host.size = 0;
    cases[1].binding.host = slice_of(bytes, VAULT_RELAY_HOST_BYTES_MAX + 1);
    cases[2].user.size = 0;
    cases[3].user = slice_of(bytes, VAULT_RELAY_USER_BYTES_MAX + 1);
    cases[4].challenge.size = 0;
    cases[5].challenge = slice_of(bytes, VAULT_CHALLENGE_BYTES_MAX + 1);
    cases[6].mechanism = VAULT_PLAIN; /* with a challenge */
    cases[7].mechanism = 4;
    cases[8].sealed = slice_of(bytes, VAULT_SEALED_BYTES_MAX + 1);
    cases[9].sealed.size = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct vault_relay_answer_request read;

        vault_relay_answer_request_write(&b, &cases[i]);
        if (vault_relay_answer_request_read(buffer_slice(&b), &read) != -EBADMSG)
            fail_msg("case %zu was taken", i);
    }
}

static void a_password_has_bounds(void **state)
{
    static const char bytes[VAULT_PASSWORD_BYTES_MAX + 1];
    const size_t sizes[] = {0, VAULT_PASSWORD_BYTES_MAX + 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct vault_relay_seal_request read;

        vault_relay_seal_request_write(
            &b, &(struct vault_relay_seal_request){1, binding, slice_of(bytes, sizes[i])});
        assert_int_equal(vault_relay_seal_request_read(buffer_slice(&b), &read), -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_whole_only),
        cmocka_unit_test(fields_have_bounds),
        cmocka_unit_test(a_password_has_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
