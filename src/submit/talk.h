/* The line level of a session: reads what a client says, writes what it is told.
 *
 * A line ends in CR LF and in nothing else; a bare LF is a byte of the line (and makes it one that
 * no command has). Replies gather while input is at hand and leave together when the next line has
 * to be waited for, so a pipelined group costs one write (RFC 2920). What is read may be a
 * password: every line is wiped from the stream's buffer when it is taken, and from here when the
 * next one comes, or sooner (submit_talk_forget). */
#ifndef LETTERHEAD_SUBMIT_TALK_H
#define LETTERHEAD_SUBMIT_TALK_H

#include "runtime/stream.h"
#include "wire/smtp_command.h"

struct submit_talk {
    struct stream *stream; /* borrowed */
    struct buffer line;
    struct buffer reply;
};

/* Wipes and frees; for CLEANUP. */
void submit_talk_done(struct submit_talk *talk);

enum {
    SUBMIT_TALK_LINE_BYTES = 12288 + 64, /* an AUTH with its initial response (RFC 4954 §4) */
    SUBMIT_TALK_SKIPPED_BYTES_MAX = 65536,
};

/* The next line without its CR LF; good until the next call. -EMSGSIZE: it was longer than
 * SUBMIT_TALK_LINE_BYTES and was skipped; -EPROTO: it was so long, or so much not SMTP, that
 * there is no point in going on. Else the stream's errors. */
MUST_CHECK int submit_talk_read(struct task *t, struct submit_talk *talk, struct slice *ret_line);
/* Wipes the line that was read last: it was a password, and the next one may be long in coming. */
void submit_talk_forget(struct submit_talk *talk);
MUST_CHECK int submit_talk_reply(struct task *t, struct submit_talk *talk,
                                 const struct wire_reply *reply);
MUST_CHECK int submit_talk_flush(struct task *t, struct submit_talk *talk);

/* True when the client has sent more than was read so far. */
bool submit_talk_pending(const struct submit_talk *talk);

#endif
