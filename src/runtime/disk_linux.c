/* The disk that is Linux: each operation a system call or a few, interrupted and short ones gone on
 * with. Policy about what a failure means is the spool's. */
#include "runtime/disk.h"

#include "runtime/pieces.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Pieces given to the kernel at a time. */
enum { PIECES_MAX = 64 };

struct disk_linux {
    struct disk disk;
    int directory;
    int lock; /* the file whose lock says that the directory is ours; -1: not asked for */
};

static int directory_of(struct disk *d)
{
    return CONTAINER_OF(d, struct disk_linux, disk)->directory;
}

static int result_of(int r)
{
    return r < 0 ? -errno : 0;
}

static int linux_open(struct disk *d, const char *path, int flags, int *ret_file)
{
    int mode = flags & DISK_WRITE ? (flags & DISK_READ ? O_RDWR : O_WRONLY) : O_RDONLY;
    int file;

    if (flags & DISK_CREATE)
        mode |= O_CREAT | O_EXCL;
    file = openat(directory_of(d), path, mode | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return -errno;
    *ret_file = file;
    return 0;
}

static void linux_close(struct disk *d, int file)
{
    (void)d;
    close(file);
}

static int write_some(int file, uint64_t *offset, const struct iovec *pieces, int count)
{
    struct iovec left[PIECES_MAX];

    memcpy(left, pieces, (size_t)count * sizeof *left);
    count = pieces_advance(left, count, 0);
    while (count) {
        ssize_t n = pwritev(file, left, count, (off_t)*offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        *offset += (uint64_t)n;
        count = pieces_advance(left, count, (size_t)n);
    }
    return 0;
}

static int linux_write(struct disk *d, int file, uint64_t offset, const struct iovec *pieces,
                       int count)
{
    (void)d;
    while (count) {
        int now = count < PIECES_MAX ? count : PIECES_MAX;
        int r = write_some(file, &offset, pieces, now);

        if (r < 0)
            return r;
        pieces += now;
        count -= now;
    }
    return 0;
}

static ssize_t linux_read(struct disk *d, int file, uint64_t offset, void *memory, size_t size)
{
    size_t done = 0;

    (void)d;
    while (done < size) {
        ssize_t n = pread(file, (char *)memory + done, size - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int linux_sync(struct disk *d, int file)
{
    (void)d;
    return result_of(fdatasync(file));
}

static int linux_size(struct disk *d, int file, uint64_t *ret_size)
{
    struct stat about;

    (void)d;
    if (fstat(file, &about) < 0)
        return -errno;
    *ret_size = (uint64_t)about.st_size;
    return 0;
}

static int linux_allocate(struct disk *d, int file, uint64_t size)
{
    (void)d;
    return -posix_fallocate(file, 0, (off_t)size);
}

static int linux_truncate(struct disk *d, int file, uint64_t size)
{
    (void)d;
    return result_of(ftruncate(file, (off_t)size));
}

static int linux_rename(struct disk *d, const char *from, const char *to)
{
    return result_of(renameat(directory_of(d), from, directory_of(d), to));
}

static int linux_unlink(struct disk *d, const char *path)
{
    return result_of(unlinkat(directory_of(d), path, 0));
}

static int open_directory(struct disk *d, const char *path)
{
    return openat(directory_of(d), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int linux_sync_directory(struct disk *d, const char *path)
{
    CLEANUP(base_close_descriptor) int directory = open_directory(d, path);

    if (directory < 0)
        return -errno;
    return result_of(fsync(directory));
}

static int linux_make_directory(struct disk *d, const char *path)
{
    return result_of(mkdirat(directory_of(d), path, 0700));
}

static int linux_list(struct disk *d, const char *path,
                      void (*found)(void *context, const char *name), void *context)
{
    int descriptor = open_directory(d, path);
    struct dirent *entry;
    DIR *directory;
    int r;

    if (descriptor < 0)
        return -errno;
    directory = fdopendir(descriptor);
    if (!directory) {
        r = -errno;
        close(descriptor);
        return r;
    }
    while (errno = 0, (entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            found(context, entry->d_name);
    r = -errno;
    closedir(directory);
    return r;
}

static int linux_free_bytes(struct disk *d, uint64_t *ret_bytes)
{
    struct statvfs about;

    if (fstatvfs(directory_of(d), &about) < 0)
        return -errno;
    *ret_bytes = (uint64_t)about.f_bavail * about.f_frsize;
    return 0;
}

static void linux_free(struct disk *d)
{
    struct disk_linux *l = CONTAINER_OF(d, struct disk_linux, disk);

    if (l->lock >= 0)
        close(l->lock);
    close(l->directory);
    free(l);
}

static const struct disk_ops linux_ops = {
    .open = linux_open,
    .close = linux_close,
    .write = linux_write,
    .read = linux_read,
    .sync = linux_sync,
    .size = linux_size,
    .allocate = linux_allocate,
    .truncate = linux_truncate,
    .rename = linux_rename,
    .unlink = linux_unlink,
    .sync_directory = linux_sync_directory,
    .make_directory = linux_make_directory,
    .list = linux_list,
    .free_bytes = linux_free_bytes,
    .free = linux_free,
};

struct disk *disk_new_linux(int directory)
{
    struct disk_linux *d = base_allocate(sizeof *d);

    *d = (struct disk_linux){{&linux_ops}, directory, -1};
    return &d->disk;
}

/* --- the lock --- */

static uint64_t read_holder(int file)
{
    char text[32];
    ssize_t n = pread(file, text, sizeof text, 0);
    uint64_t holder;

    return n > 0 && slice_to_u64(slice_of(text, (size_t)n), INT32_MAX, &holder) == 0 ? holder : 0;
}

/* The id is for people alone: what counts is the kernel's lock. */
static void write_holder(int file)
{
    char text[32];
    int size = snprintf(text, sizeof text, "%ld", (long)getpid());

    if (ftruncate(file, 0) == 0)
        (void)!pwrite(file, text, (size_t)size, 0);
}

int disk_lock_linux(struct disk *d, uint64_t *ret_holder)
{
    struct disk_linux *l = CONTAINER_OF(d, struct disk_linux, disk);
    int r, file = openat(l->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (file < 0)
        return -errno;
    r = result_of(flock(file, LOCK_EX | LOCK_NB));
    if (r < 0) {
        *ret_holder = read_holder(file);
        close(file);
        return r == -EWOULDBLOCK ? -EBUSY : r;
    }
    write_holder(file);
    l->lock = file;
    return 0;
}

void disk_free(struct disk *d)
{
    if (d)
        d->ops->free(d);
}
