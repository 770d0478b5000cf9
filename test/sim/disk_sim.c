#include "disk_sim.h"

#include "world_inside.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECTOR_BYTES = 512,
    PAGE_BYTES = 4096,
    PAGE_SECTORS = PAGE_BYTES / SECTOR_BYTES,
    HANDLES_MAX = 256
};

struct page {
    char seen[PAGE_BYTES]; /* by programs */
    char kept[PAGE_BYTES]; /* by a crash */
    uint8_t unsynced;      /* a bit for each sector */
};

struct inode {
    struct list link;
    unsigned id;
    bool directory;
    unsigned names, handles;
    struct page **pages; /* NULL: all zero */
    size_t page_count;
    uint64_t size_seen, size_kept;
    uint64_t charged_bytes; /* of the disk's capacity */
};

struct name {
    struct list link;
    char *path;
    struct inode *inode;
};

/* A change of names that is not certain yet. */
enum change_kind { CHANGE_ADD, CHANGE_MOVE, CHANGE_REMOVE };
struct change {
    struct list link;
    enum change_kind kind;
    char *path, *to;
    struct inode *inode;
};

struct sim_disk {
    struct disk disk;
    struct sim_world *w;
    struct list inodes;
    struct list seen, kept; /* of struct name */
    struct list changes;    /* that turn `kept` into `seen` */
    struct inode *handles[HANDLES_MAX];
    unsigned next_inode;
    uint64_t capacity_bytes, used_bytes;
    bool frozen;
};

static struct sim_disk *self(struct disk *base)
{
    return CONTAINER_OF(base, struct sim_disk, disk);
}

static struct name *name_find(struct list *names, const char *path)
{
    LIST_FOREACH (link, names) {
        struct name *n = LIST_ENTRY(link, struct name, link);

        if (strcmp(n->path, path) == 0)
            return n;
    }
    return NULL;
}

static void name_add(struct list *names, const char *path, struct inode *inode)
{
    struct name *n = base_allocate(sizeof *n);

    n->path = base_duplicate(path);
    n->inode = inode;
    inode->names++;
    list_add_last(names, &n->link);
}

static void inode_free(struct sim_disk *d, struct inode *i)
{
    for (size_t page = 0; page < i->page_count; page++)
        free(i->pages[page]);
    free(i->pages);
    d->used_bytes -= i->charged_bytes;
    list_remove(&i->link);
    free(i);
}

/* A file goes when no name, no change and no handle leads to it. */
static void inode_release(struct sim_disk *d, struct inode *i)
{
    if (i->names == 0 && i->handles == 0)
        inode_free(d, i);
}

static void name_remove(struct sim_disk *d, struct name *n)
{
    struct inode *i = n->inode;

    list_remove(&n->link);
    free(n->path);
    free(n);
    i->names--;
    inode_release(d, i);
}

static void name_move(struct sim_disk *d, struct list *names, struct name *n, const char *to)
{
    struct name *replaced = name_find(names, to);

    if (replaced == n)
        return;
    if (replaced)
        name_remove(d, replaced);
    free(n->path);
    n->path = base_duplicate(to);
}

static void note_change(struct sim_disk *d, enum change_kind kind, const char *path, const char *to,
                        struct inode *inode)
{
    struct change *c = base_allocate(sizeof *c);

    c->kind = kind;
    c->path = base_duplicate(path);
    c->to = to ? base_duplicate(to) : NULL;
    c->inode = inode;
    inode->names++;
    list_add_last(&d->changes, &c->link);
}

static void change_free(struct sim_disk *d, struct change *c)
{
    list_remove(&c->link);
    c->inode->names--;
    inode_release(d, c->inode);
    free(c->path);
    free(c->to);
    free(c);
}

/* The change becomes certain. */
static void change_apply(struct sim_disk *d, struct change *c)
{
    struct name *n = name_find(&d->kept, c->path);

    if (c->kind == CHANGE_ADD && !n)
        name_add(&d->kept, c->path, c->inode);
    if (c->kind == CHANGE_MOVE && n)
        name_move(d, &d->kept, n, c->to);
    if (c->kind == CHANGE_REMOVE && n)
        name_remove(d, n);
    change_free(d, c);
}

static struct page *page_at(struct inode *i, uint64_t offset)
{
    size_t index = (size_t)(offset / PAGE_BYTES);

    if (index >= i->page_count) {
        i->pages = base_resize(i->pages, (index + 1) * sizeof(struct page *));
        memset(i->pages + i->page_count, 0, (index + 1 - i->page_count) * sizeof(struct page *));
        i->page_count = index + 1;
    }
    if (!i->pages[index])
        i->pages[index] = base_allocate(sizeof(struct page));
    return i->pages[index];
}

/* Takes room for a file of `size` bytes. */
static int charge(struct sim_disk *d, struct inode *i, uint64_t size)
{
    uint64_t wanted = (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES, more;

    if (wanted <= i->charged_bytes)
        return 0;
    more = wanted - i->charged_bytes;
    if (d->used_bytes + more > d->capacity_bytes)
        return -ENOSPC;
    d->used_bytes += more;
    i->charged_bytes = wanted;
    return 0;
}

static void write_part(struct inode *i, uint64_t offset, const char *bytes, size_t size)
{
    while (size) {
        struct page *p = page_at(i, offset);
        size_t at = (size_t)(offset % PAGE_BYTES);
        size_t part = PAGE_BYTES - at < size ? PAGE_BYTES - at : size;

        memcpy(p->seen + at, bytes, part);
        for (size_t sector = at / SECTOR_BYTES; sector <= (at + part - 1) / SECTOR_BYTES; sector++)
            p->unsynced |= (uint8_t)(1u << sector);
        offset += part;
        bytes += part;
        size -= part;
    }
}

static struct inode *inode_new(struct sim_disk *d, bool directory)
{
    struct inode *i = base_allocate(sizeof *i);

    i->id = ++d->next_inode;
    i->directory = directory;
    list_add_last(&d->inodes, &i->link);
    return i;
}

static int create(struct sim_disk *d, const char *path, bool directory, struct inode **ret)
{
    struct inode *i;

    if (name_find(&d->seen, path))
        return -EEXIST;
    i = inode_new(d, directory);
    name_add(&d->seen, path, i);
    note_change(d, CHANGE_ADD, path, NULL, i);
    *ret = i;
    return 0;
}

static int handle_new(struct sim_disk *d, struct inode *i, int *ret_file)
{
    for (int file = 0; file < HANDLES_MAX; file++)
        if (!d->handles[file]) {
            d->handles[file] = i;
            i->handles++;
            *ret_file = file;
            return 0;
        }
    return -EMFILE;
}

static int sim_open(struct disk *base, const char *path, int flags, int *ret_file)
{
    struct sim_disk *d = self(base);
    struct name *n = name_find(&d->seen, path);
    struct inode *i;
    int r;

    if (d->frozen)
        return -EIO;
    if (!(flags & DISK_CREATE))
        return n ? handle_new(d, n->inode, ret_file) : -ENOENT;
    r = create(d, path, false, &i);
    sim_trace(d->w, "disk: create %s: %d", path, r);
    return r < 0 ? r : handle_new(d, i, ret_file);
}

static void sim_close(struct disk *base, int file)
{
    struct sim_disk *d = self(base);
    struct inode *i = d->handles[file];

    assert(i);
    d->handles[file] = NULL;
    i->handles--;
    inode_release(d, i);
}

static int sim_write(struct disk *base, int file, uint64_t offset, const struct iovec *pieces,
                     int count)
{
    struct sim_disk *d = self(base);
    struct inode *i = d->handles[file];
    uint64_t end = offset;
    int r;

    for (int piece = 0; piece < count; piece++)
        end += pieces[piece].iov_len;
    if (d->frozen || chance_ppm(&d->w->chance, d->w->faults.write_error))
        return -EIO;
    r = charge(d, i, end);
    sim_trace(d->w, "disk: write file %u at %llu to %llu: %d", i->id, (unsigned long long)offset,
              (unsigned long long)end, r);
    if (r < 0)
        return r;
    for (int piece = 0; piece < count; piece++) {
        write_part(i, offset, pieces[piece].iov_base, pieces[piece].iov_len);
        offset += pieces[piece].iov_len;
    }
    if (end > i->size_seen)
        i->size_seen = end;
    return 0;
}

static ssize_t sim_read(struct disk *base, int file, uint64_t offset, void *memory, size_t size)
{
    struct sim_disk *d = self(base);
    struct inode *i = d->handles[file];
    char *out = memory;

    if (d->frozen)
        return -EIO;
    if (offset >= i->size_seen)
        return 0;
    if (size > i->size_seen - offset)
        size = (size_t)(i->size_seen - offset);
    for (size_t done = 0; done < size;) {
        size_t at = (size_t)((offset + done) % PAGE_BYTES);
        size_t part = PAGE_BYTES - at < size - done ? PAGE_BYTES - at : size - done;
        size_t index = (size_t)((offset + done) / PAGE_BYTES);
        const struct page *p = index < i->page_count ? i->pages[index] : NULL;

        if (p)
            memcpy(out + done, p->seen + at, part);
        else
            memset(out + done, 0, part);
        done += part;
    }
    return (ssize_t)size;
}

static void keep_sector(struct page *p, unsigned sector)
{
    memcpy(p->kept + (size_t)sector * SECTOR_BYTES, p->seen + (size_t)sector * SECTOR_BYTES,
           SECTOR_BYTES);
}

static void sync_page(struct page *p, bool keep)
{
    for (unsigned sector = 0; sector < PAGE_SECTORS; sector++)
        if (keep && (p->unsynced & 1u << sector))
            keep_sector(p, sector);
    p->unsynced = 0;
}

/* `keep` false: the sync failed, and the system forgets that there was something to write. */
static void sync_inode(struct inode *i, bool keep)
{
    for (size_t page = 0; page < i->page_count; page++)
        if (i->pages[page])
            sync_page(i->pages[page], keep);
    if (keep)
        i->size_kept = i->size_seen;
}

/* True if the machine stops now. A crash while the disk writes leaves a part, as any crash does. */
static bool crashes_here(struct sim_disk *d)
{
    return d->w->crash_at_sync && --d->w->crash_at_sync == 0;
}

static int sim_sync(struct disk *base, int file)
{
    struct sim_disk *d = self(base);
    struct inode *i = d->handles[file];
    bool crash = crashes_here(d), late = crash && chance_ppm(&d->w->chance, 400000);
    bool fails = chance_ppm(&d->w->chance, d->w->faults.sync_error);

    if (d->frozen)
        return -EIO;
    sim_trace(d->w, "disk: sync file %u%s%s", i->id, fails ? ", fails" : "",
              late    ? ", then dies"
              : crash ? ", dies in it"
                      : "");
    if (crash && !late) {
        sim_world_crash(d->w);
        return -EIO;
    }
    sync_inode(i, !fails);
    if (late)
        sim_world_crash(d->w);
    return fails || late ? -EIO : 0;
}

static int sim_size(struct disk *base, int file, uint64_t *ret_size)
{
    *ret_size = self(base)->handles[file]->size_seen;
    return 0;
}

static int sim_allocate(struct disk *base, int file, uint64_t size)
{
    struct sim_disk *d = self(base);
    struct inode *i = d->handles[file];
    int r = d->frozen ? -EIO : charge(d, i, size);

    sim_trace(d->w, "disk: allocate file %u, %llu: %d", i->id, (unsigned long long)size, r);
    if (r == 0 && size > i->size_seen)
        i->size_seen = size;
    return r;
}

static int sim_truncate(struct disk *base, int file, uint64_t size)
{
    struct sim_disk *d = self(base);
    struct inode *i = d->handles[file];
    static const char zeros[PAGE_BYTES];

    if (d->frozen)
        return -EIO;
    for (uint64_t at = size; at < i->size_seen && at / PAGE_BYTES < i->page_count;) {
        uint64_t end = (at / PAGE_BYTES + 1) * PAGE_BYTES;

        write_part(i, at, zeros, (size_t)(end - at));
        at = end;
    }
    i->size_seen = size;
    return 0;
}

static int sim_rename(struct disk *base, const char *from, const char *to)
{
    struct sim_disk *d = self(base);
    struct name *n = name_find(&d->seen, from);

    if (d->frozen || !n)
        return d->frozen ? -EIO : -ENOENT;
    sim_trace(d->w, "disk: rename %s to %s", from, to);
    note_change(d, CHANGE_MOVE, from, to, n->inode);
    name_move(d, &d->seen, n, to);
    return 0;
}

static int sim_unlink(struct disk *base, const char *path)
{
    struct sim_disk *d = self(base);
    struct name *n = name_find(&d->seen, path);

    if (d->frozen || !n)
        return d->frozen ? -EIO : -ENOENT;
    sim_trace(d->w, "disk: unlink %s", path);
    note_change(d, CHANGE_REMOVE, path, NULL, n->inode);
    name_remove(d, n);
    return 0;
}

/* A journal has one order: what was done before, elsewhere, becomes certain too. */
static int sim_sync_directory(struct disk *base, const char *path)
{
    struct sim_disk *d = self(base);

    if (d->frozen)
        return -EIO;
    sim_trace(d->w, "disk: sync directory %s", path);
    if (crashes_here(d)) {
        sim_world_crash(d->w);
        return -EIO;
    }
    LIST_FOREACH_SAFE (link, &d->changes) {
        change_apply(d, LIST_ENTRY(link, struct change, link));
    }
    return 0;
}

static int sim_make_directory(struct disk *base, const char *path)
{
    struct sim_disk *d = self(base);
    struct inode *i;

    return d->frozen ? -EIO : create(d, path, true, &i);
}

/* The part of the path below the folder, or NULL. */
static const char *below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    if (strcmp(folder, ".") == 0)
        return strchr(path, '/') ? NULL : path;
    if (strncmp(path, folder, length) != 0 || path[length] != '/' || strchr(path + length + 1, '/'))
        return NULL;
    return path + length + 1;
}

static int sim_list(struct disk *base, const char *path,
                    void (*found)(void *context, const char *name), void *context)
{
    struct sim_disk *d = self(base);

    if (d->frozen)
        return -EIO;
    if (strcmp(path, ".") != 0 && !name_find(&d->seen, path))
        return -ENOENT;
    LIST_FOREACH (link, &d->seen) {
        const char *name = below(LIST_ENTRY(link, struct name, link)->path, path);

        if (name)
            found(context, name);
    }
    return 0;
}

static int sim_free_bytes(struct disk *base, uint64_t *ret_bytes)
{
    struct sim_disk *d = self(base);

    *ret_bytes = d->capacity_bytes > d->used_bytes ? d->capacity_bytes - d->used_bytes : 0;
    return 0;
}

static void sim_free(struct disk *base)
{
    (void)base; /* the world's */
}

static const struct disk_ops sim_ops = {
    .open = sim_open,
    .close = sim_close,
    .write = sim_write,
    .read = sim_read,
    .sync = sim_sync,
    .size = sim_size,
    .allocate = sim_allocate,
    .truncate = sim_truncate,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .sync_directory = sim_sync_directory,
    .make_directory = sim_make_directory,
    .list = sim_list,
    .free_bytes = sim_free_bytes,
    .free = sim_free,
};

struct sim_disk *sim_disk_new(struct sim_world *w)
{
    struct sim_disk *d = base_allocate(sizeof *d);

    d->disk.ops = &sim_ops;
    d->w = w;
    d->capacity_bytes = UINT64_MAX / 2;
    list_init(&d->inodes);
    list_init(&d->seen);
    list_init(&d->kept);
    list_init(&d->changes);
    return d;
}

void sim_disk_free(struct sim_disk *d)
{
    LIST_FOREACH_SAFE (link, &d->changes) {
        change_free(d, LIST_ENTRY(link, struct change, link));
    }
    LIST_FOREACH_SAFE (link, &d->seen) {
        name_remove(d, LIST_ENTRY(link, struct name, link));
    }
    LIST_FOREACH_SAFE (link, &d->kept) {
        name_remove(d, LIST_ENTRY(link, struct name, link));
    }
    LIST_FOREACH_SAFE (link, &d->inodes) {
        inode_free(d, LIST_ENTRY(link, struct inode, link));
    }
    free(d);
}

struct disk *sim_disk_base(struct sim_disk *d)
{
    return &d->disk;
}

void sim_disk_set_capacity(struct sim_disk *d, uint64_t bytes)
{
    d->capacity_bytes = bytes;
}

/* Three kinds of crash: nothing more was written, all was, or anything. */
enum crash_kind { CRASH_NONE, CRASH_ALL, CRASH_ANY };

static bool survives(struct sim_disk *d, enum crash_kind kind)
{
    return kind == CRASH_ALL || (kind == CRASH_ANY && chance_ppm(&d->w->chance, 500000));
}

static void crash_page(struct sim_disk *d, struct page *p, enum crash_kind kind)
{
    for (unsigned sector = 0; sector < PAGE_SECTORS; sector++)
        if ((p->unsynced & 1u << sector) && survives(d, kind))
            keep_sector(p, sector);
    p->unsynced = 0;
    memcpy(p->seen, p->kept, PAGE_BYTES);
}

static void crash_inode(struct sim_disk *d, struct inode *i, enum crash_kind kind)
{
    for (size_t page = 0; page < i->page_count; page++)
        if (i->pages[page])
            crash_page(d, i->pages[page], kind);
    if (survives(d, kind))
        i->size_kept = i->size_seen;
    i->size_seen = i->size_kept;
}

/* The names as the journal has them: some of the last changes never happened. */
static void crash_names(struct sim_disk *d, enum crash_kind kind)
{
    bool on = true;

    LIST_FOREACH_SAFE (link, &d->changes) {
        struct change *c = LIST_ENTRY(link, struct change, link);

        on = on && (kind == CRASH_ALL || survives(d, kind));
        if (on)
            change_apply(d, c);
        else
            change_free(d, c);
    }
}

void sim_disk_crash(struct sim_disk *d)
{
    static const enum crash_kind kinds[] = {CRASH_NONE, CRASH_ALL, CRASH_ANY, CRASH_ANY};
    enum crash_kind kind = kinds[chance_below(&d->w->chance, ARRAY_LEN(kinds))];

    d->frozen = true;
    sim_trace(d->w, "disk: of what was not synced, %s remains",
              kind == CRASH_NONE  ? "nothing"
              : kind == CRASH_ALL ? "all"
                                  : "some");
    crash_names(d, kind);
    LIST_FOREACH (link, &d->inodes) {
        crash_inode(d, LIST_ENTRY(link, struct inode, link), kind);
    }
}

/* Bytes beyond the end of a file that has become shorter are gone for good. */
static void cut_tail(struct inode *i)
{
    for (size_t page = 0; page < i->page_count; page++) {
        uint64_t start = (uint64_t)page * PAGE_BYTES;
        size_t from = i->size_seen <= start                ? 0
                      : i->size_seen - start >= PAGE_BYTES ? PAGE_BYTES
                                                           : (size_t)(i->size_seen - start);

        if (i->pages[page] && from < PAGE_BYTES) {
            memset(i->pages[page]->seen + from, 0, PAGE_BYTES - from);
            memset(i->pages[page]->kept + from, 0, PAGE_BYTES - from);
        }
    }
}

void sim_disk_revive(struct sim_disk *d)
{
    d->frozen = false;
    LIST_FOREACH_SAFE (link, &d->seen) {
        name_remove(d, LIST_ENTRY(link, struct name, link));
    }
    LIST_FOREACH (link, &d->kept) {
        struct name *n = LIST_ENTRY(link, struct name, link);

        name_add(&d->seen, n->path, n->inode);
        cut_tail(n->inode);
    }
}
