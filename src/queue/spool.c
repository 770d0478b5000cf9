#include "queue/spool.h"

#include "base/log.h"
#include "queue/scan.h"
#include "queue/spool_inside.h"

#include <stdlib.h>

struct queue_segment *spool_first(const struct queue_spool *s)
{
    return list_empty(&s->segments) ? NULL : LIST_FIRST(&s->segments, struct queue_segment, link);
}

struct queue_segment *spool_find(const struct queue_spool *s, uint64_t number)
{
    LIST_FOREACH (link, &s->segments) {
        struct queue_segment *segment = LIST_ENTRY(link, struct queue_segment, link);

        if (segment->number == number)
            return segment;
    }
    return NULL;
}

uint64_t spool_live_bytes(const struct queue_spool *s)
{
    uint64_t bytes = 0;

    LIST_FOREACH (link, &s->segments)
        bytes += LIST_ENTRY(link, struct queue_segment, link)->live_bytes;
    return bytes;
}

/* A small spool is cut into small segments, or it could not be cleaned. */
uint64_t spool_segment_bytes(const struct queue_spool *s)
{
    uint64_t bytes = s->options.segment_bytes ? s->options.segment_bytes : QUEUE_SEGMENT_BYTES;

    while (s->options.max_bytes && bytes > s->options.max_bytes / 8 &&
           bytes / 2 >= QUEUE_SEGMENT_BYTES_MIN)
        bytes /= 2;
    return bytes;
}

/* Voids of segments that are gone say nothing any more. */
static void drop_old_voids(struct queue_spool *s)
{
    CLEANUP(buffer_done) struct buffer all = s->voids;
    struct slice rest = buffer_slice(&all);
    struct queue_segment *first = spool_first(s);
    struct queue_void v;

    s->voids = BUFFER_NONE;
    while (queue_void_read(&rest, &v))
        if (first && v.segment >= first->number)
            queue_void_write(&s->voids, &v);
}

void spool_write_state(struct queue_spool *s, struct buffer *b)
{
    CLEANUP(buffer_done) struct buffer paused = BUFFER_NONE, body = BUFFER_NONE;
    struct queue_record record = {.type = QUEUE_RECORD_STATE, .sequence = s->next_event};
    struct queue_state state = {.acknowledged = s->acknowledged};

    drop_old_voids(s);
    s->options.client.paused(s->options.client.context, &paused);
    state.voids = buffer_slice(&s->voids);
    state.paused = buffer_slice(&paused);
    queue_state_write(&body, &state);
    record.body = buffer_slice(&body);
    queue_record_write(b, &record);
}

/* --- opening and closing --- */

void spool_task_ended(struct queue_spool *s)
{
    s->tasks--;
    condition_broadcast(&s->progress);
}

static int start_task(struct queue_spool *s, struct scope *scope, const char *name,
                      task_function *function)
{
    int r = scope_spawn(scope, name, function, s);

    if (r == 0)
        s->tasks++;
    return r;
}

void spool_end_append(struct queue_spool *s, struct queue_append *append, int result)
{
    list_remove(&append->link);
    append->writing = false;
    if (append->copy)
        spool_copy_ended(s, append, result);
    else
        s->options.client.committed(s->options.client.context, append, result);
}

static void spool_free(struct queue_spool *s)
{
    struct disk *disk = s->options.disk;

    LIST_FOREACH_SAFE (link, &s->pending) {
        struct queue_append *a = LIST_ENTRY(link, struct queue_append, link);

        spool_end_append(s, a, -ECANCELED);
    }
    while (spool_first(s)) {
        disk->ops->close(disk, spool_first(s)->file);
        queue_segment_free(spool_first(s));
    }
    buffer_done(&s->voids);
    commit_job_free(s->job);
    free(s);
}

int queue_spool_open(struct task *t, struct scope *scope, const struct queue_spool_options *options,
                     struct queue_spool **ret)
{
    struct queue_spool *s = base_allocate(sizeof(*s));
    int r;

    s->options = *options;
    s->world = task_world(t);
    s->job = commit_job_new();
    list_init(&s->segments);
    list_init(&s->pending);
    list_init(&s->writing);
    world_random(s->world, &s->id, sizeof(s->id));
    r = task_offload(t, TASK_LANE_COMMIT, spool_recover, s);
    s->open = r == 0;
    if (r == 0)
        r = start_task(s, scope, "spool commit", spool_committer);
    if (r == 0)
        r = start_task(s, scope, "spool clean", spool_cleaner);
    if (r == 0)
        r = start_task(s, scope, "spool index", spool_indexer);
    if (r < 0) {
        queue_spool_close(t, s);
        return r;
    }
    *ret = s;
    return 0;
}

/* What is left is committed by this task; the CLOSE record tells the next start that nothing was
 * under way. */
static void finish(struct task *t, struct queue_spool *s)
{
    struct queue_record close = {.type = QUEUE_RECORD_CLOSE, .sequence = s->next_event};

    if (!s->open)
        return;
    queue_spool_post(s, &close);
    while (!list_empty(&s->pending) && !s->stuck)
        spool_commit(t, s);
    if (!list_empty(&s->pending))
        log_error("the spool is closed without the last results: some mail may be delivered twice");
}

void queue_spool_close(struct task *t, struct queue_spool *s)
{
    if (!s)
        return;
    s->closing = true;
    condition_broadcast(&s->work);
    condition_broadcast(&s->cleaning);
    condition_broadcast(&s->indexing);
    while (s->tasks) {
        CLEANUP(task_grace_end) struct task_grace grace = task_grace_begin(t, 60 * SECOND_US);
        int r = condition_wait(t, &s->progress);

        assert(r == 0); /* a disk that does not answer for a minute cannot be closed in order */
    }
    finish(t, s);
    spool_free(s);
}

/* --- writing --- */

int queue_spool_room(const struct queue_spool *s, const char **ret_why)
{
    if (s->closing || s->stopped) {
        *ret_why = "Letterhead is shutting down";
        return -ECANCELED;
    }
    if (s->health == SPOOL_GOOD)
        return 0;
    *ret_why = s->why;
    return s->health == SPOOL_FULL ? -ENOSPC : -EIO;
}

bool queue_spool_is_stuck(const struct queue_spool *s)
{
    return s->stuck;
}

uint64_t queue_spool_number(struct queue_spool *s, uint32_t count)
{
    uint64_t first = s->next_event;

    s->next_event += count;
    return first;
}

static void enqueue(struct queue_spool *s, struct queue_append *append)
{
    append->ticket = ++s->next_ticket;
    append->writing = false;
    list_add_last(&s->pending, &append->link);
}

void queue_spool_append(struct queue_spool *s, struct queue_append *append)
{
    s->results = NULL;
    enqueue(s, append);
    s->urgent_ticket = append->ticket;
    condition_signal(&s->work);
}

bool queue_spool_withdraw(struct queue_spool *s, struct queue_append *append)
{
    (void)s;
    if (append->writing)
        return false;
    list_remove(&append->link);
    return true;
}

/* An append that owns its bytes: results of many jobs, one record after the other. */
struct posted {
    struct queue_append append;
    struct buffer bytes;
};

struct queue_append *queue_spool_post(struct queue_spool *s, const struct queue_record *record)
{
    struct posted *posted;

    if (!s->results) {
        posted = base_allocate(sizeof(*posted));
        list_init(&posted->append.finished);
        enqueue(s, &posted->append);
        s->results = &posted->append;
    }
    posted = CONTAINER_OF(s->results, struct posted, append);
    queue_record_write(&posted->bytes, record);
    posted->append.bytes = posted->bytes.data;
    posted->append.size = posted->bytes.size;
    if (!s->results_due_us) {
        s->results_due_us = world_now_us(s->world) + spool_post_wait_us(s);
        condition_signal(&s->work);
    }
    return &posted->append;
}

void queue_append_free(struct queue_append *append)
{
    struct posted *posted = CONTAINER_OF(append, struct posted, append);

    buffer_done(&posted->bytes);
    free(posted);
}

/* Appends end in the order of their tickets, but for those that are refused. */
static bool is_durable(const struct queue_spool *s, uint64_t ticket)
{
    const struct list *oldest = !list_empty(&s->writing)   ? s->writing.next
                                : !list_empty(&s->pending) ? s->pending.next
                                                           : NULL;

    return !oldest || LIST_ENTRY(oldest, struct queue_append, link)->ticket > ticket;
}

void queue_spool_hurry(struct queue_spool *s, uint64_t ticket)
{
    if (s->urgent_ticket < ticket)
        s->urgent_ticket = ticket;
    condition_signal(&s->work);
}

int queue_spool_await(struct task *t, struct queue_spool *s, uint64_t ticket)
{
    int r = 0;

    while (r == 0 && !is_durable(s, ticket)) {
        if (s->stuck)
            return -EIO;
        if (s->stopped)
            return -ECANCELED;
        r = condition_wait(t, &s->progress);
    }
    return r;
}

int queue_spool_flush(struct task *t, struct queue_spool *s)
{
    uint64_t ticket = s->next_ticket;

    s->results = NULL;
    queue_spool_hurry(s, ticket);
    return queue_spool_await(t, s, ticket);
}

void queue_spool_acknowledge(struct queue_spool *s, uint64_t sequence)
{
    if (sequence >= s->next_event)
        sequence = s->next_event - 1;
    if (sequence <= s->acknowledged)
        return;
    s->acknowledged = sequence;
    condition_signal(&s->cleaning);
}

void queue_spool_forget(struct queue_spool *s, struct queue_place *place)
{
    queue_place_clear(place);
    condition_signal(&s->cleaning);
}

/* --- reading --- */

static int read_run(void *argument)
{
    return queue_segment_read(argument);
}

int queue_spool_read(struct task *t, struct queue_spool *s, const struct queue_place *place,
                     struct buffer *record, struct buffer *content)
{
    struct queue_segment *segment = place->segment;
    struct queue_segment_read job = {
        .disk = s->options.disk,
        .file = segment->file,
        .seed = queue_record_seed(s->id, segment->number),
        .offset = place->offset,
        .body_size = place->body_size,
        .content_size = place->content_size,
        .record = record,
        .content = content,
    };
    int r;

    segment->readers++;
    r = task_offload(t, TASK_LANE_READ, read_run, &job);
    segment->readers--;
    return r;
}

struct events_job {
    struct queue_scan scan;
    uint64_t bytes;
    void (*found)(void *context, const struct queue_record *record);
    void *context;
};

/* Whole commits are read, so that the position is always the start of one. */
static int events_run(void *argument)
{
    struct events_job *job = argument;
    struct queue_scanned scanned;
    uint64_t seen = 0;

    for (;;) {
        enum queue_scan_result result;

        if (!job->scan.left && seen >= job->bytes)
            return 1;
        result = queue_scan_next(&job->scan, &scanned);
        if (result == QUEUE_SCAN_END)
            return 0;
        if (result != QUEUE_SCAN_RECORD || !scanned.record.event_count)
            continue;
        job->found(job->context, &scanned.record);
        seen += scanned.record.body.size;
    }
}

/* The segment that holds the position, or the first one behind it. */
static struct queue_segment *segment_at(struct queue_spool *s,
                                        const struct queue_spool_position *position)
{
    LIST_FOREACH (link, &s->segments) {
        struct queue_segment *segment = LIST_ENTRY(link, struct queue_segment, link);

        if (segment->number >= position->segment)
            return segment;
    }
    return NULL;
}

int queue_spool_read_events(struct task *t, struct queue_spool *s,
                            struct queue_spool_position *position, uint64_t bytes,
                            void (*found)(void *context, const struct queue_record *record),
                            void *context)
{
    struct queue_segment *segment = segment_at(s, position);
    struct events_job job = {.bytes = bytes, .found = found, .context = context};
    int r;

    if (!segment)
        return 0;
    queue_scan_open(&job.scan, s->options.disk, segment->file,
                    queue_record_seed(s->id, segment->number), segment->used);
    if (segment->number == position->segment && position->offset > job.scan.offset)
        job.scan.offset = position->offset;
    segment->readers++;
    r = task_offload(t, TASK_LANE_READ, events_run, &job);
    segment->readers--;
    position->segment = segment->number;
    position->offset = job.scan.offset;
    if (r == 0 && job.scan.offset < segment->used) /* it has grown meanwhile */
        r = 1;
    if (r == 0 && segment->link.next != &s->segments) {
        position->segment = LIST_ENTRY(segment->link.next, struct queue_segment, link)->number;
        position->offset = 0;
        r = 1;
    }
    queue_scan_close(&job.scan);
    return r;
}

void queue_spool_status(const struct queue_spool *s, struct queue_spool_status *ret)
{
    *ret = (struct queue_spool_status){
        .id = s->id,
        .bytes = s->bytes,
        .live_bytes = spool_live_bytes(s),
        .commits = s->commits,
        .failures = s->failures,
        .next_event = s->next_event,
        .acknowledged = s->acknowledged,
        .was_closed = s->was_closed,
    };
}
