/* The bodies of the frames IPC_SUBMIT_* (remote.h). Pure. Slices that a read yields lie in the
 * body. */
#ifndef LETTERHEAD_SUBMIT_REMOTE_CODEC_H
#define LETTERHEAD_SUBMIT_REMOTE_CODEC_H

#include "submit/transaction.h"

enum submit_remote_part { SUBMIT_REMOTE_ENVELOPE = 1, SUBMIT_REMOTE_CONTENT };

/* IPC_SUBMIT_BEGIN */
struct submit_remote_begin {
    struct message_id id;
    uint64_t site_id;
    struct slice access_key_id;
    uint32_t envelope_size;
    uint64_t content_size;
};
void submit_remote_begin_write(struct buffer *b, const struct submit_remote_begin *begin);
MUST_CHECK int submit_remote_begin_read(struct slice body, struct submit_remote_begin *ret);

/* IPC_SUBMIT_CONTENT */
struct submit_remote_piece {
    struct message_id id;
    enum submit_remote_part part;
    uint64_t offset;
    struct slice bytes;
};
void submit_remote_piece_write(struct buffer *b, const struct submit_remote_piece *piece);
MUST_CHECK int submit_remote_piece_read(struct slice body, struct submit_remote_piece *ret);

/* IPC_SUBMIT_END, and its reply */
void submit_remote_end_write(struct buffer *b, const struct message_id *id);
MUST_CHECK int submit_remote_end_read(struct slice body, struct message_id *ret);
void submit_remote_reply_write(struct buffer *b, const struct wire_reply *reply);
/* Texts are copied to the arena. */
MUST_CHECK int submit_remote_reply_read(struct arena *arena, struct slice body,
                                        struct wire_reply *ret);

/* The envelope part. Reading opens the transaction, with the same rules as MAIL and RCPT: 0 with
 * ret_refusal->code 0, or with the refusal; -EBADMSG for what is no envelope. */
void submit_remote_envelope_write(struct buffer *b, const struct submit_envelope *envelope);
MUST_CHECK int submit_remote_envelope_read(struct slice bytes, size_t recipients_max,
                                           struct submit_transaction *ret,
                                           struct wire_reply *ret_refusal);

#endif
