/* Which segments there are, which of them are ours, and where the log ends. */
#include "base/log.h"
#include "queue/recover_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- finding segments --- */

struct names {
    uint64_t *numbers;
    size_t count, room;
};

static void names_add(struct names *names, uint64_t number)
{
    if (names->count == names->room) {
        names->room = names->room ? names->room * 2 : 64;
        names->numbers = base_resize(names->numbers, names->room * sizeof(*names->numbers));
    }
    names->numbers[names->count++] = number;
}

static void found_name(void *context, const char *name)
{
    uint64_t number;

    if (queue_segment_number(name, &number))
        names_add(context, number);
}

static int by_number(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

    return first < second ? -1 : first > second;
}

static void names_done(struct names *names)
{
    free(names->numbers);
}

static int open_segment(struct recovery *r, uint64_t number)
{
    struct queue_spool *s = r->spool;
    char name[QUEUE_SEGMENT_NAME_BYTES];
    struct queue_segment *segment;
    uint64_t size;
    int file, result;

    queue_segment_name(number, name);
    result = r->disk->ops->open(r->disk, name, DISK_READ | DISK_WRITE, &file);
    if (result < 0)
        return result;
    result = r->disk->ops->size(r->disk, file, &size);
    if (result < 0) {
        r->disk->ops->close(r->disk, file);
        return result;
    }
    segment = queue_segment_new(number, file, size);
    segment->used = size;
    list_add_last(&s->segments, &segment->link);
    s->bytes += size;
    if (number >= s->next_segment)
        s->next_segment = number + 1;
    return 0;
}

static int open_segments(struct recovery *r)
{
    CLEANUP(names_done) struct names names = {0};
    int result = r->disk->ops->list(r->disk, ".", found_name, &names);

    if (result < 0)
        return result;
    r->spool->next_segment = 1;
    if (names.count)
        qsort(names.numbers, names.count, sizeof(*names.numbers), by_number);
    for (size_t i = 0; i < names.count && result == 0; i++)
        result = open_segment(r, names.numbers[i]);
    return result;
}

/* --- judging heads --- */

/* 1: a head of ours; 0: none that can be read; otherwise an error that must stop the start. */
static int read_head(struct recovery *r, struct queue_segment *segment,
                     struct queue_segment_head *ret)
{
    char bytes[QUEUE_SEGMENT_HEAD_BYTES];
    ssize_t n = r->disk->ops->read(r->disk, segment->file, 0, bytes, sizeof(bytes));
    int result = n == sizeof(bytes) ? queue_segment_head_read(slice_of(bytes, sizeof(bytes)), ret)
                                    : -EBADMSG;

    if (result == -EPROTONOSUPPORT) {
        log_error("segment %" PRIu64
                  " of the spool was written by a later version of Letterhead; this "
                  "version cannot read it. Start that version, or let it empty its queue first",
                  segment->number);
        return result;
    }
    return result == 0 && ret->number == segment->number;
}

/* The spool's id is that of its newest segment; an empty folder begins a new spool. */
static int find_id(struct recovery *r)
{
    struct queue_segment_head head;

    LIST_FOREACH (link, &r->spool->segments) {
        int result = read_head(r, LIST_ENTRY(link, struct queue_segment, link), &head);

        if (result < 0)
            return result;
        if (result)
            r->spool->id = head.spool_id;
    }
    return 0;
}

static void drop_segment(struct recovery *r, struct queue_segment *segment)
{
    r->disk->ops->close(r->disk, segment->file);
    r->spool->bytes -= segment->size;
    queue_segment_free(segment);
}

static void remove_segment(struct recovery *r, struct queue_segment *segment)
{
    char name[QUEUE_SEGMENT_NAME_BYTES];
    int result;

    queue_segment_name(segment->number, name);
    result = r->disk->ops->unlink(r->disk, name);
    if (result < 0)
        log_warning("the unused segment %" PRIu64 " of the spool cannot be removed: %s",
                    segment->number, strerror(-result));
    drop_segment(r, segment);
}

static void set_aside(struct recovery *r, struct queue_segment *segment)
{
    char name[QUEUE_SEGMENT_NAME_BYTES], aside[QUEUE_SEGMENT_NAME_BYTES];
    int result;

    queue_segment_name(segment->number, name);
    queue_segment_name_damaged(segment->number, aside);
    result = r->disk->ops->rename(r->disk, name, aside);
    log_error("segment %" PRIu64
              " of the spool is not readable, or belongs to another spool; mail may be "
              "lost. It is kept as %s%s",
              segment->number, result < 0 ? name : aside,
              result < 0 ? ", which cannot be renamed" : "");
    drop_segment(r, segment);
}

static bool is_blank(struct recovery *r, const struct queue_segment *segment)
{
    char bytes[QUEUE_SEGMENT_HEAD_BYTES];
    ssize_t n = r->disk->ops->read(r->disk, segment->file, 0, bytes, sizeof(bytes));

    for (ssize_t i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return n >= 0;
}

/* Where the segment's last commit begins, and its number; false: it has none that counts. */
static bool last_commit(struct recovery *r, const struct queue_segment *segment,
                        uint64_t *ret_offset, uint64_t *ret_number)
{
    CLEANUP(queue_scan_close) struct queue_scan scan;
    struct queue_scanned scanned;
    enum queue_scan_result result;
    bool any = false;

    queue_scan_open(&scan, r->disk, segment->file, queue_record_seed(r->spool->id, segment->number),
                    segment->used);
    while ((result = queue_scan_next(&scan, &scanned)) != QUEUE_SCAN_END) {
        if (result != QUEUE_SCAN_COMMIT)
            continue;
        any = true;
        *ret_offset = scan.commit;
        *ret_number = scan.number;
        queue_scan_skip_commit(&scan);
    }
    return any;
}

/* A segment whose making was interrupted is blank and goes; one whose head is damaged is used as
 * far as its commits can be read; one of another spool, or without anything to be read, is set
 * aside. */
static int judge_heads(struct recovery *r)
{
    LIST_FOREACH_SAFE (link, &r->spool->segments) {
        struct queue_segment *segment = LIST_ENTRY(link, struct queue_segment, link);
        struct queue_segment_head head;
        uint64_t offset, number;
        int result = read_head(r, segment, &head);

        if (result < 0)
            return result;
        if (result && head.spool_id == r->spool->id) {
            segment->created_us = head.created_us;
            continue;
        }
        if (!result && last_commit(r, segment, &offset, &number)) {
            segment->damaged = !is_blank(r, segment);
            continue;
        }
        if (!result && is_blank(r, segment))
            remove_segment(r, segment);
        else
            set_aside(r, segment);
    }
    return 0;
}

/* --- where the log ends --- */

static bool is_whole(struct recovery *r, const struct queue_segment *segment, uint64_t offset)
{
    CLEANUP(queue_scan_close) struct queue_scan scan;

    queue_scan_open(&scan, r->disk, segment->file, queue_record_seed(r->spool->id, segment->number),
                    segment->used);
    return queue_scan_is_whole(&scan, offset);
}

/* Goes back from the newest segment to the last commit that is whole; what is torn behind it is cut
 * off. */
static void find_end(struct recovery *r)
{
    struct queue_spool *s = r->spool;

    while (!list_empty(&s->segments)) {
        struct queue_segment *segment =
            LIST_ENTRY(s->segments.previous, struct queue_segment, link);
        uint64_t offset, number;

        if (!last_commit(r, segment, &offset, &number)) {
            remove_segment(r, segment);
            continue;
        }
        if (is_whole(r, segment, offset)) {
            r->last = segment;
            r->last_commit_at = offset;
            r->last_number = number;
            return;
        }
        log_info("the spool's last commit (%" PRIu64 ") was not finished, and is dropped", number);
        segment->used = offset;
    }
}

/* Cuts what the newest segment says never became durable. */
static void apply_voids(struct recovery *r)
{
    CLEANUP(queue_scan_close) struct queue_scan scan;
    struct queue_scanned scanned;
    struct queue_state state;
    struct queue_void v;

    queue_scan_open(&scan, r->disk, r->last->file, queue_record_seed(r->spool->id, r->last->number),
                    r->last->used);
    if (queue_scan_next(&scan, &scanned) != QUEUE_SCAN_COMMIT ||
        queue_scan_next(&scan, &scanned) != QUEUE_SCAN_RECORD ||
        scanned.record.type != QUEUE_RECORD_STATE ||
        queue_state_read(scanned.record.body, &state) < 0) {
        log_error("the state at the start of segment %" PRIu64
                  " of the spool cannot be read; writes that "
                  "failed before it count as done",
                  r->last->number);
        return;
    }
    while (queue_void_read(&state.voids, &v)) {
        struct queue_segment *segment = spool_find(r->spool, v.segment);

        if (segment && v.size < segment->used)
            segment->used = v.size;
        if (segment)
            spool_void(r->spool, v.segment, v.size);
    }
}

/* --- indexes --- */

static void found_index(void *context, const char *name)
{
    uint64_t number;

    if (queue_segment_number_index(name, &number))
        names_add(context, number);
}

/* An index whose segment is gone would be taken for that of a later one with its number. */
static void remove_stray_indexes(struct recovery *r)
{
    CLEANUP(names_done) struct names names = {0};

    if (r->disk->ops->list(r->disk, ".", found_index, &names) < 0)
        return;
    for (size_t i = 0; i < names.count; i++)
        if (!spool_find(r->spool, names.numbers[i]))
            spool_index_remove(r->disk, names.numbers[i]);
}

int recover_find(struct recovery *r)
{
    int result = open_segments(r);

    if (result == 0)
        result = find_id(r);
    if (result == 0)
        result = judge_heads(r);
    if (result < 0)
        return result;
    find_end(r);
    if (r->last)
        apply_voids(r);
    remove_stray_indexes(r);
    return 0;
}
