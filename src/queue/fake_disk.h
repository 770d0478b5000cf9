/* A disk in memory, for tests: it remembers every operation, so that the states which a power cut
 * may leave behind can be built for each moment of a run; and it can be told to fail or to be full.
 *
 * What POSIX promises and no more: a write is durable when the file has been synced after it, a
 * name when the directory has. Until then each sector (512 bytes) of a write and each change of a
 * name may or may not have reached the disk, in any order. What a failed sync should have written
 * may be lost for ever: readers see it all the same, and the next sync succeeds without it, as
 * Linux does. */
#ifndef LETTERHEAD_QUEUE_FAKE_DISK_H
#define LETTERHEAD_QUEUE_FAKE_DISK_H

#include "runtime/disk.h"

/* disk_free ends it. */
struct disk *fake_disk_new(void);

/* Bytes that files may take together; 0: no limit. */
void fake_disk_limit(struct disk *d, uint64_t bytes);
uint64_t fake_disk_used(struct disk *d);

/* What the tests can make fail. */
enum fake_disk_call {
    FAKE_OPEN,
    FAKE_WRITE,
    FAKE_READ,
    FAKE_SYNC,
    FAKE_ALLOCATE,
    FAKE_SYNC_DIRECTORY,
    FAKE_UNLINK,
    FAKE_ANY
};
/* The call of this kind after `skip` more of them returns `error`, and `times` - 1 after it do
 * too. */
void fake_disk_fail(struct disk *d, enum fake_disk_call call, unsigned skip, unsigned times,
                    int error);
/* How many calls there have been. */
unsigned fake_disk_calls(struct disk *d, enum fake_disk_call call);

/* Nothing changes any more, but all calls succeed: the time between a crash and its discovery. */
void fake_disk_freeze(struct disk *d);
/* Ends that. */
void fake_disk_thaw(struct disk *d);

/* Changes one byte that is durable. -ENOENT, -EINVAL. */
MUST_CHECK int fake_disk_damage(struct disk *d, const char *path, uint64_t offset);

/* Puts a note between the operations, such as "this message was acknowledged". */
void fake_disk_mark(struct disk *d, uint64_t mark);
/* Operations and marks so far. */
size_t fake_disk_length(struct disk *d);
/* Calls found for the marks among the first `length` operations. */
void fake_disk_marks(struct disk *d, size_t length, void (*found)(void *context, uint64_t mark),
                     void *context);

enum fake_disk_loss {
    FAKE_LOSE_ALL,    /* nothing that was not synced is there */
    FAKE_LOSE_NONE,   /* everything is */
    FAKE_LOSE_SOME,   /* sectors and names by chance (`seed`) */
    FAKE_LOSE_BLOCKS, /* 4 KiB blocks and names by chance */
    FAKE_LOSE_TAIL,   /* of the last unsynced write all but the first `seed` sectors */
};
/* The disk as a power cut after the first `length` operations may leave it. */
struct disk *fake_disk_after(struct disk *d, size_t length, enum fake_disk_loss loss,
                             uint64_t seed);

#endif
