#include "queue/commit_job.h"

#include <stdlib.h>

struct commit_job *commit_job_new(void)
{
    return base_allocate(sizeof(struct commit_job));
}

void commit_job_free(struct commit_job *job)
{
    if (!job)
        return;
    buffer_done(&job->front);
    free(job);
}

int spool_choose_size(struct disk *disk, uint64_t reserve_bytes, uint64_t least, uint64_t *size)
{
    uint64_t free_bytes;
    int r = disk->ops->free_bytes(disk, &free_bytes);

    if (r < 0)
        return r;
    while (*size / 2 >= least && free_bytes < reserve_bytes + 2 * *size)
        *size /= 2;
    return free_bytes < reserve_bytes + *size ? -ENOSPC : 0;
}

bool spool_stands_on_reserve(struct disk *disk, uint64_t reserve_bytes)
{
    uint64_t free_bytes;

    return disk->ops->free_bytes(disk, &free_bytes) == 0 && free_bytes < reserve_bytes;
}

/* Messages leave the reserve alone; results take whatever there is. */
static int choose_size(struct commit_job *job)
{
    return spool_choose_size(job->disk, job->reserve_bytes, job->segment_bytes_min,
                             &job->segment_bytes);
}

static int make_segment(struct commit_job *job)
{
    struct queue_segment_head head = {job->spool_id, job->segment_number, job->wall_us};
    int r = job->denied ? -ENOSPC : choose_size(job);

    if (r == 0)
        r = queue_segment_create(job->disk, job->segment_bytes, &head, &job->file);
    job->made = r == 0;
    job->low = job->made && spool_stands_on_reserve(job->disk, job->keep_bytes);
    return r;
}

static void add_piece(struct commit_job *job, const void *data, size_t size)
{
    assert(job->piece_count < COMMIT_PIECES_MAX);
    if (size)
        job->pieces[job->piece_count++] = (struct iovec){(void *)(uintptr_t)data, size};
}

static void note(struct commit_job *job, struct slice bytes)
{
    struct queue_record record = queue_record_take(&bytes);

    if (record.event_count)
        job->last_event = record.sequence + record.event_count - 1;
    if (record.type == QUEUE_RECORD_MESSAGE)
        job->message_bytes += QUEUE_RECORD_HEAD_BYTES + record.body.size + record.content_size;
}

static void seal_all(struct commit_job *job, uint32_t seed, char *bytes, size_t size,
                     struct slice content)
{
    for (size_t at = 0; at < size;) {
        note(job, slice_of(bytes + at, size - at));
        at += queue_record_seal(bytes + at, seed, content);
    }
}

static void prepare_pieces(struct commit_job *job)
{
    static const char zeros[QUEUE_BLOCK_BYTES];
    uint32_t seed = queue_record_seed(job->spool_id, job->segment_number);
    struct queue_frame frame = {job->commit_number, job->size};
    uint64_t used = QUEUE_FRAME_BYTES + job->size;

    queue_frame_write(job->front.data, seed, &frame);
    seal_all(job, seed, job->front.data + QUEUE_FRAME_BYTES, job->front.size - QUEUE_FRAME_BYTES,
             SLICE_NONE);
    add_piece(job, job->front.data, job->front.size);
    LIST_FOREACH (link, job->appends) {
        struct queue_append *a = LIST_ENTRY(link, struct queue_append, link);

        seal_all(job, seed, a->bytes, a->size, a->content);
        add_piece(job, a->bytes, a->size);
        add_piece(job, a->content.data, a->content.size);
    }
    add_piece(job, zeros, commit_block_up(used) - used);
}

/* A file that holds no durable commit is of no use; if it cannot be removed, the void that is noted
 * for it keeps it from counting. */
static void unmake_segment(struct commit_job *job)
{
    char name[QUEUE_SEGMENT_NAME_BYTES];
    int ignored;

    queue_segment_name(job->segment_number, name);
    job->disk->ops->close(job->disk, job->file);
    ignored = job->disk->ops->unlink(job->disk, name);
    (void)ignored;
}

/* The segment before takes no more commits: what it did not use is given back. */
static void trim(struct commit_job *job)
{
    int ignored;

    if (job->full_file < 0)
        return;
    ignored = job->disk->ops->truncate(job->disk, job->full_file, job->full_used);
    (void)ignored; /* it is only room */
}

int commit_job_run(void *argument)
{
    struct commit_job *job = argument;
    int r = job->create ? make_segment(job) : 0;

    if (r < 0)
        return r;
    prepare_pieces(job);
    r = job->disk->ops->write(job->disk, job->file, job->offset, job->pieces, job->piece_count);
    if (r == 0)
        r = job->disk->ops->sync(job->disk, job->file);
    if (r == 0 && job->create)
        r = job->disk->ops->sync_directory(job->disk, ".");
    if (r < 0 && job->create)
        unmake_segment(job);
    if (r == 0)
        trim(job);
    return r;
}

int commit_job_probe(void *argument)
{
    struct commit_job *job = argument;

    return choose_size(job);
}
