/* The spool's committer: gathers what is pending, has it written and synced by the helper thread,
 * and tells the owners. Also decides what happens when that fails; spool.h says what and why. */
#include "base/log.h"
#include "queue/spool_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    APPENDS_MAX = 300, /* a commit */
    PIECES_MAX = 2 * APPENDS_MAX + 2,
    COMMIT_BYTES = 8 << 20, /* no more is gathered; a single message may be larger */
    COMMIT_GAP_US = 1000,   /* between the starts of two commits: company is cheaper than syncs */
    PROBE_US = 1000000,     /* how often a full disk is asked again */
    RETRY_US_MAX = 60000000,
    RESULTS_SHARE = 16, /* this part of a segment is kept for results */
};

/* What the helper thread gets, and gives back. */
struct commit_job {
    struct disk *disk;
    uint64_t spool_id, commit_number;
    uint64_t segment_number, segment_bytes, segment_bytes_min;
    uint64_t reserve_bytes; /* must be left on disk by a new segment */
    int64_t wall_us;
    bool create;
    bool denied; /* by the configured size of the spool */
    int file;
    int full_file; /* of the segment that the new one follows; -1: none */
    uint64_t full_used;
    uint64_t offset;     /* of the commit */
    struct buffer front; /* frame, STATE, CURSOR */
    struct list *appends;
    uint64_t size; /* of all records */
    struct iovec pieces[PIECES_MAX];
    int piece_count;
    /* what came of it */
    bool made; /* the new segment's file is there */
    uint64_t last_event, message_bytes;
};

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

static bool is_no_space(int r)
{
    return r == -ENOSPC || r == -EDQUOT || r == -EFBIG;
}

static uint64_t block_up(uint64_t size)
{
    return (size + QUEUE_BLOCK_BYTES - 1) / QUEUE_BLOCK_BYTES * QUEUE_BLOCK_BYTES;
}

/* --- on the helper thread --- */

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
    return r;
}

static void add_piece(struct commit_job *job, const void *data, size_t size)
{
    assert(job->piece_count < PIECES_MAX);
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
    add_piece(job, zeros, block_up(used) - used);
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

static int commit_run(void *argument)
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

/* --- gathering, on the loop --- */

static uint64_t room_in(const struct queue_segment *segment, bool fresh)
{
    uint64_t kept = fresh ? segment->size / RESULTS_SHARE : 0;

    return segment->size > segment->used + kept ? segment->size - segment->used - kept : 0;
}

static struct queue_append *first_pending(const struct queue_spool *s)
{
    return list_empty(&s->pending) ? NULL : LIST_FIRST(&s->pending, struct queue_append, link);
}

/* Whether the commit needs a new segment, judged by what comes first. */
static bool needs_segment(const struct queue_spool *s, const struct commit_job *job)
{
    const struct queue_append *first = first_pending(s);
    uint64_t size = job->front.size + (first ? first->size + first->content.size : 0);

    return !s->active || s->roll || block_up(size) > room_in(s->active, first && first->fresh);
}

static void begin_segment(struct queue_spool *s, struct commit_job *job)
{
    const struct queue_append *first = first_pending(s);
    bool fresh = first && first->fresh;
    uint64_t needed;

    job->front.size = QUEUE_FRAME_BYTES; /* recovery looks for the state first; it has the cursor */
    spool_write_state(s, &job->front);
    needed = job->front.size + (first ? first->size + first->content.size : 0);
    job->create = true;
    job->full_file = s->active ? s->active->file : -1;
    job->full_used = s->active ? s->active->used : 0;
    job->segment_number = s->next_segment++;
    job->segment_bytes_min = block_up(needed) * 9 / 8 + 16 * QUEUE_BLOCK_BYTES;
    if (job->segment_bytes_min < QUEUE_SEGMENT_BYTES_MIN &&
        spool_segment_bytes(s) >= QUEUE_SEGMENT_BYTES_MIN)
        job->segment_bytes_min = QUEUE_SEGMENT_BYTES_MIN;
    job->segment_bytes = spool_segment_bytes(s);
    if (job->segment_bytes < job->segment_bytes_min)
        job->segment_bytes = job->segment_bytes_min;
    job->reserve_bytes = fresh ? s->options.reserve_bytes : 0;
    job->denied =
        fresh && s->options.max_bytes && s->bytes + job->segment_bytes > s->options.max_bytes;
    job->offset = QUEUE_BLOCK_BYTES;
}

static void write_cursor(struct queue_spool *s, struct commit_job *job)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct queue_record record = {.type = QUEUE_RECORD_CURSOR, .sequence = s->next_event};

    if (s->acknowledged == s->acknowledged_written)
        return;
    buffer_add_u64(&body, s->acknowledged);
    record.body = buffer_slice(&body);
    queue_record_write(&job->front, &record);
}

/* Moves appends from pending to writing while they fit. A segment begun for results takes no
 * messages with its first commit: it may stand on the reserve. */
static void gather(struct queue_spool *s, struct commit_job *job, uint64_t room,
                   uint64_t room_fresh)
{
    bool results_only = job->create && first_pending(s) && !first_pending(s)->fresh;
    uint64_t size = job->front.size;
    int count = 0;

    while (first_pending(s) && count++ < APPENDS_MAX) {
        struct queue_append *a = first_pending(s);
        uint64_t after = size + a->size + a->content.size;

        if (block_up(after) > (a->fresh ? room_fresh : room) || (a->fresh && results_only))
            break;
        if (count > 1 && after > COMMIT_BYTES)
            break;
        list_remove(&a->link);
        list_add_last(&s->writing, &a->link);
        a->writing = true;
        a->commit_offset = job->offset;
        a->offset = job->offset + size;
        size = after;
    }
    job->size = size - QUEUE_FRAME_BYTES;
    if (list_empty(&s->pending) || !s->results || s->results->writing)
        s->results = NULL;
}

static void prepare(struct queue_spool *s, struct commit_job *job)
{
    uint64_t room, room_fresh;

    job->front.size = 0;
    buffer_reserve(&job->front, QUEUE_FRAME_BYTES);
    memset(job->front.data, 0, QUEUE_FRAME_BYTES);
    job->front.size = QUEUE_FRAME_BYTES;
    job->disk = s->options.disk;
    job->spool_id = s->id;
    job->commit_number = s->next_commit;
    job->wall_us = world_wall_us(s->world);
    job->appends = &s->writing;
    job->piece_count = 0;
    job->last_event = job->message_bytes = 0;
    job->create = job->made = job->denied = false;
    job->full_file = -1;
    write_cursor(s, job);
    if (needs_segment(s, job)) {
        begin_segment(s, job);
        room = job->segment_bytes_min - QUEUE_BLOCK_BYTES;
        room_fresh = room;
    } else {
        job->segment_number = s->active->number;
        job->file = s->active->file;
        job->offset = s->active->used;
        room = room_in(s->active, false);
        room_fresh = room_in(s->active, true);
    }
    gather(s, job, room, room_fresh);
}

/* --- what came of it, on the loop --- */

static void adopt_segment(struct queue_spool *s, const struct commit_job *job)
{
    struct queue_segment *segment =
        queue_segment_new(job->segment_number, job->file, job->segment_bytes);

    if (s->active) {
        s->bytes -= s->active->size - s->active->used;
        s->active->size = s->active->used;
    }
    segment->opened_us = world_now_us(s->world);
    list_add_last(&s->segments, &segment->link);
    s->active = segment;
    s->bytes += segment->size;
    s->roll = false;
}

static void succeed(struct queue_spool *s, const struct commit_job *job)
{
    bool was_stuck = s->stuck;

    if (job->create)
        adopt_segment(s, job);
    s->active->used = job->offset + block_up(QUEUE_FRAME_BYTES + job->size);
    s->active->message_bytes += job->message_bytes;
    if (job->last_event)
        s->active->last_event = job->last_event;
    s->next_commit++;
    s->commits++;
    s->acknowledged_written = s->acknowledged;
    s->failures_in_row = 0;
    s->stuck = false;
    while (!list_empty(&s->writing)) {
        struct queue_append *a = LIST_FIRST(&s->writing, struct queue_append, link);

        a->segment = s->active;
        spool_end_append(s, a, 0);
    }
    if (was_stuck) {
        log_warning("the spool can be written again; deliveries go on");
        s->options.client.recovered(s->options.client.context);
    }
}

static void refuse_all(struct queue_spool *s, struct list *appends, int result)
{
    LIST_FOREACH_SAFE (link, appends) {
        struct queue_append *a = LIST_ENTRY(link, struct queue_append, link);

        if (a->fresh)
            spool_end_append(s, a, result);
    }
}

/* The operator is told once: a failed disk stays failed until the next start. */
static void refuse(struct queue_spool *s, int error)
{
    enum spool_health health = is_no_space(error) ? SPOOL_FULL : SPOOL_FAILED;

    if (health <= s->health)
        return;
    s->health = health;
    s->retry_us = world_now_us(s->world) + PROBE_US;
    if (health == SPOOL_FULL)
        snprintf(
            s->why, sizeof(s->why),
            "the spool's disk is full, or the spool has reached its configured size; accepting goes on "
            "by itself when there is room");
    else
        snprintf(
            s->why, sizeof(s->why),
            "writing the spool failed (%s); look at the disk and the kernel's log, then restart "
            "Letterhead",
            strerror(-error));
    log_error("no mail is accepted: %s", s->why);
}

void spool_void(struct queue_spool *s, uint64_t segment, uint64_t size)
{
    struct queue_void v = {segment, size};

    queue_void_write(&s->voids, &v);
}

/* Results go back to the front of what is pending, in their order. */
static void put_back(struct queue_spool *s)
{
    while (!list_empty(&s->writing)) {
        struct queue_append *a = LIST_ENTRY(s->writing.previous, struct queue_append, link);

        list_remove(&a->link);
        a->writing = false;
        list_add_first(&s->pending, &a->link);
    }
}

/* A broken disk is asked less and less often, a full one each second. */
static void back_off(struct queue_spool *s, int error)
{
    uint64_t delay_us = PROBE_US;

    for (unsigned i = 2; !is_no_space(error) && i < s->failures_in_row && delay_us < RETRY_US_MAX;
         i++)
        delay_us *= 2;
    s->retry_us = world_now_us(s->world) + delay_us;
    s->roll = true;
    if (!s->stuck)
        log_error(
            "what became of deliveries cannot be written; no new ones are begun until it can");
    s->stuck = true;
}

static void fail(struct queue_spool *s, const struct commit_job *job, int error)
{
    bool written = !job->create || job->made;
    bool had_results = false;

    LIST_FOREACH (link, &s->writing)
        had_results |= !LIST_ENTRY(link, struct queue_append, link)->fresh;
    log_error("commit %" PRIu64 " to segment %" PRIu64 " of the spool failed: %s",
              job->commit_number, job->segment_number, strerror(-error));
    s->failures++;
    s->failures_in_row++;
    if (written) {
        spool_void(s, job->segment_number, job->offset);
        s->active = NULL;
    }
    refuse(s, error);
    refuse_all(s, &s->writing, is_no_space(error) ? -ENOSPC : -EIO);
    refuse_all(s, &s->pending, is_no_space(error) ? -ENOSPC : -EIO);
    put_back(s);
    s->roll = false;
    /* Once is bad luck, and the next segment may do. Twice in a row, or no new segment for results,
     * is stuck. */
    if (written ? s->failures_in_row > 1 : had_results)
        back_off(s, error);
}

void spool_commit(struct task *t, struct queue_spool *s)
{
    int r;

    s->commit_started_us = world_now_us(s->world);
    prepare(s, s->job);
    r = task_offload(t, TASK_LANE_COMMIT, commit_run, s->job);
    if (r < 0)
        fail(s, s->job, r);
    else
        succeed(s, s->job);
    s->results_due_us = list_empty(&s->pending) ? 0 : world_now_us(s->world) + QUEUE_POST_WAIT_US;
    condition_broadcast(&s->progress);
    condition_signal(&s->cleaning);
}

/* --- when --- */

bool spool_is_idle(const struct queue_spool *s)
{
    return list_empty(&s->pending) && !s->roll;
}

static int probe_run(void *argument)
{
    struct commit_job *job = argument;

    return choose_size(job);
}

/* Asks a full disk whether a message segment would fit again. */
static void probe(struct task *t, struct queue_spool *s)
{
    struct commit_job *job = s->job;

    job->disk = s->options.disk;
    job->segment_bytes = spool_segment_bytes(s);
    job->segment_bytes_min =
        job->segment_bytes < QUEUE_SEGMENT_BYTES_MIN ? job->segment_bytes : QUEUE_SEGMENT_BYTES_MIN;
    job->reserve_bytes = s->options.reserve_bytes;
    s->retry_us = world_now_us(s->world) + PROBE_US;
    if (task_offload(t, TASK_LANE_COMMIT, probe_run, job) < 0 || s->health != SPOOL_FULL)
        return;
    if (s->options.max_bytes && s->bytes + job->segment_bytes > s->options.max_bytes)
        return;
    s->health = SPOOL_GOOD;
    log_info("there is room in the spool again; mail is accepted");
}

/* Microseconds until the next commit (or probe) may begin; UINT64_MAX: nothing to do. */
static uint64_t time_left(const struct queue_spool *s)
{
    uint64_t now_us = world_now_us(s->world), due_us = UINT64_MAX;
    const struct queue_append *first = first_pending(s);

    if (s->roll || (first && first->ticket <= s->urgent_ticket))
        due_us = s->commit_started_us + COMMIT_GAP_US;
    else if (first)
        due_us = s->results_due_us;
    if (s->stuck && due_us < s->retry_us)
        due_us = s->retry_us;
    if (s->health == SPOOL_FULL && due_us > s->retry_us)
        due_us = s->retry_us;
    if (due_us == UINT64_MAX)
        return due_us;
    return due_us > now_us ? due_us - now_us : 0;
}

static int wait_for_work(struct task *t, struct queue_spool *s)
{
    uint64_t left_us;
    int r = task_check(t);

    while (r == 0 && !s->closing && (left_us = time_left(s)) > 0)
        r = left_us == UINT64_MAX ? condition_wait(t, &s->work)
                                  : condition_wait_for(t, &s->work, left_us);
    return r;
}

int spool_committer(struct task *t, void *spool)
{
    struct queue_spool *s = spool;
    int r = 0;

    for (;;) {
        r = wait_for_work(t, s);
        if (r < 0 || s->closing)
            break;
        if (s->health == SPOOL_FULL && world_now_us(s->world) >= s->retry_us)
            probe(t, s);
        if (!spool_is_idle(s))
            spool_commit(t, s);
    }
    s->stopped = true;
    spool_task_ended(s);
    return r;
}
