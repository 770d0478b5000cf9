/* The spool's cleaner: removes segments from the front when nothing in them counts any more, and
 * sees to it that this comes to pass by copying the messages that are left to the end.
 *
 * Only the front, and one at a time with a sync of the folder between: a later segment says how the
 * messages of earlier ones ended, so it must not go before them, not even in a power cut. */
#include "base/log.h"
#include "queue/spool_inside.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    COPIES_MAX = 64, /* under way at a time */
    COPY_BYTES = 4 << 20,
};
static const uint64_t AGE_MIN_US = 60 * SECOND_US;    /* younger segments empty themselves */
static const uint64_t LOOK_US = 10 * SECOND_US;       /* when nothing wakes us */
static const uint64_t KEEP_US = 4 * 3600 * SECOND_US; /* by default */

/* --- removing --- */

struct removal {
    struct disk *disk;
    uint64_t number;
    bool damaged, indexed;
};

static int removal_run(void *argument)
{
    struct removal *job = argument;
    char name[QUEUE_SEGMENT_NAME_BYTES], aside[QUEUE_SEGMENT_NAME_BYTES];
    int r;

    queue_segment_name(job->number, name);
    queue_segment_name_damaged(job->number, aside);
    if (job->indexed)
        spool_index_remove(job->disk, job->number);
    r = job->damaged ? job->disk->ops->rename(job->disk, name, aside)
                     : job->disk->ops->unlink(job->disk, name);
    if (r < 0 && r != -ENOENT) /* it is gone already when the sync failed the last time */
        return r;
    return job->disk->ops->sync_directory(job->disk, ".");
}

static bool is_removable(const struct queue_spool *s, const struct queue_segment *segment)
{
    return segment != s->active && list_empty(&segment->live) && !segment->readers &&
           segment->last_event <= s->acknowledged;
}

static int remove_segment(struct task *t, struct queue_spool *s, struct queue_segment *segment)
{
    struct removal job = {s->options.disk, segment->number, segment->damaged, segment->indexed};
    int r;

    list_remove(&segment->link);
    r = task_offload(t, TASK_LANE_COMMIT, removal_run, &job);
    if (r < 0) {
        log_error("segment %" PRIu64 " of the spool cannot be removed: %s; it is tried again",
                  segment->number, strerror(-r));
        list_add_first(&s->segments, &segment->link);
        return r;
    }
    s->bytes -= segment->size;
    s->options.disk->ops->close(s->options.disk, segment->file);
    queue_segment_free(segment);
    return 0;
}

/* --- copying --- */

struct copy {
    struct queue_append append;
    struct buffer record, content;
};

static void copy_free(struct copy *copy)
{
    buffer_done(&copy->record);
    buffer_done(&copy->content);
    free(copy);
}

void spool_copy_ended(struct queue_spool *s, struct queue_append *append, int result)
{
    if (result == 0)
        s->options.client.moved(s->options.client.context, append);
    s->copies--;
    copy_free(CONTAINER_OF(append, struct copy, append));
}

/* Time heals most segments; the old, the nearly empty and the many need help. */
static bool needs_copying(const struct queue_spool *s, const struct queue_segment *segment)
{
    uint64_t age_us = world_now_us(s->world) - segment->opened_us;
    uint64_t keep_us = s->options.keep_us ? s->options.keep_us : KEEP_US;
    bool full = s->health == SPOOL_FULL;

    if (segment == s->active || list_empty(&segment->live) ||
        segment->last_event > s->acknowledged || s->stuck || s->health == SPOOL_FAILED)
        return false;
    if (full && segment->live_bytes < segment->used / 4 * 3)
        return true;
    if (age_us < AGE_MIN_US && age_us < keep_us)
        return false;
    return segment->live_bytes < segment->used / 4 ||
           s->bytes > 4 * (spool_live_bytes(s) + spool_segment_bytes(s)) ||
           (age_us >= keep_us && segment->message_bytes > segment->live_bytes);
}

/* The place in the segment that is at `offset` now, if its message is still there. */
static struct queue_place *place_at(struct queue_segment *segment, uint64_t offset)
{
    LIST_FOREACH (link, &segment->live) {
        struct queue_place *place = LIST_ENTRY(link, struct queue_place, link);

        if (place->offset == offset)
            return place;
    }
    return NULL;
}

/* `place` is a copy: while it is read, its message may end and be freed. Returns how many were
 * appended. */
static int copy_message(struct task *t, struct queue_spool *s, const struct queue_place *place)
{
    CLEANUP(buffer_done) struct buffer record = BUFFER_NONE;
    struct copy *copy = base_allocate(sizeof(*copy));
    struct queue_place *now;
    struct slice body;
    int r;

    place->segment->readers++; /* so that it is still there for place_at */
    r = queue_spool_read(t, s, place, &record, &copy->content);
    place->segment->readers--;
    now = r == -EBADMSG ? place_at(place->segment, place->offset) : NULL;
    if (now) {
        place->segment->damaged = true;
        s->options.client.damaged(s->options.client.context, now);
    }
    body = slice_part(buffer_slice(&record), QUEUE_RECORD_HEAD_BYTES, record.size);
    if (r < 0 || !s->options.client.copy(s->options.client.context, place, body, &copy->record)) {
        copy_free(copy);
        return 0;
    }
    copy->append.copy = true;
    copy->append.bytes = copy->record.data;
    copy->append.size = copy->record.size;
    copy->append.content = buffer_slice(&copy->content);
    s->copies++;
    queue_spool_append(s, &copy->append);
    return 1;
}

/* Copies the first few messages of the segment and waits until they are durable. */
static int copy_some(struct task *t, struct queue_spool *s, struct queue_segment *segment)
{
    struct queue_place places[COPIES_MAX];
    uint64_t bytes = 0;
    int count = 0, copied = 0, r = 0;

    LIST_FOREACH (link, &segment->live) {
        if (count == COPIES_MAX || bytes > COPY_BYTES)
            break;
        places[count] = *LIST_ENTRY(link, struct queue_place, link);
        bytes += queue_place_bytes(&places[count++]);
    }
    segment->readers++;
    for (int i = 0; i < count && !s->closing; i++)
        copied += copy_message(t, s, &places[i]);
    segment->readers--;
    while (r == 0 && s->copies && !s->closing && !s->stopped)
        r = condition_wait(t, &s->progress);
    return copied || r < 0 ? r : -EAGAIN;
}

/* --- when --- */

/* A quiet site's mail must not lie on disk for weeks because the segment never fills. */
static bool needs_rolling(const struct queue_spool *s)
{
    uint64_t keep_us = s->options.keep_us ? s->options.keep_us : KEEP_US;

    return s->active && !s->roll && !s->stuck && s->health == SPOOL_GOOD &&
           s->active->message_bytes > s->active->live_bytes &&
           world_now_us(s->world) - s->active->opened_us > keep_us / 4;
}

/* One step; -EAGAIN: nothing to do at present. */
static int clean(struct task *t, struct queue_spool *s)
{
    struct queue_segment *first = spool_first(s);

    if (needs_rolling(s)) {
        s->roll = true;
        condition_signal(&s->work);
    }
    if (first && is_removable(s, first))
        return remove_segment(t, s, first);
    if (first && needs_copying(s, first))
        return copy_some(t, s, first);
    return -EAGAIN;
}

int spool_cleaner(struct task *t, void *spool)
{
    struct queue_spool *s = spool;
    int r = 0;

    while (r != -ECANCELED && !s->closing) {
        r = clean(t, s);
        if (r < 0 && r != -ECANCELED && !s->closing)
            r = condition_wait_for(t, &s->cleaning, LOOK_US);
    }
    spool_task_ended(s);
    return r;
}
