#include "queue/segment.h"

#include "queue/fake_disk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void names_are_told_apart(void **state)
{
    static const struct {
        const char *name;
        uint64_t number; /* 0: not a segment's */
    } cases[] = {
        {"000000000001.log", 1},
        {"000000000042.log", 42},
        {"999999999999999.log", 999999999999999},
        {"000000000001.damaged", 0},
        {".log", 0},
        {"1.log", 0},
        {"000000000001.LOG", 0},
        {"000000000000.log", 0},
        {"-00000000001.log", 0},
        {"lost+found", 0},
        {"00000000000x.log", 0},
        {"99999999999999999999999.log", 0},
    };
    char name[QUEUE_SEGMENT_NAME_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t number = 0;

        assert_int_equal(queue_segment_number(cases[i].name, &number), cases[i].number != 0);
        assert_true(number == cases[i].number);
    }
    queue_segment_name(42, name);
    assert_string_equal(name, "000000000042.log");
    queue_segment_name_damaged(42, name);
    assert_string_equal(name, "000000000042.damaged");
}

static void places_are_accounted_for(void **state)
{
    struct queue_segment *a = queue_segment_new(1, 0, 8192), *b = queue_segment_new(2, 0, 8192);
    struct queue_place p = {0}, q = {0};

    (void)state;
    queue_place_set(&p, a, 4096, 100, 1000);
    queue_place_set(&q, a, 5300, 50, 0);
    assert_true(a->live_bytes == 2 * QUEUE_RECORD_HEAD_BYTES + 1150);
    queue_place_set(&p, b, 4096, 120, 1000);
    assert_true(a->live_bytes == QUEUE_RECORD_HEAD_BYTES + 50);
    assert_true(b->live_bytes == QUEUE_RECORD_HEAD_BYTES + 1120);
    queue_place_clear(&q);
    queue_place_clear(&q);
    assert_true(a->live_bytes == 0 && list_empty(&a->live));
    queue_segment_free(b); /* forgets p */
    assert_null(p.segment);
    queue_segment_free(a);
    queue_segment_free(NULL);
}

static struct disk *disk_with_record(uint32_t seed, size_t *ret_body_size)
{
    struct disk *d = fake_disk_new();
    struct queue_segment_head head = {5, 1, 0};
    struct queue_record record = {
        .type = QUEUE_RECORD_MESSAGE, .body = SLICE("an envelope"), .content_size = 7};
    struct buffer b = BUFFER_NONE;
    struct iovec piece;
    int file;

    assert_int_equal(queue_segment_create(d, 65536, &head, &file), 0);
    queue_record_write(&b, &record);
    queue_record_seal(b.data, seed, SLICE("content"));
    buffer_add(&b, SLICE("content"));
    piece = (struct iovec){b.data, b.size};
    assert_int_equal(d->ops->write(d, file, 4128, &piece, 1), 0);
    buffer_done(&b);
    *ret_body_size = record.body.size;
    return d;
}

static int read_back(struct disk *d, size_t body_size, uint64_t offset, struct buffer *content)
{
    CLEANUP(buffer_done) struct buffer record = BUFFER_NONE;
    struct queue_segment_read what = {
        .disk = d,
        .seed = 99,
        .offset = offset,
        .body_size = (uint32_t)body_size,
        .content_size = 7,
        .record = &record,
        .content = content,
    };

    assert_int_equal(d->ops->open(d, "000000000001.log", DISK_READ, &what.file), 0);
    return queue_segment_read(&what);
}

static void every_damaged_byte_is_noticed(void **state)
{
    CLEANUP(buffer_done) struct buffer content = BUFFER_NONE;
    size_t body_size;
    struct disk *d = disk_with_record(99, &body_size);

    (void)state;
    assert_int_equal(read_back(d, body_size, 4128, &content), 0);
    assert_true(slice_equal(buffer_slice(&content), SLICE("content")));
    assert_int_equal(read_back(d, body_size, 4129, &content), -EBADMSG);
    assert_int_equal(read_back(d, body_size - 1, 4128, &content), -EBADMSG);
    assert_int_equal(read_back(d, body_size, 65530, &content), -EBADMSG);
    for (uint64_t i = 0; i < QUEUE_RECORD_HEAD_BYTES + body_size + 7; i++) {
        assert_int_equal(fake_disk_damage(d, "000000000001.log", 4128 + i), 0);
        assert_int_equal(read_back(d, body_size, 4128, &content), -EBADMSG);
        assert_int_equal(fake_disk_damage(d, "000000000001.log", 4128 + i), 0);
    }
    fake_disk_fail(d, FAKE_READ, 0, 1, -EIO);
    assert_int_equal(read_back(d, body_size, 4128, &content), -EIO);
    disk_free(d);
}

/* What could not be made leaves nothing behind. */
static void a_segment_that_does_not_fit_is_not_there(void **state)
{
    struct disk *d = fake_disk_new();
    struct queue_segment_head head = {5, 1, 0};
    int file;

    (void)state;
    fake_disk_limit(d, 1000);
    assert_int_equal(queue_segment_create(d, 65536, &head, &file), -ENOSPC);
    assert_int_equal(d->ops->open(d, "000000000001.log", DISK_READ, &file), -ENOENT);
    fake_disk_limit(d, 0);
    assert_int_equal(queue_segment_create(d, 65536, &head, &file), 0);
    assert_int_equal(queue_segment_create(d, 65536, &head, &file), -EEXIST);
    disk_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_told_apart),
        cmocka_unit_test(places_are_accounted_for),
        cmocka_unit_test(every_damaged_byte_is_noticed),
        cmocka_unit_test(a_segment_that_does_not_fit_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
