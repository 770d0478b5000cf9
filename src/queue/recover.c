/* The spool's start: finds the segments, decides where the log ends, tells the client what it says,
 * and begins a new segment. Nothing is ever written to a segment of a former process.
 *
 * Only the last commit of all can be torn or unproven: the one before it was synced before it was
 * begun. If it is whole it counts, but it may be in the kernel's memory alone: written by a process
 * that died before its sync, or whose sync failed. So it is written again, into the new segment,
 * and voided in the old one.
 *
 * The result is the same however often the start is interrupted. */
#include "base/log.h"
#include "queue/recover_inside.h"

#include <inttypes.h>

/* --- telling the client --- */

static void report_damage(struct queue_segment *segment, uint64_t offset, uint64_t size)
{
    log_error(
        "the spool is damaged: segment %" PRIu64 ", %" PRIu64 " bytes at %" PRIu64
        " cannot be read; mail may be lost. The rest is used, and the file is kept as .damaged when it "
        "is done with",
        segment->number, size, offset);
    segment->damaged = true;
}

void recover_record(struct recovery *r, const struct queue_restored *restored)
{
    struct queue_spool *s = r->spool;
    const struct queue_record *record = restored->record;
    struct cursor c = cursor_of(record->body);
    struct queue_state state;

    if (record->type == QUEUE_RECORD_CURSOR)
        s->acknowledged = cursor_u64(&c);
    if (record->type == QUEUE_RECORD_STATE && queue_state_read(record->body, &state) == 0)
        s->acknowledged = state.acknowledged;
    if (record->type == QUEUE_RECORD_OPEN)
        s->was_closed = r->previous == QUEUE_RECORD_CLOSE;
    if (record->type != QUEUE_RECORD_STATE)
        r->previous = record->type;
    s->options.client.restore(s->options.client.context, restored);
}

static void restore_record(struct recovery *r, struct queue_segment *segment,
                           const struct queue_scanned *scanned)
{
    struct queue_spool *s = r->spool;
    const struct queue_record *record = &scanned->record;
    const struct queue_restored restored = {record, segment, scanned->offset,
                                            (uint32_t)record->body.size};

    if (record->event_count)
        segment->last_event = record->sequence + record->event_count - 1;
    if (record->sequence + record->event_count > s->next_event)
        s->next_event = record->sequence + record->event_count;
    if (record->type == QUEUE_RECORD_MESSAGE)
        segment->message_bytes += scanned->size;
    recover_record(r, &restored);
}

/* The records of the last commit are not told yet: they will be found in the new segment. */
static void keep_for_again(struct recovery *r, struct queue_scan *scan,
                           const struct queue_scanned *scanned)
{
    queue_record_write(&r->again, &scanned->record);
    buffer_add(&r->again, queue_scan_content(scan, scanned));
}

static void restore_segment(struct recovery *r, struct queue_segment *segment, uint64_t *number)
{
    CLEANUP(queue_scan_close) struct queue_scan scan;
    struct queue_scanned scanned;
    enum queue_scan_result result;

    queue_scan_open(&scan, r->disk, segment->file, queue_record_seed(r->spool->id, segment->number),
                    segment->used);
    while ((result = queue_scan_next(&scan, &scanned)) != QUEUE_SCAN_END) {
        if (result == QUEUE_SCAN_DAMAGE)
            report_damage(segment, scanned.offset, scanned.size);
        if (result == QUEUE_SCAN_COMMIT && *number && scan.number != *number + 1)
            report_damage(segment, scan.commit, 0);
        if (result == QUEUE_SCAN_COMMIT)
            *number = scan.number;
        if (result != QUEUE_SCAN_RECORD)
            continue;
        if (segment == r->last && scan.commit == r->last_commit_at &&
            scanned.record.type != QUEUE_RECORD_STATE)
            keep_for_again(r, &scan, &scanned);
        else
            restore_record(r, segment, &scanned);
    }
}

/* The last segment has a commit that is to be written again, so it is read whole. */
static void restore_by_index(struct recovery *r, struct queue_segment *segment, uint64_t *number)
{
    uint64_t first, last;

    if (segment == r->last || !recover_by_index(r, segment, &first, &last)) {
        restore_segment(r, segment, number);
        return;
    }
    if (*number && first != *number + 1)
        report_damage(segment, QUEUE_BLOCK_BYTES, 0);
    *number = last;
}

/* Where each old segment ends is known only now that it has been read to its end. */
static void restore_old(struct recovery *r)
{
    uint64_t number = 0;

    LIST_FOREACH (link, &r->spool->segments)
        restore_by_index(r, LIST_ENTRY(link, struct queue_segment, link), &number);
    if (!r->last)
        return;
    spool_void(r->spool, r->last->number, r->last_commit_at);
    r->last->used = r->last_commit_at;
}

/* --- the new segment --- */

/* Frame, state, what is written again, and the mark of this start; sealed. */
static void build_commit(struct recovery *r, uint64_t segment_number, struct buffer *b)
{
    struct queue_spool *s = r->spool;
    uint32_t seed = queue_record_seed(s->id, segment_number);
    struct queue_record open = {.type = QUEUE_RECORD_OPEN, .sequence = s->next_event};
    struct queue_frame frame = {s->next_commit, 0};

    buffer_reserve(b, QUEUE_FRAME_BYTES);
    b->size = QUEUE_FRAME_BYTES;
    spool_write_state(s, b);
    buffer_add(b, buffer_slice(&r->again));
    queue_record_write(b, &open);
    frame.size = b->size - QUEUE_FRAME_BYTES;
    queue_frame_write(b->data, seed, &frame);
    for (size_t at = QUEUE_FRAME_BYTES; at < b->size;) {
        struct slice rest = slice_of(b->data + at, b->size - at);
        struct queue_record record = queue_record_take(&rest);

        queue_record_seal(b->data + at, seed, slice_part(rest, 0, record.content_size));
        at = b->size - rest.size + record.content_size;
    }
    while (b->size % QUEUE_BLOCK_BYTES)
        buffer_add_byte(b, 0);
}

/* A small disk gets a small segment, a full one the smallest that will do. */
static int create_segment(struct recovery *r, const struct queue_segment_head *head, uint64_t least,
                          uint64_t *ret_size, int *ret_file)
{
    struct queue_spool *s = r->spool;
    uint64_t size = spool_segment_bytes(s);
    int result;

    if (size < least)
        size = least;
    result = spool_choose_size(r->disk, s->options.reserve_bytes, least, &size);
    if (result < 0 && result != -ENOSPC)
        return result;
    result = queue_segment_create(r->disk, size, head, ret_file);
    while (result == -ENOSPC && size / 2 >= least) {
        size /= 2;
        result = queue_segment_create(r->disk, size, head, ret_file);
    }
    s->low = spool_stands_on_reserve(r->disk, s->options.reserve_bytes);
    *ret_size = size;
    return result;
}

static int write_commit(struct recovery *r, int file, struct slice commit)
{
    struct iovec piece = {(void *)(uintptr_t)commit.data, commit.size};
    int result = r->disk->ops->write(r->disk, file, QUEUE_BLOCK_BYTES, &piece, 1);

    if (result == 0)
        result = r->disk->ops->sync(r->disk, file);
    return result == 0 ? r->disk->ops->sync_directory(r->disk, ".") : result;
}

static int begin_segment(struct recovery *r)
{
    CLEANUP(buffer_done) struct buffer commit = BUFFER_NONE;
    struct queue_spool *s = r->spool;
    const struct queue_segment_head head = {s->id, s->next_segment++, world_wall_us(s->world)};
    struct queue_segment *segment;
    uint64_t size;
    int file, result;

    s->next_commit = r->last ? r->last_number : 1;
    build_commit(r, head.number, &commit);
    result = create_segment(r, &head, commit.size * 9 / 8 + 16 * QUEUE_BLOCK_BYTES, &size, &file);
    if (result < 0)
        return result;
    segment = queue_segment_new(head.number, file, size);
    segment->created_us = head.created_us;
    list_add_last(&s->segments, &segment->link);
    s->bytes += size;
    result = write_commit(r, file, buffer_slice(&commit));
    if (result < 0)
        return result;
    segment->used = QUEUE_BLOCK_BYTES + commit.size;
    s->active = segment;
    s->next_commit++;
    return 0;
}

static int recover(struct recovery *r)
{
    uint64_t number = 0;
    int result = recover_find(r);

    if (result < 0)
        return result;
    restore_old(r);
    result = begin_segment(r);
    if (result < 0)
        return result;
    r->last = NULL;
    restore_segment(r, r->spool->active, &number);
    return 0;
}

int spool_recover(void *spool)
{
    struct recovery r = {.spool = spool, .previous = QUEUE_RECORD_CLOSE};
    struct queue_spool *s = spool;
    uint64_t now_us = world_now_us(s->world);
    int result;

    r.disk = s->options.disk;
    s->next_event = 1;
    result = recover(&r);
    buffer_done(&r.again);
    s->acknowledged_written = s->acknowledged;
    LIST_FOREACH (link, &s->segments) {
        struct queue_segment *segment = LIST_ENTRY(link, struct queue_segment, link);

        segment->opened_us = segment->full_us = now_us;
    }
    if (result < 0)
        log_error("the spool cannot be opened: %s", strerror(-result));
    return result;
}
