/* The indexer: gives each segment that takes no more commits its index (queue/index.h), a piece at
 * a time so that deliveries that wait for the same helper thread hardly notice. Also reads and
 * writes the files. An index is worth a try, never a failure. */
#include "queue/index.h"
#include "queue/scan.h"
#include "queue/spool_inside.h"

static const uint64_t WAIT_US = 5 * SECOND_US; /* most segments are gone soon after they are full */
static const uint64_t LOOK_US = 2 * SECOND_US;
enum { STEP_BYTES = 1 << 20 };

/* --- files --- */

int spool_index_load(struct disk *disk, uint64_t number, struct buffer *file)
{
    char name[QUEUE_SEGMENT_NAME_BYTES];
    uint64_t size = 0;
    ssize_t n = 0;
    int handle, r;

    queue_segment_name_index(number, name);
    r = disk->ops->open(disk, name, DISK_READ, &handle);
    if (r < 0)
        return r;
    r = disk->ops->size(disk, handle, &size);
    if (r == 0)
        n = disk->ops->read(disk, handle, 0, buffer_reserve(file, size), size);
    disk->ops->close(disk, handle);
    if (r < 0 || n < 0)
        return r < 0 ? r : (int)n;
    file->size = (size_t)n;
    return 0;
}

/* A former one may be there that was torn. */
static int store(struct disk *disk, uint64_t number, struct slice file)
{
    struct iovec piece = {(void *)(uintptr_t)file.data, file.size};
    char name[QUEUE_SEGMENT_NAME_BYTES];
    int handle, r;

    queue_segment_name_index(number, name);
    r = disk->ops->unlink(disk, name);
    if (r == 0 || r == -ENOENT)
        r = disk->ops->open(disk, name, DISK_WRITE | DISK_CREATE, &handle);
    if (r < 0)
        return r;
    r = disk->ops->write(disk, handle, 0, &piece, 1);
    disk->ops->close(disk, handle);
    if (r < 0)
        spool_index_remove(disk, number);
    return r;
}

void spool_index_remove(struct disk *disk, uint64_t number)
{
    char name[QUEUE_SEGMENT_NAME_BYTES];
    int ignored;

    queue_segment_name_index(number, name);
    ignored = disk->ops->unlink(disk, name);
    (void)ignored; /* it is not there as a rule; what stays is removed at the next start */
}

/* --- making one, on the helper thread --- */

struct index_job {
    struct disk *disk;
    struct queue_scan scan;
    struct queue_index_builder *builder;
    struct queue_index_head head;
};

static void index_job_done(struct index_job *job)
{
    queue_index_builder_free(job->builder);
    queue_scan_close(&job->scan);
}

static int note_commit(struct index_job *job)
{
    if (job->head.first_commit && job->scan.number != job->head.last_commit + 1)
        return -EBADMSG;
    if (!job->head.first_commit)
        job->head.first_commit = job->scan.number;
    job->head.last_commit = job->scan.number;
    return 0;
}

static int note_record(struct index_job *job, const struct queue_scanned *scanned)
{
    const struct queue_record *record = &scanned->record;
    struct queue_index_head *head = &job->head;

    if (record->event_count)
        head->last_event = record->sequence + record->event_count - 1;
    if (record->sequence + record->event_count > head->next_event)
        head->next_event = record->sequence + record->event_count;
    if (record->type == QUEUE_RECORD_MESSAGE)
        head->message_bytes += scanned->size;
    return queue_index_add(job->builder, record, scanned->offset);
}

static int finish(struct index_job *job)
{
    CLEANUP(buffer_done) struct buffer file = BUFFER_NONE;

    queue_index_finish(job->builder, &job->head, &file);
    return store(job->disk, job->head.number, buffer_slice(&file));
}

/* 1: there is more. A damaged segment gets no index: its damage is to be found again. */
static int index_step(void *argument)
{
    struct index_job *job = argument;
    uint64_t stop = job->scan.offset + STEP_BYTES;
    struct queue_scanned scanned;
    int r = 0;

    while (r == 0 && job->scan.offset < stop) {
        switch (queue_scan_next(&job->scan, &scanned)) {
        case QUEUE_SCAN_END:
            return finish(job);
        case QUEUE_SCAN_COMMIT:
            r = note_commit(job);
            break;
        case QUEUE_SCAN_RECORD:
            r = note_record(job, &scanned);
            break;
        case QUEUE_SCAN_DAMAGE:
            r = -EBADMSG;
            break;
        }
    }
    return r < 0 ? r : 1;
}

/* --- when, on the loop --- */

static struct queue_segment *next_segment(const struct queue_spool *s)
{
    uint64_t now_us = world_now_us(s->world);

    LIST_FOREACH (link, &s->segments) {
        struct queue_segment *segment = LIST_ENTRY(link, struct queue_segment, link);

        if (segment != s->active && !segment->indexed && !segment->damaged &&
            now_us - segment->full_us >= WAIT_US)
            return segment;
    }
    return NULL;
}

static int make_index(struct task *t, struct queue_spool *s, struct queue_segment *segment)
{
    CLEANUP(index_job_done)
    struct index_job job = {
        .disk = s->options.disk,
        .builder = queue_index_builder_new(),
        .head = {.spool_id = s->id,
                 .number = segment->number,
                 .created_us = segment->created_us,
                 .used = segment->used},
    };
    int r = 1;

    queue_scan_open(&job.scan, job.disk, segment->file, queue_record_seed(s->id, segment->number),
                    segment->used);
    segment->indexed = true; /* or tried: that is not repeated */
    segment->readers++;
    while (r == 1 && !s->closing)
        r = task_offload(t, TASK_LANE_READ, index_step, &job);
    segment->readers--;
    condition_signal(&s->cleaning);
    return task_check(t);
}

int spool_indexer(struct task *t, void *spool)
{
    struct queue_spool *s = spool;
    int r = 0;

    while (r == 0 && !s->closing) {
        struct queue_segment *segment = s->health == SPOOL_GOOD ? next_segment(s) : NULL;

        r = segment ? make_index(t, s, segment) : condition_wait_for(t, &s->indexing, LOOK_US);
    }
    spool_task_ended(s);
    return r;
}
