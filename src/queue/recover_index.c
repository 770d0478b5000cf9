/* A segment's index in place of the segment, if there is one that is right. */
#include "queue/index.h"
#include "queue/recover_inside.h"

static bool belongs(const struct recovery *r, const struct queue_segment *segment,
                    const struct queue_index_head *head)
{
    return head->spool_id == r->spool->id && head->number == segment->number &&
           head->created_us == segment->created_us && head->used == segment->used &&
           head->first_commit > 0;
}

static void restore_head(struct recovery *r, struct queue_segment *segment,
                         const struct queue_index_head *head)
{
    segment->last_event = head->last_event;
    segment->message_bytes = head->message_bytes;
    segment->indexed = true;
    if (head->next_event > r->spool->next_event)
        r->spool->next_event = head->next_event;
}

bool recover_by_index(struct recovery *r, struct queue_segment *segment, uint64_t *ret_first,
                      uint64_t *ret_last)
{
    CLEANUP(buffer_done) struct buffer file = BUFFER_NONE;
    struct queue_index_head head;
    struct queue_index_entry entry;
    struct slice entries;

    if (segment->damaged || spool_index_load(r->disk, segment->number, &file) < 0 ||
        queue_index_read(buffer_slice(&file), &head, &entries) < 0 || !belongs(r, segment, &head))
        return false;
    while (queue_index_entry_read(&entries, &entry)) {
        const struct queue_restored restored = {&entry.record, segment, entry.offset,
                                                entry.body_size};

        recover_record(r, &restored);
    }
    restore_head(r, segment, &head);
    *ret_first = head.first_commit;
    *ret_last = head.last_commit;
    return true;
}
