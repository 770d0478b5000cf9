/* A segment's index: in short, what the segment says of messages that it does not end itself, so
 * that a start need not read the segment. It lies beside it ("000000000042.index").
 *
 * It holds nothing that is not in the segment: it is written once no commit can come any more, not
 * synced, and when it is missing, torn or not this segment's, the segment is read instead. So it
 * may be removed at any time.
 *
 * Its entries are records, in the log's order, with what nobody asks for at a start left out: texts
 * of envelopes and events, contents, attempts that have ended, and everything about a message that
 * both began and ended in this segment. To read them in place of the segment leaves the same queue
 * behind; index_test.c compares. */
#ifndef LETTERHEAD_QUEUE_INDEX_H
#define LETTERHEAD_QUEUE_INDEX_H

#include "base/table.h"
#include "queue/record.h"

/* Which segment, and what is known of all its records, the left out ones too. */
struct queue_index_head {
    uint64_t spool_id, number;
    int64_t created_us; /* as the segment's own head says */
    uint64_t used;      /* of the segment */
    uint64_t first_commit, last_commit;
    uint64_t last_event, next_event; /* as in struct queue_segment; the number after the last one */
    uint64_t message_bytes;          /* of all messages */
    uint64_t messages;               /* how many of them the index holds */
};

struct queue_index_entry {
    struct queue_record record; /* its body is shortened; event_count is 0 */
    uint64_t offset;            /* of the record in the segment */
    uint32_t body_size;         /* as it stands there */
};

/* --- making one --- */

struct queue_index_builder;

struct queue_index_builder *queue_index_builder_new(void);
/* Accepts NULL. */
void queue_index_builder_free(struct queue_index_builder *b);
/* The segment's records, in their order. -EBADMSG: one that makes no sense; no index then. */
MUST_CHECK int queue_index_add(struct queue_index_builder *b, const struct queue_record *record,
                               uint64_t offset);
/* The whole file. Sets head->messages. */
void queue_index_finish(struct queue_index_builder *b, struct queue_index_head *head,
                        struct buffer *file);

/* --- reading one --- */

/* Checks the file's sum. *ret_entries points into it. -EBADMSG. */
MUST_CHECK int queue_index_read(struct slice file, struct queue_index_head *ret,
                                struct slice *ret_entries);
/* Takes the first entry off; false: no more. */
bool queue_index_entry_read(struct slice *entries, struct queue_index_entry *ret);

#endif
