/* The bodies of IPC_REPORT_BEGIN, _CONTENT and _END: how a report that came in is carried to the
 * steward (submit/report_sender.h, feedback/intake.h). Pure. Slices that a read yields lie in the
 * body; -EBADMSG for what is none. */
#ifndef LETTERHEAD_SUBMIT_REPORT_FRAME_H
#define LETTERHEAD_SUBMIT_REPORT_FRAME_H

#include "base/buffer.h"
#include "base/limits.h"
#include "wire/message_id.h"

enum { REPORT_PIECE_BYTES = 60 * 1024 };

/* Names a report, the same however often it is handed over. */
struct report_name {
    struct message_id id; /* the gateway took it under */
    uint32_t recipient;   /* of that message */
};

struct report_begin {
    struct report_name name;
    struct slice address; /* that it was sent to; at most LIMIT_PATH_BYTES */
    uint32_t size;        /* at most LIMIT_REPORT_BYTES */
    uint8_t tries;        /* how often the steward has died over it, as far as is known */
};

struct report_piece {
    struct report_name name;
    uint32_t offset;
    struct slice bytes;
};

void report_begin_write(struct buffer *b, const struct report_begin *begin);
MUST_CHECK int report_begin_read(struct slice body, struct report_begin *ret);
void report_piece_write(struct buffer *b, const struct report_piece *piece);
MUST_CHECK int report_piece_read(struct slice body, struct report_piece *ret);
void report_end_write(struct buffer *b, const struct report_name *name);
MUST_CHECK int report_end_read(struct slice body, struct report_name *ret);

bool report_name_equal(const struct report_name *a, const struct report_name *b);

#endif
