#include "queue/fake_cut.h"

enum { SECTOR = 512 };

/* xorshift64*: the same seed, the same chances. */
static uint64_t chance(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

static bool is_of_file(const struct operation *o)
{
    return o->kind == WRITE || o->kind == RESIZE;
}

/* Whether operation `at` is durable by the end; otherwise it may be, or not. */
static bool is_durable(const struct operation *log, size_t at, size_t length)
{
    const struct operation *o = &log[at];

    for (size_t i = at + 1; i < length; i++) {
        const struct operation *later = &log[i];

        if (is_of_file(o) && later->inode == o->inode && later->kind == SYNC)
            return true;
        if (is_of_file(o) && later->inode == o->inode && later->kind == SYNC_FAILED)
            return false; /* and later syncs do not help */
        if (!is_of_file(o) && later->kind == SYNC_DIRECTORY)
            return true;
    }
    return false;
}

/* Writes the sectors that chance lets through. */
static void write_some(struct image *image, const struct operation *o, size_t unit,
                       uint64_t *random)
{
    for (size_t at = 0; at < o->size; at += unit) {
        size_t size = o->size - at < unit ? o->size - at : unit;

        if (chance(random) >> 63)
            fake_image_write(image, o->inode, o->offset + at, o->data + at, size);
    }
}

static void apply_perhaps(struct image *image, const struct operation *o, enum fake_disk_loss loss,
                          uint64_t seed, uint64_t *random)
{
    struct operation tail = *o;

    if (loss == FAKE_LOSE_ALL)
        return;
    if (loss == FAKE_LOSE_TAIL && o->kind == WRITE && seed * SECTOR < o->size)
        tail.size = seed * SECTOR;
    if (loss == FAKE_LOSE_NONE || loss == FAKE_LOSE_TAIL)
        fake_image_apply(image, &tail);
    else if (o->kind == WRITE)
        write_some(image, o, loss == FAKE_LOSE_SOME ? SECTOR : 8 * SECTOR, random);
    else if (chance(random) >> 63)
        fake_image_apply(image, o);
}

void fake_cut(struct image *image, const struct operation *log, size_t length,
              enum fake_disk_loss loss, uint64_t seed)
{
    uint64_t random = seed * 0x9e3779b97f4a7c15 + 1;

    for (size_t i = 0; i < length; i++) {
        while (image->inode_count <= log[i].inode)
            image->inodes[image->inode_count++] = (struct inode){NULL, 0};
        if (is_durable(log, i, length))
            fake_image_apply(image, &log[i]);
        else
            apply_perhaps(image, &log[i], loss, seed, &random);
    }
}
