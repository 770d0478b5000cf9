#include "queue/record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void segment_head_comes_back(void **state)
{
    struct queue_segment_head head = {0x1122334455667788, 7, 1763900000000000}, back;
    char bytes[QUEUE_SEGMENT_HEAD_BYTES];

    (void)state;
    queue_segment_head_write(bytes, &head);
    assert_int_equal(queue_segment_head_read(slice_of(bytes, sizeof(bytes)), &back), 0);
    assert_memory_equal(&back, &head, sizeof(head));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] ^= 1;
        assert_int_equal(queue_segment_head_read(slice_of(bytes, sizeof(bytes)), &back), -EBADMSG);
        bytes[i] ^= 1;
        assert_int_equal(queue_segment_head_read(slice_of(bytes, i), &back), -EBADMSG);
    }
}

/* A frame is good in its own segment of its own spool only. */
static void frames_know_where_they_belong(void **state)
{
    struct queue_frame frame = {77, 123456789012}, back;
    char bytes[QUEUE_FRAME_BYTES];
    uint32_t seed = queue_record_seed(5, 6);

    (void)state;
    queue_frame_write(bytes, seed, &frame);
    assert_int_equal(queue_frame_read(slice_of(bytes, sizeof(bytes)), seed, &back), 0);
    assert_true(back.number == frame.number && back.size == frame.size);
    assert_int_equal(
        queue_frame_read(slice_of(bytes, sizeof(bytes)), queue_record_seed(5, 7), &back), -EBADMSG);
    assert_int_equal(
        queue_frame_read(slice_of(bytes, sizeof(bytes)), queue_record_seed(6, 5), &back), -EBADMSG);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] ^= 0x10;
        assert_int_equal(queue_frame_read(slice_of(bytes, sizeof(bytes)), seed, &back), -EBADMSG);
        bytes[i] ^= 0x10;
        assert_int_equal(queue_frame_read(slice_of(bytes, i), seed, &back), -EBADMSG);
    }
}

static void every_changed_bit_is_noticed(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct queue_record record = {
        .type = QUEUE_RECORD_EVENTS,
        .event_count = 3,
        .sequence = 99,
        .body = SLICE("the body of a record"),
        .content_size = 7,
    };
    struct queue_record back;
    struct slice rest;

    (void)state;
    queue_record_write(&b, &record);
    assert_int_equal(queue_record_seal(b.data, 1234, SLICE("content")), b.size);
    assert_int_equal(queue_record_read_head(buffer_slice(&b), 1234, &back), 0);
    assert_int_equal(back.type, QUEUE_RECORD_EVENTS);
    assert_int_equal(back.event_count, 3);
    assert_true(back.sequence == 99 && back.content_size == 7 &&
                back.body.size == record.body.size);
    assert_int_equal(queue_record_read_head(buffer_slice(&b), 1235, &back), -EBADMSG);
    for (size_t bit = 0; bit < b.size * 8; bit++) {
        struct slice head = slice_of(b.data, QUEUE_RECORD_HEAD_BYTES);
        struct slice body = slice_of(b.data + QUEUE_RECORD_HEAD_BYTES, record.body.size);
        bool good;

        b.data[bit / 8] ^= (char)(1 << bit % 8);
        good = queue_record_read_head(head, 1234, &back) == 0 &&
               queue_record_check_body(head, body) == 0;
        assert_false(good);
        b.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    rest = buffer_slice(&b);
    back = queue_record_take(&rest);
    assert_int_equal(rest.size, 0);
    assert_true(slice_equal(back.body, record.body));
}

static void state_comes_back(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE, voids = BUFFER_NONE, paused = BUFFER_NONE;
    struct queue_void first = {3, 8192}, second = {9, 4096}, v;
    struct queue_state s = {.acknowledged = 34}, back;
    struct slice rest;

    (void)state;
    queue_void_write(&voids, &first);
    queue_void_write(&voids, &second);
    buffer_add_u64(&paused, 77);
    s.voids = buffer_slice(&voids);
    s.paused = buffer_slice(&paused);
    queue_state_write(&b, &s);
    assert_int_equal(queue_state_read(buffer_slice(&b), &back), 0);
    assert_true(back.acknowledged == 34);
    assert_true(slice_equal(back.paused, s.paused));
    rest = back.voids;
    assert_true(queue_void_read(&rest, &v) && v.segment == 3 && v.size == 8192);
    assert_true(queue_void_read(&rest, &v) && v.segment == 9 && v.size == 4096);
    assert_false(queue_void_read(&rest, &v));
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(queue_state_read(slice_of(b.data, size), &back), -EBADMSG);
}

static void attempts_come_back(void **state)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE, recipients = BUFFER_NONE;
    struct queue_attempt attempt = {.id = {.ms = 5, .uuid = {1, 2, 3}}}, back;

    (void)state;
    buffer_add_u32(&recipients, 4);
    buffer_add_u32(&recipients, 9);
    attempt.recipients = buffer_slice(&recipients);
    queue_attempt_write(&b, &attempt);
    assert_int_equal(queue_attempt_read(buffer_slice(&b), &back), 0);
    assert_int_equal(message_id_compare(&back.id, &attempt.id), 0);
    assert_true(slice_equal(back.recipients, attempt.recipients));
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(queue_attempt_read(slice_of(b.data, size), &back), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segment_head_comes_back),
        cmocka_unit_test(frames_know_where_they_belong),
        cmocka_unit_test(every_changed_bit_is_noticed),
        cmocka_unit_test(state_comes_back),
        cmocka_unit_test(attempts_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
