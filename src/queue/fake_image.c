#include "queue/fake_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name *fake_image_find(struct image *image, const char *name)
{
    for (int i = 0; i < image->name_count; i++)
        if (image->names[i].inode >= 0 && strcmp(image->names[i].name, name) == 0)
            return &image->names[i];
    return NULL;
}

static void image_link(struct image *image, const char *name, int inode)
{
    struct name *found = fake_image_find(image, name);

    if (!found) {
        assert(image->name_count < FILES_MAX);
        found = &image->names[image->name_count++];
        snprintf(found->name, sizeof(found->name), "%s", name);
    }
    found->inode = inode;
}

void fake_image_resize(struct image *image, int inode, uint64_t size)
{
    struct inode *file = &image->inodes[inode];

    if (size == file->size)
        return;
    file->data = base_resize(file->data, size ? size : 1);
    if (size > file->size)
        memset(file->data + file->size, 0, size - file->size);
    file->size = size;
}

void fake_image_write(struct image *image, int inode, uint64_t offset, const char *data,
                      size_t size)
{
    if (offset + size > image->inodes[inode].size)
        fake_image_resize(image, inode, offset + size);
    memcpy(image->inodes[inode].data + offset, data, size);
}

void fake_image_apply(struct image *image, const struct operation *o)
{
    struct name *name;

    while (image->inode_count <= o->inode)
        image->inodes[image->inode_count++] = (struct inode){NULL, 0};
    switch (o->kind) {
    case CREATE:
        image_link(image, o->name, o->inode);
        return;
    case RENAME:
        if ((name = fake_image_find(image, o->name)))
            name->inode = -1;
        image_link(image, o->other, o->inode);
        return;
    case UNLINK:
        if ((name = fake_image_find(image, o->name)))
            name->inode = -1;
        return;
    case WRITE:
        fake_image_write(image, o->inode, o->offset, o->data, o->size);
        return;
    case RESIZE:
        fake_image_resize(image, o->inode, o->offset);
        return;
    default:
        return;
    }
}

void fake_image_copy(struct image *to, const struct image *from)
{
    *to = *from;
    for (int i = 0; i < to->inode_count; i++) {
        to->inodes[i] = (struct inode){NULL, 0};
        fake_image_resize(to, i, from->inodes[i].size);
        if (from->inodes[i].size)
            memcpy(to->inodes[i].data, from->inodes[i].data, from->inodes[i].size);
    }
}

void fake_image_done(struct image *image)
{
    for (int i = 0; i < image->inode_count; i++)
        free(image->inodes[i].data);
}
