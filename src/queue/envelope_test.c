#include "queue/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct queue_envelope sample(struct buffer *recipients, uint32_t count, size_t padding)
{
    struct queue_envelope envelope = {
        .id = {.ms = 77, .uuid = {7}},
        .site_id = 3,
        .credential_id = 4,
        .accepted_us = 1763900000000000,
        .expires_us = 1764300000000000,
        .from_domain = SLICE("example.org"),
        .header_from = SLICE("info@example.org"),
        .envelope_from = SLICE("b@example.org"),
        .subject = SLICE("A notice"),
        .envid = SLICE("Q-1"),
        .ret = 2,
        .eight_bit = true,
        .bulk = true,
        .tls_required = count % 2,
        .tls_relaxed = count % 3,
        .body_hash = {1, 2, 3},
        .header_size = 200,
        .content_size = 4000,
        .recipient_count = count,
    };

    for (uint32_t i = 0; i < count; i++) {
        char address[300];
        struct queue_envelope_recipient recipient = {.domain = SLICE("example.net"), .notify = 3};

        snprintf(address, sizeof(address), "%0*u@example.net", (int)padding, i);
        recipient.address = slice_text(address);
        recipient.orcpt = i % 2 ? SLICE("rfc822;x@example.net") : SLICE_NONE;
        queue_envelope_recipient_write(recipients, &recipient);
    }
    envelope.recipients = buffer_slice(recipients);
    return envelope;
}

static void assert_same(const struct queue_envelope *a, const struct queue_envelope *b)
{
    assert_int_equal(message_id_compare(&a->id, &b->id), 0);
    assert_true(a->site_id == b->site_id && a->credential_id == b->credential_id);
    assert_true(a->accepted_us == b->accepted_us && a->expires_us == b->expires_us);
    assert_true(slice_equal(a->from_domain, b->from_domain) &&
                slice_equal(a->header_from, b->header_from));
    assert_true(slice_equal(a->envelope_from, b->envelope_from) &&
                slice_equal(a->subject, b->subject));
    assert_true(slice_equal(a->envid, b->envid) && a->ret == b->ret);
    assert_true(a->eight_bit == b->eight_bit && a->smtputf8 == b->smtputf8);
    assert_true(a->bulk == b->bulk);
    assert_true(a->tls_required == b->tls_required && a->tls_relaxed == b->tls_relaxed);
    assert_memory_equal(a->body_hash, b->body_hash, sizeof(a->body_hash));
    assert_true(a->header_size == b->header_size && a->content_size == b->content_size);
    assert_true(a->recipient_count == b->recipient_count &&
                slice_equal(a->recipients, b->recipients));
}

static void fresh_and_copy_come_back(void **state)
{
    CLEANUP(buffer_done)
    struct buffer recipients = BUFFER_NONE, fresh = BUFFER_NONE, copy = BUFFER_NONE;
    struct queue_envelope envelope = sample(&recipients, 2, 1), back, again;
    struct queue_progress done = {QUEUE_PROGRESS_FINISHED, true, true, 250, 3, 17}, open = {0}, p;
    struct slice progress;
    uint8_t crashes;

    (void)state;
    queue_envelope_write(&fresh, &envelope);
    assert_int_equal(queue_envelope_read(buffer_slice(&fresh), false, &back, &crashes, &progress),
                     0);
    assert_same(&back, &envelope);
    assert_true(crashes == 0 && progress.size == 0);

    queue_envelope_write_copy(&copy, back.fixed, 2);
    queue_progress_write(&copy, &done);
    queue_progress_write(&copy, &open);
    assert_int_equal(queue_envelope_read(buffer_slice(&copy), true, &again, &crashes, &progress),
                     0);
    assert_same(&again, &envelope);
    assert_true(slice_equal(again.fixed, back.fixed));
    assert_int_equal(crashes, 2);
    assert_true(queue_progress_read(&progress, &p) && p.state == QUEUE_PROGRESS_FINISHED &&
                p.ambiguous && p.under_way && p.reply_code == 250 && p.attempts == 3 &&
                p.due_us == 17);
    assert_true(queue_progress_read(&progress, &p) && p.state == QUEUE_PROGRESS_OPEN &&
                p.attempts == 0);
    assert_false(queue_progress_read(&progress, &p));
}

static void every_cut_is_noticed(void **state)
{
    CLEANUP(buffer_done) struct buffer recipients = BUFFER_NONE, b = BUFFER_NONE;
    struct queue_envelope envelope = sample(&recipients, 3, 1), back;
    struct queue_progress open = {0};
    struct slice progress;
    uint8_t crashes;

    (void)state;
    queue_envelope_write(&b, &envelope);
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(
            queue_envelope_read(slice_of(b.data, size), false, &back, &crashes, &progress),
            -EBADMSG);
    buffer_add_byte(&b, 0);
    for (int i = 0; i < 3; i++)
        queue_progress_write(&b, &open);
    assert_int_equal(queue_envelope_read(buffer_slice(&b), true, &back, &crashes, &progress), 0);
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(
            queue_envelope_read(slice_of(b.data, size), true, &back, &crashes, &progress),
            -EBADMSG);
}

static void nonsense_is_refused(void **state)
{
    CLEANUP(buffer_done) struct buffer recipients = BUFFER_NONE;
    struct queue_envelope good = sample(&recipients, 2, 1), wrong[3], back;
    struct slice progress;
    uint8_t crashes;

    (void)state;
    wrong[0] = wrong[1] = wrong[2] = good;
    wrong[0].recipient_count = 3;
    wrong[1].header_size = wrong[1].content_size + 1;
    wrong[2].recipient_count = 0;
    wrong[2].recipients = SLICE_NONE;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;

        queue_envelope_write(&b, &wrong[i]);
        assert_int_equal(queue_envelope_read(buffer_slice(&b), false, &back, &crashes, &progress),
                         -EBADMSG);
    }
}

/* All addresses arrive, in order, whatever number of events they take. */
static void acceptance_events(uint32_t count, size_t padding, uint16_t expected)
{
    CLEANUP(buffer_done) struct buffer recipients = BUFFER_NONE, b = BUFFER_NONE;
    struct queue_envelope envelope = sample(&recipients, count, padding);
    struct queue_event event;
    struct cursor c;
    uint32_t next = 0;
    uint64_t sequence = 100;

    assert_int_equal(queue_envelope_events(&envelope, 100, NULL), expected);
    assert_int_equal(queue_envelope_events(&envelope, 100, &b), expected);
    for (c = cursor_of(buffer_slice(&b)); c.rest.size;) {
        struct slice addresses, address;

        assert_int_equal(queue_event_read(&c, &event), 0);
        assert_true(event.sequence == sequence++ && event.type == QUEUE_EVENT_ACCEPTED);
        assert_int_equal(event.accepted.first_recipient, next);
        assert_int_equal(event.accepted.recipient_count, count);
        for (addresses = event.accepted.addresses; queue_event_address(&addresses, &address);
             next++) {
            char text[300];

            snprintf(text, sizeof(text), "%0*u@example.net", (int)padding, next);
            assert_true(slice_equal(address, slice_text(text)));
        }
    }
    assert_int_equal(next, count);
    assert_int_equal(sequence, 100 + expected);
}

static void long_lists_take_several_events(void **state)
{
    (void)state;
    acceptance_events(1, 1, 1);
    acceptance_events(1000, 1, 1);
    acceptance_events(1000, 240, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_and_copy_come_back),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(long_lists_take_several_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
