#include "submit/remote_codec.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct message_id ID = {.ms = 0x123456789abc, .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9}};

/* A body cut anywhere, or with something behind it, is refused. */
#define assert_strict(body, read)                                                                  \
    do {                                                                                           \
        for (size_t cut_ = 0; cut_ < (body).size; cut_++) {                                        \
            struct slice body_cut = slice_of((body).data, cut_);                                   \
            assert_int_equal(read, -EBADMSG);                                                      \
        }                                                                                          \
        buffer_add_byte(&(body), 0);                                                               \
        struct slice body_cut = buffer_slice(&(body));                                             \
        assert_int_equal(read, -EBADMSG);                                                          \
    } while (0)

static void begin_round_trip(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct submit_remote_begin begin = {ID, 7, SLICE("LHKA"), 300, 5000000000}, back;

    submit_remote_begin_write(&body, &begin);
    assert_int_equal(submit_remote_begin_read(buffer_slice(&body), &back), 0);
    assert_int_equal(message_id_compare(&back.id, &ID), 0);
    assert_int_equal(back.site_id, 7);
    assert_true(slice_equal(back.access_key_id, SLICE("LHKA")));
    assert_int_equal(back.envelope_size, 300);
    assert_int_equal(back.content_size, 5000000000);
    assert_strict(body, submit_remote_begin_read(body_cut, &back));
}

static void piece_round_trip(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct submit_remote_piece piece = {ID, SUBMIT_REMOTE_CONTENT, 123, SLICE("bytes")}, back;

    submit_remote_piece_write(&body, &piece);
    assert_int_equal(submit_remote_piece_read(buffer_slice(&body), &back), 0);
    assert_int_equal(back.part, SUBMIT_REMOTE_CONTENT);
    assert_int_equal(back.offset, 123);
    assert_true(slice_equal(back.bytes, SLICE("bytes")));
    body.data[24] = 3; /* no such part */
    assert_int_equal(submit_remote_piece_read(buffer_slice(&body), &back), -EBADMSG);
    body.data[24] = SUBMIT_REMOTE_ENVELOPE;
    assert_strict(body, submit_remote_piece_read(body_cut, &back));
}

static void reply_round_trip(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct wire_reply reply = {554, "5.7.1", "first\nsecond"}, back;

    submit_remote_reply_write(&body, &reply);
    assert_int_equal(submit_remote_reply_read(&arena, buffer_slice(&body), &back), 0);
    assert_int_equal(back.code, 554);
    assert_string_equal(back.enhanced, "5.7.1");
    assert_string_equal(back.text, "first\nsecond");
    assert_strict(body, submit_remote_reply_read(&arena, body_cut, &back));

    body.size = 0;
    submit_remote_reply_write(&body, &(struct wire_reply){250, NULL, "Ok"});
    assert_int_equal(submit_remote_reply_read(&arena, buffer_slice(&body), &back), 0);
    assert_null(back.enhanced);
}

/* Reads what was written; the code of the refusal, 0 for none, -EBADMSG. */
static int read_back(struct slice bytes, struct submit_transaction *x)
{
    struct wire_reply refusal;
    int r = submit_remote_envelope_read(bytes, 3, x, &refusal);

    return r ? r : refusal.code;
}

static void write_envelope(struct buffer *out, const char *from,
                           const struct queue_recipient *recipients, size_t count)
{
    CLEANUP(arena_done) struct arena arena = ARENA_NONE;
    struct submit_envelope envelope = {.envid = SLICE("env"), .ret = SMTP_RET_HDRS};
    struct wire_error error;

    if (*from)
        assert_int_equal(wire_address_parse(&arena, slice_text(from), 0, &envelope.from, &error),
                         0);
    envelope.recipients = recipients;
    envelope.recipient_count = count;
    submit_remote_envelope_write(out, &envelope);
}

static void envelope_round_trip(void **state)
{
    (void)state;
    CLEANUP(submit_transaction_reset) struct submit_transaction x = SUBMIT_TRANSACTION_NONE;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct queue_recipient recipients[] = {
        {.address = SLICE("b@dst.example"), .notify = SMTP_NOTIFY_FAILURE},
        {.address = SLICE("\"c d\"@DST.example")}};

    write_envelope(&body, "a@own.example", recipients, 2);
    assert_int_equal(read_back(buffer_slice(&body), &x), 0);
    assert_true(slice_equal(x.envelope.from.domain, SLICE("own.example")));
    assert_true(slice_equal(x.envelope.envid, SLICE("env")));
    assert_int_equal(x.envelope.ret, SMTP_RET_HDRS);
    assert_int_equal(x.envelope.recipient_count, 2);
    assert_int_equal(x.envelope.recipients[0].notify, SMTP_NOTIFY_FAILURE);
    assert_true(slice_equal(x.envelope.recipients[1].address, SLICE("\"c d\"@dst.example")));

    for (size_t cut = 0; cut < body.size; cut++) {
        CLEANUP(submit_transaction_reset) struct submit_transaction half = SUBMIT_TRANSACTION_NONE;
        assert_int_not_equal(read_back(slice_of(body.data, cut), &half), 0);
    }
}

static void envelope_keeps_the_rules_of_smtp(void **state)
{
    (void)state;
    static const struct {
        const char *to;
        size_t count;
        int code;
    } cases[] = {
        {"b@dst.example", 1, 0},
        {"b@dst.example", 0, 554},
        {"b@dst.example\r\nRCPT TO:<c@dst.example>", 1, 501},
        {"b", 1, 501},
        {"", 1, 501},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(submit_transaction_reset) struct submit_transaction x = SUBMIT_TRANSACTION_NONE;
        CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
        struct queue_recipient to = {.address = slice_text(cases[i].to)};

        write_envelope(&body, "", &to, cases[i].count);
        assert_int_equal(read_back(buffer_slice(&body), &x), cases[i].code);
    }
    CLEANUP(submit_transaction_reset) struct submit_transaction x = SUBMIT_TRANSACTION_NONE;
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct queue_recipient four[] = {{.address = SLICE("a@x.example")},
                                     {.address = SLICE("b@x.example")},
                                     {.address = SLICE("c@x.example")},
                                     {.address = SLICE("d@x.example")}};
    write_envelope(&body, "a@own.example", four, 4);
    assert_int_equal(read_back(buffer_slice(&body), &x), 452);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begin_round_trip),
        cmocka_unit_test(piece_round_trip),
        cmocka_unit_test(reply_round_trip),
        cmocka_unit_test(envelope_round_trip),
        cmocka_unit_test(envelope_keeps_the_rules_of_smtp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
