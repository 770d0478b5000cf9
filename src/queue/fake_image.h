/* The files and names of a fake disk at one moment, and the operations that change them. */
#ifndef LETTERHEAD_QUEUE_FAKE_IMAGE_H
#define LETTERHEAD_QUEUE_FAKE_IMAGE_H

#include "base/base.h"

enum { NAME_BYTES = 48, FILES_MAX = 256 };

enum kind { CREATE, RENAME, UNLINK, WRITE, RESIZE, SYNC, SYNC_FAILED, SYNC_DIRECTORY, MARK };

struct operation {
    enum kind kind;
    int inode;
    char name[NAME_BYTES], other[NAME_BYTES];
    uint64_t offset; /* or the size, or the mark */
    char *data;
    size_t size;
};

struct inode {
    char *data;
    uint64_t size;
};

struct name {
    char name[NAME_BYTES];
    int inode; /* -1: unused */
};

/* A state of files and names. */
struct image {
    struct inode inodes[FILES_MAX];
    int inode_count;
    struct name names[FILES_MAX];
    int name_count;
};

/* NULL: there is none. */
struct name *fake_image_find(struct image *image, const char *name);
void fake_image_resize(struct image *image, int inode, uint64_t size);
void fake_image_write(struct image *image, int inode, uint64_t offset, const char *data,
                      size_t size);
/* Operations without effect on the image do nothing. */
void fake_image_apply(struct image *image, const struct operation *o);
void fake_image_copy(struct image *to, const struct image *from);
void fake_image_done(struct image *image);

#endif
