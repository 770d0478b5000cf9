#include "queue/event.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct queue_event detail_event(enum queue_event_type type)
{
    return (struct queue_event){
        .sequence = 0x0102030405060708,
        .time_us = 1763900000123456,
        .type = type,
        .id = {.ms = 1763900000123,
               .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
        .site_id = 42,
        .recipient = 7,
        .attempts = 3,
        .ambiguous = true,
        .reply_code = 451,
        .enhanced = {4, 7, 1},
        .due_us = 1763900060000000,
        .reason = QUEUE_REASON_OPERATOR,
        .text = SLICE("try later"),
        .remote = SLICE("mx.example.net [192.0.2.1]:25"),
        .tls = SLICE("TLSv1.3"),
        .signed_by = SLICE("s1._domainkey.example.org"),
        .tls_sessions = SLICE("\1\0"),
    };
}

static struct queue_event accepted_event(struct buffer *addresses)
{
    struct queue_event event = {
        .sequence = 9,
        .time_us = 1763900000123456,
        .type = QUEUE_EVENT_ACCEPTED,
        .id = {.ms = 1, .uuid = {9}},
        .site_id = 42,
        .recipient = QUEUE_EVENT_ALL_RECIPIENTS,
    };

    queue_event_address_write(addresses, SLICE("a@example.net"));
    queue_event_address_write(addresses, SLICE("b@example.net"));
    event.accepted.credential_id = 5;
    event.accepted.expires_us = 1764300000000000;
    event.accepted.size = 4096;
    event.accepted.from_domain = SLICE("example.org");
    event.accepted.header_from = SLICE("info@example.org");
    event.accepted.subject = SLICE("A notice");
    event.accepted.recipient_count = 5;
    event.accepted.first_recipient = 3;
    event.accepted.address_count = 2;
    event.accepted.addresses = buffer_slice(addresses);
    event.accepted.bulk = true;
    return event;
}

static void details_come_back(void **state)
{
    (void)state;
    for (int type = QUEUE_EVENT_DEFERRED; type <= QUEUE_EVENT_REPORTED; type++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct queue_event event = detail_event((enum queue_event_type)type), back;
        struct cursor c;

        queue_event_write(&b, &event);
        c = cursor_of(buffer_slice(&b));
        assert_int_equal(queue_event_read(&c, &back), 0);
        assert_int_equal(cursor_done(&c), 0);
        assert_true(back.sequence == event.sequence && back.time_us == event.time_us);
        assert_int_equal(back.type, type);
        assert_int_equal(message_id_compare(&back.id, &event.id), 0);
        assert_true(back.site_id == 42 && back.recipient == 7 && back.attempts == 3 &&
                    back.ambiguous);
        assert_int_equal(back.reply_code, 451);
        assert_memory_equal(back.enhanced, event.enhanced, 3);
        assert_true(back.due_us == event.due_us && back.reason == QUEUE_REASON_OPERATOR);
        assert_true(slice_equal(back.text, event.text) && slice_equal(back.remote, event.remote));
        assert_true(slice_equal(back.tls, event.tls) &&
                    slice_equal(back.signed_by, event.signed_by));
        assert_true(slice_equal(back.tls_sessions, event.tls_sessions));
    }
}

/* A spool that was written before tls_sessions came is read as before. */
static void older_details_come_back(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct queue_event event = detail_event(QUEUE_EVENT_DELIVERED), back;
    struct cursor c;

    (void)state;
    queue_event_write(&b, &event);
    b.size -= 4 + event.tls_sessions.size;
    b.data[3] = (char)(b.data[3] - 4 - (char)event.tls_sessions.size);
    c = cursor_of(buffer_slice(&b));
    assert_int_equal(queue_event_read(&c, &back), 0);
    assert_int_equal(cursor_done(&c), 0);
    assert_true(slice_equal(back.signed_by, event.signed_by));
    assert_int_equal(back.tls_sessions.size, 0);
}

static void acceptance_comes_back(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE, addresses = BUFFER_NONE;
    struct queue_event event = accepted_event(&addresses), back;
    struct slice rest, address;
    struct cursor c;

    (void)state;
    queue_event_write(&b, &event);
    c = cursor_of(buffer_slice(&b));
    assert_int_equal(queue_event_read(&c, &back), 0);
    assert_true(back.accepted.credential_id == 5 &&
                back.accepted.expires_us == event.accepted.expires_us);
    assert_true(back.accepted.size == 4096 && back.accepted.recipient_count == 5);
    assert_true(slice_equal(back.accepted.from_domain, SLICE("example.org")));
    assert_true(slice_equal(back.accepted.header_from, SLICE("info@example.org")));
    assert_true(slice_equal(back.accepted.subject, SLICE("A notice")));
    assert_int_equal(back.accepted.envelope_from.size, 0);
    assert_true(back.accepted.bulk);
    rest = back.accepted.addresses;
    assert_true(queue_event_address(&rest, &address) &&
                slice_equal(address, SLICE("a@example.net")));
    assert_true(queue_event_address(&rest, &address) &&
                slice_equal(address, SLICE("b@example.net")));
    assert_false(queue_event_address(&rest, &address));
}

/* More addresses than the message has recipients, or than are there. */
static void counts_must_agree(void **state)
{
    CLEANUP(buffer_done) struct buffer addresses = BUFFER_NONE;
    struct queue_event event = accepted_event(&addresses), back;
    static const uint32_t wrong[][3] = {{5, 4, 2}, {5, 6, 2}, {5, 3, 1}, {5, 3, 3}, {1, 0, 2}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct cursor c;

        event.accepted.recipient_count = wrong[i][0];
        event.accepted.first_recipient = wrong[i][1];
        event.accepted.address_count = wrong[i][2];
        queue_event_write(&b, &event);
        c = cursor_of(buffer_slice(&b));
        assert_int_equal(queue_event_read(&c, &back), -EBADMSG);
    }
}

static void every_cut_is_noticed(void **state)
{
    CLEANUP(buffer_done) struct buffer addresses = BUFFER_NONE;
    struct queue_event events[] = {detail_event(QUEUE_EVENT_BOUNCED), accepted_event(&addresses)};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
        struct queue_event back;

        queue_event_write(&b, &events[i]);
        for (size_t size = 0; size < b.size; size++) {
            struct cursor c = cursor_of(slice_of(b.data, size));

            assert_int_equal(queue_event_read(&c, &back), -EBADMSG);
        }
    }
}

static void unknown_types_are_refused(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct queue_event event = detail_event(QUEUE_EVENT_HELD), back;

    (void)state;
    queue_event_write(&b, &event);
    for (int type = 0; type < 256; type++) {
        struct cursor c = cursor_of(buffer_slice(&b));
        bool known = type > QUEUE_EVENT_ACCEPTED && type <= QUEUE_EVENT_REPORTED;

        b.data[4] = (char)type;
        assert_int_equal(queue_event_read(&c, &back) == 0, known);
    }
}

static void batches_say_their_format_and_spool(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct cursor c;
    uint64_t spool_id;

    (void)state;
    queue_event_batch_begin(&b, 0xfeedfacecafe);
    c = cursor_of(buffer_slice(&b));
    assert_int_equal(queue_event_batch_read(&c, &spool_id), 0);
    assert_true(spool_id == 0xfeedfacecafe);
    assert_int_equal(cursor_done(&c), 0);
    c = cursor_of(slice_of(b.data, b.size - 1));
    assert_int_equal(queue_event_batch_read(&c, &spool_id), -EBADMSG);
    b.data[1]++;
    c = cursor_of(buffer_slice(&b));
    assert_int_equal(queue_event_batch_read(&c, &spool_id), -EPROTONOSUPPORT);
}

static void names_and_ends(void **state)
{
    (void)state;
    assert_string_equal(queue_event_name(QUEUE_EVENT_ACCEPTED), "accepted");
    assert_string_equal(queue_event_name(QUEUE_EVENT_CANCELLED), "cancelled");
    assert_string_equal(queue_event_name((enum queue_event_type)99), "unknown");
    assert_true(queue_event_is_final(QUEUE_EVENT_EXPIRED));
    assert_false(queue_event_is_final(QUEUE_EVENT_HELD));
    assert_false(queue_event_is_final(QUEUE_EVENT_DEFERRED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(details_come_back),
        cmocka_unit_test(older_details_come_back),
        cmocka_unit_test(acceptance_comes_back),
        cmocka_unit_test(counts_must_agree),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(unknown_types_are_refused),
        cmocka_unit_test(batches_say_their_format_and_spool),
        cmocka_unit_test(names_and_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
