#include "queue/fake_disk.h"

#include "base/buffer.h"
#include "queue/fake_cut.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct failure {
    unsigned skip, times;
    int error;
};

struct fake_disk {
    struct disk disk;
    pthread_mutex_t lock;
    struct image base; /* what was there before the first operation; all durable */
    struct image now;  /* as readers see it */
    struct operation *log;
    size_t length, room;
    uint64_t limit;
    bool frozen;
    struct failure failures[FAKE_ANY + 1];
    unsigned calls[FAKE_ANY + 1];
};

static struct fake_disk *fake_of(struct disk *d)
{
    return CONTAINER_OF(d, struct fake_disk, disk);
}

/* --- the log --- */

static struct operation *log_add(struct fake_disk *f, enum kind kind, int inode)
{
    if (f->length == f->room) {
        f->room = f->room ? f->room * 2 : 256;
        f->log = base_resize(f->log, f->room * sizeof(*f->log));
    }
    f->log[f->length] = (struct operation){.kind = kind, .inode = inode};
    return &f->log[f->length++];
}

/* The operation happens; on a frozen disk it is forgotten again. */
static void log_apply(struct fake_disk *f, const struct operation *o)
{
    if (!f->frozen) {
        fake_image_apply(&f->now, o);
        return;
    }
    f->length--;
    free(o->data);
}

/* Counts the call; what it returns, if not 0, is the call's result. */
static int enter(struct fake_disk *f, enum fake_disk_call call)
{
    struct failure *some = &f->failures[call], *any = &f->failures[FAKE_ANY];
    int error = 0;

    f->calls[call]++;
    f->calls[FAKE_ANY]++;
    for (struct failure *failure = some;; failure = any) {
        if (failure->times && failure->skip)
            failure->skip--;
        else if (failure->times) {
            failure->times--;
            error = failure->error;
        }
        if (failure == any)
            return error;
    }
}

static uint64_t used(const struct fake_disk *f)
{
    uint64_t bytes = 0;

    for (int i = 0; i < f->now.name_count; i++)
        if (f->now.names[i].inode >= 0)
            bytes += f->now.inodes[f->now.names[i].inode].size;
    return bytes;
}

static bool has_room(const struct fake_disk *f, int file, uint64_t size)
{
    uint64_t before = f->now.inodes[file].size;

    return !f->limit || size <= before || used(f) + size - before <= f->limit;
}

/* --- the operations of a disk --- */

static int fake_open(struct disk *d, const char *path, int flags, int *ret_file)
{
    struct fake_disk *f = fake_of(d);
    struct operation *o;
    struct name *name;
    int r;

    pthread_mutex_lock(&f->lock);
    r = enter(f, FAKE_OPEN);
    name = fake_image_find(&f->now, path);
    if (r == 0 && !name && !(flags & DISK_CREATE))
        r = -ENOENT;
    if (r == 0 && name && (flags & DISK_CREATE))
        r = -EEXIST;
    if (r == 0 && name)
        *ret_file = name->inode;
    if (r == 0 && !name) {
        assert(f->now.inode_count < FILES_MAX);
        if (f->frozen) /* a file that no name leads to */
            fake_image_resize(&f->now, f->now.inode_count++, 0);
        o = log_add(f, CREATE, f->now.inode_count - f->frozen);
        snprintf(o->name, sizeof(o->name), "%s", path);
        *ret_file = o->inode;
        log_apply(f, o);
    }
    pthread_mutex_unlock(&f->lock);
    return r;
}

static void fake_close(struct disk *d, int file)
{
    assert(file >= 0 && file < fake_of(d)->now.inode_count);
}

static int fake_write(struct disk *d, int file, uint64_t offset, const struct iovec *pieces,
                      int count)
{
    struct fake_disk *f = fake_of(d);
    struct buffer all = BUFFER_NONE;
    struct operation *o;
    int r;

    for (int i = 0; i < count; i++)
        buffer_add(&all, slice_of(pieces[i].iov_base, pieces[i].iov_len));
    pthread_mutex_lock(&f->lock);
    r = enter(f, FAKE_WRITE);
    if (r == 0 && !has_room(f, file, offset + all.size))
        r = -ENOSPC;
    if (r < 0) {
        buffer_done(&all);
    } else {
        o = log_add(f, WRITE, file);
        o->offset = offset;
        o->data = all.data;
        o->size = all.size;
        log_apply(f, o);
    }
    pthread_mutex_unlock(&f->lock);
    return r;
}

static ssize_t fake_read(struct disk *d, int file, uint64_t offset, void *memory, size_t size)
{
    struct fake_disk *f = fake_of(d);
    struct inode *inode;
    ssize_t n;

    pthread_mutex_lock(&f->lock);
    n = enter(f, FAKE_READ);
    inode = &f->now.inodes[file];
    if (n == 0 && offset < inode->size) {
        n = (ssize_t)(size < inode->size - offset ? size : inode->size - offset);
        memcpy(memory, inode->data + offset, (size_t)n);
    }
    pthread_mutex_unlock(&f->lock);
    return n;
}

static int fake_sync(struct disk *d, int file)
{
    struct fake_disk *f = fake_of(d);
    int r;

    pthread_mutex_lock(&f->lock);
    r = enter(f, FAKE_SYNC);
    if (!f->frozen)
        log_add(f, r == 0 ? SYNC : SYNC_FAILED, file);
    pthread_mutex_unlock(&f->lock);
    return r;
}

static int fake_size(struct disk *d, int file, uint64_t *ret_size)
{
    struct fake_disk *f = fake_of(d);

    pthread_mutex_lock(&f->lock);
    *ret_size = f->now.inodes[file].size;
    pthread_mutex_unlock(&f->lock);
    return 0;
}

static int resize(struct disk *d, enum fake_disk_call call, int file, uint64_t size)
{
    struct fake_disk *f = fake_of(d);
    struct operation *o;
    int r;

    pthread_mutex_lock(&f->lock);
    r = enter(f, call);
    if (r == 0 && !has_room(f, file, size))
        r = -ENOSPC;
    if (r == 0) {
        o = log_add(f, RESIZE, file);
        o->offset = size;
        log_apply(f, o);
    }
    pthread_mutex_unlock(&f->lock);
    return r;
}

static int fake_allocate(struct disk *d, int file, uint64_t size)
{
    return resize(d, FAKE_ALLOCATE, file, size);
}

static int fake_truncate(struct disk *d, int file, uint64_t size)
{
    return resize(d, FAKE_ANY, file, size);
}

static int fake_rename(struct disk *d, const char *from, const char *to)
{
    struct fake_disk *f = fake_of(d);
    struct operation *o;
    struct name *name;
    int r;

    pthread_mutex_lock(&f->lock);
    r = enter(f, FAKE_UNLINK);
    name = fake_image_find(&f->now, from);
    if (r == 0 && !name)
        r = -ENOENT;
    if (r == 0) {
        o = log_add(f, RENAME, name->inode);
        snprintf(o->name, sizeof(o->name), "%s", from);
        snprintf(o->other, sizeof(o->other), "%s", to);
        log_apply(f, o);
    }
    pthread_mutex_unlock(&f->lock);
    return r;
}

static int fake_unlink(struct disk *d, const char *path)
{
    struct fake_disk *f = fake_of(d);
    struct operation *o;
    struct name *name;
    int r;

    pthread_mutex_lock(&f->lock);
    r = enter(f, FAKE_UNLINK);
    name = fake_image_find(&f->now, path);
    if (r == 0 && !name)
        r = -ENOENT;
    if (r == 0) {
        o = log_add(f, UNLINK, name->inode);
        snprintf(o->name, sizeof(o->name), "%s", path);
        log_apply(f, o);
    }
    pthread_mutex_unlock(&f->lock);
    return r;
}

static int fake_sync_directory(struct disk *d, const char *path)
{
    struct fake_disk *f = fake_of(d);
    int r;

    (void)path;
    pthread_mutex_lock(&f->lock);
    r = enter(f, FAKE_SYNC_DIRECTORY);
    if (r == 0 && !f->frozen)
        log_add(f, SYNC_DIRECTORY, 0);
    pthread_mutex_unlock(&f->lock);
    return r;
}

static int fake_make_directory(struct disk *d, const char *path)
{
    (void)d;
    (void)path;
    return -EPERM; /* the spool has no folders in it */
}

static int fake_list(struct disk *d, const char *path,
                     void (*found)(void *context, const char *name), void *context)
{
    struct fake_disk *f = fake_of(d);

    (void)path;
    for (int i = 0; i < f->now.name_count; i++)
        if (f->now.names[i].inode >= 0)
            found(context, f->now.names[i].name);
    return 0;
}

static int fake_free_bytes(struct disk *d, uint64_t *ret_bytes)
{
    struct fake_disk *f = fake_of(d);

    pthread_mutex_lock(&f->lock);
    *ret_bytes = f->limit ? f->limit - used(f) : 1ull << 40;
    pthread_mutex_unlock(&f->lock);
    return 0;
}

static void fake_free(struct disk *d)
{
    struct fake_disk *f = fake_of(d);

    for (size_t i = 0; i < f->length; i++)
        free(f->log[i].data);
    free(f->log);
    fake_image_done(&f->now);
    fake_image_done(&f->base);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static const struct disk_ops fake_ops = {
    .open = fake_open,
    .close = fake_close,
    .write = fake_write,
    .read = fake_read,
    .sync = fake_sync,
    .size = fake_size,
    .allocate = fake_allocate,
    .truncate = fake_truncate,
    .rename = fake_rename,
    .unlink = fake_unlink,
    .sync_directory = fake_sync_directory,
    .make_directory = fake_make_directory,
    .list = fake_list,
    .free_bytes = fake_free_bytes,
    .free = fake_free,
};

struct disk *fake_disk_new(void)
{
    struct fake_disk *f = base_allocate(sizeof(*f));

    f->disk.ops = &fake_ops;
    pthread_mutex_init(&f->lock, NULL);
    return &f->disk;
}

/* --- what tests ask --- */

void fake_disk_limit(struct disk *d, uint64_t bytes)
{
    struct fake_disk *f = fake_of(d);

    pthread_mutex_lock(&f->lock);
    f->limit = bytes;
    pthread_mutex_unlock(&f->lock);
}

uint64_t fake_disk_used(struct disk *d)
{
    struct fake_disk *f = fake_of(d);
    uint64_t bytes;

    pthread_mutex_lock(&f->lock);
    bytes = used(f);
    pthread_mutex_unlock(&f->lock);
    return bytes;
}

void fake_disk_fail(struct disk *d, enum fake_disk_call call, unsigned skip, unsigned times,
                    int error)
{
    struct fake_disk *f = fake_of(d);

    pthread_mutex_lock(&f->lock);
    f->failures[call] = (struct failure){skip, times, error};
    pthread_mutex_unlock(&f->lock);
}

unsigned fake_disk_calls(struct disk *d, enum fake_disk_call call)
{
    struct fake_disk *f = fake_of(d);
    unsigned calls;

    pthread_mutex_lock(&f->lock);
    calls = f->calls[call];
    pthread_mutex_unlock(&f->lock);
    return calls;
}

void fake_disk_freeze(struct disk *d)
{
    struct fake_disk *f = fake_of(d);

    pthread_mutex_lock(&f->lock);
    f->frozen = true;
    pthread_mutex_unlock(&f->lock);
}

void fake_disk_thaw(struct disk *d)
{
    struct fake_disk *f = fake_of(d);

    pthread_mutex_lock(&f->lock);
    f->frozen = false;
    pthread_mutex_unlock(&f->lock);
}

int fake_disk_damage(struct disk *d, const char *path, uint64_t offset)
{
    struct fake_disk *f = fake_of(d);
    struct name *name = fake_image_find(&f->now, path);

    if (!name)
        return -ENOENT;
    if (offset >= f->now.inodes[name->inode].size)
        return -EINVAL;
    f->now.inodes[name->inode].data[offset] ^= 0x40;
    return 0;
}

void fake_disk_mark(struct disk *d, uint64_t mark)
{
    struct fake_disk *f = fake_of(d);

    pthread_mutex_lock(&f->lock);
    log_add(f, MARK, 0)->offset = mark;
    pthread_mutex_unlock(&f->lock);
}

size_t fake_disk_length(struct disk *d)
{
    struct fake_disk *f = fake_of(d);
    size_t length;

    pthread_mutex_lock(&f->lock);
    length = f->length;
    pthread_mutex_unlock(&f->lock);
    return length;
}

void fake_disk_marks(struct disk *d, size_t length, void (*found)(void *context, uint64_t mark),
                     void *context)
{
    struct fake_disk *f = fake_of(d);

    for (size_t i = 0; i < length; i++)
        if (f->log[i].kind == MARK)
            found(context, f->log[i].offset);
}

struct disk *fake_disk_after(struct disk *d, size_t length, enum fake_disk_loss loss, uint64_t seed)
{
    struct fake_disk *f = fake_of(d), *after = fake_of(fake_disk_new());

    fake_image_copy(&after->now, &f->base);
    fake_cut(&after->now, f->log, length, loss, seed);
    fake_image_copy(&after->base, &after->now);
    return &after->disk;
}
