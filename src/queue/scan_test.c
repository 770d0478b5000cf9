#include "queue/scan.h"

#include "queue/fake_disk.h"
#include "queue/segment.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { COMMITS = 4, RECORDS = 3, CONTENT = 3000, SEGMENT = 128 * 1024 };

static const uint32_t seed = 77;
static const char name[] = "000000000001.log";
static uint64_t commit_at[COMMITS], record_at[COMMITS][RECORDS], used;

static void add_commit(struct disk *d, int file, unsigned number)
{
    CLEANUP(buffer_done) struct buffer b = BUFFER_NONE;
    struct queue_frame frame = {number + 1, 0};
    char content[CONTENT];
    struct iovec piece;

    memset(content, 'a' + (int)number, sizeof(content));
    buffer_reserve(&b, QUEUE_FRAME_BYTES);
    b.size = QUEUE_FRAME_BYTES;
    commit_at[number] = used;
    for (unsigned i = 0; i < RECORDS; i++) {
        struct queue_record record = {
            .type = QUEUE_RECORD_MESSAGE,
            .sequence = number * RECORDS + i,
            .body = SLICE("the body"),
            .content_size = CONTENT,
        };
        size_t at = b.size;

        record_at[number][i] = used + at;
        queue_record_write(&b, &record);
        queue_record_seal(b.data + at, seed, slice_of(content, sizeof(content)));
        buffer_add(&b, slice_of(content, sizeof(content)));
    }
    frame.size = b.size - QUEUE_FRAME_BYTES;
    queue_frame_write(b.data, seed, &frame);
    piece = (struct iovec){b.data, b.size};
    assert_int_equal(d->ops->write(d, file, used, &piece, 1), 0);
    used += (b.size + QUEUE_BLOCK_BYTES - 1) / QUEUE_BLOCK_BYTES * QUEUE_BLOCK_BYTES;
}

static struct disk *segment(void)
{
    struct disk *d = fake_disk_new();
    struct queue_segment_head head = {5, 1, 0};
    int file;

    assert_int_equal(queue_segment_create(d, SEGMENT, &head, &file), 0);
    used = QUEUE_BLOCK_BYTES;
    for (unsigned i = 0; i < COMMITS; i++)
        add_commit(d, file, i);
    return d;
}

/* Everything that a scan finds: records (their sequence numbers), and damages. */
struct finding {
    bool found[COMMITS * RECORDS];
    unsigned records, commits, damages;
};

static struct finding scan_all(struct disk *d, uint64_t end)
{
    CLEANUP(queue_scan_close) struct queue_scan scan;
    struct queue_scanned scanned;
    struct finding finding = {0};
    enum queue_scan_result result;
    int file;

    assert_int_equal(d->ops->open(d, name, DISK_READ, &file), 0);
    queue_scan_open(&scan, d, file, seed, end);
    while ((result = queue_scan_next(&scan, &scanned)) != QUEUE_SCAN_END) {
        finding.commits += result == QUEUE_SCAN_COMMIT;
        finding.damages += result == QUEUE_SCAN_DAMAGE;
        if (result != QUEUE_SCAN_RECORD)
            continue;
        finding.records++;
        finding.found[scanned.record.sequence] = true;
        assert_true(slice_equal(scanned.record.body, SLICE("the body")));
        assert_true(
            scanned.offset ==
            record_at[scanned.record.sequence / RECORDS][scanned.record.sequence % RECORDS]);
    }
    return finding;
}

static void a_good_segment_is_read_whole(void **state)
{
    struct disk *d = segment();
    struct finding f = scan_all(d, SEGMENT);

    (void)state;
    assert_int_equal(f.commits, COMMITS);
    assert_int_equal(f.records, COMMITS * RECORDS);
    assert_int_equal(f.damages, 0);
    f = scan_all(d, commit_at[2]);
    assert_int_equal(f.records, 2 * RECORDS);
    assert_int_equal(f.damages, 0);
    disk_free(d);
}

/* What each kind of damage costs: the byte that is hit, and the records that are gone. */
static void damage_costs_as_little_as_can_be(void **state)
{
    struct disk *d = segment();
    const struct {
        uint64_t offset;
        unsigned first, last; /* sequence numbers lost */
    } cases[] = {
        {commit_at[1] + 20, 3, 5},                             /* a frame: the commit */
        {record_at[1][1] + 4, 4, 5},                           /* a head: the rest of the commit */
        {record_at[1][1] + QUEUE_RECORD_HEAD_BYTES + 2, 4, 4}, /* a body: the record */
        {record_at[2][2] + 30, 8, 8},
        {commit_at[0], 0, 2},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct finding f;

        assert_int_equal(fake_disk_damage(d, name, cases[i].offset), 0);
        f = scan_all(d, SEGMENT);
        assert_int_equal(f.damages, 1);
        for (unsigned n = 0; n < COMMITS * RECORDS; n++)
            assert_int_equal(f.found[n], n < cases[i].first || n > cases[i].last);
        assert_int_equal(fake_disk_damage(d, name, cases[i].offset), 0);
    }
    disk_free(d);
}

/* The last frame: nothing follows that could prove that it was ever whole. */
static void a_torn_end_is_no_damage(void **state)
{
    struct disk *d = segment();
    struct finding f;

    (void)state;
    assert_int_equal(fake_disk_damage(d, name, commit_at[COMMITS - 1] + 8), 0);
    f = scan_all(d, SEGMENT);
    assert_int_equal(f.records, (COMMITS - 1) * RECORDS);
    assert_int_equal(f.damages, 0);
    disk_free(d);
}

static void contents_are_judged_when_asked(void **state)
{
    CLEANUP(queue_scan_close) struct queue_scan scan;
    struct disk *d = segment();
    int file;

    (void)state;
    assert_int_equal(d->ops->open(d, name, DISK_READ, &file), 0);
    queue_scan_open(&scan, d, file, seed, SEGMENT);
    for (unsigned i = 0; i < COMMITS; i++)
        assert_true(queue_scan_is_whole(&scan, commit_at[i]));
    assert_false(queue_scan_is_whole(&scan, commit_at[0] + QUEUE_BLOCK_BYTES));
    queue_scan_close(&scan);
    assert_int_equal(fake_disk_damage(d, name, record_at[2][1] + 1000), 0);
    queue_scan_open(&scan, d, file, seed, SEGMENT);
    assert_false(queue_scan_is_whole(&scan, commit_at[2]));
    assert_true(queue_scan_is_whole(&scan, commit_at[3]));
    assert_int_equal(scan_all(d, SEGMENT).damages, 0);
    disk_free(d);
}

/* The window cannot be read, then the rest can. */
static void a_bad_sector_hides_nothing_else(void **state)
{
    struct disk *d = segment();
    struct finding f;

    (void)state;
    fake_disk_fail(d, FAKE_READ, 0, 1, -EIO);
    f = scan_all(d, SEGMENT);
    assert_int_equal(f.records, COMMITS * RECORDS);
    fake_disk_fail(d, FAKE_READ, 0, 2, -EIO);
    f = scan_all(d, SEGMENT);
    assert_int_equal(f.records, (COMMITS - 1) * RECORDS);
    assert_int_equal(f.damages, 1);
    disk_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_segment_is_read_whole),
        cmocka_unit_test(damage_costs_as_little_as_can_be),
        cmocka_unit_test(a_torn_end_is_no_damage),
        cmocka_unit_test(contents_are_judged_when_asked),
        cmocka_unit_test(a_bad_sector_hides_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
