/* The disk, as the spool uses it: a small table of synchronous file operations behind which stands
 * Linux or the simulator's disk, which loses, tears and refuses.
 *
 * Called on helper threads (task_offload) or before the loop starts, never on the loop. Errors are
 * negative errnos. A failed sync says nothing good about the file ever after: see queue/spool.h.
 * Paths are relative to the directory that the disk was opened on. */
#ifndef LETTERHEAD_RUNTIME_DISK_H
#define LETTERHEAD_RUNTIME_DISK_H

#include "base/slice.h"

#include <sys/uio.h>

struct disk;

enum disk_flags { DISK_READ = 1, DISK_WRITE = 2, DISK_CREATE = 4 /* exclusive */ };

struct disk_ops {
    MUST_CHECK int (*open)(struct disk *d, const char *path, int flags, int *ret_file);
    void (*close)(struct disk *d, int file);
    /* All or an error; a short write is continued until it is one. */
    MUST_CHECK int (*write)(struct disk *d, int file, uint64_t offset, const struct iovec *pieces,
                            int count);
    /* Bytes read (short only at the end of the file), or an error. */
    MUST_CHECK ssize_t (*read)(struct disk *d, int file, uint64_t offset, void *memory,
                               size_t size);
    MUST_CHECK int (*sync)(struct disk *d, int file); /* fdatasync */
    MUST_CHECK int (*size)(struct disk *d, int file, uint64_t *ret_size);
    MUST_CHECK int (*allocate)(struct disk *d, int file,
                               uint64_t size); /* reserves; file size grows to it */
    MUST_CHECK int (*truncate)(struct disk *d, int file, uint64_t size);
    MUST_CHECK int (*rename)(struct disk *d, const char *from, const char *to);
    MUST_CHECK int (*unlink)(struct disk *d, const char *path);
    MUST_CHECK int (*sync_directory)(struct disk *d,
                                     const char *path); /* "." is the disk's own directory */
    MUST_CHECK int (*make_directory)(struct disk *d, const char *path);
    /* Calls found(context, name) for each entry but . and .. in any order. */
    MUST_CHECK int (*list)(struct disk *d, const char *path,
                           void (*found)(void *context, const char *name), void *context);
    MUST_CHECK int (*free_bytes)(struct disk *d, uint64_t *ret_bytes);
    void (*free)(struct disk *d); /* disk_free */
};

struct disk {
    const struct disk_ops *ops;
};

/* The Linux disk on an open directory, which it takes over. disk_free accepts NULL. */
struct disk *disk_new_linux(int directory);
/* Takes a Linux disk's directory for this process alone, until disk_free or the process's end
 * (however it ends: the kernel keeps the lock, not the file `lock` that it makes there). -EBUSY:
 * somebody has it; *ret_holder is that process's id as it wrote it down, 0: not known. Waits for
 * the disk. */
MUST_CHECK int disk_lock_linux(struct disk *d, uint64_t *ret_holder);
void disk_free(struct disk *d);

#endif
