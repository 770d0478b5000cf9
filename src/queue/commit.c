/* The spool's committer: gathers what is pending, has it written and synced by the helper thread,
 * and tells the owners. Also decides what happens when that fails; spool.h says what and why. */
#include "base/log.h"
#include "queue/commit_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    COMMIT_BYTES = 8 << 20, /* no more is gathered; a single message may be larger */
    COMMIT_GAP_US = 1000,   /* between the starts of two commits: company is cheaper than syncs */
    PROBE_US = 1000000,     /* how often a full disk is asked again */
    RETRY_US_MAX = 60000000,
    RESULTS_SHARE = 16, /* this part of a segment is kept for results */
};

static bool is_no_space(int r)
{
    return r == -ENOSPC || r == -EDQUOT || r == -EFBIG;
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

    return !s->active || s->roll ||
           commit_block_up(size) > room_in(s->active, first && first->fresh);
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
    job->segment_bytes_min = commit_block_up(needed) * 9 / 8 + 16 * QUEUE_BLOCK_BYTES;
    if (job->segment_bytes_min < QUEUE_SEGMENT_BYTES_MIN &&
        spool_segment_bytes(s) >= QUEUE_SEGMENT_BYTES_MIN)
        job->segment_bytes_min = QUEUE_SEGMENT_BYTES_MIN;
    job->segment_bytes = spool_segment_bytes(s);
    if (job->segment_bytes < job->segment_bytes_min)
        job->segment_bytes = job->segment_bytes_min;
    job->reserve_bytes = fresh ? s->options.reserve_bytes : 0;
    job->keep_bytes = s->options.reserve_bytes;
    job->denied =
        fresh && s->options.max_bytes && s->bytes + job->segment_bytes > s->options.max_bytes;
    job->offset = QUEUE_BLOCK_BYTES;
}

static void write_cursor(struct queue_spool *s, struct commit_job *job)
{
    CLEANUP(buffer_done) struct buffer body = BUFFER_NONE;
    struct queue_record record = {.type = QUEUE_RECORD_CURSOR, .sequence = s->next_event};

    job->acknowledged = s->acknowledged;
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

    while (first_pending(s) && count++ < COMMIT_APPENDS_MAX) {
        struct queue_append *a = first_pending(s);
        uint64_t after = size + a->size + a->content.size;

        if (commit_block_up(after) > (a->fresh ? room_fresh : room) || (a->fresh && results_only))
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
        s->active->full_us = world_now_us(s->world);
    }
    segment->opened_us = world_now_us(s->world);
    segment->created_us = job->wall_us;
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
    s->active->used = job->offset + commit_block_up(QUEUE_FRAME_BYTES + job->size);
    s->active->message_bytes += job->message_bytes;
    if (job->last_event)
        s->active->last_event = job->last_event;
    s->next_commit++;
    s->commits++;
    s->acknowledged_written = job->acknowledged; /* more may have come meanwhile */
    s->failures_in_row = 0;
    s->stuck = false;
    if (job->create)
        s->low = job->low;
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
    r = task_offload(t, TASK_LANE_COMMIT, commit_job_run, s->job);
    if (r < 0)
        fail(s, s->job, r);
    else
        succeed(s, s->job);
    s->results_due_us =
        list_empty(&s->pending) ? 0 : world_now_us(s->world) + spool_post_wait_us(s);
    condition_broadcast(&s->progress);
    condition_signal(&s->cleaning);
}

/* --- when --- */

bool spool_is_idle(const struct queue_spool *s)
{
    return list_empty(&s->pending) && !s->roll;
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
    if (task_offload(t, TASK_LANE_COMMIT, commit_job_probe, job) < 0 || s->health != SPOOL_FULL)
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
