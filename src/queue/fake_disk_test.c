#include "queue/fake_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int make(struct disk *d, const char *name)
{
    int file;

    assert_int_equal(d->ops->open(d, name, DISK_READ | DISK_WRITE | DISK_CREATE, &file), 0);
    return file;
}

static void put(struct disk *d, int file, uint64_t offset, char byte, size_t size)
{
    static char bytes[8192];
    struct iovec piece = {bytes, size};

    memset(bytes, byte, size);
    assert_int_equal(d->ops->write(d, file, offset, &piece, 1), 0);
}

/* The byte at `offset` of the named file: -1 if the file is not there or too short. */
static int at(struct disk *d, const char *name, uint64_t offset)
{
    unsigned char byte;
    int file;

    if (d->ops->open(d, name, DISK_READ, &file) < 0 || d->ops->read(d, file, offset, &byte, 1) != 1)
        return -1;
    return byte;
}

static int after(struct disk *d, enum fake_disk_loss loss, uint64_t seed, const char *name,
                 uint64_t offset)
{
    struct disk *cut = fake_disk_after(d, fake_disk_length(d), loss, seed);
    int byte = at(cut, name, offset);

    disk_free(cut);
    return byte;
}

static void only_what_was_synced_is_sure(void **state)
{
    struct disk *d = fake_disk_new();
    int file = make(d, "a");

    (void)state;
    put(d, file, 0, 'x', 1000);
    assert_int_equal(at(d, "a", 500), 'x');
    assert_int_equal(d->ops->sync(d, file), 0);
    assert_int_equal(after(d, FAKE_LOSE_ALL, 0, "a", 500), -1); /* the name is not durable */
    assert_int_equal(d->ops->sync_directory(d, "."), 0);
    assert_int_equal(after(d, FAKE_LOSE_ALL, 0, "a", 500), 'x');
    put(d, file, 0, 'y', 1000);
    assert_int_equal(after(d, FAKE_LOSE_ALL, 0, "a", 500), 'x');
    assert_int_equal(after(d, FAKE_LOSE_NONE, 0, "a", 500), 'y');
    assert_int_equal(after(d, FAKE_LOSE_TAIL, 1, "a", 500), 'y');
    assert_int_equal(after(d, FAKE_LOSE_TAIL, 1, "a", 600), 'x');
    disk_free(d);
}

static void sectors_are_lost_one_by_one(void **state)
{
    struct disk *d = fake_disk_new();
    int file = make(d, "a");
    bool mixed = false;

    (void)state;
    put(d, file, 0, 'x', 8192);
    assert_int_equal(d->ops->sync(d, file), 0);
    assert_int_equal(d->ops->sync_directory(d, "."), 0);
    put(d, file, 0, 'y', 8192);
    for (uint64_t seed = 1; seed < 10; seed++) {
        assert_int_equal(after(d, FAKE_LOSE_SOME, seed, "a", 512),
                         after(d, FAKE_LOSE_SOME, seed, "a", 1023));
        mixed |=
            after(d, FAKE_LOSE_SOME, seed, "a", 511) != after(d, FAKE_LOSE_SOME, seed, "a", 512);
    }
    assert_true(mixed);
    disk_free(d);
}

static void a_failed_sync_is_not_made_good(void **state)
{
    struct disk *d = fake_disk_new();
    int file = make(d, "a");

    (void)state;
    assert_int_equal(d->ops->sync_directory(d, "."), 0);
    put(d, file, 0, 'x', 100);
    fake_disk_fail(d, FAKE_SYNC, 0, 1, -EIO);
    assert_int_equal(d->ops->sync(d, file), -EIO);
    assert_int_equal(d->ops->sync(d, file), 0);
    assert_int_equal(at(d, "a", 50), 'x');
    assert_int_equal(after(d, FAKE_LOSE_ALL, 0, "a", 50), -1);
    disk_free(d);
}

static void names_change_when_the_directory_is_synced(void **state)
{
    struct disk *d = fake_disk_new();
    int file = make(d, "a");

    (void)state;
    put(d, file, 0, 'x', 10);
    assert_int_equal(d->ops->sync(d, file), 0);
    assert_int_equal(d->ops->sync_directory(d, "."), 0);
    assert_int_equal(d->ops->rename(d, "a", "b"), 0);
    assert_int_equal(at(d, "b", 0), 'x');
    assert_int_equal(after(d, FAKE_LOSE_ALL, 0, "a", 0), 'x');
    assert_int_equal(d->ops->sync_directory(d, "."), 0);
    assert_int_equal(after(d, FAKE_LOSE_ALL, 0, "a", 0), -1);
    assert_int_equal(after(d, FAKE_LOSE_ALL, 0, "b", 0), 'x');
    assert_int_equal(d->ops->unlink(d, "b"), 0);
    assert_int_equal(at(d, "b", 0), -1);
    assert_int_equal(after(d, FAKE_LOSE_ALL, 0, "b", 0), 'x');
    disk_free(d);
}

static void failures_come_when_told(void **state)
{
    struct disk *d = fake_disk_new();
    int file = make(d, "a");

    (void)state;
    fake_disk_fail(d, FAKE_SYNC, 1, 2, -EIO);
    assert_int_equal(d->ops->sync(d, file), 0);
    assert_int_equal(d->ops->sync(d, file), -EIO);
    assert_int_equal(d->ops->sync(d, file), -EIO);
    assert_int_equal(d->ops->sync(d, file), 0);
    assert_int_equal(fake_disk_calls(d, FAKE_SYNC), 4);
    disk_free(d);
}

static void a_full_disk_refuses(void **state)
{
    struct disk *d = fake_disk_new();
    int file = make(d, "a");
    uint64_t free_bytes;

    (void)state;
    fake_disk_limit(d, 10000);
    assert_int_equal(d->ops->allocate(d, file, 8000), 0);
    assert_int_equal(d->ops->free_bytes(d, &free_bytes), 0);
    assert_int_equal(free_bytes, 2000);
    assert_int_equal(d->ops->allocate(d, file, 10001), -ENOSPC);
    put(d, file, 4000, 'x', 4000); /* inside what is reserved */
    assert_int_equal(d->ops->unlink(d, "a"), 0);
    assert_int_equal(fake_disk_used(d), 0);
    disk_free(d);
}

static void count_mark(void *context, uint64_t mark)
{
    *(uint64_t *)context = *(uint64_t *)context * 10 + mark;
}

static void marks_stand_between_operations(void **state)
{
    struct disk *d = fake_disk_new();
    uint64_t seen = 0;
    size_t length;

    (void)state;
    fake_disk_mark(d, 1);
    make(d, "a");
    length = fake_disk_length(d);
    fake_disk_mark(d, 2);
    fake_disk_marks(d, length, count_mark, &seen);
    assert_int_equal(seen, 1);
    fake_disk_marks(d, fake_disk_length(d), count_mark, &seen);
    assert_int_equal(seen, 112);
    disk_free(d);
}

static void a_frozen_disk_forgets(void **state)
{
    struct disk *d = fake_disk_new();
    int file = make(d, "a");

    (void)state;
    put(d, file, 0, 'x', 10);
    fake_disk_freeze(d);
    put(d, file, 0, 'y', 10);
    assert_int_equal(d->ops->unlink(d, "a"), 0);
    make(d, "b");
    fake_disk_thaw(d);
    assert_int_equal(at(d, "a", 0), 'x');
    assert_int_equal(at(d, "b", 0), -1);
    disk_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_synced_is_sure),
        cmocka_unit_test(sectors_are_lost_one_by_one),
        cmocka_unit_test(a_failed_sync_is_not_made_good),
        cmocka_unit_test(names_change_when_the_directory_is_synced),
        cmocka_unit_test(failures_come_when_told),
        cmocka_unit_test(a_full_disk_refuses),
        cmocka_unit_test(marks_stand_between_operations),
        cmocka_unit_test(a_frozen_disk_forgets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
