#include "runtime/disk.h"

#include "base/buffer.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char path[64];
    struct disk *disk;
};

static int set_up(void **state)
{
    struct fixture *f = base_allocate(sizeof *f);
    int directory;

    snprintf(f->path, sizeof f->path, "/tmp/letterhead-disk-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    directory = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(directory >= 0);
    f->disk = disk_new_linux(directory);
    *state = f;
    return 0;
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about, (void)type, (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    disk_free(f->disk);
    nftw(f->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static struct iovec piece(const char *text)
{
    return (struct iovec){(void *)(uintptr_t)text, strlen(text)};
}

static void assert_content(struct disk *d, int file, const char *expected)
{
    char memory[256];
    ssize_t n = d->ops->read(d, file, 0, memory, sizeof memory);
    uint64_t size;

    assert_int_equal(n, strlen(expected));
    assert_memory_equal(memory, expected, (size_t)n);
    assert_int_equal(d->ops->size(d, file, &size), 0);
    assert_int_equal(size, n);
}

static void writes_are_read_back(void **state)
{
    struct disk *d = ((struct fixture *)*state)->disk;
    struct iovec pieces[] = {piece("head"), piece(""), piece("line")};
    struct iovec many[150];
    char last;
    int file;

    assert_int_equal(d->ops->open(d, "log", DISK_READ | DISK_WRITE | DISK_CREATE, &file), 0);
    assert_int_equal(d->ops->write(d, file, 0, pieces, 3), 0);
    assert_int_equal(d->ops->write(d, file, 8, pieces, 1), 0);
    assert_content(d, file, "headlinehead");
    for (size_t i = 0; i < ARRAY_LEN(many); i++) /* more than one call takes */
        many[i] = piece("x");
    assert_int_equal(d->ops->write(d, file, 4, many, ARRAY_LEN(many)), 0);
    assert_int_equal(d->ops->read(d, file, 153, &last, 1), 1);
    assert_int_equal(last, 'x');
    assert_int_equal(d->ops->read(d, file, 154, &last, 1), 0);
    assert_int_equal(d->ops->sync(d, file), 0);
    assert_int_equal(d->ops->truncate(d, file, 4), 0);
    assert_content(d, file, "head");
    d->ops->close(d, file);
}

static void allocated_space_reads_as_zero(void **state)
{
    struct disk *d = ((struct fixture *)*state)->disk;
    struct iovec one = piece("a");
    uint64_t size, free_bytes;
    char memory[3] = "xyz";
    int file;

    assert_int_equal(d->ops->open(d, "log", DISK_READ | DISK_WRITE | DISK_CREATE, &file), 0);
    assert_int_equal(d->ops->allocate(d, file, 8192), 0);
    assert_int_equal(d->ops->write(d, file, 0, &one, 1), 0);
    assert_int_equal(d->ops->size(d, file, &size), 0);
    assert_int_equal(size, 8192);
    assert_int_equal(d->ops->read(d, file, 0, memory, 3), 3);
    assert_memory_equal(memory, "a\0\0", 3);
    assert_int_equal(d->ops->free_bytes(d, &free_bytes), 0);
    assert_true(free_bytes > 0);
    d->ops->close(d, file);
}

static void collect(void *context, const char *name)
{
    buffer_printf(context, "[%s]", name);
}

static void names_come_and_go(void **state)
{
    struct disk *d = ((struct fixture *)*state)->disk;
    CLEANUP(buffer_done) struct buffer names = BUFFER_NONE;
    int file;

    assert_int_equal(d->ops->make_directory(d, "spool"), 0);
    assert_int_equal(d->ops->make_directory(d, "spool"), -EEXIST);
    assert_int_equal(d->ops->open(d, "spool/new", DISK_WRITE | DISK_CREATE, &file), 0);
    d->ops->close(d, file);
    assert_int_equal(d->ops->open(d, "spool/new", DISK_WRITE | DISK_CREATE, &file), -EEXIST);
    assert_int_equal(d->ops->rename(d, "spool/new", "spool/log"), 0);
    assert_int_equal(d->ops->sync_directory(d, "spool"), 0);
    assert_int_equal(d->ops->sync_directory(d, "."), 0);
    assert_int_equal(d->ops->list(d, "spool", collect, &names), 0);
    assert_true(slice_equal(buffer_slice(&names), SLICE("[log]")));
    assert_int_equal(d->ops->unlink(d, "spool/log"), 0);
    assert_int_equal(d->ops->unlink(d, "spool/log"), -ENOENT);
    assert_int_equal(d->ops->open(d, "spool/log", DISK_READ, &file), -ENOENT);
    assert_int_equal(d->ops->list(d, "nowhere", collect, &names), -ENOENT);
}

/* A name that became a symbolic link leads nowhere. */
static void links_are_not_followed(void **state)
{
    struct fixture *f = *state;
    char path[128];
    int file;

    snprintf(path, sizeof path, "%s/link", f->path);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(f->disk->ops->open(f->disk, "link", DISK_WRITE, &file), -ELOOP);
}

static struct disk *open_again(const struct fixture *f)
{
    int directory = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(directory >= 0);
    return disk_new_linux(directory);
}

/* Another process takes the directory and says so through the pipe; it ends when killed. */
static pid_t start_holder(const struct fixture *f)
{
    char said = 0;
    uint64_t holder;
    int pipes[2];
    pid_t child;

    assert_int_equal(pipe(pipes), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        said = disk_lock_linux(open_again(f), &holder) == 0 ? 'y' : 'n';
        (void)!write(pipes[1], &said, 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(pipes[0], &said, 1), 1);
    assert_int_equal(said, 'y');
    close(pipes[0]);
    close(pipes[1]);
    return child;
}

/* A killed process keeps nobody out, whatever its file says. */
static void one_process_has_the_directory(void **state)
{
    const struct fixture *f = *state;
    pid_t child = start_holder(f);
    uint64_t holder = 0;
    struct disk *d;

    assert_int_equal(disk_lock_linux(f->disk, &holder), -EBUSY);
    assert_int_equal(holder, child);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(disk_lock_linux(f->disk, &holder), 0);
    d = open_again(f);
    assert_int_equal(disk_lock_linux(d, &holder), -EBUSY);
    assert_int_equal(holder, getpid());
    disk_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_are_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(allocated_space_reads_as_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_are_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_process_has_the_directory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
