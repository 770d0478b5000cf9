#include "queue/scan.h"

#include "base/crc32c.h"

enum { WINDOW_BYTES = 256 * 1024 };

void queue_scan_open(struct queue_scan *s, struct disk *disk, int file, uint32_t seed, uint64_t end)
{
    *s = (struct queue_scan){
        .disk = disk, .file = file, .seed = seed, .end = end, .offset = QUEUE_BLOCK_BYTES};
}

void queue_scan_close(struct queue_scan *s)
{
    buffer_done(&s->window);
}

static uint64_t block_up(uint64_t offset)
{
    return (offset + QUEUE_BLOCK_BYTES - 1) / QUEUE_BLOCK_BYTES * QUEUE_BLOCK_BYTES;
}

/* Reads `size` bytes at `offset` into the window; false if that is past the end or the disk
 * cannot. */
static bool load(struct queue_scan *s, uint64_t offset, size_t size)
{
    ssize_t n;

    s->window.size = 0;
    s->window_at = offset;
    n = s->disk->ops->read(s->disk, s->file, offset, buffer_reserve(&s->window, size), size);
    if (n < 0)
        return false;
    s->window.size = (size_t)n;
    return true;
}

/* `size` bytes at `offset`, or the empty slice. A bad sector near by must not hide what can be
 * read: when the window fails, just what is wanted is tried. */
static struct slice bytes_at(struct queue_scan *s, uint64_t offset, uint64_t size)
{
    size_t wanted = size < WINDOW_BYTES ? WINDOW_BYTES : size;

    if (size > s->end || offset > s->end - size)
        return SLICE_NONE;
    if (offset < s->window_at || offset + size > s->window_at + s->window.size) {
        if (wanted > s->end - offset)
            wanted = s->end - offset;
        if (!load(s, offset, wanted) && !load(s, offset, size))
            return SLICE_NONE;
    }
    if (offset + size > s->window_at + s->window.size)
        return SLICE_NONE;
    return slice_of(s->window.data + (offset - s->window_at), size);
}

/* Judges the commit that might begin at `offset`. */
static bool frame_at(struct queue_scan *s, uint64_t offset, struct queue_frame *ret)
{
    struct slice bytes = bytes_at(s, offset, QUEUE_FRAME_BYTES);

    return bytes.size && queue_frame_read(bytes, s->seed, ret) == 0 && ret->number > s->number &&
           ret->size <= s->end - offset - QUEUE_FRAME_BYTES;
}

/* Finds the next commit at or after s->offset. What lies between is damage; it is reported first,
 * and the commit at the next call. */
static enum queue_scan_result next_commit(struct queue_scan *s, struct queue_scanned *ret)
{
    uint64_t start = block_up(s->offset);
    struct queue_frame frame;

    for (uint64_t at = start; at < s->end; at += QUEUE_BLOCK_BYTES) {
        if (!frame_at(s, at, &frame))
            continue;
        if (at != start) {
            s->offset = at;
            *ret = (struct queue_scanned){.offset = start, .size = at - start};
            return QUEUE_SCAN_DAMAGE;
        }
        s->commit = at;
        s->number = frame.number;
        s->offset = at + QUEUE_FRAME_BYTES;
        s->left = frame.size;
        return QUEUE_SCAN_COMMIT;
    }
    s->offset = s->end;
    return QUEUE_SCAN_END;
}

static enum queue_scan_result damage(struct queue_scan *s, uint64_t size, struct queue_scanned *ret)
{
    *ret = (struct queue_scanned){.offset = s->offset, .size = size};
    s->offset += size;
    s->left -= size;
    return QUEUE_SCAN_DAMAGE;
}

/* A record whose head is good but whose body is not costs just that record; without the head nobody
 * knows where the next one begins, and the rest of the commit is lost. */
static enum queue_scan_result next_record(struct queue_scan *s, struct queue_scanned *ret)
{
    struct slice bytes = bytes_at(s, s->offset, QUEUE_RECORD_HEAD_BYTES);
    struct queue_record record;
    uint64_t size;

    if (!bytes.size || queue_record_read_head(bytes, s->seed, &record) < 0)
        return damage(s, s->left, ret);
    size = QUEUE_RECORD_HEAD_BYTES + (uint64_t)record.body.size + record.content_size;
    if (size > s->left)
        return damage(s, s->left, ret);
    bytes = bytes_at(s, s->offset, QUEUE_RECORD_HEAD_BYTES + record.body.size);
    record.body = slice_part(bytes, QUEUE_RECORD_HEAD_BYTES, bytes.size);
    if (!bytes.size || queue_record_check_body(bytes, record.body) < 0)
        return damage(s, size, ret);
    *ret = (struct queue_scanned){record, s->offset, size};
    s->offset += size;
    s->left -= size;
    return QUEUE_SCAN_RECORD;
}

enum queue_scan_result queue_scan_next(struct queue_scan *s, struct queue_scanned *ret)
{
    return s->left ? next_record(s, ret) : next_commit(s, ret);
}

void queue_scan_skip_commit(struct queue_scan *s)
{
    s->offset += s->left;
    s->left = 0;
}

struct slice queue_scan_content(struct queue_scan *s, const struct queue_scanned *scanned)
{
    uint64_t size = scanned->record.content_size;

    return bytes_at(s, scanned->offset + scanned->size - size, size);
}

bool queue_scan_is_whole(struct queue_scan *s, uint64_t offset)
{
    struct queue_scanned scanned;

    s->offset = offset;
    s->left = 0;
    s->number = 0;
    if (queue_scan_next(s, &scanned) != QUEUE_SCAN_COMMIT || s->commit != offset)
        return false;
    while (s->left) {
        struct slice content;

        if (queue_scan_next(s, &scanned) != QUEUE_SCAN_RECORD)
            return false;
        content = queue_scan_content(s, &scanned);
        if (content.size != scanned.record.content_size ||
            crc32c_add(0, content) != scanned.record.content_sum)
            return false;
    }
    return true;
}
