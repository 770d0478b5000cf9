#include "queue/segment.h"

#include "base/crc32c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct queue_segment *queue_segment_new(uint64_t number, int file, uint64_t size)
{
    struct queue_segment *s = base_allocate(sizeof(*s));

    s->number = number;
    s->file = file;
    s->size = size;
    s->used = QUEUE_BLOCK_BYTES;
    list_init(&s->live);
    return s;
}

void queue_segment_free(struct queue_segment *s)
{
    if (!s)
        return;
    LIST_FOREACH_SAFE (link, &s->live)
        queue_place_clear(LIST_ENTRY(link, struct queue_place, link));
    list_remove(&s->link);
    free(s);
}

uint64_t queue_place_bytes(const struct queue_place *p)
{
    return (uint64_t)QUEUE_RECORD_HEAD_BYTES + p->body_size + p->content_size;
}

void queue_place_set(struct queue_place *p, struct queue_segment *s, uint64_t offset,
                     uint32_t body_size, uint32_t content_size)
{
    queue_place_clear(p);
    p->segment = s;
    p->offset = offset;
    p->body_size = body_size;
    p->content_size = content_size;
    list_add_last(&s->live, &p->link);
    s->live_bytes += queue_place_bytes(p);
}

void queue_place_clear(struct queue_place *p)
{
    if (!p->segment)
        return;
    p->segment->live_bytes -= queue_place_bytes(p);
    list_remove(&p->link);
    p->segment = NULL;
}

void queue_segment_name(uint64_t number, char out[static QUEUE_SEGMENT_NAME_BYTES])
{
    snprintf(out, QUEUE_SEGMENT_NAME_BYTES, "%012" PRIu64 ".log", number);
}

void queue_segment_name_damaged(uint64_t number, char out[static QUEUE_SEGMENT_NAME_BYTES])
{
    snprintf(out, QUEUE_SEGMENT_NAME_BYTES, "%012" PRIu64 ".damaged", number);
}

void queue_segment_name_index(uint64_t number, char out[static QUEUE_SEGMENT_NAME_BYTES])
{
    snprintf(out, QUEUE_SEGMENT_NAME_BYTES, "%012" PRIu64 ".index", number);
}

typedef void name_function(uint64_t number, char out[static QUEUE_SEGMENT_NAME_BYTES]);

/* Only the name that we would write ourselves counts. */
static bool read_number(const char *name, struct slice ending, name_function *canonical_name,
                        uint64_t *ret_number)
{
    char canonical[QUEUE_SEGMENT_NAME_BYTES];
    struct slice text = slice_text(name);
    uint64_t number;

    if (!slice_ends_nocase(text, ending) ||
        slice_to_u64(slice_part(text, 0, text.size - ending.size), UINT64_MAX / 2, &number) < 0 ||
        number == 0)
        return false;
    canonical_name(number, canonical);
    if (strcmp(canonical, name) != 0)
        return false;
    *ret_number = number;
    return true;
}

bool queue_segment_number(const char *name, uint64_t *ret_number)
{
    return read_number(name, SLICE(".log"), queue_segment_name, ret_number);
}

bool queue_segment_number_index(const char *name, uint64_t *ret_number)
{
    return read_number(name, SLICE(".index"), queue_segment_name_index, ret_number);
}

static int prepare(struct disk *disk, int file, uint64_t size,
                   const struct queue_segment_head *head)
{
    char bytes[QUEUE_SEGMENT_HEAD_BYTES];
    struct iovec piece = {bytes, sizeof(bytes)};
    int r = disk->ops->allocate(disk, file, size);

    if (r < 0)
        return r;
    queue_segment_head_write(bytes, head);
    return disk->ops->write(disk, file, 0, &piece, 1);
}

int queue_segment_create(struct disk *disk, uint64_t size, const struct queue_segment_head *head,
                         int *ret_file)
{
    char name[QUEUE_SEGMENT_NAME_BYTES];
    int file, r, ignored;

    queue_segment_name(head->number, name);
    r = disk->ops->open(disk, name, DISK_READ | DISK_WRITE | DISK_CREATE, &file);
    if (r < 0)
        return r;
    r = prepare(disk, file, size, head);
    if (r < 0) {
        disk->ops->close(disk, file);
        ignored = disk->ops->unlink(disk, name);
        (void)ignored; /* a segment without commits is dropped at the next start */
        return r;
    }
    *ret_file = file;
    return 0;
}

static int read_exactly(struct disk *disk, int file, uint64_t offset, struct buffer *into,
                        size_t size)
{
    ssize_t n;

    into->size = 0;
    n = disk->ops->read(disk, file, offset, buffer_reserve(into, size), size);
    if (n < 0)
        return (int)n;
    if ((size_t)n != size)
        return -EBADMSG;
    into->size = size;
    return 0;
}

int queue_segment_read(const struct queue_segment_read *what)
{
    size_t head_size = QUEUE_RECORD_HEAD_BYTES + (size_t)what->body_size;
    struct queue_record record;
    int r;

    r = read_exactly(what->disk, what->file, what->offset, what->record, head_size);
    if (r == 0)
        r = read_exactly(what->disk, what->file, what->offset + head_size, what->content,
                         what->content_size);
    if (r == 0)
        r = queue_record_read_head(buffer_slice(what->record), what->seed, &record);
    if (r < 0)
        return r;
    if (record.type != QUEUE_RECORD_MESSAGE || record.body.size != what->body_size ||
        record.content_size != what->content_size ||
        record.content_sum != crc32c_add(0, buffer_slice(what->content)))
        return -EBADMSG;
    return queue_record_check_body(
        buffer_slice(what->record),
        slice_part(buffer_slice(what->record), QUEUE_RECORD_HEAD_BYTES, what->body_size));
}
